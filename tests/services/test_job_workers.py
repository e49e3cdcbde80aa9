"""Workers without HTTP and without a broker; workers whose messages do not arrive."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from generator.template.options import Option
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_broker
from tests.support.command import wait_for
from tests.support.edits import write
from tests.support.supervised import (
    SupervisedService,
    add_workers,
    install_with_probes,
    supervise,
)

pytestmark = pytest.mark.slow

QUICK = {"JOB_LEASE_SECONDS": "3", "JOB_SWEEP_SECONDS": "0.5"}
RECURRING_SECONDS = int(os.environ.get("RECURRING_SECONDS", "10"))

_RECURRING = """
from datetime import timedelta

from app.jobs.tasks import JobContext, task
from app.probes.tasks import log_start


@task(every=timedelta(seconds=1))
async def tick(context: JobContext) -> None:
    log_start(context)
"""


def dependencies_of(service: SupervisedService) -> dict[str, Any]:
    dependencies: dict[str, Any] = service.client.get("/health").require(200).json["dependencies"]
    return dependencies


def unseen_seconds(service: SupervisedService) -> float:
    """Return the age of `last_seen` in /health."""
    health = service.client.get("/health").require(200).json
    seen = health["dependencies"]["worker"]["last_seen"]
    if seen is None:
        return float("inf")
    age = datetime.fromisoformat(health["timestamp"]) - datetime.fromisoformat(seen)
    return age.total_seconds()


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def assert_jobs_succeed(service: SupervisedService, ids: list[str]) -> None:
    for job_id in ids:
        assert service.wait_for_job(job_id, 60)["status"] == "succeeded"
    starts = Counter(job for _, job, _ in service.read_probes())
    assert {starts[job_id] for job_id in ids} == {1}


@pytest.mark.usefixtures("postgresql", "redis")
def test_stopped_consumer_is_visible(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> None:
    """The broker accepts messages, and no worker receives them."""
    answers = {"background": "celery", "celery_broker": "redis", "sqlalchemy": "async"}
    project = install_with_probes(options, workspace, database="postgresql", **answers)
    with (
        fresh_broker(project) as url,
        supervise(project, tmp_path, **url, **QUICK, JOB_HANDOVER_SECONDS="4") as service,
    ):
        assert service.worker
        consumer = service.worker.process.pid
        assert_jobs_succeed(service, [service.enqueue("run/0") for _ in range(4)])
        wait_for(lambda: unseen_seconds(service) < 2, 30)
        # The child processes live on, and claim the jobs themselves.
        with stopped([consumer]):
            ids = [service.enqueue("run/0") for _ in range(20)]
            wait_for(lambda: dependencies_of(service)["jobs"]["oldest_due_seconds"] > 2, 30)
            assert_jobs_succeed(service, ids)
            wait_for(lambda: unseen_seconds(service) > 3, 30)
        wait_for(lambda: unseen_seconds(service) < 2, 30)
        # Nothing of the worker lives on, so another process runs the jobs.
        children = Path(f"/proc/{consumer}/task/{consumer}/children").read_text().split()
        with stopped([consumer, *map(int, children)]), ExitStack() as stack:
            ids = [service.enqueue("run/0") for _ in range(20)]
            wait_for(lambda: dependencies_of(service)["jobs"]["oldest_due_seconds"] > 3, 30)
            assert unseen_seconds(service) > 3
            assert dependencies_of(service)["jobs"]["waiting"] == len(ids)
            stack.enter_context(add_workers(service, 1))
            assert_jobs_succeed(service, ids)


@pytest.mark.usefixtures("postgresql")
def test_recurring_job_runs_once_per_due_time(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> None:
    """Three processes run jobs: the service, and two without HTTP."""
    answers = {"background": "background_tasks", "database": "postgresql", "sqlalchemy": "async"}
    installed = install_with_probes(options, workspace, **answers)
    row = Row(f"recurring-{installed.row.id}", installed.row.answers)
    project = RenderedProject(row, workspace)
    copytree(installed.folder, project.folder, dirs_exist_ok=True)
    write(project.folder / "app/ticks/__init__.py", "")
    write(project.folder / "app/ticks/tasks.py", _RECURRING)
    with supervise(project, tmp_path, **QUICK) as service, add_workers(service, 2) as workers:
        time.sleep(RECURRING_SECONDS)
        codes = [worker.end(15) for worker in workers]
        rows = service.query(
            "SELECT CAST(id AS VARCHAR(36)), status, created_at FROM jobs"
            " WHERE name LIKE '%tick' ORDER BY created_at"
        )
    starts = Counter(job.replace("-", "") for _, job, _ in service.read_probes())
    succeeded = [job.replace("-", "") for job, status, _ in rows if status == "succeeded"]
    due_times = [datetime.fromisoformat(due_at) for _, _, due_at in rows]

    assert codes == [0, 0]
    assert len(succeeded) >= RECURRING_SECONDS - 2
    assert {starts[job] for job in succeeded} == {1}
    assert {(later - due).total_seconds() for due, later in pairwise(due_times)} == {1}
