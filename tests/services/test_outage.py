"""A PostgreSQL server that stops and restarts under load, or never answers."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.processes import ProgramError
from generator.project.serve import HOST
from generator.template.options import Option
from generator.verify.contract.client import Client
from generator.verify.servers.postgresql import PostgreSQL
from tests.support.command import wait_for
from tests.support.live import install_row, run_service
from tests.support.load import BURST_SIZE, extract_code, send_burst, send_request
from tests.support.rendered import row_with
from tests.support.servers import silent_port

pytestmark = pytest.mark.slow


class Load(threading.Thread):
    """Requests without a pause until `ended` is set; `codes` counts their answers."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.ended = threading.Event()
        self.codes: Counter[str] = Counter()

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            self.codes[extract_code(send_request(self.client, number))] += 1


@contextmanager
def under_load(client: Client, threads: int = 8) -> Iterator[Counter[str]]:
    """Send requests in the background; the yielded counter is complete after the block."""
    codes: Counter[str] = Counter()
    loads = [Load(client) for _ in range(threads)]
    for load in loads:
        load.start()
    try:
        yield codes
    finally:
        for load in loads:
            load.ended.set()
        for load in loads:
            load.join()
            codes.update(load.codes)


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_database_restart_is_survived(
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path: Path,
    own_postgresql: PostgreSQL,
    mode: str,
) -> None:
    row = row_with(options, sqlalchemy=mode, database="postgresql", auth="jwt")
    project = install_row(row, workspace)
    server = own_postgresql
    with run_service(project, tmp_path, server.url, {}) as live:
        with under_load(live.client) as codes:
            time.sleep(0.5)
            server.stop()
            time.sleep(1)
            health = [live.client.get(path) for path in ("/health", "/health/live")]
            during_outage = send_burst(live.client)
            server.start()
        after_restart = send_burst(live.client)
        # A check that takes over 2 seconds, since the machine is busy, says that it is unreachable.
        wait_for(lambda: live.client.get("/health").status == 200, seconds=10)

    assert [answer.status for answer in health] == [503, 200]
    assert health[0].json["dependencies"]["database"] == "unreachable"
    assert during_outage == {"DATABASE_UNAVAILABLE": BURST_SIZE}
    assert codes.keys() == {"served", "DATABASE_UNAVAILABLE"}, codes
    assert after_restart == {"served": BURST_SIZE}


def test_command_gives_up_on_silent_server(options: tuple[Option, ...], workspace: Path) -> None:
    row = row_with(options, database="postgresql", auth="jwt")
    project = install_row(row, workspace)
    command = ["-m", "app.users", "deactivate", "ann@example.com"]
    with silent_port() as port:
        url = f"postgresql://postgres@{HOST}:{port}/app"
        with pytest.raises(ProgramError) as caught:
            project.call("python", *command, seconds=60, DATABASE_URL=url)

    assert "The database is unreachable" in caught.value.output
