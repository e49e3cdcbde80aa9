"""Servers that run in a temporary folder while they are needed."""

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from generator.errors import CommandError
from generator.processes import check_interrupted, environment, ignoring_interrupts, start, stop
from generator.project.serve import HOST, free_port
from generator.verify.servers.programs import Programs, open_to_others

_START_SECONDS = 60
_STOP_SECONDS = 30

# Below the ephemeral ports: while a server is stopped, no client can be assigned its port, and
# none can connect to itself.
_FIRST_PORT = 20_000
_PORTS = 12_000

Process = subprocess.Popen[str]


class UnavailableError(CommandError):
    """No server of this kind is installed. The message has the command that installs it."""


class LocalServer(ABC):
    """A server with its own data, port and password, which can be stopped and restarted."""

    title: ClassVar[str]
    programs: ClassVar[Programs]
    # Commands that install it on this machine.
    install: ClassVar[tuple[str, ...]]
    # The start of the answer to `greeting` of a server that is ready.
    answer: ClassVar[bytes]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self.directory = programs
        self.folder = folder
        self.user = user
        self.port = pick_port()
        self.password = secrets.token_hex(16)
        self.process: Process | None = None

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start a server, and delete it afterwards; raises UnavailableError."""
        user = cls.account()
        programs = cls.find(user)
        folder = Path(tempfile.mkdtemp(prefix=f"{cls.title.lower()}-", dir=_base(user)))
        server = cls(programs, folder, user)
        try:
            if user:
                shutil.chown(folder, user)
            server.prepare()
            server.start()
            yield server
        finally:
            with ignoring_interrupts():
                server.stop()
                shutil.rmtree(folder)

    @classmethod
    def find(cls, user: str | None = None) -> Path:
        """Return the folder of its programs: installed ones before those of a wheel."""
        for folder in cls.programs.installed():
            if user is None or open_to_others(folder):
                return folder
        for folder in cls.programs.in_wheel():
            return folder
        raise UnavailableError(cls.how_to_install())

    @classmethod
    def how_to_install(cls) -> str:
        commands = " or ".join(f"`{command}`" for command in cls.install)
        return f"{cls.title} is not installed: {commands} installs it"

    @classmethod
    def account(cls) -> str | None:
        """Return the user to run as, when it cannot be the current one."""
        return None

    @property
    @abstractmethod
    def url(self) -> str: ...

    @property
    @abstractmethod
    def greeting(self) -> bytes: ...

    @abstractmethod
    def command(self) -> list[str]: ...

    def variables(self) -> dict[str, str]:
        return environment(LC_ALL="C")

    @abstractmethod
    def prepare(self) -> None:
        """Write its configuration before the first start."""

    def start(self) -> None:
        """Start it and wait until it answers; raises CommandError with the last line of its log."""
        self.process = self.spawn(self.command(), "server.log")
        self.wait_for(self.process, self.port, self.greeting, self.answer, "server.log")

    def stop(self) -> None:
        """Stop it without waiting for its clients. The data stay for the next start."""
        if self.process:
            stop(self.process, _STOP_SECONDS, self.stop_signal)
        self.process = None

    def spawn(self, command: list[str], log: str) -> Process:
        with (self.folder / log).open("ab") as output:
            return start(
                command,
                self.folder,
                self.variables(),
                output.fileno(),
                user=self.user,
                survives_interrupt=True,
            )

    def wait_for(
        self,
        process: Process,
        port: int,
        greeting: bytes,
        answer: bytes,
        log: str,
    ) -> None:
        end = time.monotonic() + _START_SECONDS
        while not _answers(port, greeting, answer):
            check_interrupted()
            if process.poll() is not None or time.monotonic() > end:
                raise self.failure(log)
            time.sleep(0.02)

    def failure(self, log: str) -> CommandError:
        """Return the error for a failed start, with the last line of the log."""
        lines = (self.folder / log).read_text(errors="replace").strip().splitlines()
        return CommandError(
            f"{self.title} did not start: {lines[-1] if lines else 'its log is empty'}"
        )


def pick_port() -> int:
    return free_port(_FIRST_PORT + secrets.randbelow(_PORTS))


def _answers(port: int, greeting: bytes, answer: bytes) -> bool:
    """Return True when the server answers the greeting as expected."""
    received = b""
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(greeting)
            while len(received) < len(answer) and (part := connection.recv(len(answer))):
                received += part
    except OSError:
        return False
    return received.startswith(answer)


def _base(user: str | None) -> str | None:
    """Return the folder for temporary folders; None is the default."""
    chosen = Path(tempfile.gettempdir())
    if user is None or open_to_others(chosen.resolve()):
        return None
    return "/tmp"  # noqa: S108 - only the parent of a folder with a random name
