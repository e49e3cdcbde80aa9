"""A server that is started here, in a temporary folder, for as long as it is needed."""

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
from generator.processes import check_interrupted, environment, start, stop, undisturbed
from generator.server import HOST, free_port
from generator.services.programs import Programs, open_to_others

_START_SECONDS = 60
_STOP_SECONDS = 30

# Below the ports that systems give to clients: while a server is stopped, none of its clients
# can be given its port, and none can connect to itself.
_FIRST_PORT, _PORTS = 20_000, 12_000

Process = subprocess.Popen[str]


class UnavailableError(CommandError):
    """No server of this kind is named or installed; the message says how to get one."""


class LocalServer(ABC):
    """A server with data, port and password of its own; it can be stopped and started again."""

    title: ClassVar[str]
    programs: ClassVar[Programs]
    # Commands that install it, as far as this machine can use them.
    install: ClassVar[tuple[str, ...]]
    # Once this is sent, whatever answers so is ready for clients.
    answer: ClassVar[bytes]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self.directory, self.folder, self.user = programs, folder, user
        self.port = pick_port()
        self.password = secrets.token_hex(16)
        self.process: Process | None = None

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start a server of one's own; in the end nothing of it is left.

        Raises UnavailableError when it is not installed.
        """
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
            with undisturbed():
                server.stop()
                shutil.rmtree(folder)

    @classmethod
    def find(cls, user: str | None = None) -> Path:
        """The folder of its programs: what is installed goes before what a wheel carries."""
        for folder in cls.programs.installed():
            if user is None or open_to_others(folder):
                return folder
        for folder in cls.programs.carried():
            return folder
        raise UnavailableError(cls.how_to_install())

    @classmethod
    def how_to_install(cls) -> str:
        commands = " or ".join(f"`{command}`" for command in cls.install)
        return f"{cls.title} is not installed: {commands} installs it"

    @classmethod
    def account(cls) -> str | None:
        """The user that it runs as, where that cannot be who runs this."""
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
        """Write what it needs before its first start."""

    def start(self) -> None:
        """Return when it answers; raises CommandError with its last words when it does not."""
        self.process = self.spawn(self.command(), "server.log")
        self.wait_for(self.process, self.port, self.greeting, self.answer, "server.log")

    def stop(self) -> None:
        """Stop it, clients or not; the data stay for the next start."""
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
                spared=True,
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
        while not answers(port, greeting, answer):
            check_interrupted()
            if process.poll() is not None or time.monotonic() > end:
                raise self.failure(log)
            time.sleep(0.02)

    def failure(self, log: str) -> CommandError:
        """What to raise when it does not start, with the last line of the log."""
        said = (self.folder / log).read_text(errors="replace").strip().splitlines()
        return CommandError(
            f"{self.title} did not start: {said[-1] if said else 'it says nothing'}"
        )


def pick_port() -> int:
    return free_port(_FIRST_PORT + secrets.randbelow(_PORTS))


def answers(port: int, greeting: bytes, answer: bytes) -> bool:
    """Whether what listens on the port answers the greeting with what begins so."""
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
    """The folder for temporary folders; None is the system's choice."""
    chosen = Path(tempfile.gettempdir())
    if user is None or open_to_others(chosen.resolve()):
        return None
    return "/tmp"  # noqa: S108 - only its parent: the folder itself has a random name
