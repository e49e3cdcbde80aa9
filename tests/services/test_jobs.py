"""How jobs end on running services: the bad ones too, and beside whom."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import Any

import pytest

from generator.project.serve import HOST
from generator.template.options import Option
from generator.verify.runtime import fresh_broker
from tests.support.supervised import Supervised, SupervisedService, probed, supervise

pytestmark = pytest.mark.slow

QUICK = {"JOB_LEASE_SECONDS": "3", "JOB_SWEEP_SECONDS": "0.5"}
# Each is run by a process that serves requests, or by a worker.
RUNNERS = [
    pytest.param({"background": "background_tasks", "sqlalchemy": "sync"}, id="this process"),
    pytest.param(
        {"background": "celery", "celery_broker": "redis", "sqlalchemy": "async"}, id="celery"
    ),
]


@pytest.fixture(params=RUNNERS)
def found(
    request: pytest.FixtureRequest,
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path: Path,
) -> Iterator[SupervisedService]:
    answers: dict[str, str] = request.param
    request.getfixturevalue("postgresql")
    if "celery_broker" in answers:
        request.getfixturevalue(answers["celery_broker"])
    project = probed(options, workspace, database="postgresql", **answers)
    with fresh_broker(project) as broker, supervise(project, tmp_path, **broker, **QUICK) as found:
        yield found


def test_jobs_that_cannot_succeed_fail_and_hold_up_no_other(found: SupervisedService) -> None:
    bad: dict[str, str] = {}
    good: list[str] = []
    ended: dict[str, dict[str, Any]] = {}
    # One that kills its process comes when the others have ended: it takes their attempts along.
    for names in (("fail", "forget"), ("kill",)):
        found.client.send("POST", "/api/v1/probes/roll-back").of(500)
        good += [found.enqueue("run/0.03") for _ in range(10)]
        bad |= {name: found.enqueue(name) for name in names}
        for job_id in good:
            assert found.ended(job_id, 60)["status"] == "succeeded"
        ended |= {name: found.ended(bad[name], 120) for name in names}
    assert [(job["status"], job["attempts"]) for job in ended.values()] == [("failed", 5)] * 3
    assert {name: job["error"] for name, job in ended.items()} == {
        "fail": "ValueError",
        "forget": "The task of this job does not exist.",
        "kill": "The process that ran this job stopped.",
    }
    assert found.query("SELECT count(*) FROM jobs") == [[str(len(bad) + len(good))]]
    starts = Counter(job for word, job, _ in found.told())
    assert [starts[bad[name]] for name in ("fail", "forget", "kill")] == [5, 0, 5]


def test_a_task_that_is_cancelled_costs_no_worker(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> None:
    answers = {"background": "background_tasks", "database": "sqlite", "sqlalchemy": "async"}
    with supervise(probed(options, workspace, **answers), tmp_path, **QUICK) as found:
        cancelled = [found.enqueue("cancel") for _ in range(4)]
        good = found.enqueue("run/0")

        assert found.ended(good, 20)["status"] == "succeeded"
        for job_id in cancelled:
            assert found.ended(job_id, 120)["status"] == "failed"


def test_who_is_told_to_end_gives_back_its_jobs(found: SupervisedService) -> None:
    job_id = found.enqueue("run/60")
    runner = found.worker or found.api
    while found.job(job_id)["status"] != "running":
        time.sleep(0.05)

    began = time.monotonic()
    assert runner.end(30) in {0, -15, 143}
    assert time.monotonic() - began < 30

    (row,) = found.query("SELECT status, attempts, error FROM jobs")
    assert row == ["queued", "1", "The process that ran this job stopped."]


def test_a_job_has_the_request_id_of_its_request(found: SupervisedService) -> None:
    headers = {"X-Request-ID": "the-one"}
    job = found.client.send("POST", "/api/v1/probes/run/0", headers).of(202).json

    assert found.ended(job["id"], 60)["status"] == "succeeded"
    assert found.told() == [["started", job["id"], "the-one"]]


def test_replicas_share_the_jobs_and_run_none_twice(found: SupervisedService) -> None:
    """Two processes that serve requests, or two workers, on one database."""
    runner = found.worker or found.api
    command = [part if part != str(found.port) else "0" for part in runner.command]
    with ExitStack() as stack:
        stack.callback(Supervised(command, found.project, found.variables).end, 30)
        ids = [found.enqueue("run/0.01") for _ in range(300)]
        for job_id in ids:
            assert found.ended(job_id, 60)["status"] == "succeeded"

    starts = Counter(job for _, job, _ in found.told())
    assert [starts[job_id] for job_id in ids] == [1] * len(ids)
    assert found.query("SELECT count(*) FROM jobs WHERE attempts > 1") == [["0"]]


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that accepts and never says a word."""
    with socket(AF_INET, SOCK_STREAM) as hole:
        hole.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        hole.bind((HOST, 0))
        hole.listen(128)
        yield hole.getsockname()[1]


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
@pytest.mark.usefixtures("postgresql")
def test_no_request_waits_for_a_broker(
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    kind: str,
) -> None:
    """Medians of requests that take turns at two services, one with a broker that is silent."""
    request.getfixturevalue(kind)
    answers = {"background": "celery", "celery_broker": kind, "sqlalchemy": "async"}
    project = probed(options, workspace, database="postgresql", **answers)
    (tmp_path / "silent").mkdir()
    with black_hole() as port, fresh_broker(project) as broker, ExitStack() as stack:
        scheme = broker["BROKER_URL"].partition("://")[0]
        silent_url = f"{scheme}://nobody:nothing@{HOST}:{port}/0"
        heard = stack.enter_context(supervise(project, tmp_path, **broker, **QUICK))
        silent = stack.enter_context(
            supervise(project, tmp_path / "silent", BROKER_URL=silent_url, **QUICK)
        )
        seconds: dict[int, list[float]] = {heard.port: [], silent.port: []}
        for _ in range(100):
            for found in (heard, silent):
                began = time.monotonic()
                found.client.send("POST", "/api/v1/probes/run/0").of(202)
                seconds[found.port].append(time.monotonic() - began)
        with_broker, without = map(statistics.median, seconds.values())
        print(f"{1000 * with_broker:.1f} ms, silent {1000 * without:.1f} ms")  # noqa: T201
        health = silent.client.get("/health").of(200).json["dependencies"]

    assert health["broker"] == "unreachable"
    assert without - with_broker < 0.1
