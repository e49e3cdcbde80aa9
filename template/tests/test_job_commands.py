import json
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from app.jobs.__main__ import cli
from app.jobs.queue import JobQueue, measure_queue
from app.orm import utc_now
from app.settings import Settings
from tests.databases import UNREACHABLE_URL
from tests.rows import insert_job, list_jobs
from tests.settings import replace

UNKNOWN = "01900000-0000-7000-8000-000000000000"
FINISHED = {"due_at": None, "finished_at": utc_now()}


@pytest.fixture(autouse=True)
def _settings_of_tests(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr("app.jobs.__main__.load_settings", lambda: settings)
    monkeypatch.setattr("app.jobs.__main__.configure_logging", lambda _: None)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_jobs_are_listed(engine: Engine) -> None:
    insert_job(engine, "first", created_at=utc_now() - timedelta(hours=1))
    insert_job(engine, "second", status="failed", error="ValueError", **FINISHED)

    jobs = json.loads(run("list", "--json").stdout)
    assert [job["name"] for job in jobs] == ["second", "first"]
    assert len(json.loads(run("list", "--limit", "1", "--json").stdout)) == 1
    _, line = run("list", "--status", "failed").stdout.splitlines()
    assert line.startswith(jobs[0]["id"])
    assert line.endswith("ValueError")


def test_job_is_shown(engine: Engine) -> None:
    job_id = str(insert_job(engine, "first", request_id="the-one"))

    job = json.loads(run("show", job_id, "--json").stdout)
    assert (job["id"], job["request_id"], job["arguments"]) == (job_id, "the-one", {})
    assert "the-one" in run("show", job_id).stdout


def test_failed_job_is_retried(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    job_id = insert_job(engine, "first", status="failed", attempts=5, **FINISHED)

    result = run("retry", str(job_id), "--json")

    (job,) = list_jobs(engine)
    assert json.loads(result.stdout)[0]["status"] == job.status == "queued"
    assert (job.attempts, job.finished_at) == (5, None)
    assert job.due_at
    assert "job retried" in caplog.messages


def test_queued_job_is_cancelled(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    job_id = insert_job(engine, "first")

    assert run("cancel", str(job_id)).exit_code == 0

    (job,) = list_jobs(engine)
    assert (job.status, job.due_at) == ("failed", None)
    assert job.error == "Cancelled by an operator."
    assert "job cancelled" in caplog.messages


@pytest.mark.parametrize(("command", "status"), [("retry", "queued"), ("cancel", "running")])
def test_other_status_is_refused(engine: Engine, command: str, status: str) -> None:
    job_id = insert_job(engine, "first", status=status)

    result = run(command, str(job_id))

    assert result.exit_code == 1
    assert f"{job_id} is {status}" in result.output
    assert len(result.output.splitlines()) == 1
    assert list_jobs(engine)[0].status == status


@pytest.mark.parametrize("command", ["show", "retry", "cancel"])
@pytest.mark.parametrize("job_id", [UNKNOWN, "nonsense"])
def test_unknown_job_is_one_line(command: str, job_id: str) -> None:
    result = run(command, job_id)

    assert result.exit_code == 1
    assert job_id in result.output
    assert len(result.output.splitlines()) == 1


def test_unreachable_database_is_one_line(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    unreachable = replace(settings, database_url=UNREACHABLE_URL)
    monkeypatch.setattr("app.jobs.__main__.load_settings", lambda: unreachable)

    result = run("list")

    assert result.exit_code == 1
    assert result.output.startswith("The database is unreachable")


def test_queue_is_measured(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    now = utc_now()
    insert_job(engine, "new", created_at=now - timedelta(minutes=1), due_at=now + timedelta(1))
    insert_job(engine, "retried", attempts=1, created_at=now - timedelta(days=1), due_at=now)
    insert_job(engine, "later", attempts=1, due_at=now + timedelta(minutes=1))
    insert_job(engine, "running", status="running", attempts=1)
    insert_job(engine, "finished", status="failed", attempts=1, **FINISHED)

    with engine.connect() as connection:
        queue = measure_queue(connection)

    assert queue.waiting == 2
    assert 60 <= queue.oldest_due_seconds < 90
    assert "jobs are late" in caplog.messages


def test_empty_queue_has_no_age(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with engine.connect() as connection:
        assert measure_queue(connection) == JobQueue(waiting=0, oldest_due_seconds=0)
    assert caplog.messages == []
