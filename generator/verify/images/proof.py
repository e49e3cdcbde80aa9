"""Proves the image of a row: its content, its user, its health check, and the HTTP contract."""

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

from generator.errors import CommandError
from generator.processes import ProgramError, start, stop
from generator.project.serve import HOST, STOP_SECONDS, free_port, serving
from generator.verify import contract
from generator.verify.callers import callers_of
from generator.verify.contract.client import Client
from generator.verify.images.buildah import Buildah
from generator.verify.images.container import Image, find_unwanted
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import (
    WORKER_STOP_SECONDS,
    fresh_broker,
    fresh_database,
    terminate,
)

JOBS = ["python", "-m", "app.jobs"]
WORKER = ["celery", "--quiet", "-A", "app.worker", "worker", "--concurrency", "2"]
_SECRET = re.compile(r"[0-9a-f]{64}")


@dataclass(eq=False)
class ContainedProject(RenderedProject):
    """A row whose programs run in a container of its image."""

    image: Image = field(kw_only=True)
    data: Path = field(kw_only=True)

    def call(
        self,
        program: str,
        *arguments: str,
        seconds: float,
        stdin: str | None = None,
        **variables: str,
    ) -> str:
        """Run a program inside; the settings of .env are its environment, as with compose."""
        del seconds
        settings = self.contained_settings | variables
        return self.image.call([program, *arguments], self.data, settings, stdin)

    @property
    def contained_settings(self) -> dict[str, str]:
        """Return the settings of .env, except the address of a database in the project."""
        settings = self.settings
        if settings["DATABASE_URL"].startswith("sqlite:"):
            del settings["DATABASE_URL"]
        return settings


@contextmanager
def contained(project: RenderedProject) -> Iterator[ContainedProject]:
    """Build the image of a row, and yield the row with an empty folder for its data."""
    image = Buildah(project.workspace).build(project.folder, f"service-{project.image_key()}")
    with tempfile.TemporaryDirectory(prefix="container-") as folder:
        Path(folder).chmod(0o755)
        values = {item.name: getattr(project, item.name) for item in fields(project)}
        yield ContainedProject(**values, image=image, data=image.make_data(Path(folder) / "data"))


@contextmanager
def database_settings(project: ContainedProject) -> Iterator[dict[str, str]]:
    """Yield the settings of an empty database: a server's, or those of the image."""
    if project.settings["DATABASE_URL"].startswith("sqlite:"):
        yield {}
        return
    with fresh_database(project) as url:
        yield {"DATABASE_URL": url}


def prove_image(project: RenderedProject) -> str:
    """Build the image, look into it, run it, and walk the contract; return measurements."""
    with contained(project) as inside:
        image = inside.image
        if unwanted := find_unwanted(image, _SECRET.findall(" ".join(inside.settings.values()))):
            raise CommandError(f"The image contains {', '.join(unwanted[:5])}.")
        start_seconds = _walk(inside)
        return (
            f"{image.megabytes:.0f} MB, built in {image.build_seconds:.0f} s, "
            f"started in {start_seconds:.1f} s"
        )


@dataclass(frozen=True)
class Service:
    """A container that serves requests on `port` of this machine."""

    port: int
    process: subprocess.Popen[str]
    start_seconds: float

    def check_health(self, project: ContainedProject) -> None:
        """Run the health check of the image; raises ProgramError."""
        script = [part.replace(":8000/", f":{self.port}/") for part in project.image.health_check]
        project.image.call(script, project.data, {})


@contextmanager
def run_service(
    project: ContainedProject, settings: Mapping[str, str], output: int
) -> Iterator[Service]:
    """Run the command of the image, on a free port."""
    port = free_port()
    command = project.image.enter(project.image.command, project.data)
    variables = project.image.variables({**project.contained_settings, **settings})
    began = time.monotonic()
    # The last of equal options counts: those for the address follow the image's.
    with serving(command, project.data, port, variables, output) as process:
        yield Service(port, process, time.monotonic() - began)


@contextmanager
def _run_worker(
    project: ContainedProject, settings: Mapping[str, str], output: int
) -> Iterator[None]:
    """Run the worker, or the jobs of the service in a container beside it."""
    command = WORKER if project.has_worker else JOBS
    variables = project.image.variables({**project.contained_settings, **settings})
    process = start(project.image.enter(command, project.data), project.data, variables, output)
    try:
        yield
        terminate("worker", process, WORKER_STOP_SECONDS)
    finally:
        stop(process, WORKER_STOP_SECONDS)


def _walk(project: ContainedProject) -> float:
    """Migrate, serve, and walk the contract; return the seconds of the start."""
    callers = callers_of(project)
    log = project.data.parent / "service.log"
    log.touch()
    with (
        database_settings(project) as database,
        fresh_broker(project) as broker,
        callers.prepared() as caller_settings,
        log.open("wb") as output,
    ):
        settings = {**database, **broker, **caller_settings}
        try:
            project.call("alembic", "upgrade", "head", seconds=120, **settings)
            with (
                _run_worker(project, settings, output.fileno()),
                run_service(project, settings, output.fileno()) as service,
            ):
                service.check_health(project)
                contract.walk(callers.introduce(Client(HOST, service.port), **settings))
                terminate("service", service.process, STOP_SECONDS)
        except (CommandError, OSError) as error:
            text = f"{log.read_text(errors='replace')}\n{error}"
            raise ProgramError(project.image.command, "failed", text) from error
    _require_json(log)
    return service.start_seconds


def _require_json(log: Path) -> None:
    """Require JSON on every line, apart from Celery's own on stderr."""
    text = log.read_text()
    for line in text.splitlines():
        if not line or line.startswith("worker: "):
            continue
        try:
            json.loads(line)
        except ValueError as error:
            raise ProgramError(["service"], "logged a line without JSON", text) from error
