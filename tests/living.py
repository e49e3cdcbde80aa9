"""Projects that live: made from a release, edited by their team, then updated and switched."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import copier
import pytest
import yaml

from generator.matrix import Row, rows
from generator.options import Option, Value, parse_definition
from tests.conftest import ROOT, Result, git
from tests.edits import VERSIONS, Edit, lost, possible
from tests.releases import NEXT, unpack, versions

Answers = Mapping[str, Value]

ANSWERS_FILE = ".copier-answers.yml"
MARKER = "<<<<<<< "
# A release after the working tree, for templates that a test changes.
THE_NEXT_AFTER = "1000.1.0"


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's repository: each release with its tag, and the working tree as the newest."""
    repository = tmp_path_factory.mktemp("history") / "template"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=main")
    for version in versions():
        release(repository, version)
    release(repository, NEXT)
    return repository


def release(repository: Path, version: str) -> None:
    """Commit and tag what was released, or the working tree for the version that comes next."""
    shutil.rmtree(repository / "template", ignore_errors=True)
    if version == NEXT:
        shutil.copy(ROOT / "copier.yml", repository)
        shutil.copytree(ROOT / "template", repository / "template")
    else:
        unpack(version, repository)
    tag(repository, version)


def tag(repository: Path, version: str) -> None:
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--allow-empty", f"--message=Release {version}")
    git(repository, "tag", f"v{version}")


def covering(options: Sequence[Option]) -> list[Row]:
    """Rows of the matrix in which every value of every option occurs, the richest first."""
    left = rows(options)
    missing = {assignment for row in left for assignment in row.assignments}
    chosen = []
    while missing:
        chosen.append(max(left, key=lambda row: len(missing & set(row.assignments))))
        missing -= set(chosen[-1].assignments)
    return chosen


def definition(repository: Path) -> tuple[Option, ...]:
    return parse_definition((repository / "copier.yml").read_text())


def render(history: Path, folder: Path, answers: Answers, version: str = NEXT) -> Path:
    """Let plain copier render, as a user does who trusts no template."""
    data = {"project_name": "Order Service", **answers}
    copier.run_copy(
        str(history), folder, data, vcs_ref=f"v{version}", defaults=True, quiet=True
    )  # fmt: skip
    return folder


def make_project(history: Path, folder: Path, answers: Answers, version: str = NEXT) -> list[Edit]:
    """Render a project, commit it, and let its team work on it; returns their edits."""
    render(history, folder, answers, version)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Start")
    edits = possible(folder)
    for edit in edits:
        edit.apply(folder)
    commit(folder, "Our service")
    assert lost(folder, edits) == []
    return edits


def rendered_anew(
    history: Path, folder: Path, answers: Answers, edits: Iterable[Edit]
) -> list[Edit]:
    """Make what a project must be equal to: rendered now, then edited where that is possible."""
    render(history, folder, answers)
    git(folder, "init", "--quiet")
    there = [edit for edit in edits if edit.possible(folder)]
    for edit in there:
        edit.apply(folder)
    return there


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")


def update(project: Path) -> None:
    copier.run_update(project, defaults=True, overwrite=True, quiet=True)


def switch(project: Path, answers: Answers) -> None:
    """Change answers within the same release."""
    copier.run_update(
        project,
        dict(answers),
        vcs_ref=copier.VcsRef.CURRENT,
        defaults=True,
        overwrite=True,
        quiet=True,
    )


def conflicts(project: Path) -> list[str]:
    """Files with markers, and those that git knows to be unmerged."""
    marked = {path for path, text in tree(project).items() if MARKER.encode() in text}
    return sorted({*marked, *git(project, "diff", "--name-only", "--diff-filter=U").splitlines()})


def tree(project: Path) -> dict[str, bytes]:
    """The files that are merged, by path."""
    listed = git(project, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = {path for path in listed.split("\0") if (project / path).is_file()}
    return {path: (project / path).read_bytes() for path in sorted(paths - owned(project).keys())}


def owned(project: Path) -> dict[str, bytes]:
    """The files that are the team's own from the first render on."""
    paths = [project / ".env", project / "uv.lock", *(project / VERSIONS).iterdir()]
    return {
        str(path.relative_to(project)): path.read_bytes() for path in paths if path.is_file()
    }  # fmt: skip


def differences(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> list[str]:
    names = sorted({*found, *expected})
    return [name for name in names if found.get(name) != expected.get(name)]


def answers_of(project: Path) -> dict[str, Value]:
    recorded = yaml.safe_load((project / ANSWERS_FILE).read_text())
    return {name: value for name, value in recorded.items() if not name.startswith("_")}


def version_of(project: Path) -> str:
    return str(yaml.safe_load((project / ANSWERS_FILE).read_text())["_commit"])


def run_copier(folder: Path, *arguments: str, **environment: str) -> Result:
    """Copier's own command, as a scheduled job runs it: nobody is there to answer or to trust."""
    return subprocess.run(
        [sys.executable, "-m", "copier", *arguments],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
