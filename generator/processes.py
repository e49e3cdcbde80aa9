"""Programs that the command runs: each in a group of its own, so that nothing outlives it."""

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import uv

from generator.errors import CommandError

# What a shell, an active environment or a git hook would impose on a project that is not its own.
_FOREIGN = {
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "VIRTUAL_ENV",
}

_running: set[subprocess.Popen[str]] = set()
_interrupted = threading.Event()


class ProgramError(CommandError):
    """A program ended with an error; `output` is all that it printed."""

    def __init__(self, command: Sequence[str], reason: str, output: str) -> None:
        self.output = output
        last = next((line for line in reversed(output.splitlines()) if line.strip()), "")
        program = " ".join([Path(command[0]).name, *command[1:2]])
        super().__init__(f"`{program}` {reason}" + (f": {last.strip()}" if last else ""))


def environment(**changes: str) -> dict[str, str]:
    """Environment variables for a project of its own."""
    inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return inherited | changes


def run(  # noqa: PLR0913 - a process has as many properties
    command: Sequence[str],
    directory: Path,
    *,
    variables: Mapping[str, str] | None = None,
    seconds: float = 300,
    spared: bool = False,
    typed: str | None = None,
) -> str:
    """Run a program to its end and return what it printed; raises ProgramError.

    `typed` is what it reads from its standard input, which is empty else.
    """
    inherited = variables or environment()
    process = start(
        command, directory, inherited, subprocess.PIPE, spared=spared, reads=typed is not None
    )
    try:
        output, _ = process.communicate(typed, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        stop(process, seconds=0)
        output, _ = process.communicate()
        raise ProgramError(command, f"did not end within {seconds:g} s", output) from error
    except BaseException:
        stop(process, seconds=0)
        raise
    finally:
        _running.discard(process)
    if process.returncode:
        raise ProgramError(command, f"failed with exit code {process.returncode}", output)
    return output


def start(  # noqa: PLR0913 - a process has as many properties
    command: Sequence[str],
    directory: Path,
    variables: Mapping[str, str],
    output: int | None,
    *,
    user: str | None = None,
    spared: bool = False,
    reads: bool = False,
) -> subprocess.Popen[str]:
    """Start a program in a group of its own; `output` is a descriptor for all that it prints.

    With None it prints where this process does. `interrupt` has no say over what is spared:
    whoever started it stops it.
    """
    if not spared:
        check_interrupted()
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=variables,
        stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        text=True,
        errors="replace",
        start_new_session=True,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if not spared:
        _running.add(process)
    return process


def stop(
    process: subprocess.Popen[str], seconds: float, asking: signal.Signals = signal.SIGTERM
) -> int:
    """Ask the program to end, kill its whole group after `seconds`; return its exit code."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        if seconds and process.poll() is None:
            process.send_signal(asking)
            process.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _running.discard(process)
    return process.wait()


def interrupt() -> None:
    """Kill what runs in any thread, and let nothing more start."""
    _interrupted.set()
    for process in list(_running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def check_interrupted() -> None:
    """Raise CommandError once `interrupt` was called: what would still be begun is not wanted."""
    if _interrupted.is_set():
        raise CommandError("The run was interrupted.")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no further Ctrl-C break off what puts things in order; it must be short.

    Python hands signals to the main thread only: elsewhere there is nothing to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    disturbing = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in disturbing}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Let one Ctrl-C, SIGTERM or SIGHUP end what runs; others do not disturb the clearing away."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {int(number): signal.getsignal(number) for number in numbers}

    def end(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        handler = handlers[number]
        if callable(handler):
            handler(number, frame)

    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, end)
    yield  # Who was interrupted goes on ignoring: the process ends.
    for number, handler in handlers.items():
        signal.signal(number, handler)


def uv_program() -> str:
    """Path of uv, which is installed with this command."""
    try:
        return os.fspath(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise CommandError("uv is not installed; `pip install uv` installs it.") from error


def uv_command() -> str:
    """As the user would type it: uv may be installed with this command only."""
    return "uv" if shutil.which("uv") else shlex.quote(uv_program())
