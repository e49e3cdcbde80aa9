"""Work that could keep requests waiting for the processor: garbage collections, password hashes."""

import os
from pathlib import Path

import pytest

from generator.template.options import Option
from tests.support.live import install_row, run_on_fresh_database
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow

_COUNT_OBJECTS = """
import gc, app.main
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


@pytest.mark.parametrize("telemetry", ["none", "prometheus"])
def test_startup_objects_are_not_collected(
    options: tuple[Option, ...], workspace: Path, telemetry: str
) -> None:
    row = row_with(options, sqlalchemy="async", database="sqlite", telemetry=telemetry)
    project = install_row(row, workspace)

    excluded, collected = map(int, project.call("python", "-c", _COUNT_OBJECTS, seconds=60).split())

    assert collected < excluded / 100


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_hashing_yields_to_requests(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path, mode: str
) -> None:
    row = row_with(options, sqlalchemy=mode, database="sqlite", auth="jwt")
    # The caller of the client has logged in.
    with run_on_fresh_database(install_row(row, workspace), tmp_path) as live:
        main = live.process.pid
        threads = [int(path.name) for path in Path(f"/proc/{main}/task").iterdir()]
        niceness = {thread: os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}

    assert niceness[main] == os.getpriority(os.PRIO_PROCESS, 0)
    assert set(niceness.values()) == {niceness[main], niceness[main] + 10}
