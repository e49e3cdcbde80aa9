"""Each stage of a row has its own database on a real server, and drops it."""

import signal
from pathlib import Path

import pytest

from generator.processes import ProgramError
from generator.verify import pipeline, runtime
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.servers import Servers, variable
from generator.verify.servers.postgresql import PostgreSQL
from generator.verify.servers.programs import Programs
from generator.verify.stages import STAGES
from tests.support.command import running, wait_for
from tests.support.live import install_row
from tests.support.rendered import MATRIX
from tests.support.repository import ROOT
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow

ROW = next(
    row
    for row in MATRIX
    if row.answers["database"] == "postgresql" and row.answers["auth"] == "none"
)
STAGE = {stage.name: stage for stage in STAGES}

CONNECT = "import os, psycopg; connection = psycopg.connect(os.environ['DATABASE_URL']); "
CREATE = CONNECT + "connection.execute('CREATE TABLE made()'); connection.commit()"


@pytest.fixture
def project(workspace: Path, servers_for: ServersFor) -> RenderedProject:
    servers_for(ROW)
    return install_row(ROW, workspace)


def execute(project: RenderedProject, script: str, url: str) -> None:
    project.call("python", "-c", script, seconds=60, DATABASE_URL=url)


def test_fresh_databases_are_separate(project: RenderedProject, postgresql: str) -> None:
    with fresh_database(project) as first, fresh_database(project) as second:
        execute(project, CREATE, first)
        execute(project, CREATE, second)
    assert first != second
    server, _, _ = postgresql.rpartition("/")
    assert {url.rpartition("/")[0] for url in (first, second)} == {server}


def test_database_is_dropped_after_error(project: RenderedProject) -> None:
    with pytest.raises(ZeroDivisionError), fresh_database(project) as url:
        raise ZeroDivisionError
    with pytest.raises(ProgramError, match=f'"{url.rpartition("/")[2]}" does not exist'):
        execute(project, CONNECT, url)


def test_missing_server_fails_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostgreSQL, "programs", Programs(names=("no-such-program",)))
    monkeypatch.setattr(runtime, "SERVERS", Servers())
    monkeypatch.delenv(variable("postgresql"), raising=False)
    pipeline.prepare_workspace(ROOT, tmp_path)
    stages = (STAGE["render"], STAGE["migrate"], STAGE["test"])
    report = pipeline.verify_row(ROW, tmp_path, stages=stages)
    assert [(stage.name, stage.ok) for stage in report.stages] == [
        ("render", True),
        ("migrate", False),
    ]
    assert report.stages[-1].output.startswith("PostgreSQL is not installed: ")
    assert "\n" not in report.stages[-1].output
    assert not report.ok


@pytest.mark.parametrize(("server", "remaining"), [("own_postgresql", 3), (None, 0)])
def test_interrupted_verify_cleans_up(
    checkout: Path,
    temporary: Path,
    request: pytest.FixtureRequest,
    server: str | None,
    remaining: int,
) -> None:
    """A server named by TEST_POSTGRESQL_URL keeps its system databases.

    A server started by `verify` is deleted.
    """
    address = request.getfixturevalue(server).url if server else ""
    only = [word for assignment in ROW.assignments for word in ("--only", assignment)]

    def count_databases() -> int:
        return len(list(temporary.glob("postgresql-*/data/base/*")))

    with running(checkout, temporary, "verify", *only, TEST_POSTGRESQL_URL=address) as process:
        wait_for(lambda: count_databases() > 3)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert count_databases() == remaining
