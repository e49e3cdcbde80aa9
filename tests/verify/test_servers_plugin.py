"""A run of tests starts at most one server per kind, on first use, and stops it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.verify.servers import KINDS, variable
from tests.support.command import Result, wait_for
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

SHARED = """
import os, pytest
@pytest.mark.parametrize("number", range(4))
def test_server(postgresql, number, worker_id):
    assert os.environ["TEST_POSTGRESQL_URL"] == postgresql
    open(f"{os.environ['SEEN']}/{worker_id}-{number}", "w").write(postgresql)
"""
ENDLESS = """
import os, time
def test_server(postgresql, own_postgresql):
    open(f"{os.environ['SEEN']}/url", "w").write(postgresql)
    time.sleep(60)
"""
UNUSED = """
import pathlib, tempfile
def test_server():
    assert list(pathlib.Path(tempfile.gettempdir()).glob("*ql-*")) == []
"""
CRASHING = """
import os, socket
from urllib.parse import urlsplit

from tests.support.command import Result, wait_for
from tests.support.repository import ROOT
def test_first(postgresql):
    os._exit(1)
def test_second(postgresql):
    url = urlsplit(postgresql)
    socket.create_connection((url.hostname, url.port)).close()
"""
RABBITMQ = """
def test_server(rabbitmq):
    pass
"""


@contextmanager
def running(
    folder: Path, tests: str, *options: str, **changes: str
) -> Iterator[subprocess.Popen[str]]:
    """Run pytest on these tests in a process; they write server URLs into `seen`."""
    (folder / "seen").mkdir()
    (folder / "test_servers.py").write_text(tests)
    variables = {variable(kind) for kind in KINDS}
    inherited = {name: value for name, value in os.environ.items() if name not in variables}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.support.servers",
        "-p",
        "no:cacheprovider",
    ]
    command += [f"--basetemp={folder}/pytest"]
    with subprocess.Popen(
        [*command, *options, str(folder / "test_servers.py")],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT), "SEEN": str(folder / "seen")} | changes,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        yield process


def run(folder: Path, tests: str, *options: str, **changes: str) -> Result:
    with running(folder, tests, *options, **changes) as process:
        output, _ = process.communicate(timeout=120)
    return subprocess.CompletedProcess([], process.returncode, output)


def test_workers_share_server(tmp_path: Path, temporary: Path) -> None:
    result = run(tmp_path, SHARED, "-n", "2")
    assert result.returncode == 0, result.stdout
    files = list((tmp_path / "seen").iterdir())
    assert {path.name.partition("-")[0] for path in files} == {"gw0", "gw1"}
    assert len({path.read_text() for path in files}) == 1
    assert list(temporary.glob("postgresql-*")) == []


def test_unused_server_is_not_started(tmp_path: Path, temporary: Path) -> None:
    assert temporary
    result = run(tmp_path, UNUSED, "-n", "2")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("1", "1 error")])
def test_missing_server_skips_or_fails(tmp_path: Path, required: str, outcome: str) -> None:
    (tmp_path / "git").symlink_to(shutil.which("git") or "")
    result = run(tmp_path, RABBITMQ, "-ra", PATH=str(tmp_path), REQUIRE_SERVICES=required)
    assert outcome in result.stdout.splitlines()[-1]
    assert "RabbitMQ is not installed: `sudo apt-get install rabbitmq-server`" in result.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_cleans_up(
    tmp_path: Path, temporary: Path, workers: str, number: signal.Signals
) -> None:
    with running(tmp_path, ENDLESS, "-n", workers) as process:
        wait_for((tmp_path / "seen/url").exists)
        assert len(list(temporary.glob("postgresql-*"))) == 2
        if number == signal.SIGINT:  # A terminal signals the whole process group.
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output


def test_server_survives_worker_crash(tmp_path: Path, temporary: Path) -> None:
    assert temporary
    result = run(tmp_path, CRASHING, "-n", "1")
    assert "1 failed, 1 passed" in result.stdout, result.stdout
