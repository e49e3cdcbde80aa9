"""Looks at a project before anything is changed: repository, answers, and obstacles."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from generator.errors import Problem
from generator.git import git, git_bytes, require_git, split_paths
from generator.processes import ProgramError
from generator.project.answers import ANSWERS_FILE, AnswersFile, read_answers, require_answers_file
from generator.project.repository import Repository, open_repository, shorten

# Files of git that mark an unfinished operation. `rebase-apply/applying` belongs to `git am`.
_OPERATIONS = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-apply/applying": "am",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
_MARKERS = ("-e", "^<<<<<<< ", "-e", "^=======", "-e", "^>>>>>>> ")


@dataclass(frozen=True)
class Project:
    """An existing project. `problems` block an update, the most severe first."""

    repository: Repository
    problems: tuple[Problem, ...]

    @property
    def folder(self) -> Path:
        return self.repository.folder

    @cached_property
    def recorded(self) -> AnswersFile:
        """The answers file; raises Problem when it is unreadable."""
        return read_answers(self.folder)

    def require_no_problems(self) -> None:
        """Raise the most severe problem, if there is one."""
        for problem in self.problems:
            raise problem


def preflight(folder: Path) -> Project:
    """Examine a project.

    Raises UsageError for a missing folder, and Problem when there is no project or no repository.
    """
    require_git()
    require_answers_file(folder)
    repository = open_repository(folder)
    return Project(repository, tuple(_find_problems(repository.folder)))


def _find_problems(folder: Path) -> Iterator[Problem]:
    if unfinished := _find_unfinished(folder):
        yield unfinished
    elif changed := _list_changed(folder):
        yield Problem(
            f"{folder} has uncommitted changes ({shorten(changed)})",
            "commit them, or put them aside with `git stash --include-untracked`",
        )
    if marked := _list_marked(folder):
        yield Problem(
            f"Conflict markers are left in {shorten(marked)}",
            "resolve them and commit; `git grep -n '<<<<<<< '` finds them",
        )
    if rejected := _list_tracked(folder, ":(glob)**/*.rej"):
        yield Problem(
            f"Rejected changes of an earlier update are left in {shorten(rejected)}",
            "apply them by hand, then `git rm` these files and commit",
        )
    if git(folder, "config", "--type=bool", "--default=false", "core.sparseCheckout") == "true":
        yield Problem(
            f"{folder} is a sparse checkout, in which files are missing",
            "`git sparse-checkout disable` completes it",
        )
    if not _list_tracked(folder, ANSWERS_FILE):
        yield Problem(
            f"{ANSWERS_FILE} is not committed",
            f"`git add --force {ANSWERS_FILE}`, then `git commit`",
        )


def _list_changed(folder: Path) -> list[str]:
    """List files that differ from the last commit, untracked ones included."""
    every = ("--no-renames", "--untracked-files=all")
    status = git_bytes(folder, "status", "--porcelain", "-z", *every, "--", ".")
    return [entry[3:] for entry in split_paths(status)]


def _find_unfinished(folder: Path) -> Problem | None:
    for name, operation in _OPERATIONS.items():
        if (folder / git(folder, "rev-parse", "--git-path", name)).exists():
            return Problem(
                f"`git {operation}` is in progress in {folder}",
                f"finish it, or cancel it with `git {operation} --abort`",
            )
    unmerged = split_paths(git_bytes(folder, "diff", "--name-only", "--diff-filter=U", "-z"))
    if unmerged:
        return Problem(
            f"Conflicts are not resolved in {shorten(list(dict.fromkeys(unmerged)))}",
            "resolve them, then `git add` these files and `git commit`",
        )
    return None


def _list_marked(folder: Path) -> list[str]:
    options = ("--no-color", "-G", "-z", "-I", "--name-only", "--all-match")
    try:
        return split_paths(git_bytes(folder, "grep", *options, *_MARKERS))
    except ProgramError:  # Exit code 1: no match.
        return []


def _list_tracked(folder: Path, pattern: str) -> list[str]:
    return split_paths(git_bytes(folder, "ls-files", "-z", "--", pattern))
