"""A project's git repository, and a throw-away worktree of it."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from generator.errors import Problem
from generator.git import git, git_bytes, paths
from generator.processes import ProgramError, undisturbed

_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Repository:
    """`folder` is the project, which may be a folder of a larger repository at `root`."""

    folder: Path
    root: Path
    head: str

    @property
    def inside(self) -> Path:
        """The project's folder below the root."""
        return self.folder.relative_to(self.root)

    def entries(self, tree: str) -> dict[str, tuple[str, str]]:
        """Mode and hash of each of the project's files in a commit or a tree."""
        below = "" if self.folder == self.root else self.inside
        listed = git_bytes(self.root, "ls-tree", "-r", "-z", "--full-tree", f"{tree}:{below}")
        found = {}
        for entry in paths(listed):
            about, _, path = entry.partition("\t")
            mode, kind, name = about.split()
            if kind == "blob":
                found[path] = (mode, name)
        return found

    def contents(self, names: list[str]) -> dict[str, bytes]:
        """The bytes behind hashes that `entries` gave."""
        asked = "".join(f"{name}\n" for name in names).encode()
        answer = git_bytes(self.root, "cat-file", "--batch", reads=asked)
        found, at = {}, 0
        for name in names:
            start = answer.index(b"\n", at) + 1
            size = int(answer[at:start].split()[-1])
            found[name] = answer[start : start + size]
            at = start + size + 1
        return found

    def diff(self, tree: str, *, colour: bool) -> str:
        """The project's part of what would change, as people read it."""
        shown = ("--no-ext-diff", f"--color={'always' if colour else 'never'}")
        return git(self.root, "diff", *shown, self.head, tree, "--", str(self.inside))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A throw-away worktree of what is committed."""
        with tempfile.TemporaryDirectory(prefix="fastapi-service-") as folder:
            worktree = Path(folder) / self.root.name
            try:
                add = ("worktree", "add", "--quiet", "--detach")
                git(self.root, *add, str(worktree), self.head)
                yield worktree
            finally:
                with undisturbed(), suppress(ProgramError):
                    git(self.root, "worktree", "remove", "--force", "--force", str(worktree))


def opened(folder: Path) -> Repository:
    """The repository of a project; raises Problem where there is none or nothing in it."""
    try:
        root = Path(git(folder, "rev-parse", "--show-toplevel"))
    except ProgramError as error:
        if "dubious ownership" in error.output:
            raise Problem(
                f"{folder} belongs to another user, and git refuses to read it",
                f"`git config --global --add safe.directory {folder}` allows it",
            ) from error
        raise Problem(
            f"{folder} is not under git, so an update could not be reviewed or taken back",
            "`git init && git add --all && git commit --message Start` in that folder",
        ) from error
    try:
        head = git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except ProgramError as error:
        raise Problem(
            f"Nothing is committed in {root}", "`git add --all && git commit --message Start`"
        ) from error
    return Repository(folder.resolve(), root.resolve(), head)


def some(names: Sequence[str]) -> str:
    """The first names, and how many there are besides."""
    shown = ", ".join(names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown
