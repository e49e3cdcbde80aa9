"""Followers of jobs: several processes, shutdown, limits, slow readers and browsers."""

import json
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from generator.processes import start, stop
from generator.verify.contract.client import Client
from generator.verify.rendered import RenderedProject
from tests.support.command import wait_for
from tests.support.live import Install, Live, run_on_fresh_database
from tests.support.processes import read_memory

pytestmark = pytest.mark.slow

JOBS = "/api/v1/jobs"
REPORTS = "/api/v1/items/reports"
ROUTE = f"{JOBS}/{{job_id}}/events"
ROWS = {
    "async": {"sqlalchemy": "async", "database": "postgresql", "telemetry": "opentelemetry"},
    "sync": {"sqlalchemy": "sync", "database": "sqlite", "telemetry": "prometheus"},
}
MAX_CONNECTIONS = 3
SETTINGS = {
    "FASTAPI_ENV": "development",
    "JOB_EVENTS_MAX_CONNECTIONS": str(MAX_CONNECTIONS),
    # The jobs wait: only `python -m app.jobs` runs them.
    "JOB_CONCURRENCY": "0",
}
CHANGES = 25
RESULT_BYTES = 1_500_000


@pytest.fixture(scope="module", params=ROWS)
def project(request: pytest.FixtureRequest, install: Install) -> RenderedProject:
    return install(**ROWS[request.param], auth="api_key", background="background_tasks")


@pytest.fixture(scope="module")
def live(project: RenderedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("events")
    with run_on_fresh_database(project, folder, **SETTINGS) as live:
        yield live


def enqueue(client: Client) -> str:
    job_id: str = client.send("POST", REPORTS).require(202).json["id"]
    return job_id


@contextmanager
def follow(client: Client, job_id: str) -> Iterator[ClientConnection]:
    url = f"ws://{client.host}:{client.port}{JOBS}/{job_id}/events"
    with connect(url, additional_headers=client.caller, proxy=None, max_size=None) as connection:
        yield connection


@contextmanager
def open_events(client: Client, job_id: str) -> Iterator[HTTPResponse]:
    with closing(HTTPConnection(client.host, client.port, timeout=10)) as connection:
        connection.request("GET", f"{JOBS}/{job_id}/events", headers=dict(client.caller))
        yield connection.getresponse()


def read_code(connection: ClientConnection) -> int | None:
    """Read until the service closes the connection, and return its code."""
    try:
        while True:
            connection.recv(timeout=30)
    except ConnectionClosed:
        return connection.close_code


def read_entries(live: Live) -> list[dict[str, Any]]:
    lines = live.log.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def running_jobs(live: Live) -> Iterator[None]:
    project = live.project
    command = [project.program("python"), "-m", "app.jobs"]
    variables = project.variables(**{**live.settings, "JOB_CONCURRENCY": "2"})
    process = start(command, project.folder, variables, subprocess.DEVNULL)
    try:
        yield
    finally:
        stop(process, 10)


def test_other_process_ends_job(live: Live) -> None:
    job_id = enqueue(live.client)
    path = f"{JOBS}/{job_id}/events"
    with follow(live.client, job_id) as connection, ThreadPoolExecutor(1) as thread:
        first = json.loads(connection.recv(timeout=5))
        events = thread.submit(live.client.get, path)
        with running_jobs(live):
            code = read_code(connection)
        lines = events.result(30).require(200).text.splitlines()

    assert first["status"] == "queued"
    assert code == 1000
    states = [json.loads(line.removeprefix("data: ")) for line in lines if line[:1] == "d"]
    assert states[-1] == live.client.get(f"{JOBS}/{job_id}").json
    assert states[-1]["status"] == "succeeded"


def test_shutdown_ends_connections(project: RenderedProject, tmp_path: Path) -> None:
    with run_on_fresh_database(project, tmp_path, **SETTINGS) as live, ExitStack() as stack:
        job_id = enqueue(live.client)
        connection = stack.enter_context(follow(live.client, job_id))
        connection.recv(timeout=5)
        events = stack.enter_context(open_events(live.client, job_id))
        # The response has begun: a connection that waits to be accepted would be reset.
        first = events.readline()
        began = time.monotonic()
        live.process.terminate()
        code = read_code(connection)
        # Raises an error if the last chunk is missing.
        events.read()
        exit_code = live.process.wait(15)
        seconds = time.monotonic() - began

    assert code == 1012
    assert events.status == 200
    assert first.startswith(b"data: ")
    assert exit_code in {0, -15, 143}
    assert seconds < 8
    entries = [entry for entry in read_entries(live) if entry.get("route") == ROUTE]
    assert {(entry["method"], entry["status"]) for entry in entries} == {
        ("WEBSOCKET", 1012),
        ("GET", 200),
    }
    assert job_id not in live.log.read_text()
    assert not [entry for entry in read_entries(live) if entry["level"] == "ERROR"]


def test_connections_are_bounded(live: Live) -> None:
    client = live.client
    job_id = enqueue(client)
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            stack.enter_context(follow(client, job_id)).recv(timeout=5)
        refused = client.follow(f"{JOBS}/{job_id}/events")
        busy = client.get(f"{JOBS}/{job_id}/events").require_error(503, "BUSY")

    def is_free() -> bool:
        with follow(client, job_id) as connection, suppress(ConnectionClosed):
            return bool(connection.recv(timeout=5))
        return False

    wait_for(is_free, 10)
    assert (refused.status, refused.json) == (1013, [])
    assert int(busy.headers["retry-after"]) >= 1


def test_slow_reader_costs_little_memory(live: Live) -> None:
    """One client reads nothing, while another one gets megabytes."""
    job_id = enqueue(live.client)
    headers = "".join(f"{name}: {value}\r\n" for name, value in live.client.caller.items())
    with socket.socket() as slow, follow(live.client, job_id) as connection:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((live.client.host, live.client.port))
        slow.sendall(
            f"GET {JOBS}/{job_id}/events HTTP/1.1\r\nHost: x\r\n{headers}"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        connection.recv(timeout=5)
        memory = []
        for number in range(CHANGES):
            store_result(live, job_id, f"{number:06}" * (RESULT_BYTES // 6))
            state = json.loads(connection.recv(timeout=10))
            assert state["result"].startswith(f"{number:06}")
            memory.append(read_memory(live.process.pid))

    # The first changes fill buffers, and the allocator's pools.
    growth = memory[-1] - memory[4]
    assert growth < 4 * RESULT_BYTES, memory


def store_result(live: Live, job_id: str, result: str) -> None:
    statement = "UPDATE jobs SET result = {} WHERE id = {}"
    url = live.settings["DATABASE_URL"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
            text = statement.format("?", "?")
            database.execute(text, (json.dumps(result), job_id.replace("-", "")))
    else:
        with psycopg.connect(url) as connection:
            connection.execute(statement.format("%s", "%s"), (json.dumps(result), job_id))
