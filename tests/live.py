"""A rendered service as a running process, on a database and settings of its own."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from generator.contract.client import Client
from generator.databases import fresh_database
from generator.matrix import Row, selected
from generator.options import Option
from generator.project import Project
from generator.server import HOST, free_port, serving
from generator.stages import STAGES


@dataclass(frozen=True)
class Live:
    """A service that answers; `log` is what it printed so far."""

    project: Project
    client: Client
    process: subprocess.Popen[str]
    log: Path

    def end(self, seconds: float = 15) -> int:
        """Ask it to end as a supervisor would, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def row_with(options: tuple[Option, ...], **answers: str) -> Row:
    """The first row of the matrix with these answers and the examples."""
    wanted = {**answers, "examples": "true"}
    return selected(options, [f"{name}={value}" for name, value in wanted.items()])[0]


def installed(row: Row, workspace: Path) -> Project:
    """Render and install without what else `verify` proves."""
    project = Project(Row(f"live-{row.id}", row.answers), workspace)
    with FileLock(workspace / f"{project.row.id}.lock"):
        if not (project.folder / "uv.lock").exists():
            for stage in STAGES[:2]:
                stage.take(project)
    return project


@contextmanager
def running(
    project: Project,
    folder: Path,
    database_url: str,
    settings: Mapping[str, str],
    *,
    migrated: bool = True,
) -> Iterator[Live]:
    """Start the service on this database, which is `migrated` first, with uploads in `folder`."""
    variables = {"DATABASE_URL": database_url, "UPLOAD_DIR": str(folder / "uploads"), **settings}
    if migrated:
        project.call("alembic", "upgrade", "head", seconds=60, **variables)
    port, log = free_port(), folder / "service.log"
    command = [project.program("fastapi"), "run"]
    with (
        log.open("wb") as output,
        serving(
            command, project.folder, port, project.variables(**variables), output.fileno()
        ) as process,
    ):
        yield Live(project, Client(HOST, port), process, log)


@contextmanager
def running_on_a_fresh_database(project: Project, folder: Path, **settings: str) -> Iterator[Live]:
    with (
        fresh_database(project) as url,
        running(project, folder, url, settings, migrated=True) as live,
    ):
        yield live
