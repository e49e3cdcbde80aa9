"""`fastapi-service new`: render a project, lock it, put it under git."""

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from generator.console import note, say, step
from generator.errors import CommandError, UsageError
from generator.git import git
from generator.options import Value, assignment
from generator.processes import ProgramError, environment, run, uv_command, uv_program
from generator.rendering import render
from generator.server import HOST, free_port, serving
from generator.source import Source

_FIRST_PORT = 8000


def check_destination(destination: Path, source: Source) -> None:
    """Raise UsageError unless a project can be rendered there, and nothing else is touched."""
    if source.is_checkout and destination.is_relative_to(source.tree):
        raise UsageError(
            f"{destination} is inside the template's own checkout: choose a folder outside it."
        )
    nearest = _nearest(destination)
    if not nearest.is_dir():
        raise UsageError(f"{nearest} is a file: choose another folder.")
    if not os.access(nearest, os.W_OK):
        raise CommandError(f"You may not write to {nearest}: choose another folder.")
    if nearest == destination and any(destination.iterdir()):
        raise UsageError(f"{destination} is not empty: choose a new or an empty folder.")


def create(source: Source, destination: Path, answers: dict[str, Value], *, ask: bool) -> None:
    """Render, lock, commit. Raises CommandError with the project kept when it cannot be locked."""
    uv = uv_program()
    repository = _repository_of(_nearest(destination))
    with _removed_on_failure(destination):
        render(source.location, destination, answers, ref=source.ref, ask=ask)
    if not ask:
        _say_answers(destination)
    failure = None
    try:
        with step("Locking the dependencies"):
            run([uv, "lock"], destination)
    except ProgramError as error:
        failure = error
    except (KeyboardInterrupt, SystemExit):
        note(
            f"{destination} is rendered, but neither locked nor committed: remove it to start "
            f"again, or go on there with `{uv_command()} lock` and `git init`."
        )
        raise
    if repository:
        say(f"Rendered into the repository {repository}; nothing is committed.")
    else:
        _commit(destination, f"Start from {source.location} {source.version}")
    if failure:
        raise CommandError(
            f"{destination} is rendered, but has no uv.lock: {failure}; when the package index can "
            f"be reached: cd {shlex.quote(str(destination))} && {uv_command()} lock && "
            "git add uv.lock"
        ) from failure


def run_service(project: Path) -> None:
    """Install, migrate and boot the service; ends with the server, which Ctrl-C stops."""
    programs = project / ".venv" / "bin"
    with step("Installing the dependencies"):
        run([uv_program(), "sync"], project)
    with step("Creating the database"):
        run([str(programs / "alembic"), "upgrade", "head"], project)
    port = free_port(_FIRST_PORT)
    command = [str(programs / "fastapi"), "dev", "--no-reload"]
    with serving(command, project, port, environment(), output=None) as process:
        say(f"\nThe service in {project} runs: http://{HOST}:{port}/docs\nCtrl-C stops it.\n")
        code = process.wait()
    if code:
        raise CommandError(f"The service ended with exit code {code}.")


def say_next(project: Path) -> None:
    """Print the commands that come next."""
    uv = uv_command()
    commands = [
        f"cd {shlex.quote(str(project))}",
        f"{uv} sync",
        f"{uv} run alembic upgrade head",
        f"{uv} run fastapi dev",
    ]
    say(f"\n{project} is ready. Next:\n")
    say("".join(f"    {line}\n" for line in commands))


def _nearest(path: Path) -> Path:
    """The path itself, or the first above it that exists."""
    return next(candidate for candidate in (path, *path.parents) if candidate.exists())


@contextmanager
def _removed_on_failure(destination: Path) -> Iterator[None]:
    """Leave the disk as it was, folders above the destination included, whatever is raised."""
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


def _say_answers(project: Path) -> None:
    recorded = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    say("Answers:")
    for name, value in recorded.items():
        if not name.startswith("_"):
            say(f"    {assignment(name, value)}")


def _repository_of(folder: Path) -> str | None:
    try:
        return git(folder, "rev-parse", "--show-toplevel")
    except ProgramError:
        return None


def _commit(project: Path, message: str) -> None:
    """Make the first commit; who has no identity in git gets one for this commit only."""
    branch, identity = [], []
    if not _git_knows(project, "config", "init.defaultBranch"):
        branch = ["--initial-branch=main"]
    git(project, "init", "--quiet", *branch)
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
