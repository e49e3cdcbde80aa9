"""Random edits of a team: no update and no new answer loses a line silently.

`RANDOM_EDITS=500` examines as many projects for each change, and other ones each time.
"""

import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.errors import CommandError, NeedsAttentionError
from generator.project.merge import MergeOptions
from generator.project.update import set_answers, update
from tests.support.history import AFTER_LATEST, FIRST, LATEST, build_history, tag
from tests.support.projects import commit, render_release
from tests.support.repository import git, template_files
from tests.support.team import TeamProject

pytestmark = pytest.mark.slow

# Few files, and no lock: an update takes a third of the time.
KEPT = re.compile(
    r"README|\.gitignore|.*answers_file|app/(main|settings|auth|database|errors)\.|"
    r"app/(items/(routes|service)|jobs/models)\."
)
EXAMPLES = int(os.environ.get("RANDOM_EDITS", "3"))

# Paths that the template has, had or gets, and others.
PLACES = [
    "app/auth.py", "app/items/routes.py", "app/items/service.py", "app/jobs/models.py",
    "app/main.py", "app/settings.py", "app/start.py", "README.md", "docs/ours.md", "app/ours.py",
    "with a space.md", "\N{GREEK SMALL LETTER ALPHA}.md",
]  # fmt: skip


@dataclass(frozen=True)
class RandomEdit:
    """An edit; `at` and `size` are fractions of the files and lines that exist."""

    kind: str
    at: float
    size: float
    place: str

    def apply(self, folder: Path, written: Iterator[int]) -> None:
        """Apply the edit, with lines that occur nowhere else."""
        chosen = sorted(path for path in folder.rglob("*") if self._is_editable(folder, path))
        if self.kind == "add":
            self._add(folder / self.place, written)
            return
        if not chosen:
            return
        path = chosen[int(self.at * 997) % len(chosen)]
        if self.kind == "delete":
            path.unlink()
        elif self.kind == "move":
            target = folder / "moved" / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        elif self.kind == "rename":
            target = folder / self.place
            if not self._blocked(folder, target):
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        else:
            self._rewrite(path, written)

    def _rewrite(self, path: Path, written: Iterator[int]) -> None:
        lines = path.read_text().splitlines(keepends=True)
        start = int(self.at * (len(lines) + 1))
        removed = {"insert": 0, "replace": 1 + int(self.size * 8), "cut": 1 + int(self.size * 20)}
        new = [] if self.kind == "cut" else [_line(written) for _ in range(1 + int(self.size * 3))]
        if start == len(lines) and self.size < 0.5 and new:
            new[-1] = new[-1].rstrip("\n")
        path.write_text("".join([*lines[:start], *new, *lines[start + removed[self.kind] :]]))

    def _add(self, path: Path, written: Iterator[int]) -> None:
        folder = path.parents[len(Path(self.place).parts) - 1]
        if not self._blocked(folder, path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(_line(written) for _ in range(1 + int(self.size * 5))))

    @staticmethod
    def _blocked(folder: Path, path: Path) -> bool:
        above = path.relative_to(folder).parents
        return path.exists() or any((folder / parent).is_file() for parent in above)

    @staticmethod
    def _is_editable(folder: Path, path: Path) -> bool:
        name = path.relative_to(folder)
        return path.is_file() and name.parts[0] not in {".git", ".env", ".copier-answers.yml"}


def _line(written: Iterator[int]) -> str:
    return f"our line {next(written)}\n"


EDITS = st.builds(
    RandomEdit,
    kind=st.sampled_from(["insert", "replace", "cut", "delete", "rename", "move", "add"]),
    at=st.floats(0, 1, exclude_max=True),
    size=st.floats(0, 1, exclude_max=True),
    place=st.sampled_from(PLACES),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository whose last release moves, deletes and changes files."""
    folder = tmp_path_factory.mktemp("random") / "template"
    repository = build_history(folder, lambda name: KEPT.match(name) is not None)
    files = dict(template_files(repository))
    files["app/main.py"].rename(files["app/main.py"].with_name("start.py"))
    files["app/items/service.py"].unlink()
    routes = files["app/items/routes.py"]
    routes.write_text(routes.read_text().replace("from app.items import service\n", ""))
    for name in ("README.md", "app/settings.py", "app/items/routes.py"):
        lines = files[name].read_text().splitlines(keepends=True)
        changed = ["# New in the template.\n" if line == "\n" else line for line in lines]
        files[name].write_text("".join(changed))
    tag(repository, AFTER_LATEST)
    return repository


Change = Callable[[Path, MergeOptions], None]


def updating(version: str) -> Change:
    return lambda folder, options: update(folder, options, to=f"v{version}")


def answering(*assignments: str) -> Change:
    return lambda folder, options: set_answers(folder, assignments, options)


# The release that a project is made from, and the change.
CHANGES: dict[str, tuple[str, Change]] = {
    "update": (FIRST, updating(LATEST)),
    "update that moves files": (LATEST, updating(AFTER_LATEST)),
    "examples": (LATEST, answering("examples=false")),
    "answers": (LATEST, answering("sqlalchemy=sync", "auth=none", "database=postgresql")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_line_is_lost_silently(
    change: str, template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    version, act = CHANGES[change]
    original = render_release(template, tmp_path / "original", {}, version)
    git(original, "init", "--quiet")
    commit(original, "Start")

    @settings(
        max_examples=EXAMPLES,
        derandomize="RANDOM_EDITS" not in os.environ,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(EDITS, min_size=1, max_size=6))
    @example([RandomEdit("insert", 0.5, 0.5, "")])
    def keeps(edits: Sequence[RandomEdit]) -> None:
        with TemporaryDirectory(dir=tmp_path) as name:
            folder = Path(shutil.copytree(original, Path(name) / "project"))
            project = TeamProject(folder, template, [])
            written = itertools.count(1)
            for edit in edits:
                edit.apply(project.folder, written)
            project.commit()
            ours = lines(project.folder)
            before = project.state()
            capfd.readouterr()
            try:
                act(project.folder, MergeOptions())
            except NeedsAttentionError:
                outcomes.append("needs attention")
            except CommandError as error:
                outcomes.append(str(error))
            else:
                outcomes.append("clean")
            named = at_risk(capfd.readouterr().out)
            if named or outcomes[-1] not in {"clean", "needs attention"}:
                assert project.state() == before
            else:
                assert [line for line in ours if line not in lines(project.folder)] == []
            if named:
                apply_regardless(act, project.folder)
                missing = ours.keys() - lines(project.folder).keys()
                assert {ours[line] for line in missing} <= named

    outcomes: list[str] = []
    keeps()
    counted = {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}
    assert len(outcomes) >= EXAMPLES
    assert counted.keys() & {"clean", "needs attention"}
    # Copier fails on few projects, which changes nothing.
    assert counted.get("clean", 0) + counted.get("needs attention", 0) > 0.8 * len(outcomes), (
        counted
    )


def apply_regardless(change: Change, folder: Path) -> None:
    with suppress(NeedsAttentionError):  # Edits may overlap.
        change(folder, MergeOptions(accept_losses=True))


def lines(folder: Path) -> dict[str, str]:
    """Return each line of the team, with its file."""
    return {
        line: str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
        for line in path.read_text().splitlines()
        if line.startswith("our line ")
    }


def at_risk(output: str) -> set[str]:
    """Return the files that were named."""
    _, title, listing = output.partition("Edits at risk:\n")
    reasons = r"you edited|it is yours|\d+ lines? of yours|you deleted it|the template adds"
    return set(re.findall(rf"(?m)^    (.*?): (?:{reasons})", listing)) if title else set()
