"""The processes of a service under a supervisor, which restarts them."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.processes import start, stop
from generator.project.serve import HOST, free_port
from generator.template.options import Option
from generator.verify.contract.client import Client, ContractError
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.stages import STAGES
from tests.support.command import wait_for
from tests.support.probes import add_probes
from tests.support.rendered import row_with

_QUERY = """
import json, os, sys, sqlalchemy
engine = sqlalchemy.create_engine(os.environ["DATABASE_URL"], connect_args=eval(sys.argv[2]))
with engine.begin() as connection:
    result = connection.execute(sqlalchemy.text(sys.argv[1]))
    rows = [[str(value) for value in row] for row in result] if result.returns_rows else []
    print(json.dumps(rows))
"""


class SupervisedProcess:
    """A program that is restarted when it exits, until `end` is called."""

    def __init__(
        self, command: list[str], project: RenderedProject, variables: Mapping[str, str]
    ) -> None:
        self.command = command
        self._project = project
        self._variables = variables
        self._log = project.folder.parent / f"{Path(command[0]).name}.log"
        self._ending = False
        self._spawn()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _spawn(self) -> None:
        with self._log.open("ab") as output:
            folder = self._project.folder
            self.process = start(self.command, folder, self._variables, output.fileno())

    def _watch(self) -> None:
        while not self._ending:
            self.process.wait()
            if not self._ending:
                self._spawn()

    def kill(self) -> None:
        """Send SIGKILL to the process, and not to its group."""
        self.process.kill()

    def kill_child(self) -> None:
        """Send SIGKILL to the last child process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        with suppress(ProcessLookupError):
            os.kill(int(children.split()[-1]), signal.SIGKILL)

    def end(self, seconds: float) -> int:
        """Stop the process without a restart, and return its exit code."""
        self._ending = True
        code = stop(self.process, seconds)
        self._thread.join()
        return code


@dataclass
class SupervisedService:
    """A service and its worker, if it has one; the jobs log their starts to `probes`."""

    project: RenderedProject
    variables: Mapping[str, str]
    probes: Path
    port: int = field(default_factory=free_port)
    worker: SupervisedProcess | None = None

    def __post_init__(self) -> None:
        run = [self.project.program("fastapi"), "run", "--host", HOST, "--port", str(self.port)]
        self.api = SupervisedProcess(run, self.project, self.variables)
        if self.project.has_worker:
            work = ["-A", "app.worker", "worker", "--concurrency", "4"]
            command = [self.project.program("celery"), *work]
            self.worker = SupervisedProcess(command, self.project, self.variables)
        wait_for(self.is_live)

    @property
    def client(self) -> Client:
        return Client(HOST, self.port)

    def close(self) -> None:
        self.api.end(15)
        if self.worker:
            self.worker.end(30)

    def is_live(self) -> bool:
        try:
            return self.client.get("/health/live").status == 200
        except ContractError:
            return False

    def retry_request(self, method: str, path: str, status: int) -> dict[str, Any]:
        """Repeat a request until it is answered with the status."""
        end = time.monotonic() + 60
        while True:
            try:
                document: dict[str, Any] = self.client.send(method, path).require(status).json
            except ContractError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
            else:
                return document

    def enqueue(self, path: str) -> str:
        return str(self.retry_request("POST", f"/api/v1/probes/{path}", 202)["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        return self.retry_request("GET", f"/api/v1/jobs/{job_id}", 200)

    def wait_for_job(self, job_id: str, seconds: float) -> dict[str, Any]:
        wait_for(lambda: self.job(job_id)["finished_at"] is not None, seconds)
        return self.job(job_id)

    def query(self, statement: str) -> list[list[str]]:
        url = self.variables["DATABASE_URL"]
        connect_arguments = "{}" if "postgresql" in url else "{'timeout': 30}"
        arguments = ("-c", _QUERY, statement, connect_arguments)
        output = self.project.call("python", *arguments, seconds=60, DATABASE_URL=url)
        rows: list[list[str]] = json.loads(output.splitlines()[-1])
        return rows

    def read_probes(self) -> list[list[str]]:
        """Return the word `started`, the job and the request id of each logged start."""
        return [line.split() for line in self.probes.read_text().splitlines()]


@contextmanager
def add_workers(service: SupervisedService, count: int) -> Iterator[list[SupervisedProcess]]:
    """Run processes that run jobs without HTTP."""
    command = [service.project.program("python"), "-m", "app.jobs"]
    workers = [SupervisedProcess(command, service.project, service.variables) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.end(15)


def install_with_probes(
    options: tuple[Option, ...], workspace: Path, **answers: str
) -> RenderedProject:
    """Install a service with the feature of `tests.support.probes`."""
    row = row_with(options, auth="none", **answers)
    project = RenderedProject(Row(f"probed-{row.id}-{os.getpid()}", row.answers), workspace)
    if not (project.folder / "app/probes").exists():
        for stage in STAGES[:2]:
            stage.run(project)
        add_probes(project.folder, str(row.answers["sqlalchemy"]))
    return project


@contextmanager
def supervise(
    project: RenderedProject, folder: Path, **settings: str
) -> Iterator[SupervisedService]:
    """Run the service on a fresh database with the table `effects`, to which its jobs write."""
    probes = folder / "probes"
    probes.touch()
    with fresh_database(project) as url, ExitStack() as stack:
        settings = {"DATABASE_URL": url, "PROBES": str(probes), **settings}
        project.call("alembic", "upgrade", "head", seconds=60, **settings)
        service = SupervisedService(project, project.variables(**settings), probes)
        stack.callback(service.close)
        service.query("CREATE TABLE effects (job VARCHAR(36))")
        yield service
