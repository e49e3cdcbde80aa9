"""Many requests at once, and a database that goes away: only the promised answers."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from shutil import copytree

import pytest

from generator.template.options import Option
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from tests.support.live import installed, running, running_on_a_fresh_database
from tests.support.load import ITEMS, PARALLEL, send_burst
from tests.support.rendered import row_with
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow

MODES = ["async", "sync"]
DATABASES = ["sqlite", "postgresql"]
# On a busy machine the service takes time to read the start of a request. Until then the
# connection is idle for uvicorn, which closes idle ones on SIGTERM.
ARRIVAL_SECONDS = 2
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@pytest.fixture(params=[f"{mode}-{database}" for mode, database in product(MODES, DATABASES)])
def project(
    request: pytest.FixtureRequest,
    options: tuple[Option, ...],
    servers_for: ServersFor,
    workspace: Path,
) -> RenderedProject:
    mode, database = request.param.split("-")
    # Whose callers are known without a database, too.
    row = row_with(options, sqlalchemy=mode, database=database, auth="api_key")
    servers_for(row)
    return installed(row, workspace)


def test_requests_wait_for_a_connection(project: RenderedProject, tmp_path: Path) -> None:
    with running_on_a_fresh_database(project, tmp_path) as live:
        assert send_burst(live.client) == {"served": PARALLEL}


def test_requests_that_wait_too_long_are_told_so(project: RenderedProject, tmp_path: Path) -> None:
    with running_on_a_fresh_database(
        project, tmp_path, DATABASE_POOL_TIMEOUT_SECONDS="0.1", DATABASE_POOL_SIZE="2"
    ) as live:
        found = send_burst(live.client)

    assert found.keys() == {"served", "DATABASE_BUSY"}, found


def test_without_a_database_the_service_starts_and_says_so(
    project: RenderedProject, tmp_path: Path
) -> None:
    away = {
        "sqlite": f"sqlite:///{tmp_path}/nowhere/app.db",
        "postgresql": "postgresql://nobody@127.0.0.1:1/nowhere",
    }[project.row.answers["database"]]  # type: ignore[index]
    with running(project, tmp_path, away, {}, migrated=False) as live:
        live.client.get("/health/live").of(200)
        health = live.client.get("/health").of(503).json
        refused = live.client.get(ITEMS).refused(503, "DATABASE_UNAVAILABLE")

    assert health["dependencies"] == {"database": "unreachable", "migrations": "unknown"}
    assert int(refused.headers["retry-after"]) >= 1


def test_a_running_request_is_finished_before_the_service_ends(
    project: RenderedProject, tmp_path: Path
) -> None:
    """The body arrives only after the signal."""
    with running_on_a_fresh_database(project, tmp_path) as live, ThreadPoolExecutor(1) as thread:

        def slowly() -> Iterator[bytes]:
            yield b'{"name": '
            time.sleep(ARRIVAL_SECONDS)
            live.process.terminate()
            time.sleep(1)
            yield b'"late"}'

        answer = thread.submit(
            live.client.send, "POST", ITEMS, {"Content-Type": "application/json"}, slowly()
        ).result()
        code = live.process.wait(15)

    assert answer.of(201).json["name"] == "late"
    assert code in {0, -15, 143}


def test_a_body_that_stalls_is_given_up(project: RenderedProject, tmp_path: Path) -> None:
    """And so it cannot keep the service from ending."""
    hurried = RenderedProject(
        Row(f"hurried-{project.row.id}", project.row.answers), project.workspace
    )
    copytree(project.folder, hurried.folder)
    limits = hurried.folder / "app/body_limit.py"
    limits.write_text(limits.read_text().replace("BODY_SECONDS = 60", "BODY_SECONDS = 4"))
    with running_on_a_fresh_database(hurried, tmp_path) as live:
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


def test_every_line_after_the_banner_is_json(project: RenderedProject, tmp_path: Path) -> None:
    with running_on_a_fresh_database(project, tmp_path) as live:
        live.client.get(f"{ITEMS}?token=hunter2", {"X-Request-ID": "the-one"}).of(200)
        live.client.get("/nowhere/hunter2").of(404)
        live.client.get("/chat?token=hunter2", WEBSOCKET).of(403)
        live.end()
    lines = live.log.read_text().partition("Logs:")[2].strip().splitlines()
    found = [json.loads(line) for line in lines if line.strip()]

    assert all(
        {"time", "level", "logger", "message", "request_id"} <= line.keys() for line in found
    )
    requests = [line for line in found if "route" in line and line["request_id"] == "the-one"]
    assert [(line["method"], line["route"], line["status"]) for line in requests] == [
        ("GET", ITEMS, 200)
    ]
    assert "hunter2" not in live.log.read_text()
