"""A run of tests has one server of each kind, only when it needs it, and leaves none behind."""

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
def test_it(postgresql, number, worker_id):
    assert os.environ["TEST_POSTGRESQL_URL"] == postgresql
    open(f"{os.environ['SEEN']}/{worker_id}-{number}", "w").write(postgresql)
"""
ENDLESS = """
import os, time
def test_it(postgresql, own_postgresql):
    open(f"{os.environ['SEEN']}/it", "w").write(postgresql)
    time.sleep(60)
"""
UNASKED = """
import pathlib, tempfile
def test_it():
    assert list(pathlib.Path(tempfile.gettempdir()).glob("*ql-*")) == []
"""
DEADLY = """
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
def test_it(rabbitmq):
    pass
"""


@contextmanager
def running(
    folder: Path, tests: str, *options: str, **changes: str
) -> Iterator[subprocess.Popen[str]]:
    """Run tests of their own as a process of its own; what they see of servers is in `seen`."""
    (folder / "seen").mkdir()
    (folder / "test_it.py").write_text(tests)
    named = {variable(kind) for kind in KINDS}
    inherited = {name: value for name, value in os.environ.items() if name not in named}
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
        [*command, *options, str(folder / "test_it.py")],
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


def test_the_workers_share_one_server(tmp_path: Path, temporary: Path) -> None:
    done = run(tmp_path, SHARED, "-n", "2")
    assert done.returncode == 0, done.stdout
    seen = list((tmp_path / "seen").iterdir())
    assert {path.name.partition("-")[0] for path in seen} == {"gw0", "gw1"}
    assert len({path.read_text() for path in seen}) == 1
    assert list(temporary.glob("postgresql-*")) == []


def test_no_server_is_started_that_no_test_asks_for(tmp_path: Path, temporary: Path) -> None:
    assert temporary
    done = run(tmp_path, UNASKED, "-n", "2")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("1", "1 error")])
def test_a_missing_server_is_a_skip_unless_it_is_required(
    tmp_path: Path, required: str, outcome: str
) -> None:
    (tmp_path / "git").symlink_to(shutil.which("git") or "")
    done = run(tmp_path, RABBITMQ, "-ra", PATH=str(tmp_path), REQUIRE_SERVICES=required)
    assert outcome in done.stdout.splitlines()[-1]
    assert "RabbitMQ is not installed: `sudo apt-get install rabbitmq-server`" in done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, temporary: Path, workers: str, number: signal.Signals
) -> None:
    with running(tmp_path, ENDLESS, "-n", workers) as process:
        wait_for((tmp_path / "seen/it").exists)
        assert len(list(temporary.glob("postgresql-*"))) == 2
        if number == signal.SIGINT:  # A terminal tells everyone.
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output


def test_a_worker_that_dies_takes_no_server_with_it(tmp_path: Path, temporary: Path) -> None:
    assert temporary
    done = run(tmp_path, DEADLY, "-n", "1")
    assert "1 failed, 1 passed" in done.stdout, done.stdout
