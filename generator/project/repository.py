"""The git repository of a project, and a throw-away worktree of it."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from generator.errors import Problem
from generator.git import git, git_bytes, split_paths
from generator.processes import ProgramError, ignoring_interrupts

_MAX_LISTED = 5


@dataclass(frozen=True)
class Repository:
    """`folder` is the project, which may be a folder of a larger repository at `root`."""

    folder: Path
    root: Path
    head: str

    @property
    def prefix(self) -> Path:
        """The project's folder, relative to the root."""
        return self.folder.relative_to(self.root)

    @property
    def is_nested(self) -> bool:
        """True for a folder of a larger repository."""
        return self.folder != self.root

    def entries(self, tree: str) -> dict[str, tuple[str, str]]:
        """Return mode and hash of each file of the project in a commit or a tree."""
        below = "" if self.folder == self.root else self.prefix
        listing = git_bytes(self.root, "ls-tree", "-r", "-z", "--full-tree", f"{tree}:{below}")
        entries = {}
        for entry in split_paths(listing):
            details, _, path = entry.partition("\t")
            mode, kind, blob = details.split()
            if kind == "blob":
                entries[path] = (mode, blob)
        return entries

    def contents(self, blobs: list[str]) -> dict[str, bytes]:
        """Return the bytes of the blobs that `entries` named."""
        request = "".join(f"{blob}\n" for blob in blobs).encode()
        answer = git_bytes(self.root, "cat-file", "--batch", stdin=request)
        contents = {}
        position = 0
        for blob in blobs:
            start = answer.index(b"\n", position) + 1
            size = int(answer[position:start].split()[-1])
            contents[blob] = answer[start : start + size]
            position = start + size + 1
        return contents

    def diff(self, tree: str, *, color: bool) -> str:
        """Return the changes of the project from HEAD to a tree."""
        style = ("--no-ext-diff", f"--color={'always' if color else 'never'}")
        return git(self.root, "diff", *style, self.head, tree, "--", str(self.prefix))

    @contextmanager
    def worktree(self) -> Iterator[Path]:
        """Check out HEAD into a throw-away worktree."""
        with tempfile.TemporaryDirectory(prefix="fastapi-service-") as folder:
            worktree = Path(folder) / self.root.name
            try:
                add = ("worktree", "add", "--quiet", "--detach")
                git(self.root, *add, str(worktree), self.head)
                yield worktree
            finally:
                with ignoring_interrupts(), suppress(ProgramError):
                    git(self.root, "worktree", "remove", "--force", "--force", str(worktree))


def open_repository(folder: Path) -> Repository:
    """Return the repository of a project; raises Problem without one or without a commit."""
    try:
        root = Path(git(folder, "rev-parse", "--show-toplevel"))
    except ProgramError as error:
        if "dubious ownership" in error.output:
            raise Problem(
                f"{folder} belongs to another user, and git refuses to read it",
                f"`git config --global --add safe.directory {folder}` allows it",
            ) from error
        raise Problem(
            f"{folder} is not under git, so an update could not be reviewed or undone",
            "`git init && git add --all && git commit --message Start` in that folder",
        ) from error
    try:
        head = git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except ProgramError as error:
        raise Problem(
            f"Nothing is committed in {root}", "`git add --all && git commit --message Start`"
        ) from error
    return Repository(folder.resolve(), root.resolve(), head)


def shorten(names: Sequence[str]) -> str:
    """Join the first names, and count the rest."""
    shown = ", ".join(names[:_MAX_LISTED])
    more = len(names) - _MAX_LISTED
    return f"{shown} and {more} more" if more > 0 else shown
