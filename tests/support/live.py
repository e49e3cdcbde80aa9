"""A rendered service as a running process, with its own database and settings."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from generator.project.serve import HOST, free_port, serving
from generator.uv import lock
from generator.verify.callers import Callers, callers_of
from generator.verify.contract.client import Client
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.stages import STAGES

# Takes answers.
Install = Callable[..., RenderedProject]


@dataclass(frozen=True)
class Live:
    """A running service; `client` has the credentials of an ordinary caller, `log` its output."""

    project: RenderedProject
    client: Client
    callers: Callers
    settings: Mapping[str, str]
    process: subprocess.Popen[str]
    log: Path

    def as_caller(self) -> Client:
        """Return a client of another ordinary caller; a new user is registered and logged in."""
        return self.callers.introduce(self.client.anonymous(), **self.settings)

    def end(self, seconds: float = 15) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def install_row(row: Row, workspace: Path) -> RenderedProject:
    """Run the first two stages of `verify`: render and install."""
    project = RenderedProject(Row(f"live-{row.id}", row.answers), workspace)
    with FileLock(workspace / f"{project.row.id}.lock"):
        if not (project.folder / "uv.lock").exists():
            for stage in STAGES[:2]:
                stage.run(project)
    return project


def lock_row(row: Row, workspace: Path) -> RenderedProject:
    """Render and lock a row, without installing it."""
    project = RenderedProject(row, workspace)
    with FileLock(workspace / f"{row.id}.lock"):
        if not (project.folder / "uv.lock").exists():
            STAGES[0].run(project)
            lock(project.folder)
    return project


@contextmanager
def run_service(
    project: RenderedProject,
    folder: Path,
    database_url: str,
    settings: Mapping[str, str],
    *arguments: str,
    migrated: bool = True,
) -> Iterator[Live]:
    """Start the service with these arguments on this database, with uploads in `folder`.

    `migrated` applies the migrations first. With `auth=jwt` the database must be reachable: the
    caller is registered there.
    """
    callers = callers_of(project)
    with callers.prepared() as caller_settings:
        variables = {"DATABASE_URL": database_url, "UPLOAD_DIR": str(folder / "uploads")}
        variables |= {**caller_settings, **settings}
        if migrated:
            project.call("alembic", "upgrade", "head", seconds=60, **variables)
        port = free_port()
        log = folder / "service.log"
        command = [project.program("fastapi"), "run", *arguments]
        environment = project.variables(**variables)
        with (
            log.open("wb") as output,
            serving(command, project.folder, port, environment, output.fileno()) as process,
        ):
            client = callers.introduce(Client(HOST, port), **variables)
            yield Live(project, client, callers, variables, process, log)


@contextmanager
def run_on_fresh_database(
    project: RenderedProject, folder: Path, **settings: str
) -> Iterator[Live]:
    with (
        fresh_database(project) as url,
        run_service(project, folder, url, settings, migrated=True) as live,
    ):
        yield live
