"""The command `fastapi-service`, run in this process or in a separate one."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from generator import cli

Result = subprocess.CompletedProcess[str]
Command = Callable[..., Result]


def run_in_process(folder: Path, arguments: list[str], variables: dict[str, str]) -> Result:
    """Run the command without a terminal. Saves the second that importing it takes."""
    stdout = io.StringIO()
    stderr = io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["fastapi-service", *arguments])
        patch.setattr(sys, "stdin", io.StringIO())
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            cli.run()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 0
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return Result(arguments, code, stdout.getvalue(), stderr.getvalue())


@contextmanager
def running(
    checkout: Path, folder: Path, *arguments: str, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Start the command in the background, and kill its process group afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", *arguments],
        cwd=folder,
        env=os.environ | {"FASTAPI_SERVICE_TEMPLATE": str(checkout)} | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def assert_refused(result: Result, code: int, *words: str) -> None:
    """Assert one sentence on stderr that contains the words, and no traceback."""
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if not line.endswith("...")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    for word in words:
        assert word in lines[0]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


def no_process_mentions(folder: Path) -> bool:
    """Return True when no process has the folder in its command or as its current folder."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            current = (process / "cwd").readlink()
            if str(folder).encode() in command or current.is_relative_to(folder):
                return False
    return True


@contextmanager
def silent_index() -> Iterator[str]:
    """Yield the URL of a package index that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"
