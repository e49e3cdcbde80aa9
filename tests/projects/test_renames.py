"""Random renames and deletions: each change of the template arrives, or is named."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.errors import NeedsAttentionError
from generator.project.merge import MergeOptions
from generator.project.update import update
from tests.support.history import AFTER_LATEST, LATEST, build_history, tag
from tests.support.projects import commit, render_release
from tests.support.repository import git, template_files

pytestmark = pytest.mark.slow

KEPT = re.compile(r"\.gitignore|.*answers_file|app/(main|orm|pagination|schemas|state|docs)\.")
PATHS = [f"app/{name}.py" for name in ("docs", "main", "orm", "pagination", "schemas", "state")]
FATES = ["keep", "edit", "delete", "move", "move and edit", "rewrite"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository whose last release adds a line to each module."""
    folder = tmp_path_factory.mktemp("renames") / "template"
    repository = build_history(folder, lambda name: KEPT.match(name) is not None)
    for name, path in template_files(repository):
        if name in PATHS:
            path.write_text(f"{path.read_text()}\n# Fix of {name}\n")
    tag(repository, AFTER_LATEST)
    return repository


def meet(fate: str, project: Path, path: str) -> None:
    """Change a file as a team would."""
    source = project / path
    target = project / "app/moved" / source.name
    lines = source.read_text().splitlines(keepends=True)
    if "move" in fate or fate == "rewrite":
        target.parent.mkdir(exist_ok=True)
        source = source.rename(target)
    if fate == "rewrite":  # Nothing is similar.
        lines = [f"OURS_{number} = {number}\n" for number in range(len(lines))]
    elif "edit" in fate:
        lines.insert(1, "OURS = 1\n")
    if fate == "delete":
        source.unlink()
    else:
        source.write_text("".join(lines))


def test_every_fix_arrives_or_is_named(
    template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    original = render_release(template, tmp_path / "original", {}, LATEST)
    git(original, "init", "--quiet")
    commit(original, "Start")

    @settings(
        max_examples=3,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.fixed_dictionaries({path: st.sampled_from(FATES) for path in PATHS}))
    @example(dict(zip(PATHS, FATES, strict=True)))
    def keeps(fates: dict[str, str]) -> None:
        with TemporaryDirectory(dir=tmp_path) as name:
            project = Path(shutil.copytree(original, Path(name) / "project"))
            for path, fate in fates.items():
                meet(fate, project, path)
            commit(project, "Ours")
            capfd.readouterr()

            with suppress(NeedsAttentionError):
                update(project, MergeOptions(accept_losses=True))

            named = re.findall(r"(?m)^    (.*): you deleted it", capfd.readouterr().out)
            code = "".join(path.read_text() for path in project.rglob("*.py"))
            for path, fate in fates.items():
                is_gone = fate in {"delete", "rewrite"}
                assert (path in named) == is_gone, (path, fate)
                assert code.count(f"# Fix of {path}\n") == (0 if is_gone else 1), (path, fate)
                assert not (project / path).exists() or fate in {"keep", "edit"}

    keeps()
