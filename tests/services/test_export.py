"""The export of many rows: flat memory, clients that leave, errors half way, other requests."""

import http.client
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from generator.verify.contract.client import Client
from tests.support.command import wait_for
from tests.support.live import Install, Live, run_on_fresh_database
from tests.support.processes import read_memory

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"
EXPORT = f"{ITEMS}/export"
ROWS = int(os.environ.get("EXPORT_ROWS", "100000"))
MEBIBYTE = 1024 * 1024
# A part of the rows fills the allocator's pools.
MAX_GROWTH = 16 * MEBIBYTE
POOL_SIZE = 4
BUFFER_BYTES = 64 * 1024

_INSERT = {
    "postgresql": """
        INSERT INTO items (id, name, description, created_at, updated_at)
        SELECT gen_random_uuid(), 'item ' || n, repeat('d', 100), now(), now()
        FROM generate_series(1, {rows}) AS n
    """,
    "sqlite": """
        WITH RECURSIVE numbers (n) AS (
            SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}
        )
        INSERT INTO items (id, name, description, created_at, updated_at)
        SELECT lower(hex(randomblob(16))), 'item ' || n, printf('%.100c', 'd'),
            '2030-01-01 00:00:00.000000', '2030-01-01 00:00:00.000000'
        FROM numbers
    """,
}

_TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'
"""


@contextmanager
def run_with_items(architecture: str, install: Install, folder: Path, rows: int) -> Iterator[Live]:
    mode, database = architecture.split("-")
    project = install(sqlalchemy=mode, database=database, auth="none")
    settings = {"DATABASE_POOL_SIZE": str(POOL_SIZE), "DATABASE_POOL_TIMEOUT_SECONDS": "1"}
    with run_on_fresh_database(project, folder, **settings) as live:
        execute(live, _INSERT[database].format(rows=rows))
        yield live


@pytest.fixture(scope="module", params=["async-postgresql", "sync-sqlite"])
def live(
    request: pytest.FixtureRequest, install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("export")
    with run_with_items(request.param, install, folder, ROWS) as live:
        yield live


def execute(live: Live, statement: str) -> list[tuple[object, ...]]:
    url = live.settings["DATABASE_URL"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
            return database.execute(statement).fetchall()
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def open_export(client: Client, accept: str = "*/*") -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(client.host, client.port, timeout=60)
    # With the system's buffers, the service could send megabytes that nobody reads.
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    connection.sock.settimeout(60)
    connection.sock.connect((client.host, client.port))
    try:
        connection.request("GET", EXPORT, headers={**client.caller, "Accept": accept})
        yield connection.getresponse()
    finally:
        connection.close()


def is_idle(live: Live) -> bool:
    """Return True if no transaction of the service is open, and all exports are free."""
    if live.settings["DATABASE_URL"].startswith("postgresql"):
        states = execute(
            live,
            "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND query ILIKE '%FETCH%' AND state <> 'idle'",
        )
        if states:
            return False
    with ExitStack() as stack:
        exports = [stack.enter_context(open_export(live.client)) for _ in range(POOL_SIZE // 2)]
        return {export.status for export in exports} == {200}


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "text/csv"])
def test_memory_is_flat(live: Live, media_type: str) -> None:
    digits = 0
    lines = 0
    memory = []
    began = time.monotonic()
    with open_export(live.client, media_type) as response:
        assert response.headers.get_content_type() == media_type
        while part := response.read(MEBIBYTE):
            lines += part.count(b"\n")
            digits += len(part)
            memory.append(read_memory(live.process.pid))
    seconds = time.monotonic() - began
    growth = (max(memory) - memory[len(memory) // 10]) / MEBIBYTE
    report = f"{ROWS} rows, {digits / MEBIBYTE:.0f} MiB in {seconds:.1f} s"
    print(f"{media_type}: {report}, {max(memory) / MEBIBYTE:.0f} MiB, grew by {growth:.1f}")  # noqa: T201

    assert lines == ROWS + (media_type == "text/csv")
    assert growth * MEBIBYTE < MAX_GROWTH


def test_client_that_leaves_ends_query(live: Live) -> None:
    with ExitStack() as stack:
        for _ in range(POOL_SIZE // 2):
            stack.enter_context(open_export(live.client)).read(1000)

    wait_for(lambda: is_idle(live), 10)


@pytest.mark.parametrize("architecture", ["async-postgresql", "sync-sqlite"])
def test_clients_that_leave_are_no_errors(
    architecture: str, install: Install, tmp_path: Path
) -> None:
    """Of few rows, some clients leave during the last batch, others after it."""
    with run_with_items(architecture, install, tmp_path, rows=3000) as live:
        for number in range(100):
            with open_export(live.client) as response:
                response.read(1000)
                time.sleep(number % 10 / 200)
        wait_for(lambda: is_idle(live), 10)

    assert live.log.read_text().count(EXPORT) >= 100
    assert "unhandled error" not in live.log.read_text()


def test_exports_leave_connections(live: Live) -> None:
    """Clients that do not read keep half of the pool at most."""
    with ExitStack() as stack:
        for _ in range(POOL_SIZE // 2):
            stack.enter_context(open_export(live.client)).read(1000)
        busy = live.client.get(EXPORT).require_error(503, "DATABASE_BUSY", EXPORT)
        live.client.get(f"{ITEMS}?limit=1").require(200)
        live.client.send_json("POST", ITEMS, {"name": f"at {time.monotonic_ns()}"}).require(201)

    assert int(busy.headers["retry-after"]) >= 1
    wait_for(lambda: is_idle(live), 10)


@pytest.mark.parametrize("live", ["async-postgresql"], indirect=True)
def test_error_half_way_is_visible(live: Live) -> None:
    with open_export(live.client) as response:
        response.read(1000)
        # Once the buffers are full, the backend waits for the service.
        wait_for(lambda: bool(execute(live, _TERMINATE)), 10)
        with pytest.raises(http.client.IncompleteRead):
            response.read()

    assert "unhandled error" in live.log.read_text()
    wait_for(lambda: is_idle(live), 10)
