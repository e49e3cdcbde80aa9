"""Concurrent requests, a missing database, shutdown and logs of a running service."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from shutil import copytree

import pytest

from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from tests.support.live import Install, run_on_fresh_database, run_service
from tests.support.load import BURST_SIZE, ITEMS, send_burst

pytestmark = pytest.mark.slow

MODES = ["async", "sync"]
DATABASES = ["sqlite", "postgresql"]
# On a busy machine the service reads the start of a request late. uvicorn treats the connection as
# idle until then, and closes idle connections on SIGTERM.
ARRIVAL_SECONDS = 2
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}

_TAKE_SLOT = """
import asyncio
from types import SimpleNamespace
from sqlalchemy.exc import TimeoutError
from app.database import Database, get_read_session, get_session
from app.settings import Settings

async def main():
    database = Database(Settings())
    request = SimpleNamespace(state=SimpleNamespace(database=database))
    async with database.slot():
        for dependency in (get_session, get_read_session):
            try:
                await anext(dependency(request))
            except TimeoutError:
                print(f"{dependency.__name__} waits")

asyncio.run(main())
"""


@pytest.fixture(params=[f"{mode}-{database}" for mode, database in product(MODES, DATABASES)])
def project(request: pytest.FixtureRequest, install: Install) -> RenderedProject:
    mode, database = request.param.split("-")
    # API keys are checked without a database.
    return install(sqlalchemy=mode, database=database, auth="api_key")


def test_requests_wait_for_connection(project: RenderedProject, tmp_path: Path) -> None:
    with run_on_fresh_database(project, tmp_path) as live:
        assert send_burst(live.client) == {"served": BURST_SIZE}


def test_slow_wait_is_database_busy(project: RenderedProject, tmp_path: Path) -> None:
    with run_on_fresh_database(
        project, tmp_path, DATABASE_POOL_TIMEOUT_SECONDS="0.01", DATABASE_POOL_SIZE="1"
    ) as live:
        codes = send_burst(live.client)

    assert codes.keys() == {"served", "DATABASE_BUSY"}, codes


@pytest.mark.parametrize("project", ["async-sqlite", "sync-postgresql"], indirect=True)
def test_sessions_wait_in_turn(project: RenderedProject) -> None:
    """They wait for a slot of the service: pools serve a later request first."""
    limits = {"DATABASE_POOL_TIMEOUT_SECONDS": "0.1", "DATABASE_POOL_SIZE": "1"}
    output = project.call("python", "-c", _TAKE_SLOT, seconds=60, **limits)

    assert output.splitlines() == ["get_session waits", "get_read_session waits"]


def test_missing_database_is_unavailable(project: RenderedProject, tmp_path: Path) -> None:
    """The service starts without a database."""
    missing = {
        "sqlite": f"sqlite:///{tmp_path}/nowhere/app.db",
        "postgresql": "postgresql://nobody@127.0.0.1:1/nowhere",
    }[project.row.answers["database"]]  # type: ignore[index]
    with run_service(project, tmp_path, missing, {}, migrated=False) as live:
        live.client.get("/health/live").require(200)
        health = live.client.get("/health").require(503).json
        answer = live.client.get(ITEMS).require_error(503, "DATABASE_UNAVAILABLE")

    assert health["dependencies"] == {"database": "unreachable", "migrations": "unknown"}
    assert int(answer.headers["retry-after"]) >= 1


def test_shutdown_finishes_requests(project: RenderedProject, tmp_path: Path) -> None:
    """The last part of the body arrives after SIGTERM."""
    with run_on_fresh_database(project, tmp_path) as live, ThreadPoolExecutor(1) as thread:

        def send_slowly() -> Iterator[bytes]:
            yield b'{"name": '
            time.sleep(ARRIVAL_SECONDS)
            live.process.terminate()
            time.sleep(1)
            yield b'"late"}'

        answer = thread.submit(
            live.client.send, "POST", ITEMS, {"Content-Type": "application/json"}, send_slowly()
        ).result()
        code = live.process.wait(15)

    assert answer.require(201).json["name"] == "late"
    assert code in {0, -15, 143}


def test_stalled_body_times_out(project: RenderedProject, tmp_path: Path) -> None:
    """The timeout keeps a stalled request from blocking the shutdown."""
    impatient = RenderedProject(
        Row(f"impatient-{project.row.id}", project.row.answers), project.workspace
    )
    copytree(project.folder, impatient.folder)
    limits = impatient.folder / "app/body_limit.py"
    limits.write_text(limits.read_text().replace("BODY_SECONDS = 60", "BODY_SECONDS = 4"))
    with run_on_fresh_database(impatient, tmp_path) as live:
        caller = "".join(f"{name}: {value}\r\n" for name, value in live.client.caller.items())
        with socket.create_connection((live.client.host, live.client.port)) as connection:
            connection.sendall(
                f"POST {ITEMS} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n{caller}"
                "Content-Type: application/json\r\n\r\n{".encode()
            )
            time.sleep(ARRIVAL_SECONDS)
            live.process.terminate()
            connection.settimeout(10)
            answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
        live.process.wait(10)

    assert answer.startswith("HTTP/1.1 408")
    assert '"code":"REQUEST_TIMEOUT"' in answer


def test_log_lines_are_json(project: RenderedProject, tmp_path: Path) -> None:
    """The banner of `fastapi run` comes before the first line of the log."""
    with run_on_fresh_database(project, tmp_path) as live:
        live.client.get(f"{ITEMS}?token=hunter2", {"X-Request-ID": "the-one"}).require(200)
        live.client.get("/nowhere/hunter2").require(404)
        live.client.get("/chat?token=hunter2", WEBSOCKET).require(403)
        live.end()
    lines = live.log.read_text().partition("Logs:")[2].strip().splitlines()
    entries = [json.loads(line) for line in lines if line.strip()]

    assert all(
        {"time", "level", "logger", "message", "request_id"} <= entry.keys() for entry in entries
    )
    requests = [entry for entry in entries if "route" in entry and entry["request_id"] == "the-one"]
    assert [(entry["method"], entry["route"], entry["status"]) for entry in requests] == [
        ("GET", ITEMS, 200)
    ]
    assert "hunter2" not in live.log.read_text()
