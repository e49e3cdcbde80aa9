"""Applies the result of a merge to a project: all of it, or nothing."""

import os
import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from generator.errors import CommandError
from generator.git import git, git_bytes, split_paths
from generator.processes import ProgramError, ignoring_interrupts
from generator.project.repository import Repository, shorten


def apply_tree(repository: Repository, tree: str, changed_paths: list[str], stages: bytes) -> None:
    """Write the tree into the working tree, uncommitted, with conflicts as after a merge.

    New files are added with `--intent-to-add`, so that `git diff` shows them. Raises CommandError,
    and restores everything, when a file is in the way or cannot be written.
    """
    root = repository.root
    head = repository.head
    before = repository.entries(head)
    after = repository.entries(tree)
    changed = [path for path in before if after.get(path) != before[path]]
    added = [path for path in after if path not in before]
    with ignoring_interrupts():
        _require_free(repository.folder, added)
        _require_tracked(repository.folder, changed)
        with suppress(ProgramError):  # Exit code 1: files elsewhere are changed.
            git(root, "update-index", "-q", "--refresh")
        _read_tree(root, "-n", head, tree)
        try:
            _read_tree(root, head, tree)
        except CommandError as error:
            _restore(repository, changed, added, changed_paths[1:], str(error))
        try:
            git(root, "reset", "--quiet", "--intent-to-add", "--", *changed_paths)
            if stages:
                git_bytes(root, "update-index", "-z", "--index-info", stdin=stages)
        except ProgramError as error:
            undo = undo_command(repository, changed_paths[1:])
            raise CommandError(
                f"The files are written, but git's index is not: {error}; `{undo}` takes it back."
            ) from error


def write_ignored(
    folder: Path, ignored: Mapping[str, bytes], overwritten: Iterable[str]
) -> dict[str, str]:
    """Write files that git ignores, where the project has none; some are always overwritten.

    Returns what happened to the others, by path.
    """
    outcomes = {}
    for path, content in ignored.items():
        target = folder / path
        if os.path.lexists(target) and path not in overwritten:
            if not target.is_file() or target.read_bytes() != content:
                outcomes[path] = "left as it was, since git ignores it"
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            outcomes[path] = f"not written ({error.strerror})"
        else:
            outcomes[path] = "new, and git ignores it: `git add --force`"
    return outcomes


def undo_command(repository: Repository, outside: Iterable[str]) -> str:
    """Return the command that undoes an uncommitted change, from any folder."""
    folder = shlex.quote(str(repository.folder))
    paths = " ".join([".", *(shlex.quote(f":/{path}") for path in outside)])
    return f"git -C {folder} restore --source=HEAD --staged --worktree -- {paths}"


def _require_free(folder: Path, added: Iterable[str]) -> None:
    """Refuse to replace ignored files, which git would overwrite."""
    existing = [path for path in added if os.path.lexists(folder / path)]
    blocked = [
        str(parent)
        for path in added
        for parent in Path(path).parents
        if (folder / parent).is_symlink() or (folder / parent).is_file()
    ]
    if in_the_way := list(dict.fromkeys([*existing, *blocked])):
        raise CommandError(
            f"{shorten(in_the_way)} would be overwritten, and git does not track it: move it away "
            "or commit it, then start again; nothing was changed."
        )


def _require_tracked(folder: Path, changed: Iterable[str]) -> None:
    """Refuse to replace files with a flag that hides their edits from git."""
    listing = split_paths(git_bytes(folder, "ls-files", "-v", "-z"))
    flagged = {entry[2:] for entry in listing if entry[0].islower() or entry[0] == "S"}
    if hidden := [path for path in changed if path in flagged]:
        raise CommandError(
            f"Git was told to ignore changes of {shorten(hidden)}: `git update-index "
            "--no-assume-unchanged FILE` and `git update-index --no-skip-worktree FILE` end that; "
            "nothing was changed."
        )


def _read_tree(root: Path, *arguments: str) -> None:
    """Let git check or write the files; raises CommandError for the first that fails."""
    try:
        git(root, "read-tree", "-m", "-u", *arguments)
    except ProgramError as error:
        messages = [line for line in error.output.splitlines() if line.startswith("error: ")]
        reason = messages[0].removeprefix("error: ").rstrip(".") if messages else str(error)
        if "not uptodate" in reason:
            reason = f"{reason.split(chr(39))[1]} has changes that are not committed"
        raise CommandError(f"{reason}: fix that and start again; nothing was changed.") from error


def _restore(
    repository: Repository, changed: list[str], added: list[str], outside: list[str], reason: str
) -> None:
    """Undo a partial write, while the index is unchanged. Always raises CommandError."""
    for path in added:
        with suppress(OSError):
            (repository.folder / path).unlink(missing_ok=True)
    for folder in sorted({parent for path in added for parent in Path(path).parents}, reverse=True):
        with suppress(OSError):  # Folders with other files stay.
            (repository.folder / folder).rmdir()
    written = [*(str(repository.prefix / path) for path in changed), *outside]
    names = b"".join(os.fsencode(path) + b"\0" for path in written)
    try:
        git_bytes(repository.root, "checkout-index", "--force", "-z", "--stdin", stdin=names)
    except ProgramError as error:
        raise CommandError(
            f"{reason.partition(': fix')[0]}, and the files already written could not be "
            f"restored: once that is fixed, `{undo_command(repository, outside)}` restores them."
        ) from error
    raise CommandError(reason)
