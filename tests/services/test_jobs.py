"""Jobs on running services: success, failure, shutdown, replicas, a silent broker."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from generator.project.serve import HOST
from generator.template.options import Option
from generator.verify.runtime import fresh_broker
from tests.support.servers import silent_port
from tests.support.supervised import (
    SupervisedProcess,
    SupervisedService,
    install_with_probes,
    supervise,
)

pytestmark = pytest.mark.slow

QUICK = {"JOB_LEASE_SECONDS": "3", "JOB_SWEEP_SECONDS": "0.5"}
# The jobs run in the process that serves requests, or in a worker.
RUNNERS = [
    pytest.param({"background": "background_tasks", "sqlalchemy": "sync"}, id="this process"),
    pytest.param(
        {"background": "celery", "celery_broker": "redis", "sqlalchemy": "async"}, id="celery"
    ),
]


@pytest.fixture(params=RUNNERS)
def service(
    request: pytest.FixtureRequest,
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path: Path,
) -> Iterator[SupervisedService]:
    answers: dict[str, str] = request.param
    request.getfixturevalue("postgresql")
    if "celery_broker" in answers:
        request.getfixturevalue(answers["celery_broker"])
    project = install_with_probes(options, workspace, database="postgresql", **answers)
    with (
        fresh_broker(project) as broker,
        supervise(project, tmp_path, **broker, **QUICK) as service,
    ):
        yield service


def test_failing_jobs_block_no_others(service: SupervisedService) -> None:
    bad: dict[str, str] = {}
    good: list[str] = []
    ended: dict[str, dict[str, Any]] = {}
    # `kill` comes last: it would use up attempts of the other jobs in its process.
    for names in (("fail", "forget"), ("kill",)):
        service.client.send("POST", "/api/v1/probes/roll-back").require(500)
        good += [service.enqueue("run/0.03") for _ in range(10)]
        bad |= {name: service.enqueue(name) for name in names}
        for job_id in good:
            assert service.wait_for_job(job_id, 60)["status"] == "succeeded"
        ended |= {name: service.wait_for_job(bad[name], 120) for name in names}
    assert [(job["status"], job["attempts"]) for job in ended.values()] == [("failed", 5)] * 3
    assert {name: job["error"] for name, job in ended.items()} == {
        "fail": "ValueError",
        "forget": "The task of this job does not exist.",
        "kill": "The process that ran this job stopped.",
    }
    assert service.query("SELECT count(*) FROM jobs") == [[str(len(bad) + len(good))]]
    starts = Counter(job for _, job, _ in service.read_probes())
    assert [starts[bad[name]] for name in ("fail", "forget", "kill")] == [5, 0, 5]


def test_cancelled_task_keeps_runner(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> None:
    answers = {"background": "background_tasks", "database": "sqlite", "sqlalchemy": "async"}
    project = install_with_probes(options, workspace, **answers)
    with supervise(project, tmp_path, **QUICK) as service:
        cancelled = [service.enqueue("cancel") for _ in range(4)]
        good = service.enqueue("run/0")

        assert service.wait_for_job(good, 20)["status"] == "succeeded"
        for job_id in cancelled:
            assert service.wait_for_job(job_id, 120)["status"] == "failed"


def test_shutdown_requeues_running_job(service: SupervisedService) -> None:
    job_id = service.enqueue("run/60")
    runner = service.worker or service.api
    while service.job(job_id)["status"] != "running":
        time.sleep(0.05)

    began = time.monotonic()
    assert runner.end(30) in {0, -15, 143}
    assert time.monotonic() - began < 30

    (row,) = service.query("SELECT status, attempts, error FROM jobs")
    assert row == ["queued", "1", "The process that ran this job stopped."]


def test_job_keeps_request_id(service: SupervisedService) -> None:
    headers = {"X-Request-ID": "the-one"}
    job = service.client.send("POST", "/api/v1/probes/run/0", headers).require(202).json

    assert service.wait_for_job(job["id"], 60)["status"] == "succeeded"
    assert service.read_probes() == [["started", job["id"], "the-one"]]


def test_replicas_run_each_job_once(service: SupervisedService) -> None:
    """Two processes that serve requests, or two workers, share one database."""
    runner = service.worker or service.api
    command = [part if part != str(service.port) else "0" for part in runner.command]
    with ExitStack() as stack:
        stack.callback(SupervisedProcess(command, service.project, service.variables).end, 30)
        ids = [service.enqueue("run/0.01") for _ in range(300)]
        for job_id in ids:
            assert service.wait_for_job(job_id, 60)["status"] == "succeeded"

    starts = Counter(job for _, job, _ in service.read_probes())
    assert [starts[job_id] for job_id in ids] == [1] * len(ids)
    assert service.query("SELECT count(*) FROM jobs WHERE attempts > 1") == [["0"]]


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
@pytest.mark.usefixtures("postgresql")
def test_silent_broker_delays_no_request(
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    kind: str,
) -> None:
    """Compare the medians of alternating requests to two services, one with a silent broker."""
    request.getfixturevalue(kind)
    answers = {"background": "celery", "celery_broker": kind, "sqlalchemy": "async"}
    project = install_with_probes(options, workspace, database="postgresql", **answers)
    (tmp_path / "silent").mkdir()
    with silent_port() as port, fresh_broker(project) as broker, ExitStack() as stack:
        scheme = broker["BROKER_URL"].partition("://")[0]
        silent_url = f"{scheme}://guest:guest@{HOST}:{port}/0"
        connected = stack.enter_context(supervise(project, tmp_path, **broker, **QUICK))
        silent = stack.enter_context(
            supervise(project, tmp_path / "silent", BROKER_URL=silent_url, **QUICK)
        )
        seconds: dict[int, list[float]] = {connected.port: [], silent.port: []}
        for _ in range(100):
            for service in (connected, silent):
                began = time.monotonic()
                service.client.send("POST", "/api/v1/probes/run/0").require(202)
                seconds[service.port].append(time.monotonic() - began)
        with_broker, without_broker = map(statistics.median, seconds.values())
        print(f"{1000 * with_broker:.1f} ms, silent {1000 * without_broker:.1f} ms")  # noqa: T201
        health = silent.client.get("/health").require(200).json["dependencies"]

    assert health["broker"] == "unreachable"
    assert without_broker - with_broker < 0.1
