"""The shell steps of both pipelines, in a clean clone: green, and red after a mistake."""

import shutil
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from generator.processes import ProgramError
from generator.project.answers import ANSWERS_FILE
from generator.template.options import Option
from generator.uv import lock
from generator.verify.images.buildah import Buildah
from generator.verify.matrix.rows import Row, select_rows
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.servers import UnavailableError
from generator.verify.steps import Clone
from tests.support.audit import is_unreachable
from tests.support.history import AFTER_LATEST, release_change
from tests.support.mutations import Mutation, append_text
from tests.support.projects import commit, render_release, run_copier
from tests.support.repository import git
from tests.support.servers import skip_missing

pytestmark = pytest.mark.slow

# The servers that the pipelines name; few features save time.
PIPELINES = {
    "github": ["ci=github", "database=postgresql", "auth=none", "sqlalchemy=sync"],
    "gitlab": ["ci=gitlab", "database=sqlite", "auth=jwt", "sqlalchemy=async"],
}
# The step that must fail, by the text of its script.
MISTAKES: dict[str, Mutation] = {
    "uv run ruff format": append_text("app/main.py", "LIMIT=1\n"),
    "uv run mypy": append_text("app/orm.py", '\n\nLIMIT: int = "1"\n'),
    "uv run pytest": append_text(
        "tests/test_docs.py", "\n\ndef test_broken() -> None:\n    raise ValueError\n"
    ),
}
LOCK = "uv lock --check"
DEPENDENCIES = "dependencies = [\n"


@dataclass(frozen=True)
class Forge:
    """A clone of a project, and the variables for this machine."""

    clone: Clone
    template: Path
    settings: dict[str, str]

    def run(self, text: str) -> str:
        """Run the step with this text."""
        return self.clone.run(self.clone.step(text), **self.settings)

    @contextmanager
    def committed(self, *mutations: Mutation) -> Iterator[None]:
        """Commit changes, and take them back."""
        for mutation in mutations:
            mutation(self.clone.folder)
        git(self.clone.folder, "commit", "--quiet", "--all", "--message=Change")
        try:
            yield
        finally:
            git(self.clone.folder, "reset", "--quiet", "--hard", "HEAD^1")

    def merge_release(self) -> None:
        """Merge the newest release like Renovate: by its command, in a branch."""
        folder = self.clone.folder
        git(folder, "checkout", "--quiet", "-b", "renovate/template")
        command = ["update", "--skip-answered", "--defaults", f"--answers-file={ANSWERS_FILE}"]
        result = run_copier(folder, *command, f"--vcs-ref=v{AFTER_LATEST}")
        assert result.returncode == 0, result.stderr
        commit(folder, "Update the template")
        git(folder, "checkout", "--quiet", "main")
        git(folder, "merge", "--quiet", "--no-ff", "--message=Merge", "renovate/template")


def write_program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture(params=PIPELINES)
def forge(
    request: pytest.FixtureRequest,
    options: tuple[Option, ...],
    workspace: Path,
    checkout: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Forge]:
    """A forge without actions and images: this machine has Python, uv, and buildah."""
    try:
        Buildah.require()
    except UnavailableError as error:
        skip_missing(str(error))
    request.getfixturevalue("postgresql")
    only = [*PIPELINES[request.param], "container=true", "examples=false"]
    only += ["background=background_tasks", "cors_origins=[]"]
    row = select_rows(options, only)[0]
    folder = tmp_path_factory.mktemp(request.param)
    template = Path(shutil.copytree(checkout, folder / "template"))
    project = RenderedProject(Row(f"pipeline-{row.id}", row.answers), workspace)
    render_release(template, project.folder, row.answers, "0.1.0")
    lock(project.folder)
    git(project.folder, "init", "--quiet", "--initial-branch=main")
    commit(project.folder, "Start")

    programs = folder / "python/bin"
    venv.create(folder / "python", with_pip=request.param == "gitlab")
    if request.param == "github":
        shutil.copy(uv.find_uv_bin(), programs / "uv")
    buildah = Buildah(workspace).docker(project.folder)
    write_program(programs, "docker", f'[ "$1" = build ] && shift && exec {buildah} "$@"')
    with fresh_database(project) as url:
        settings = {"DATABASE_URL": url, "UV_PYTHON": sys.executable}
        yield Forge(Clone(project.folder, folder / "clone", programs), template, settings)


def test_steps_are_green_and_red(
    forge: Forge, record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test for each forge: its clone is made once."""
    for step in forge.clone.steps:
        try:
            forge.clone.run(step, **forge.settings)
        except ProgramError as error:
            if not is_unreachable(error):
                raise AssertionError(error.output) from error
            record_property("report", "audit: the index of vulnerabilities was not reached")

    monkeypatch.setenv("PYTEST_ADDOPTS", "--exitfirst tests/test_docs.py")
    for text, mistake in MISTAKES.items():
        with forge.committed(mistake), pytest.raises(ProgramError):
            forge.run(text)

    # A release of the template changes dependencies, and cannot change the lock.
    release_change(
        forge.template, "pyproject.toml", DEPENDENCIES, f'{DEPENDENCIES}    "iniconfig",\n'
    )
    forge.merge_release()
    assert "commit the result of 'uv lock'" in forge.run(LOCK)
    forge.run("uv sync --locked")
    git(forge.clone.folder, "restore", "uv.lock")
    with forge.committed(append_text("README.md", "\n")), pytest.raises(ProgramError) as raised:
        forge.run(LOCK)
    assert "run 'uv lock' and commit the result" in raised.value.output
    lock(forge.clone.folder)
    with forge.committed():
        forge.run(LOCK)
