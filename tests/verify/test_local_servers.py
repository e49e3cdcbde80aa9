"""Real servers: they start, keep their data over a restart, and leave nothing behind."""

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest
import uv

from generator.errors import CommandError
from generator.project.serve import HOST
from generator.verify.servers import KINDS, Servers, UnavailableError, variable
from generator.verify.servers.local import LocalServer
from generator.verify.servers.postgresql import PostgreSQL
from generator.verify.servers.programs import Programs
from generator.verify.servers.rabbitmq import RabbitMQ
from generator.verify.servers.redis import Redis
from tests.support.servers import missing

pytestmark = pytest.mark.slow

SERVERS = [server for server, _ in KINDS.values()]

# For each kind a client, and how it keeps a value and reads it again.
CLIENTS: dict[type[LocalServer], tuple[str, str, str]] = {
    PostgreSQL: (
        "psycopg[binary]",
        "import psycopg; psycopg.connect({url!r}, autocommit=True).execute('CREATE TABLE kept()')",
        "import psycopg; psycopg.connect({url!r}).execute('SELECT FROM kept')",
    ),
    Redis: (
        "redis",
        "import redis; redis.from_url({url!r}).set('kept', 1)",
        "import redis; assert redis.from_url({url!r}).get('kept') == b'1'",
    ),
    RabbitMQ: (
        "kombu",
        "import kombu; kombu.Connection({url!r}).SimpleQueue('kept').put('message')",
        "import kombu; kombu.Connection({url!r}).SimpleQueue('kept').get(timeout=10)",
    ),
}


def without(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Programs, source, lambda _: iter(()))


def assert_restarts(server: LocalServer) -> None:
    client, keep, read = CLIENTS[type(server)]
    speak(client, keep, server.url)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, server.port))
    server.start()
    speak(client, read, server.url)


def speak(client: str, script: str, url: str) -> None:
    """Run a few lines with a client that this repository does not install."""
    command = [uv.find_uv_bin(), "run", "--no-project", "--python", sys.executable]
    command += ["--with", client, "python", "-c", script.format(url=url)]
    environment = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    subprocess.run(command, env=environment, check=True, timeout=120)


@pytest.mark.parametrize("kind", SERVERS)
def test_what_is_installed_restarts_with_its_data(
    kind: type[LocalServer], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without("in_wheel", monkeypatch)
    try:
        with kind.running() as server:
            assert list(temporary.iterdir()) == [server.folder]
            assert_restarts(server)
    except UnavailableError as error:
        missing(str(error))


@pytest.mark.parametrize("kind", [PostgreSQL, Redis])
def test_what_a_wheel_carries_restarts_with_its_data(
    kind: type[LocalServer], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without("installed", monkeypatch)
    if kind is Redis and sys.version_info >= (3, 13):
        pytest.skip("There is no wheel of Redis for Python 3.13 or later")
    with kind.running() as server:
        assert list(temporary.iterdir()) == [server.folder]
        assert server.directory.is_relative_to(sys.prefix)
        assert_restarts(server)


def test_a_wheel_that_only_root_reaches_serves_another_user(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folders of pytest are such."""
    assert temporary
    (programs,) = [next(PostgreSQL.programs.in_wheel())]
    package = programs.parent.parent
    for name in (package.name, f"{package.name}.libs"):
        copytree(package.with_name(name), tmp_path / name)
    closed = tmp_path / programs.relative_to(package.parent)
    without("installed", monkeypatch)
    monkeypatch.setattr(Programs, "in_wheel", lambda _: iter([closed]))
    with PostgreSQL.running() as server:
        assert_restarts(server)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_does_not_start_leaves_nothing(
    kind: type[LocalServer], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert temporary
    monkeypatch.setattr(kind, "command", lambda _: ["sh", "-c", "echo first; echo reason; exit 1"])
    started = kind.running()
    try:
        with pytest.raises(CommandError, match=f"^{kind.title} did not start: reason$"), started:
            pass
    except UnavailableError as error:
        missing(str(error))


def test_one_server_of_each_kind_is_shared(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable("postgresql"), raising=False)
    with closing(Servers()) as services:
        assert list(temporary.iterdir()) == []
        assert services.url("postgresql") == services.url("postgresql")
        assert len(list(temporary.iterdir())) == 1


def test_the_password_is_needed() -> None:
    client, keep, _ = CLIENTS[PostgreSQL]
    with PostgreSQL.running() as server:
        without = server.url.replace(server.password, "guessed")
        with pytest.raises(subprocess.CalledProcessError):
            speak(client, keep, without)
