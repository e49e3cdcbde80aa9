"""A rendered service as a running process, on a database and settings of its own."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from generator.project.serve import HOST, free_port, serving
from generator.verify.callers import Callers, callers_of
from generator.verify.contract.client import Client
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.stages import STAGES


@dataclass(frozen=True)
class Live:
    """A service that answers; `log` is what it printed so far."""

    project: RenderedProject
    # An ordinary caller, who may use what the service offers.
    client: Client
    callers: Callers
    settings: Mapping[str, str]
    process: subprocess.Popen[str]
    log: Path

    def as_caller(self) -> Client:
        """Another ordinary caller; users sign in once more."""
        return self.callers.introduce(self.client.as_nobody(), **self.settings)

    def end(self, seconds: float = 15) -> int:
        """Ask it to end as a supervisor would, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def installed(row: Row, workspace: Path) -> RenderedProject:
    """Render and install without what else `verify` proves."""
    project = RenderedProject(Row(f"live-{row.id}", row.answers), workspace)
    with FileLock(workspace / f"{project.row.id}.lock"):
        if not (project.folder / "uv.lock").exists():
            for stage in STAGES[:2]:
                stage.run(project)
    return project


@contextmanager
def running(
    project: RenderedProject,
    folder: Path,
    database_url: str,
    settings: Mapping[str, str],
    *,
    migrated: bool = True,
) -> Iterator[Live]:
    """Start the service on this database, which is `migrated` first, with uploads in `folder`.

    Users of its own can sign in only where the database is there.
    """
    callers = callers_of(project)
    with callers.prepared() as asked_for:
        variables = {"DATABASE_URL": database_url, "UPLOAD_DIR": str(folder / "uploads")}
        variables |= {**asked_for, **settings}
        if migrated:
            project.call("alembic", "upgrade", "head", seconds=60, **variables)
        port, log = free_port(), folder / "service.log"
        command, environment = [project.program("fastapi"), "run"], project.variables(**variables)
        with (
            log.open("wb") as output,
            serving(command, project.folder, port, environment, output.fileno()) as process,
        ):
            client = callers.introduce(Client(HOST, port), **variables)
            yield Live(project, client, callers, variables, process, log)


@contextmanager
def running_on_a_fresh_database(
    project: RenderedProject, folder: Path, **settings: str
) -> Iterator[Live]:
    with (
        fresh_database(project) as url,
        running(project, folder, url, settings, migrated=True) as live,
    ):
        yield live
