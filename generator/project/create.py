"""`fastapi-service new`: renders a project, locks it, and makes the first commit."""

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.console import note, say, step
from generator.errors import CommandError, UsageError
from generator.git import git
from generator.processes import ProgramError
from generator.project.answers import read_recorded_values, require_recorded
from generator.project.nesting import nest
from generator.project.placeholders import show_placeholders
from generator.template.options import Answers, format_assignment
from generator.template.rendering import render
from generator.template.source import Source
from generator.uv import lock, uv_command


def check_destination(destination: Path, source: Source) -> None:
    """Raise UsageError unless a project can be rendered into the folder."""
    if source.is_checkout and destination.is_relative_to(source.tree):
        raise UsageError(
            f"{destination} is inside the template's own checkout: choose a folder outside it."
        )
    nearest = _nearest_existing(destination)
    if not nearest.is_dir():
        raise UsageError(f"{nearest} is a file: choose another folder.")
    if not os.access(nearest, os.W_OK):
        raise CommandError(f"You may not write to {nearest}: choose another folder.")
    if nearest == destination and any(destination.iterdir()):
        raise UsageError(f"{destination} is not empty: choose a new or an empty folder.")


def create(source: Source, destination: Path, answers: Answers, *, ask: bool) -> None:
    """Render, lock and commit. When locking fails, keeps the project and raises CommandError."""
    repository = _containing_repository(_nearest_existing(destination))
    if repository:
        answers = nest(source.definition(), answers)
    with _removed_on_failure(destination):
        render(source.location, destination, answers, ref=source.ref, ask=ask)
        require_recorded(answers, read_recorded_values(destination))
        if (destination / ".env").exists():
            (destination / ".env").chmod(0o600)  # It holds secrets.
    if not ask:
        _print_answers(destination)
    lock_error = None
    try:
        with step("Locking the dependencies"):
            lock(destination)
    except ProgramError as error:
        lock_error = error
    except (KeyboardInterrupt, SystemExit):
        note(
            f"{destination} is rendered, but neither locked nor committed: remove it to start "
            f"again, or continue there with `{uv_command()} lock` and `git init`."
        )
        raise
    if repository:
        say(f"Rendered into the repository {repository}; nothing is committed.")
    else:
        try:
            _commit(destination, f"Start from {source.location} {source.version}")
        except (KeyboardInterrupt, SystemExit):
            note(
                f"{destination} is rendered and locked, but not committed: continue there with "
                "`git init && git add --all && git commit`."
            )
            raise
    show_placeholders(source.definition(), destination)
    if lock_error:
        raise CommandError(
            f"{destination} is rendered, but has no uv.lock: {lock_error}; when the package index "
            f"is reachable: cd {shlex.quote(str(destination))} && {uv_command()} lock && "
            "git add uv.lock"
        ) from lock_error
    for obstacle in source.find_obstacles(source.location, source.version):
        note(f"Warning: Renovate cannot update the project. {obstacle}")


def print_next_steps(project: Path) -> None:
    uv = uv_command()
    commands = [
        f"cd {shlex.quote(str(project))}",
        f"{uv} sync",
        f"{uv} run alembic upgrade head",
        f"{uv} run fastapi dev",
    ]
    if (project / "app/worker.py").exists():
        worker = f"{uv} run celery -A app.worker worker"
        commands.append(f"{worker}    # in another terminal; needs the broker")
    say(f"\n{project} is ready. Next:\n")
    say("".join(f"    {line}\n" for line in commands))


def _nearest_existing(path: Path) -> Path:
    return next(candidate for candidate in (path, *path.parents) if candidate.exists())


@contextmanager
def _removed_on_failure(destination: Path) -> Iterator[None]:
    """Remove the destination and the folders made for it when the block raises."""
    missing = [path for path in (destination, *destination.parents) if not path.exists()]
    try:
        yield
    except BaseException:
        for path in missing[-1:] or list(destination.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        raise


def _print_answers(project: Path) -> None:
    say("Answers:")
    for answer in read_recorded_values(project).items():
        say(f"    {format_assignment(*answer)}")


def _containing_repository(folder: Path) -> str | None:
    try:
        return git(folder, "rev-parse", "--show-toplevel")
    except ProgramError:
        return None


def _commit(project: Path, message: str) -> None:
    """Make the first commit. A user without an identity in git gets one for this commit."""
    branch = []
    if not _git_knows(project, "config", "init.defaultBranch"):
        branch = ["--initial-branch=main"]
    git(project, "init", "--quiet", *branch)
    identity = []
    if not _git_knows(project, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"):
        identity = ["-c", "user.name=fastapi-service", "-c", "user.email=fastapi-service@localhost"]
    git(project, "add", "--all")
    try:
        git(project, *identity, "commit", "--quiet", "--no-verify", "--message", message)
    except ProgramError as error:
        raise CommandError(f"{project} is rendered, but not committed: {error}") from error


def _git_knows(project: Path, *question: str) -> bool:
    try:
        return bool(git(project, *question))
    except ProgramError:
        return False
