"""A project's git repository: what stands in the way of an update, and how its result gets in."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from generator.errors import CommandError, Problem
from generator.git import WITHOUT_HOOKS, git, git_bytes, paths
from generator.living.answers_file import NAME
from generator.processes import ProgramError, undisturbed

# What git keeps while something else is not finished, and how that is broken off.
_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
_MARKERS = ("-e", "^<<<<<<< ", "-e", "^=======$", "-e", "^>>>>>>> ")
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

    def problems(self) -> Iterator[Problem]:
        """What git knows that stands in the way, the gravest first."""
        if problem := self._unfinished():
            yield problem
        elif self.changed:
            yield Problem(
                f"{self.folder} has uncommitted changes ({some(self.changed)})",
                "commit them, or put them aside with `git stash --include-untracked`",
            )
        if marked := self._marked():
            yield Problem(
                f"Conflict markers are left in {some(marked)}",
                "resolve them and commit; `git grep -n '<<<<<<< '` finds them",
            )
        if rejected := self._listed(":(glob)**/*.rej"):
            yield Problem(
                f"Rejected changes of an earlier update are left in {some(rejected)}",
                "apply them by hand, then `git rm` these files and commit",
            )
        if not self._listed(NAME):
            yield Problem(
                f"{NAME} is not committed", f"`git add --force {NAME}`, then `git commit`"
            )

    @cached_property
    def changed(self) -> list[str]:
        """Files that are not as they were committed, untracked ones included."""
        status = git_bytes(
            self.folder, "status", "--porcelain", "-z", "--no-renames", "--untracked-files", "."
        )
        return [entry[3:] for entry in paths(status)]

    def _unfinished(self) -> Problem | None:
        for name, operation in _UNFINISHED.items():
            if (self.folder / git(self.folder, "rev-parse", "--git-path", name)).exists():
                return Problem(
                    f"A {operation} is under way in {self.root}",
                    f"finish it, or break it off with `git {operation} --abort`",
                )
        unmerged = dict.fromkeys(
            paths(git_bytes(self.folder, "diff", "--name-only", "--diff-filter=U", "-z"))
        )
        if unmerged:
            return Problem(
                f"Conflicts are not resolved in {some(list(unmerged))}",
                "resolve them, then `git add` these files and `git commit`",
            )
        return None

    def _marked(self) -> list[str]:
        try:
            found = git_bytes(
                self.folder, "grep", "-z", "-I", "--name-only", "--all-match", *_MARKERS
            )
        except ProgramError:  # How grep says that it has found nothing.
            return []
        return paths(found)

    def _listed(self, pattern: str) -> list[str]:
        return paths(git_bytes(self.folder, "ls-files", "-z", "--", pattern))

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
        shown = f"--color={'always' if colour else 'never'}"
        return git(self.root, "diff", shown, self.head, tree, "--", str(self.inside))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A throw-away worktree of what is committed."""
        with tempfile.TemporaryDirectory(prefix="fastapi-service-") as folder:
            worktree = Path(folder) / self.root.name
            try:
                git(
                    self.root, *WITHOUT_HOOKS,
                    "worktree", "add", "--quiet", "--detach", str(worktree), self.head,
                )  # fmt: skip
                yield worktree
            finally:
                with undisturbed(), suppress(ProgramError):
                    git(self.root, "worktree", "remove", "--force", "--force", str(worktree))

    def take(self, tree: str, touched: list[str], unmerged: bytes) -> None:
        """Bring the tree into the working tree: nothing is committed, conflicts are as in a merge.

        New files are known to git, so that `git diff` shows everything. Raises CommandError, and
        changes nothing, when files that git does not know or that were just changed are in the way.
        """
        with undisturbed():
            with suppress(ProgramError):  # How it says that files elsewhere are changed.
                git(self.root, "update-index", "-q", "--really-refresh")
            try:
                git(self.root, *WITHOUT_HOOKS, "read-tree", "-m", "-u", self.head, tree)
            except ProgramError as error:
                told = [line for line in error.output.splitlines() if line.startswith("error: ")]
                reason = told[0].removeprefix("error: ").rstrip(".") if told else str(error)
                raise CommandError(
                    f"{reason}: move the file away and start again; nothing was touched."
                ) from error
            git(self.root, "reset", "--quiet", "--intent-to-add", "--", *touched)
            if unmerged:
                git_bytes(self.root, "update-index", "-z", "--index-info", reads=unmerged)


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
