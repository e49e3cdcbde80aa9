"""`update` when something comes in between: Ctrl-C, a new file, no network."""

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import Command, running, wait_for
from tests.living import version_of
from tests.test_new_process import silent_index
from tests.updating import NEWEST, Service


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    service: Service, checkout: Path, temporary: Path
) -> None:
    with running(checkout, service.folder, "update") as process:
        wait_for(lambda: any(temporary.glob("copier*new_copy*/app")))
        service.write("app/jobs/service.py", "# ours\n")
        before = service.everything()
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 1, output
    assert "app/jobs/service.py would be overwritten" in output
    assert "nothing was touched" in output
    assert service.everything() == before


def test_without_network_the_change_is_kept_and_the_lock_as_it_was(
    command: Command, service: Service
) -> None:
    lock = service.read("uv.lock")

    done = command("update", service.folder, UV_OFFLINE="1", UV_CACHE_DIR="empty-cache")

    assert done.returncode == 1
    assert "uv.lock is as it was" in done.stderr
    assert "lock` in" in done.stderr
    assert version_of(service.folder) == NEWEST
    assert service.read("uv.lock") == lock


# What is there in the midst of a render without edits, and of a merge.
MOMENTS = ["fastapi-service-*/copier*clone*/template", "copier*new_copy*/app"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_while_copier_works_touches_nothing(
    service: Service, checkout: Path, temporary: Path, moment: str
) -> None:
    before = service.everything()
    with running(checkout, service.folder, "update") as process:
        wait_for(lambda: any(temporary.glob(moment)))
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert service.everything() == before
    assert service.worktrees == 1


def test_ctrl_c_while_uv_locks_touches_nothing(
    service: Service, checkout: Path, tmp_path: Path
) -> None:
    before = service.everything()
    cache = tmp_path / "cache"
    with (
        silent_index() as index,
        running(
            checkout, service.folder, "update", UV_DEFAULT_INDEX=index, UV_CACHE_DIR=str(cache)
        ) as process,
    ):
        wait_for(cache.exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert service.everything() == before
    assert service.worktrees == 1


def test_further_ctrl_c_do_not_disturb_the_clearing_away(
    service: Service, checkout: Path, temporary: Path
) -> None:
    before = service.everything()
    with running(checkout, service.folder, "update") as process:
        wait_for(lambda: any(temporary.glob("copier*new_copy*/app")))
        for _ in range(5):
            os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "nothing was touched" in output
    assert service.everything() == before
    assert service.worktrees == 1
