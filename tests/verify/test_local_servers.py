"""Real servers start, keep their data over a restart, and clean up."""

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
from tests.support.servers import skip_missing

pytestmark = pytest.mark.slow

SERVERS = [server for server, _ in KINDS.values()]

# For each kind: a client package, a script that writes a value, and one that reads it again.
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


def disable(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find no programs from this source: `installed` or `in_wheel`."""
    monkeypatch.setattr(Programs, source, lambda _: iter(()))


def assert_restarts(server: LocalServer) -> None:
    client, write, read = CLIENTS[type(server)]
    run_client(client, write, server.url)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, server.port))
    server.start()
    run_client(client, read, server.url)


def run_client(client: str, script: str, url: str) -> None:
    """Run a script with a client package that this repository does not install."""
    command = [uv.find_uv_bin(), "run", "--no-project", "--python", sys.executable]
    command += ["--with", client, "python", "-c", script.format(url=url)]
    environment = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    subprocess.run(command, env=environment, check=True, timeout=120)


@pytest.mark.parametrize("kind", SERVERS)
def test_installed_server_keeps_data(
    kind: type[LocalServer], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disable("in_wheel", monkeypatch)
    try:
        with kind.running() as server:
            assert list(temporary.iterdir()) == [server.folder]
            assert_restarts(server)
    except UnavailableError as error:
        skip_missing(str(error))


@pytest.mark.parametrize("kind", [PostgreSQL, Redis])
def test_server_from_wheel_keeps_data(
    kind: type[LocalServer], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disable("installed", monkeypatch)
    if kind is Redis and sys.version_info >= (3, 13):
        pytest.skip("There is no wheel of Redis for Python 3.13 or later")
    with kind.running() as server:
        assert list(temporary.iterdir()) == [server.folder]
        assert server.directory.is_relative_to(sys.prefix)
        assert_restarts(server)


def test_wheel_closed_to_others_is_copied(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other users cannot enter the temporary folders of pytest."""
    assert temporary
    (programs,) = [next(PostgreSQL.programs.in_wheel())]
    package = programs.parent.parent
    for name in (package.name, f"{package.name}.libs"):
        copytree(package.with_name(name), tmp_path / name)
    closed = tmp_path / programs.relative_to(package.parent)
    disable("installed", monkeypatch)
    monkeypatch.setattr(Programs, "in_wheel", lambda _: iter([closed]))
    with PostgreSQL.running() as server:
        assert_restarts(server)


@pytest.mark.parametrize("kind", SERVERS)
def test_failed_start_cleans_up(
    kind: type[LocalServer], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert temporary
    monkeypatch.setattr(kind, "command", lambda _: ["sh", "-c", "echo first; echo reason; exit 1"])
    server = kind.running()
    try:
        with pytest.raises(CommandError, match=f"^{kind.title} did not start: reason$"), server:
            pass
    except UnavailableError as error:
        skip_missing(str(error))


def test_server_starts_once_per_kind(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable("postgresql"), raising=False)
    with closing(Servers()) as servers:
        assert list(temporary.iterdir()) == []
        assert servers.url("postgresql") == servers.url("postgresql")
        assert len(list(temporary.iterdir())) == 1


def test_wrong_password_is_rejected() -> None:
    client, write, _ = CLIENTS[PostgreSQL]
    with PostgreSQL.running() as server:
        guessed = server.url.replace(server.password, "guessed")
        with pytest.raises(subprocess.CalledProcessError):
            run_client(client, write, guessed)
