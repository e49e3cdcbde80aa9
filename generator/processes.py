"""Child processes: each has its own process group, so that nothing outlives the command."""

import os
import pwd
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from generator.errors import CommandError

# Variables of a shell, an active environment or a git hook that must not reach a project.
_STRIPPED_VARIABLES = {
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    # They would keep uv from writing a lock, or from installing it.
    "UV_FROZEN",
    "UV_LOCKED",
    "UV_NO_SYNC",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "VIRTUAL_ENV",
}
_TERMINATING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_running: set[subprocess.Popen[str]] = set()
_interrupted = threading.Event()


class ProgramError(CommandError):
    """A program failed. `output` is everything it printed."""

    def __init__(self, command: Sequence[str], reason: str, output: str) -> None:
        self.output = output
        last_line = next((line for line in reversed(output.splitlines()) if line.strip()), "")
        program = " ".join([Path(command[0]).name, *command[1:2]])
        super().__init__(f"`{program}` {reason}" + (f": {last_line.strip()}" if last_line else ""))


def environment(**changes: str) -> dict[str, str]:
    """Return the environment variables for a project, without those of the caller's tools."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in _STRIPPED_VARIABLES
    }
    return inherited | changes


def run(  # noqa: PLR0913 - a process has as many properties
    command: Sequence[str],
    directory: Path,
    *,
    variables: Mapping[str, str] | None = None,
    seconds: float = 300,
    survives_interrupt: bool = False,
    stdin: str | None = None,
) -> str:
    """Run a program to its end and return its output; raises ProgramError."""
    process = start(
        command,
        directory,
        variables or environment(),
        subprocess.PIPE,
        survives_interrupt=survives_interrupt,
        reads_stdin=stdin is not None,
    )
    try:
        output, _ = process.communicate(stdin, timeout=seconds)
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
    survives_interrupt: bool = False,
    reads_stdin: bool = False,
) -> subprocess.Popen[str]:
    """Start a program in its own process group.

    `output` is the file descriptor for stdout and stderr; None inherits both. A process that
    survives `interrupt` must be stopped by its caller.
    """
    if not survives_interrupt:
        check_interrupted()
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=variables,
        stdin=subprocess.PIPE if reads_stdin else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        text=True,
        errors="replace",
        start_new_session=True,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if not survives_interrupt:
        _running.add(process)
    return process


def stop(
    process: subprocess.Popen[str], seconds: float, request: signal.Signals = signal.SIGTERM
) -> int:
    """Ask a program to end, kill its group after `seconds`, and return the exit code."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        if seconds and process.poll() is None:
            process.send_signal(request)
            process.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _running.discard(process)
    return process.wait()


def interrupt() -> None:
    """Kill the running programs of all threads, and prevent new ones."""
    _interrupted.set()
    for process in list(_running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def check_interrupted() -> None:
    """Raise CommandError after `interrupt`."""
    if _interrupted.is_set():
        raise CommandError("The run was interrupted.")


@contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C during a short cleanup. Outside the main thread there is nothing to do."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in _TERMINATING}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Let the first Ctrl-C end the block; later ones do not disturb its cleanup."""
    handlers = {int(number): signal.getsignal(number) for number in _TERMINATING}

    def handle(number: int, frame: FrameType | None) -> None:
        for each in _TERMINATING:
            signal.signal(each, signal.SIG_IGN)
        handler = handlers[number]
        if callable(handler):
            handler(number, frame)

    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, handle)
    yield  # After an interrupt, signals stay ignored until the process ends.
    for number, handler in handlers.items():
        signal.signal(number, handler)
