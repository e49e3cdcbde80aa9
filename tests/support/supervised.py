"""The processes of a service as a supervisor runs them: whatever ends is started again."""

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
    print(json.dumps([[str(it) for it in row] for row in result] if result.returns_rows else []))
"""


class Supervised:
    """A program that is started again whenever it ends, until the test lets it end."""

    def __init__(
        self, command: list[str], project: RenderedProject, variables: Mapping[str, str]
    ) -> None:
        self.command, self._project, self._variables = command, project, variables
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
        """Without a word to it, and to nobody of its group."""
        self.process.kill()

    def kill_child(self) -> None:
        """One of the processes that it forked."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        with suppress(ProcessLookupError):
            os.kill(int(found.split()[-1]), signal.SIGKILL)

    def end(self, seconds: float) -> int:
        self._ending = True
        code = stop(self.process, seconds)
        self._thread.join()
        return code


@dataclass
class SupervisedService:
    """A service with its worker, if it has one, and what its jobs have told."""

    project: RenderedProject
    variables: Mapping[str, str]
    probes: Path
    port: int = field(default_factory=free_port)
    worker: Supervised | None = None

    def __post_init__(self) -> None:
        run = [self.project.program("fastapi"), "run", "--host", HOST, "--port", str(self.port)]
        self.api = Supervised(run, self.project, self.variables)
        if self.project.has_worker:
            work = ["-A", "app.worker", "worker", "--concurrency", "4"]
            command = [self.project.program("celery"), *work]
            self.worker = Supervised(command, self.project, self.variables)
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

    def answered(self, method: str, path: str, status: int) -> dict[str, Any]:
        """As a client that tries again where it was not answered, or not so."""
        end = time.monotonic() + 60
        while True:
            try:
                found: dict[str, Any] = self.client.send(method, path).of(status).json
            except ContractError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
            else:
                return found

    def enqueue(self, path: str) -> str:
        return str(self.answered("POST", f"/api/v1/probes/{path}", 202)["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        return self.answered("GET", f"/api/v1/jobs/{job_id}", 200)

    def ended(self, job_id: str, seconds: float) -> dict[str, Any]:
        wait_for(lambda: self.job(job_id)["finished_at"] is not None, seconds)
        return self.job(job_id)

    def query(self, statement: str) -> list[list[str]]:
        wait = "{}" if "postgresql" in self.variables["DATABASE_URL"] else "{'timeout': 30}"
        arguments = ("-c", _QUERY, statement, wait)
        url = self.variables["DATABASE_URL"]
        found = self.project.call("python", *arguments, seconds=60, DATABASE_URL=url)
        rows: list[list[str]] = json.loads(found.splitlines()[-1])
        return rows

    def told(self) -> list[list[str]]:
        """Word, job and request id of each line that a job has written."""
        return [line.split() for line in self.probes.read_text().splitlines()]


def probed(options: tuple[Option, ...], workspace: Path, **answers: str) -> RenderedProject:
    """A service with the feature that the tests of jobs need."""
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
    """Run it on a fresh database, with a table for what its jobs write."""
    probes = folder / "probes"
    probes.touch()
    with fresh_database(project) as url, ExitStack() as stack:
        settings = {"DATABASE_URL": url, "PROBES": str(probes), **settings}
        project.call("alembic", "upgrade", "head", seconds=60, **settings)
        found = SupervisedService(project, project.variables(**settings), probes)
        stack.callback(found.close)
        found.query("CREATE TABLE effects (job VARCHAR(36))")
        yield found
