"""The statements that PostgreSQL receives for a request, by its own log."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from generator.template.options import Option
from generator.verify.contract.accounts import Account
from generator.verify.contract.client import Answer, Client
from generator.verify.servers.postgresql import PostgreSQL
from tests.support.command import wait_for
from tests.support.live import Live, install_row, run_service
from tests.support.load import BURST_SIZE, ITEMS, send_burst
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow

SETTINGS = {"JOB_SWEEP_SECONDS": "3600"}
STATEMENT = re.compile(
    r"(?:statement|execute [^:]+): (\w+)(?:(?:(?!LOG:).)*?\s(?:FROM|INTO) (\w+))?", re.DOTALL
)


@dataclass(frozen=True)
class Logged:
    """A service, and the log of the statements of its database."""

    live: Live
    url: str
    log: Path

    def statements(self, status: int, send: Callable[[Client], Answer]) -> list[str]:
        """Send a request; return the statements and tables that it led to."""
        start = self.log.stat().st_size
        send(self.live.client).require(status)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT 'end of the request'")
        wait_for(lambda: "end of the request" in self.log.read_bytes()[start:].decode(), seconds=10)
        text = self.log.read_bytes()[start:].decode().split("end of the request")[0]
        found = [" ".join(filter(None, match)) for match in STATEMENT.findall(text)]
        return [statement for statement in found if statement != "SELECT"]


@pytest.fixture(params=["async", "sync"])
def logged(
    request: pytest.FixtureRequest,
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path: Path,
    own_postgresql: PostgreSQL,
) -> Iterator[Logged]:
    mode = {"sqlalchemy": request.param, "database": "postgresql"}
    row = row_with(options, auth="jwt", background="background_tasks", **mode)
    url = own_postgresql.url
    with run_service(install_row(row, workspace), tmp_path, url, SETTINGS) as live:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
        yield Logged(live, url, own_postgresql.folder / "server.log")


def test_requests_need_few_statements(logged: Logged) -> None:
    created = logged.live.client.send_json("POST", ITEMS, {"name": "Lamp"})
    item = f"{ITEMS}/{created.json['id']}"

    assert logged.statements(200, lambda client: client.get(item)) == ["SELECT items"]
    assert logged.statements(200, lambda client: client.get(ITEMS)) == ["SELECT items"]
    # Nothing is enqueued without WEBHOOK_URL, and nothing is asked about jobs.
    create = logged.statements(
        201, lambda client: client.send_json("POST", ITEMS, {"name": "Desk"})
    )
    assert create == ["BEGIN", "INSERT items", "COMMIT"]


def test_logins_need_two_statements(logged: Logged) -> None:
    account = Account.create(logged.live.client)
    mistyped = Account(account.email, "another password")

    # Each is a transaction of its own. The first also reads the user.
    login = ["SELECT login_failures", "INSERT refresh_sessions"]
    assert logged.statements(200, account.log_in) == login
    failure = ["SELECT login_failures", "INSERT login_failures"]
    assert logged.statements(401, mistyped.log_in) == failure


def test_changed_column_is_refused_once(logged: Logged) -> None:
    """PostgreSQL refuses the prepared statements of all connections."""
    send_burst(logged.live.client)
    item = logged.live.client.send_json("POST", ITEMS, {"name": "Lamp"}).headers["location"]
    for _ in range(60):
        logged.live.client.get(item).require(200)
    with psycopg.connect(logged.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE items ALTER COLUMN description TYPE varchar(5000)")

    statuses = [logged.live.client.get(item).status for _ in range(20)]

    assert statuses == [503] + 19 * [200]


def test_connections_that_broke_while_idle_are_replaced(logged: Logged) -> None:
    assert send_burst(logged.live.client) == {"served": BURST_SIZE}
    with psycopg.connect(logged.url, autocommit=True) as connection:
        # Waits until each has ended: the service could check one that is about to end.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    assert send_burst(logged.live.client) == {"served": BURST_SIZE}
