"""Work that could keep requests waiting for the processor: garbage collections, password hashes."""

import os
from pathlib import Path

import pytest

from tests.support.live import Install, run_on_fresh_database

pytestmark = pytest.mark.slow

_COUNT_OBJECTS = """
import gc, app.main
print(gc.get_freeze_count(), len(gc.get_objects()), gc.get_threshold()[0])
"""


@pytest.mark.parametrize("telemetry", ["none", "prometheus"])
def test_startup_objects_are_not_collected(install: Install, telemetry: str) -> None:
    project = install(sqlalchemy="async", database="sqlite", telemetry=telemetry)

    output = project.call("python", "-c", _COUNT_OBJECTS, seconds=60)
    excluded, collected, threshold = map(int, output.split())

    assert collected < excluded / 100
    assert threshold >= 2000


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_hashing_yields_to_requests(install: Install, tmp_path: Path, mode: str) -> None:
    project = install(sqlalchemy=mode, database="sqlite", auth="jwt")
    # The caller of the client has logged in.
    with run_on_fresh_database(project, tmp_path) as live:
        main = live.process.pid
        threads = [int(path.name) for path in Path(f"/proc/{main}/task").iterdir()]
        niceness = {thread: os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}

    assert niceness[main] == os.getpriority(os.PRIO_PROCESS, 0)
    assert set(niceness.values()) == {niceness[main], niceness[main] + 5}
