"""Lets copier merge in a throw-away worktree, and returns the result as a git tree."""

import os
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from generator.errors import CommandError
from generator.git import git, git_bytes, split_paths
from generator.processes import ProgramError
from generator.project.answers import ANSWERS_FILE, AnswersFile, read_answers
from generator.project.baseline import Baseline
from generator.project.imports import find_broken_imports, find_deleted_imports
from generator.project.line_endings import find_line_endings
from generator.project.lost_edits import Risk, find_lost_edits, list_files, owned_files
from generator.project.moves import Moves, find_moves
from generator.project.origin import Origin
from generator.project.preflight import Project
from generator.project.repository import Repository
from generator.project.resources.switch import read_resources
from generator.template import rendering
from generator.template.options import Answers
from generator.uv import lock

_IDENTITY = ("-c", "user.name=fastapi-service", "-c", "user.email=fastapi-service@localhost")


@dataclass(frozen=True)
class MergeOptions:
    """`preview` changes nothing; `accept_losses` continues even if local edits are lost."""

    preview: bool = False
    accept_losses: bool = False


@dataclass(frozen=True)
class MergeResult:
    """The result of a merge, not applied yet.

    `risks` are edits and imports that the change would damage, `deleted_imports` those that are
    broken already. `changed_paths` limit the change, relative to the root of the repository.
    `stages` are the index entries of the conflicts. `ignored` are files that git ignores: a project
    gets them only if it has none of that name. `lock_error` is set when the dependencies could not
    be locked.
    """

    tree: str
    answers: AnswersFile
    risks: list[Risk]
    deleted_imports: list[Risk]
    moves: Moves
    changed_paths: list[str]
    conflicts: list[str]
    stages: bytes
    ignored: dict[str, bytes]
    owned: GitIgnoreSpec
    lock_error: ProgramError | None


def merge(  # noqa: PLR0913 - the inputs of a merge
    project: Project,
    origin: Origin,
    answers: Answers,
    baseline: Baseline,
    options: MergeOptions,
    *,
    to: str | None,
) -> MergeResult:
    """Merge the revision `to`, or only new answers without one.

    Locks the dependencies when the result will be applied. Raises CommandError when copier fails,
    and UsageError for a rejected answer.
    """
    repository = project.repository
    recorded = project.recorded
    rendered = baseline()
    # An update leaves the files of resources alone; only other answers change them.
    resources = None if to else read_resources(repository.folder, recorded.values)
    if resources:
        resources.write_baseline(rendered)
    moves = find_moves(repository, rendered, owned_files(origin.definition, recorded.values))
    endings = find_line_endings(repository, rendered, moves.origins)
    with repository.worktree() as worktree:
        folder = worktree / repository.prefix
        ref = to and origin.source.resolve(to)
        endings.write_lf(folder)
        moves.put_back(folder, rendered)
        _commit_input(folder, recorded.with_origin(str(origin.source.tree), recorded.commit))
        _run_copier(folder, answers, ref, repository.folder)
        merged = read_answers(folder)
        if resources:
            resources.switch(folder, repository.prefix, merged.values)
        text = merged.with_origin(origin.location, merged.commit)
        (folder / ANSWERS_FILE).write_text(text, encoding="utf-8")

        stages = _read_stages(worktree, repository, moves)
        unmerged = list(dict.fromkeys(entry.partition("\t")[2] for entry in split_paths(stages)))
        conflicts = [str(Path(path).relative_to(repository.prefix)) for path in unmerged]
        homeless = moves.take_away(folder, rendered, repository.head)
        git(worktree, "add", "--all", "--", str(repository.prefix))
        tree = git(worktree, "write-tree")
        definition = origin.definition_at(ref or origin.commit)
        risks = [
            *find_lost_edits(repository, tree, rendered, moves.origins),
            *homeless,
            *find_broken_imports(repository, tree, definition, conflicts),
        ]

        will_apply = not options.preview and (options.accept_losses or not risks)
        _copy_ignored_lock(repository.folder, folder)
        lock_error = _lock(folder, conflicts, repository.head) if will_apply else None
        changed_paths = [str(repository.prefix), *_workspace_locks(worktree, folder)]
        git(worktree, "add", "--all", "--", *changed_paths)
        endings.store_crlf(worktree)
        return MergeResult(
            tree=git(worktree, "write-tree"),
            answers=merged,
            risks=risks,
            deleted_imports=find_deleted_imports(repository, list_files(rendered)),
            moves=moves,
            changed_paths=changed_paths,
            conflicts=conflicts,
            stages=_replace_stages(unmerged, endings.convert_stages(stages)),
            ignored=_read_ignored(folder),
            owned=owned_files(definition, merged.values),
            lock_error=lock_error,
        )


def _commit_input(folder: Path, text: str) -> None:
    """Commit, in the worktree only, moved files and the template's address for copier."""
    (folder / ANSWERS_FILE).write_text(text, encoding="utf-8")
    git(folder, "add", "--", ANSWERS_FILE)
    commit = ("commit", "--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign")
    git(folder, *_IDENTITY, *commit, "--message", "Input of the merge")


def _read_stages(worktree: Path, repository: Repository, moves: Moves) -> bytes:
    """Return the index entries of the conflicts, at the paths that renamed files have."""
    entries = []
    for entry in split_paths(git_bytes(worktree, "ls-files", "--unmerged", "-z")):
        details, _, path = entry.partition("\t")
        renamed = moves.renamed.get(str(Path(path).relative_to(repository.prefix)))
        entries.append(f"{details}\t{repository.prefix / renamed if renamed else path}\0")
    return os.fsencode("".join(entries))


def _run_copier(folder: Path, answers: Answers, ref: str | None, project: Path) -> None:
    try:
        rendering.update(folder, answers, ref=ref)
    except CommandError:
        raise
    except Exception as error:
        text = " ".join(str(error).split()).replace(str(folder), str(project))
        raise CommandError(
            f"Copier cannot merge this, and nothing was changed ({type(error).__name__}: "
            f"{text:.300}); it fails on a file or a link where the template has a folder, on a "
            "folder where it has a file, and on names that are not UTF-8."
        ) from error


def _lock(folder: Path, conflicts: list[str], head: str) -> ProgramError | None:
    """Lock changed dependencies that have no conflict; returns the error."""
    project = folder / "pyproject.toml"
    if "pyproject.toml" in conflicts or not project.exists():
        return None
    changed = git(folder, "diff", "--name-only", head, "--", "pyproject.toml")
    if not changed and (folder / "uv.lock").exists():
        return None
    try:
        lock(folder)
    except ProgramError as error:
        return error
    return None


def _copy_ignored_lock(project: Path, folder: Path) -> None:
    """Copy a lock that git ignores, so that it is not in the worktree."""
    target = folder / "uv.lock"
    if not target.exists() and (project / "uv.lock").is_file():
        target.write_bytes((project / "uv.lock").read_bytes())


def _workspace_locks(worktree: Path, folder: Path) -> list[str]:
    """List the locks above the project: it may be a member of a uv workspace."""
    if (folder / "uv.lock").exists():
        return []
    above = folder.parents[: len(folder.relative_to(worktree).parts)]
    locks = [str(directory / "uv.lock") for directory in above]
    return split_paths(git_bytes(worktree, "ls-files", "-z", "--", *locks)) if locks else []


def _replace_stages(unmerged: list[str], stages: bytes) -> bytes:
    """Return index lines that replace the single version of each conflict by all three."""
    if not unmerged:
        return b""
    _, object_id, _ = stages.split(b" ", 2)
    null = b"0" * len(object_id)  # 40 digits, or 64 in a repository with SHA-256.
    deleted = (b"0 " + null + b"\t" + os.fsencode(path) + b"\0" for path in unmerged)
    return b"".join(deleted) + stages


def _read_ignored(folder: Path) -> dict[str, bytes]:
    options = ("--others", "--ignored", "--exclude-standard", "-z")
    listing = git_bytes(folder, "ls-files", *options)
    return {path: (folder / path).read_bytes() for path in split_paths(listing)}
