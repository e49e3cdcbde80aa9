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
        policies = {thread: os.sched_getscheduler(thread) for thread in threads}

    assert policies[main] == os.SCHED_OTHER
    assert set(policies.values()) == {os.SCHED_OTHER, os.SCHED_IDLE}


_HASH_WITHOUT_IDLE_TIME = """
import asyncio, os, subprocess, sys
from app.users import passwords

async def call(function, *arguments):
    result = function(*arguments)
    return await result if asyncio.iscoroutine(result) else result

async def main():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    # Without os.nice, which is for the threads that hash: an idle thread gets 0.3 % beside it.
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        stored = await call(passwords.hash_password, "correct horse battery")
        for password in ("correct horse battery", "another password"):
            print(await call(passwords.verify_password, password, stored))
    finally:
        busy.kill()

asyncio.run(main())
"""


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_passwords_are_hashed_without_idle_time(install: Install, mode: str) -> None:
    project = install(sqlalchemy=mode, database="sqlite", auth="jwt")

    # The service would reject other logins after 2 seconds.
    output = project.call("python", "-c", _HASH_WITHOUT_IDLE_TIME, seconds=20)

    assert output.split() == ["True", "False"]
