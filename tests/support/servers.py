"""A pytest plugin: real servers for a run of tests, each started on first use.

They belong to the main process of the run, and so outlive a worker that dies. Workers ask it for a
URL and put it into their environment, where `verify` looks first.
"""

import os
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from threading import Thread
from typing import Any, NoReturn

import pytest

from generator.errors import CommandError
from generator.processes import ignoring_interrupts
from generator.verify.matrix.rows import Row
from generator.verify.servers import KINDS, SERVERS, UnavailableError, variable
from generator.verify.servers.postgresql import PostgreSQL

# Host, port and key of the main process.
Contact = tuple[str, int, bytes]
ServersFor = Callable[[Row], None]


class Desk:
    """Answers the workers, one at a time."""

    def __init__(self) -> None:
        key = secrets.token_bytes()
        self._listener = Listener(("127.0.0.1", 0), authkey=key)
        _, port = self._listener.address
        self.contact: Contact = ("127.0.0.1", port, key)
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            with (
                suppress(OSError, EOFError, AuthenticationError),
                self._listener.accept() as asking,
            ):
                kind = asking.recv()
                if kind is None:
                    return
                asking.send(look_up(kind))

    def close(self) -> None:
        ask(self.contact, None)
        self._thread.join()
        self._listener.close()


def ask(contact: Contact, kind: str | None) -> Any:  # noqa: ANN401
    host, port, key = contact
    with Client((host, port), authkey=key) as desk:
        desk.send(kind)
        return desk.recv() if kind else None


def look_up(kind: str) -> str | CommandError:
    try:
        return SERVERS.url(kind)
    except UnavailableError as error:
        return UnavailableError(str(error))
    except CommandError as error:
        return CommandError(str(error))


_desk = pytest.StashKey[Desk]()


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Clean up before the exit.
    if not hasattr(config, "workerinput"):
        config.stash[_desk] = Desk()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401
    node.workerinput["servers"] = node.config.stash[_desk].contact


def pytest_unconfigure(config: pytest.Config) -> None:
    with ignoring_interrupts():
        if _desk in config.stash:
            config.stash[_desk].close()
        SERVERS.close()


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where every server is required."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _address(config: pytest.Config, kind: str) -> Iterator[str]:
    if hasattr(config, "workerinput"):
        answer = ask(config.workerinput["servers"], kind)
    else:
        answer = look_up(kind)
    if isinstance(answer, UnavailableError):
        missing(str(answer))
    if isinstance(answer, CommandError):
        raise answer
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable(kind), answer)
        yield answer


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config) -> Iterator[str]:
    yield from _address(pytestconfig, "postgresql")


@pytest.fixture(scope="session")
def redis(pytestconfig: pytest.Config) -> Iterator[str]:
    yield from _address(pytestconfig, "redis")


@pytest.fixture(scope="session")
def rabbitmq(pytestconfig: pytest.Config) -> Iterator[str]:
    yield from _address(pytestconfig, "rabbitmq")


@pytest.fixture
def servers_for(request: pytest.FixtureRequest) -> ServersFor:
    """Start the servers that a row's answers name, or skip the test."""

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
        missing(str(error))
