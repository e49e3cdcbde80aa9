"""What git knows of a project that stands in the way of an update."""

from collections.abc import Iterator
from pathlib import Path

from generator.errors import Problem
from generator.git import git, git_bytes, paths
from generator.living.answers_file import NAME
from generator.living.repository import Repository, some
from generator.processes import ProgramError

# What git keeps while something else is not finished, and how that is broken off.
_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-apply/applying": "am",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
_MARKERS = ("-e", "^<<<<<<< ", "-e", "^=======", "-e", "^>>>>>>> ")


def obstacles(repository: Repository) -> Iterator[Problem]:
    """Find them, the gravest first."""
    folder = repository.folder
    if unfinished := _unfinished(folder):
        yield unfinished
    elif changed := _changed(folder):
        yield Problem(
            f"{folder} has uncommitted changes ({some(changed)})",
            "commit them, or put them aside with `git stash --include-untracked`",
        )
    if marked := _marked(folder):
        yield Problem(
            f"Conflict markers are left in {some(marked)}",
            "resolve them and commit; `git grep -n '<<<<<<< '` finds them",
        )
    if rejected := _listed(folder, ":(glob)**/*.rej"):
        yield Problem(
            f"Rejected changes of an earlier update are left in {some(rejected)}",
            "apply them by hand, then `git rm` these files and commit",
        )
    if git(folder, "config", "--type=bool", "--default=false", "core.sparseCheckout") == "true":
        yield Problem(
            f"{folder} is a sparse checkout, in which files are missing",
            "`git sparse-checkout disable` completes it",
        )
    if not _listed(folder, NAME):
        yield Problem(f"{NAME} is not committed", f"`git add --force {NAME}`, then `git commit`")


def _changed(folder: Path) -> list[str]:
    """Files that are not as they were committed, untracked ones included."""
    every = ("--no-renames", "--untracked-files=all")
    status = git_bytes(folder, "status", "--porcelain", "-z", *every, "--", ".")
    return [entry[3:] for entry in paths(status)]


def _unfinished(folder: Path) -> Problem | None:
    for name, operation in _UNFINISHED.items():
        if (folder / git(folder, "rev-parse", "--git-path", name)).exists():
            return Problem(
                f"`git {operation}` is under way in {folder}",
                f"finish it, or break it off with `git {operation} --abort`",
            )
    unmerged = paths(git_bytes(folder, "diff", "--name-only", "--diff-filter=U", "-z"))
    if unmerged:
        return Problem(
            f"Conflicts are not resolved in {some(list(dict.fromkeys(unmerged)))}",
            "resolve them, then `git add` these files and `git commit`",
        )
    return None


def _marked(folder: Path) -> list[str]:
    try:
        shown = ("--no-color", "-z", "-I", "--name-only", "--all-match")
        found = git_bytes(folder, "grep", *shown, *_MARKERS)
    except ProgramError:  # How grep says that it has found nothing.
        return []
    return paths(found)


def _listed(folder: Path, pattern: str) -> list[str]:
    return paths(git_bytes(folder, "ls-files", "-z", "--", pattern))
