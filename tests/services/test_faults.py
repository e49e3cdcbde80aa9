"""A thousand jobs succeed although processes are killed and the broker loses its data."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from generator.template.options import Option
from generator.verify.servers import UnavailableError
from generator.verify.servers.local import LocalServer
from generator.verify.servers.rabbitmq import RabbitMQ
from generator.verify.servers.redis import Redis
from tests.support.servers import skip_missing
from tests.support.supervised import (
    SupervisedService,
    add_workers,
    install_with_probes,
    supervise,
)

pytestmark = pytest.mark.slow

JOBS = 1000
PER_SECOND = 40
SHORT = {"JOB_LEASE_SECONDS": "10", "JOB_SWEEP_SECONDS": "2"}
WITH_BROKER = SHORT | {"JOB_HANDOVER_SECONDS": "10"}
MAX_SECONDS = 90

BROKERS: dict[str, type[LocalServer]] = {"redis": Redis, "rabbitmq": RabbitMQ}


class Fault(NamedTuple):
    """An action, `at` seconds after the first job."""

    at: float
    inject: Callable[[], object]


def path_of(number: int) -> str:
    """Return the route of a job: every 50th takes two seconds."""
    return "run/2" if number % 50 == 0 else "run/0.03"


def enqueue_all(service: SupervisedService, began: float) -> list[str]:
    """Enqueue the jobs at a constant rate, faults or not."""

    def enqueue(number: int) -> str:
        time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        return service.enqueue(path_of(number))

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(enqueue, range(JOBS)))


def assert_survives(service: SupervisedService, faults: list[Fault]) -> None:
    """Assert that every accepted job succeeds soon after the last fault, and writes once."""
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        clients = pool.submit(enqueue_all, service, began)
        for fault in faults:
            time.sleep(max(0.0, began + fault.at - time.monotonic()))
            fault.inject()
        last_fault = time.monotonic()
        ids = clients.result()
    statuses = "SELECT CAST(id AS VARCHAR(36)), status FROM jobs"
    while True:
        current = {job.replace("-", ""): status for job, status in service.query(statuses)}
        unfinished = [job for job in ids if current[job.replace("-", "")] != "succeeded"]
        seconds = time.monotonic() - last_fault
        if not unfinished or seconds > MAX_SECONDS:
            break
        time.sleep(1)
    effects = Counter(job for (job,) in service.query("SELECT job FROM effects"))
    starts = Counter(job for _, job, _ in service.read_probes())
    restarted = sum(starts[job] > 1 for job in ids)
    print(f"{JOBS} jobs done {seconds:.1f} s after the last fault, {restarted} started again")  # noqa: T201

    assert unfinished == []
    assert len(set(ids)) == JOBS
    assert {effects[job] for job in ids} == {1}


@contextmanager
def fresh_broker(kind: str) -> Iterator[LocalServer]:
    try:
        with BROKERS[kind].running() as server:
            yield server
    except UnavailableError as error:
        skip_missing(str(error))


def wipe(broker: LocalServer) -> None:
    """Stop the broker for ten seconds, and delete its data."""
    broker.stop()
    for name in ("dump.rdb", "data"):
        path = broker.folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    time.sleep(10)
    broker.start()


@pytest.mark.parametrize(("broker", "mode"), [("redis", "sync"), ("rabbitmq", "async")])
@pytest.mark.usefixtures("postgresql")
def test_celery_loses_no_job(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path, broker: str, mode: str
) -> None:
    answers = {"background": "celery", "celery_broker": broker, "sqlalchemy": mode}
    project = install_with_probes(options, workspace, database="postgresql", **answers)
    with (
        fresh_broker(broker) as server,
        supervise(project, tmp_path, BROKER_URL=server.url, **WITH_BROKER) as service,
    ):
        assert service.worker
        faults = [
            Fault(3, service.api.kill),
            Fault(5, service.worker.kill_child),
            Fault(8, service.worker.kill),
            Fault(11, lambda: wipe(server)),
            Fault(24, service.worker.kill),
            Fault(24.5, service.api.kill),
        ]
        assert_survives(service, faults)


@pytest.mark.usefixtures("postgresql")
def test_separate_workers_lose_no_job(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> None:
    """The service itself runs no jobs; two other processes do."""
    answers = {"background": "background_tasks", "database": "postgresql", "sqlalchemy": "async"}
    project = install_with_probes(options, workspace, **answers)
    with (
        supervise(project, tmp_path, **SHORT, JOB_CONCURRENCY="0") as service,
        add_workers(service, 2) as (first, second),
    ):
        faults = [Fault(5, first.kill), Fault(5, service.api.kill), Fault(8, second.kill)]
        assert_survives(service, [*faults, Fault(20, first.kill), Fault(20, second.kill)])


def test_background_tasks_lose_no_job(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> None:
    answers = {"background": "background_tasks", "database": "sqlite", "sqlalchemy": "sync"}
    project = install_with_probes(options, workspace, **answers)
    with supervise(project, tmp_path, **SHORT) as service:
        assert_survives(service, [Fault(5, service.api.kill), Fault(20, service.api.kill)])
