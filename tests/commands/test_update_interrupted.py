"""`update` is interrupted: by Ctrl-C, by a new file, or without a network."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.command import Command, running, silent_index, wait_for
from tests.support.history import ADDED, AFTER_LATEST, LATEST, release_change
from tests.support.projects import version_of
from tests.support.team import TeamProject

pytestmark = pytest.mark.slow

# Paths that exist while the baseline is rendered, and during a merge.
BASELINE = "fastapi-service-*/copier*clone*/template"
MERGE = "copier*new_copy*/app"


@pytest.fixture
def relocked(outdated: TeamProject, tmp_path: Path) -> TeamProject:
    """A project whose next update changes the dependencies."""
    template = outdated.fork_template(tmp_path / "template")
    release_change(template, "pyproject.toml", "dependencies = [\n", 'dependencies = [\n    "x",\n')
    return outdated


def test_new_file_is_not_overwritten(
    outdated: TeamProject, checkout: Path, temporary: Path
) -> None:
    with running(checkout, outdated.folder, "update") as process:
        wait_for(lambda: any(temporary.glob(MERGE)))
        outdated.write(ADDED, "# ours\n")
        before = outdated.state()
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 1, output
    assert f"{ADDED} would be overwritten" in output
    assert "nothing was changed" in output
    assert outdated.state() == before


def test_no_network_keeps_change(command: Command, relocked: TeamProject) -> None:
    lock = relocked.read("uv.lock")

    result = command("update", relocked.folder, UV_OFFLINE="1", UV_CACHE_DIR="empty-cache")

    assert result.returncode == 1
    assert "uv.lock is as it was" in result.stderr
    assert "lock` in" in result.stderr
    assert version_of(relocked.folder) == f"v{AFTER_LATEST}"
    assert relocked.read("uv.lock") == lock


@pytest.mark.parametrize("moment", [BASELINE, MERGE])
def test_ctrl_c_in_copier(
    outdated: TeamProject, checkout: Path, temporary: Path, moment: str
) -> None:
    before = outdated.state()
    with running(checkout, outdated.folder, "update") as process:
        wait_for(lambda: any(temporary.glob(moment)))
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert outdated.state() == before
    assert outdated.worktrees == 1


def test_ctrl_c_in_uv(relocked: TeamProject, checkout: Path, tmp_path: Path) -> None:
    before = relocked.state()
    cache = tmp_path / "cache"
    with (
        silent_index() as index,
        running(
            checkout, relocked.folder, "update", UV_DEFAULT_INDEX=index, UV_CACHE_DIR=str(cache)
        ) as process,
    ):
        wait_for(cache.exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert relocked.state() == before
    assert relocked.worktrees == 1


def test_repeated_ctrl_c(outdated: TeamProject, checkout: Path, temporary: Path) -> None:
    before = outdated.state()
    with running(checkout, outdated.folder, "update") as process:
        wait_for(lambda: any(temporary.glob(MERGE)))
        for _ in range(5):
            os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "nothing was changed" in output
    assert outdated.state() == before
    assert outdated.worktrees == 1


def test_interrupted_update_can_be_repeated(
    command: Command, outdated: TeamProject, checkout: Path, temporary: Path
) -> None:
    with running(checkout, outdated.folder, "update") as process:
        wait_for(lambda: any(temporary.glob(MERGE)))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert command("update", outdated.folder).returncode == 0
    assert version_of(outdated.folder) == f"v{LATEST}"
