"""Our service and its rivals, as processes of their own."""

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import uv

from generator.processes import run, stop
from generator.project.serve import HOST, free_port
from generator.template.options import parse_definition
from generator.verify.matrix.rows import select_rows
from generator.verify.rendered import RenderedProject
from generator.verify.stages import STAGES

ROOT = Path(__file__).parents[1]
POOL_SIZE = "5"  # the default of DATABASE_POOL_SIZE
# Each service runs on the first, and all else on the second: database, load, and this program.
SERVICE_CPU = 0
LOAD_CPU = 1


@dataclass(frozen=True)
class Sample:
    """One run of wrk."""

    per_second: float
    p50: float
    p99: float


@dataclass
class Contender:
    """A running service, and what was measured."""

    name: str
    port: int
    process: subprocess.Popen[str]
    seconds_to_start: float
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def median(self, operation: str, figure: str = "per_second") -> float:
        values: list[float] = [getattr(sample, figure) for sample in self.samples[operation]]
        return statistics.median(values)

    def memory(self) -> float:
        """Return the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(find(r"VmRSS:\s+(\d+)", status)) / 1024


def install(mode: str, database: str, workspace: Path) -> RenderedProject:
    """Render and install a service with users, and the libraries of its rivals."""
    options = parse_definition((ROOT / "copier.yml").read_text())
    answers = {"sqlalchemy": mode, "database": database, "auth": "jwt"}
    answers |= {"background": "background_tasks", "examples": "true"}
    row = select_rows(options, [f"{name}={value}" for name, value in answers.items()])[0]
    project = RenderedProject(row, workspace)
    for stage in STAGES[:2]:
        stage.run(project)
    python = str(project.program("python"))
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python]
    run([*command, "asyncpg", "psycopg_pool"], ROOT)
    return project


@contextmanager
def serve(name: str, project: RenderedProject, settings: dict[str, str]) -> Iterator[Contender]:
    """Run a contender on its processor until the block ends."""
    mode = project.answers["sqlalchemy"]
    modules = {
        "ours": "app.main",
        "bare": "benchmarks.rivals.bare",
        "tuned": f"benchmarks.rivals.textbook_{mode}",
    }
    module = modules.get(name, f"benchmarks.rivals.{name}_{mode}")
    if name == "tuned":
        settings = {**settings, "POOL_SIZE": POOL_SIZE}
    port = free_port()
    pinned = ["taskset", "--cpu-list", str(SERVICE_CPU)]
    command = [*pinned, project.program("uvicorn"), f"{module}:app"]
    with (project.workspace / f"{name}.log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--host", HOST, "--port", str(port)],
            cwd=project.folder,
            env=project.variables(**settings, PYTHONPATH=f"{project.folder}:{ROOT}"),
            stdout=log,
            stderr=log,
            start_new_session=True,
            text=True,
        )
        try:
            while not answers(port):
                if process.poll() is not None:
                    sys.exit(f"{name} did not start: {log.name}")
                time.sleep(0.005)
            yield Contender(name, port, process, time.perf_counter() - began)
        finally:
            stop(process, 10)


def answers(port: int) -> bool:
    """Return whether the process serves requests; the rivals have no health check."""
    try:
        connection = HTTPConnection(HOST, port, timeout=5)
        connection.request("GET", "/health/live")
        return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()


def send(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> dict[str, str]:
    connection = HTTPConnection(HOST, port, timeout=30)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    if response.status >= HTTPStatus.BAD_REQUEST:
        sys.exit(f"{method} {path}: {response.status} {content!r}")
    document: dict[str, str] = json.loads(content)
    return document


def find(pattern: str, text: str) -> str:
    """Return the group of the pattern; exits if a program prints something else."""
    match = re.search(pattern, text)
    return match[1] if match else sys.exit(f"{pattern} is not in: {text}")
