"""How a project takes the result of a merge: as a whole, or not at all."""

import os
import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from generator.errors import CommandError
from generator.git import git, git_bytes, paths
from generator.living.repository import Repository, some
from generator.processes import ProgramError, undisturbed


def take(repository: Repository, tree: str, touched: list[str], unmerged: bytes) -> None:
    """Bring the tree into the working tree: nothing is committed, conflicts are as in a merge.

    New files are known to git, so that `git diff` shows everything. Raises CommandError, and leaves
    everything as it was, when a file is in the way or something cannot be written.
    """
    root, head = repository.root, repository.head
    before, after = repository.entries(head), repository.entries(tree)
    changed = [path for path in before if after.get(path) != before[path]]
    added = [path for path in after if path not in before]
    with undisturbed():
        _require_free(repository.folder, added)
        _require_watched(repository.folder, changed)
        with suppress(ProgramError):  # How it says that files elsewhere are changed.
            git(root, "update-index", "-q", "--refresh")
        _read(root, "-n", head, tree)
        try:
            _read(root, head, tree)
        except CommandError as error:
            _give_back(repository, changed, added, touched[1:], str(error))
        git(root, "reset", "--quiet", "--intent-to-add", "--", *touched)
        if unmerged:
            git_bytes(root, "update-index", "-z", "--index-info", reads=unmerged)


def add(folder: Path, ignored: Mapping[str, bytes], anew: Iterable[str]) -> dict[str, str]:
    """Write files that git ignores, where the project has none; those in `anew` in any case.

    Returns what became of the others, by path.
    """
    became = {}
    for path, content in ignored.items():
        place = folder / path
        if os.path.lexists(place) and path not in anew:
            if not place.is_file() or place.read_bytes() != content:
                became[path] = "left as it was, since git ignores it"
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        except OSError as error:
            became[path] = f"not written ({error.strerror})"
        else:
            became[path] = "new, and git ignores it: `git add --force`"
    return became


def _require_free(folder: Path, added: Iterable[str]) -> None:
    """Git would overwrite what it ignores."""
    taken = [path for path in added if os.path.lexists(folder / path)]
    blocked = [
        str(parent)
        for path in added
        for parent in Path(path).parents
        if (folder / parent).is_symlink() or (folder / parent).is_file()
    ]
    if in_the_way := list(dict.fromkeys([*taken, *blocked])):
        raise CommandError(
            f"{some(in_the_way)} would be overwritten, and git does not know what is there: move "
            "it away or commit it, then start again; nothing was touched."
        )


def _require_watched(folder: Path, changed: Iterable[str]) -> None:
    """Git does not look at files that are marked, so what is in them could get lost."""
    listed = paths(git_bytes(folder, "ls-files", "-v", "-z"))
    marked = {entry[2:] for entry in listed if entry[0].islower() or entry[0] == "S"}
    if hidden := [path for path in changed if path in marked]:
        raise CommandError(
            f"Git was told not to look at {some(hidden)}: `git update-index --no-assume-unchanged "
            "--no-skip-worktree` ends that; nothing was touched."
        )


def _read(root: Path, *arguments: str) -> None:
    """Let git check or write all the files; raises CommandError with the first that it cannot."""
    try:
        git(root, "read-tree", "-m", "-u", *arguments)
    except ProgramError as error:
        told = [line for line in error.output.splitlines() if line.startswith("error: ")]
        reason = told[0].removeprefix("error: ").rstrip(".") if told else str(error)
        if "not uptodate" in reason:
            reason = f"{reason.split(chr(39))[1]} has changes that are not committed"
        raise CommandError(f"{reason}: mend that and start again; nothing was touched.") from error


def _give_back(
    repository: Repository, changed: list[str], added: list[str], outside: list[str], why: str
) -> None:
    """Undo what was written before it failed; the index is as it was. Raises CommandError."""
    for path in added:
        with suppress(OSError):
            (repository.folder / path).unlink(missing_ok=True)
    for folder in sorted({parent for path in added for parent in Path(path).parents}, reverse=True):
        with suppress(OSError):  # Most are not empty.
            (repository.folder / folder).rmdir()
    written = [*(str(repository.inside / path) for path in changed), *outside]
    names = b"".join(os.fsencode(path) + b"\0" for path in written)
    try:
        git_bytes(repository.root, "checkout-index", "--force", "-z", "--stdin", reads=names)
    except ProgramError as error:
        raise CommandError(
            f"{why.partition(': mend')[0]}, and what was written could not be taken back: "
            f"when that is mended, `{take_back(repository, outside)}` does it."
        ) from error
    raise CommandError(why)


def take_back(repository: Repository, outside: Iterable[str]) -> str:
    """The command that undoes a change which is not committed, wherever it is typed."""
    where = shlex.quote(str(repository.folder))
    places = " ".join([".", *(shlex.quote(f":/{path}") for path in outside)])
    return f"git -C {where} restore --source=HEAD --staged --worktree -- {places}"
