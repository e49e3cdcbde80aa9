"""Starts a rendered service and waits until it answers."""

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from generator.console import say, step
from generator.errors import CommandError
from generator.processes import environment, run, start, stop
from generator.uv import uv_program

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 10
_FIRST_PORT = 8000


def serve_until_stopped(project: Path) -> None:
    """Install, migrate and boot a project; returns when the server ends."""
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


@contextmanager
def serving(
    command: list[str], project: Path, port: int, variables: Mapping[str, str], output: int | None
) -> Iterator[subprocess.Popen[str]]:
    """Run `fastapi dev` or `fastapi run` until the block ends.

    Raises CommandError when the service ends, or does not answer in time.
    """
    address = ["--host", HOST, "--port", str(port)]
    process = start([*command, *address], project, variables, output)
    try:
        _wait_until_live(process, port)
        yield process
    finally:
        stop(process, STOP_SECONDS)


def free_port(first: int = 0) -> int:
    """Return the first free port from `first` on; with 0, the system chooses."""
    for port in range(first, first + 100):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((HOST, port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    raise CommandError(f"No port between {first} and {first + 99} is free.")


def _wait_until_live(process: subprocess.Popen[str], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise CommandError(f"The service ended with exit code {process.returncode} at start.")
        if _is_live(port):
            return
        time.sleep(0.05)
    raise CommandError(f"The service did not answer on port {port} within {START_SECONDS} s.")


def _is_live(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
