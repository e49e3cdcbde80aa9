"""A pytest plugin: real servers for a run of tests, each started on first use.

The main process starts them, so that they survive a crashed worker of pytest-xdist. Workers request
a URL from it and set the environment variable that `verify` reads first.
"""

import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from threading import Thread
from typing import Any, NoReturn

import pytest

from generator.errors import CommandError
from generator.processes import ignoring_interrupts
from generator.project.serve import HOST
from generator.verify.matrix.rows import Row
from generator.verify.servers import KINDS, SERVERS, UnavailableError, variable
from generator.verify.servers.postgresql import PostgreSQL

# Host, port and key of the registry.
Address = tuple[str, int, bytes]
ServersFor = Callable[[Row], None]


class ServerRegistry:
    """A listener that sends the URLs of servers to the workers, one at a time."""

    def __init__(self) -> None:
        key = secrets.token_bytes()
        self._listener = Listener(("127.0.0.1", 0), authkey=key)
        _, port = self._listener.address
        self.address: Address = ("127.0.0.1", port, key)
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            with (
                suppress(OSError, EOFError, AuthenticationError),
                self._listener.accept() as connection,
            ):
                kind = connection.recv()
                if kind is None:
                    return
                connection.send(look_up(kind))

    def close(self) -> None:
        request_url(self.address, None)
        self._thread.join()
        self._listener.close()


def request_url(address: Address, kind: str | None) -> Any:  # noqa: ANN401
    """Return the URL of a server or the error of its start; None closes the registry."""
    host, port, key = address
    with Client((host, port), authkey=key) as registry:
        registry.send(kind)
        return registry.recv() if kind else None


def look_up(kind: str) -> str | CommandError:
    """Return the URL of a server, or an error that can be pickled."""
    try:
        return SERVERS.url(kind)
    except UnavailableError as error:
        return UnavailableError(str(error))
    except CommandError as error:
        return CommandError(str(error))


_registry = pytest.StashKey[ServerRegistry]()


def pytest_configure(config: pytest.Config) -> None:
    # Clean up before the exit. A shell that starts tests in the background ignores SIGINT, which
    # the processes that they start would inherit.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        config.stash[_registry] = ServerRegistry()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401
    node.workerinput["servers"] = node.config.stash[_registry].address


def pytest_unconfigure(config: pytest.Config) -> None:
    with ignoring_interrupts():
        if _registry in config.stash:
            config.stash[_registry].close()
        SERVERS.close()


def skip_missing(reason: str) -> NoReturn:
    """Skip the test; fail it with REQUIRE_SERVICES=1."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _provide_url(config: pytest.Config, kind: str) -> Iterator[str]:
    """Set the environment variable of a server, and yield its URL."""
    if hasattr(config, "workerinput"):
        answer = request_url(config.workerinput["servers"], kind)
    else:
        answer = look_up(kind)
    if isinstance(answer, UnavailableError):
        skip_missing(str(answer))
    if isinstance(answer, CommandError):
        raise answer
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable(kind), answer)
        yield answer


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config) -> Iterator[str]:
    yield from _provide_url(pytestconfig, "postgresql")


@pytest.fixture(scope="session")
def redis(pytestconfig: pytest.Config) -> Iterator[str]:
    yield from _provide_url(pytestconfig, "redis")


@pytest.fixture(scope="session")
def rabbitmq(pytestconfig: pytest.Config) -> Iterator[str]:
    yield from _provide_url(pytestconfig, "rabbitmq")


@pytest.fixture
def servers_for(request: pytest.FixtureRequest) -> ServersFor:
    """Return a function that starts the servers of a row, or skips the test."""

    def start_servers(row: Row) -> None:
        for answer in row.answers.values():
            if isinstance(answer, str) and answer in KINDS:
                request.getfixturevalue(answer)

    return start_servers


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """Start a server that the test may stop and restart."""
    try:
        with PostgreSQL.running() as server:
            yield server
    except UnavailableError as error:
        skip_missing(str(error))


@contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port that accepts connections and never answers."""
    with socket.create_server((HOST, 0), backlog=128) as listener:
        yield listener.getsockname()[1]
