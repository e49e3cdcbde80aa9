"""A service behind PgBouncer in transaction mode, which gives each transaction any connection."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from generator.template.options import Option
from generator.verify.runtime import fresh_database
from generator.verify.servers.local import LocalServer, UnavailableError
from generator.verify.servers.postgresql import PostgreSQL
from generator.verify.servers.programs import Programs
from tests.support.live import install_row, run_service
from tests.support.load import BURST_SIZE, send_burst
from tests.support.rendered import row_with
from tests.support.servers import skip_missing

pytestmark = pytest.mark.slow

CONFIGURATION = """[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
"""


class PgBouncer(LocalServer):
    title = "PgBouncer"
    programs = Programs(names=("pgbouncer",), debian="usr/sbin")
    install = ("sudo apt-get install pgbouncer",)
    answer = b"R"
    greeting = PostgreSQL.greeting
    server_url = ""

    @classmethod
    def account(cls) -> str | None:
        return PostgreSQL.account()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        server = urlsplit(self.server_url)
        text = CONFIGURATION.format(
            host=server.hostname,
            port=server.port,
            user=server.username,
            password=server.password,
            own_port=self.port,
        )
        (self.folder / "pgbouncer.ini").write_text(text)
        (self.folder / "pgbouncer.ini").chmod(0o644)

    def command(self) -> list[str]:
        return [str(self.directory / "pgbouncer"), str(self.folder / "pgbouncer.ini")]


@pytest.fixture
def pgbouncer(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PgBouncer]:
    monkeypatch.setattr(PgBouncer, "server_url", postgresql)
    try:
        with PgBouncer.running() as server:
            yield server
    except UnavailableError as error:
        skip_missing(str(error))


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_bursts_are_served(
    mode: str, options: tuple[Option, ...], workspace: Path, pgbouncer: PgBouncer, tmp_path: Path
) -> None:
    row = row_with(options, sqlalchemy=mode, database="postgresql", auth="none")
    project = install_row(row, workspace)
    settings = {"DATABASE_PREPARED_STATEMENTS": "false"}

    with fresh_database(project) as direct:
        url = urlsplit(pgbouncer.url)._replace(path=urlsplit(direct).path).geturl()
        with run_service(project, tmp_path, url, settings) as live:
            for _ in range(5):
                assert send_burst(live.client) == {"served": BURST_SIZE}
            assert live.client.get("/health").require(200)
        # PgBouncer would keep the database in use.
        pgbouncer.stop()
