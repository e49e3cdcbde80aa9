"""The worker of a rendered service as a running process, where the service has one."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from generator.processes import start, stop
from generator.project import Project

WORKER_STOP_SECONDS = 30


@contextmanager
def working(
    project: Project, variables: Mapping[str, str], output: int
) -> Iterator[subprocess.Popen[str] | None]:
    """Start it, without waiting until it is ready: jobs wait for it."""
    if not project.has_worker:
        yield None
        return
    command = [project.program("celery"), "-A", "app.worker", "worker", "--concurrency", "2"]
    process = start(command, project.folder, variables, output)
    try:
        yield process
    finally:
        stop(process, WORKER_STOP_SECONDS)
