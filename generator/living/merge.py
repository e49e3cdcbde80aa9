"""What copier would make of a project, found out without touching it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pathspec import GitIgnoreSpec

from generator import rendering
from generator.errors import CommandError, Problem, UsageError
from generator.git import git, git_bytes, paths
from generator.living import answers_file
from generator.living.answers_file import AnswersFile
from generator.living.losses import Loss, losses
from generator.living.origin import Origin
from generator.living.owned import owned
from generator.living.repository import Repository
from generator.options import Value
from generator.processes import ProgramError, run, uv_program

_US = ("-c", "user.name=fastapi-service", "-c", "user.email=fastapi-service@localhost")


@dataclass(frozen=True)
class Wish:
    """Look only; go on although edits get lost."""

    preview: bool = False
    accept_losses: bool = False


@dataclass(frozen=True)
class Project:
    """A project, what it has recorded, and the template that it came from."""

    repository: Repository
    recorded: AnswersFile
    origin: Origin


@dataclass(frozen=True)
class Merge:
    """A tree of git for the working tree, where nothing of it is yet.

    `touched` says below which paths it may differ, from the root of the repository, and `stages`
    what git records of the conflicts. `ignored` are files that git does not know: they are for a
    project that has none of that name. `unlocked` says why the dependencies could not be locked.
    """

    tree: str
    answers: AnswersFile
    lost: list[Loss]
    touched: list[str]
    conflicts: list[str]
    stages: bytes
    ignored: dict[str, bytes]
    owned: GitIgnoreSpec
    unlocked: ProgramError | None


def merged(
    project: Project,
    answers: dict[str, Value],
    anew: Callable[[], Path],
    wish: Wish,
    *,
    to: str | None,
) -> Merge:
    """Let copier merge in a throw-away worktree: a revision, or other answers without one.

    `anew` gives the project without edits, and raises what is wrong with it. The dependencies are
    locked if it is for good. Raises CommandError when copier cannot merge, UsageError for an answer
    that is refused.
    """
    repository, recorded, origin = project.repository, project.recorded, project.origin
    with repository.scratch() as worktree:
        folder = worktree / repository.inside
        ref = to and origin.source.commit(to)
        _record(folder, recorded.pointing(str(origin.source.tree), recorded.commit))
        try:
            _let_copier_merge(folder, answers, ref, repository.folder)
        except CommandError:
            anew()  # What is wrong with recorded answers is not the fault of what was asked for.
            raise
        now = answers_file.read(folder)
        text = now.pointing(origin.location, now.commit)
        (folder / answers_file.NAME).write_text(text, encoding="utf-8")

        stages = git_bytes(worktree, "ls-files", "--unmerged", "-z")
        unmerged = list(dict.fromkeys(entry.partition("\t")[2] for entry in paths(stages)))
        conflicts = [str(Path(path).relative_to(repository.inside)) for path in unmerged]
        git(worktree, "add", "--all", "--", str(repository.inside))
        lost = losses(repository, git(worktree, "write-tree"), anew())

        wanted = not wish.preview and (wish.accept_losses or not lost)
        _bring_lock(repository.folder, folder)
        unlocked = _lock(folder, conflicts, repository.head) if wanted else None
        touched = [str(repository.inside), *_lock_outside(worktree, folder)]
        git(worktree, "add", "--all", "--", *touched)
        return Merge(
            tree=git(worktree, "write-tree"),
            answers=answers_file.read(folder),
            lost=lost,
            touched=touched,
            conflicts=conflicts,
            stages=_instead_of_merged(unmerged, stages),
            ignored=_ignored(folder),
            owned=owned(replace(origin.source, ref=ref or origin.made_from).definition(), now),
            unlocked=unlocked,
        )


def _record(folder: Path, text: str) -> None:
    """Commit, in the worktree only, from where copier shall take the template."""
    path = folder / answers_file.NAME
    if path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        commit = ("commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", "Source")
        git(folder, *_US, *commit, "--", answers_file.NAME)


def _let_copier_merge(folder: Path, answers: dict[str, Value], ref: str | None, at: Path) -> None:
    try:
        rendering.merge(folder, answers, ref=ref)
    except (Problem, UsageError):
        raise
    except Exception as error:
        raise _unexpected(error, folder, at) from error


def _unexpected(error: Exception, folder: Path, project: Path) -> CommandError:
    said = " ".join(str(error).split()).replace(str(folder), str(project))
    return CommandError(
        f"Copier cannot merge this, and nothing was touched ({type(error).__name__}: {said:.300}); "
        "it stumbles over a file or a link where the template has a folder, a folder where it has "
        "a file, and names that are not UTF-8."
    )


def _lock(folder: Path, conflicts: list[str], head: str) -> ProgramError | None:
    """Lock what can be read, if it has changed; returns why it could not be locked."""
    project = folder / "pyproject.toml"
    if "pyproject.toml" in conflicts or not project.exists():
        return None
    changed = git(folder, "diff", "--name-only", head, "--", "pyproject.toml")
    if not changed and (folder / "uv.lock").exists():
        return None
    try:
        run([uv_program(), "lock"], folder)
    except ProgramError as error:
        return error
    return None


def _bring_lock(project: Path, folder: Path) -> None:
    """Where git ignores the lock, it is not in the worktree."""
    lock = folder / "uv.lock"
    if not lock.exists() and (project / "uv.lock").is_file():
        lock.write_bytes((project / "uv.lock").read_bytes())


def _lock_outside(worktree: Path, folder: Path) -> list[str]:
    """The lock of the workspace that a project in a larger repository is a member of."""
    if (folder / "uv.lock").exists():
        return []
    above = folder.parents[: len(folder.relative_to(worktree).parts)]
    locks = [str(directory / "uv.lock") for directory in above]
    return paths(git_bytes(worktree, "ls-files", "-z", "--", *locks)) if locks else []


def _instead_of_merged(unmerged: list[str], stages: bytes) -> bytes:
    """Make the index forget its one version of each file, then tell it the three."""
    forget = b"".join(b"0 " + b"0" * 40 + b"\t" + _bytes(path) + b"\0" for path in unmerged)
    return forget + stages if unmerged else b""


def _bytes(path: str) -> bytes:
    return path.encode(errors="surrogateescape")


def _ignored(folder: Path) -> dict[str, bytes]:
    listed = git_bytes(folder, "ls-files", "--others", "--ignored", "--exclude-standard", "-z")
    return {path: (folder / path).read_bytes() for path in paths(listed)}
