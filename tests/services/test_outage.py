"""A PostgreSQL server that goes away under load, and comes back."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.template.options import Option
from generator.verify.contract.client import Client
from generator.verify.servers.postgresql import PostgreSQL
from tests.support.live import installed, running
from tests.support.load import PARALLEL, code_of, send_burst, send_request
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow


class Load(threading.Thread):
    """Requests without a pause until it is ended, and how they were answered."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.ended = threading.Event()
        self.found: Counter[str] = Counter()

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            self.found[code_of(send_request(self.client, number))] += 1


@contextmanager
def under_load(client: Client, threads: int = 8) -> Iterator[Counter[str]]:
    """Give what was answered; the count is complete when the block is left."""
    found: Counter[str] = Counter()
    loads = [Load(client) for _ in range(threads)]
    for load in loads:
        load.start()
    try:
        yield found
    finally:
        for load in loads:
            load.ended.set()
        for load in loads:
            load.join()
            found.update(load.found)


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_database_that_comes_back_needs_no_restart(
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path: Path,
    own_postgresql: PostgreSQL,
    mode: str,
) -> None:
    row = row_with(options, sqlalchemy=mode, database="postgresql", auth="jwt")
    project = installed(row, workspace)
    server = own_postgresql
    with running(project, tmp_path, server.url, {}) as live:
        with under_load(live.client) as found:
            time.sleep(0.5)
            server.stop()
            time.sleep(1)
            away = [live.client.get(path) for path in ("/health", "/health/live")]
            while_away = send_burst(live.client)
            server.start()
        again = send_burst(live.client)
        live.client.get("/health").of(200)

    assert [answer.status for answer in away] == [503, 200]
    assert away[0].json["dependencies"]["database"] == "unreachable"
    assert while_away == {"DATABASE_UNAVAILABLE": PARALLEL}
    assert found.keys() == {"served", "DATABASE_UNAVAILABLE"}, found
    assert again == {"served": PARALLEL}
