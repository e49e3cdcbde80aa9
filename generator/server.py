"""A rendered service as a running process."""

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from generator.errors import CommandError
from generator.processes import start, stop

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 10


def free_port(first: int = 0) -> int:
    """The first free port from here on; 0 leaves the choice to the system."""
    for port in range(first, first + 100):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((HOST, port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    raise CommandError(f"No port between {first} and {first + 99} is free.")


@contextmanager
def serving(
    command: list[str], project: Path, port: int, variables: Mapping[str, str], output: int | None
) -> Iterator[subprocess.Popen[str]]:
    """Start `fastapi dev` or `run`, wait until it answers, and stop it in the end.

    Raises CommandError when it ends, or does not answer in time.
    """
    address = ["--host", HOST, "--port", str(port)]
    process = start([*command, *address], project, variables, output)
    try:
        _wait_until_live(process, port)
        yield process
    finally:
        stop(process, STOP_SECONDS)


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
