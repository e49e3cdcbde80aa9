"""Existing projects: made from a release, edited by their team, updated and switched."""

import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import copier

from generator.project.answers import ANSWERS_FILE, read_recorded_values
from generator.template.options import Option, Value
from generator.verify.matrix.rows import Row, build_rows
from tests.support.command import Result
from tests.support.edits import VERSIONS, Edit, list_lost, possible_edits
from tests.support.history import CURRENT, LATEST
from tests.support.repository import git

Answers = Mapping[str, Value]

MARKER = "<<<<<<< "


def covering_rows(options: Sequence[Option]) -> list[Row]:
    """Return rows in which every value of every option occurs, the richest first."""
    rows = build_rows(options)
    missing = {assignment for row in rows for assignment in row.assignments}
    chosen = []
    while missing:
        chosen.append(max(rows, key=lambda row: len(missing & set(row.assignments))))
        missing -= set(chosen[-1].assignments)
    return chosen


def render_release(history: Path, folder: Path, answers: Answers, version: str = CURRENT) -> Path:
    """Render with plain copier, without `--trust`."""
    data = {"project_name": "Order Service", **answers}
    copier.run_copy(
        str(history), folder, data, vcs_ref=f"v{version}", defaults=True, quiet=True
    )  # fmt: skip
    return folder


def make_project(
    history: Path,
    folder: Path,
    answers: Answers,
    version: str = CURRENT,
    without: Collection[str] = (),
) -> list[Edit]:
    """Render a project, commit it, and apply and commit a team's edits; returns them."""
    render_release(history, folder, answers, version)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Start")
    edits = [edit for edit in possible_edits(folder) if edit.name not in without]
    for edit in edits:
        edit.apply(folder)
    commit(folder, "Our service")
    assert list_lost(folder, edits) == []
    return edits


def render_expected(
    history: Path, folder: Path, answers: Answers, edits: Iterable[Edit], version: str = LATEST
) -> list[Edit]:
    """Render a release and apply the edits that it allows: the result a merge must have."""
    render_release(history, folder, answers, version)
    git(folder, "init", "--quiet")
    applied = [edit for edit in edits if edit.possible(folder)]
    for edit in applied:
        edit.apply(folder)
    return applied


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")


def update(project: Path, version: str | None = None) -> None:
    """Update with plain copier, by default to the latest release."""
    ref = f"v{version}" if version else None
    copier.run_update(project, vcs_ref=ref, defaults=True, overwrite=True, quiet=True)


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


def list_conflicts(project: Path) -> list[str]:
    """List files with conflict markers, and unmerged files of git's index."""
    marked = {path for path, text in merged_files(project).items() if MARKER.encode() in text}
    return sorted({*marked, *git(project, "diff", "--name-only", "--diff-filter=U").splitlines()})


def merged_files(project: Path) -> dict[str, bytes]:
    listing = git(project, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = {path for path in listing.split("\0") if (project / path).is_file()}
    paths -= owned_files(project).keys()
    return {path: (project / path).read_bytes() for path in sorted(paths)}


def owned_files(project: Path) -> dict[str, bytes]:
    """Return the files that belong to the team from the first render on."""
    paths = [project / ".env", project / "uv.lock", *(project / VERSIONS).iterdir()]
    return {
        str(path.relative_to(project)): path.read_bytes() for path in paths if path.is_file()
    }  # fmt: skip


def differences(actual: Mapping[str, bytes], expected: Mapping[str, bytes]) -> list[str]:
    names = sorted({*actual, *expected})
    return [name for name in names if actual.get(name) != expected.get(name)]


def answers_of(project: Path) -> dict[str, Value]:
    return read_recorded_values(project)


def version_of(project: Path) -> str:
    text = (project / ANSWERS_FILE).read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("_commit: ")]
    return line.removeprefix("_commit: ")


def run_copier(folder: Path, *arguments: str, **variables: str) -> Result:
    """Run copier's own command without a terminal, like a scheduled job."""
    return subprocess.run(
        [sys.executable, "-m", "copier", *arguments],
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
