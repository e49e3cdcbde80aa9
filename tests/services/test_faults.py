"""A thousand jobs while everything around them is killed, stopped and wiped."""

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
from tests.support.servers import missing
from tests.support.supervised import SupervisedService, probed, supervise

pytestmark = pytest.mark.slow

JOBS = 1000
PER_SECOND = 40
SHORT = {"JOB_LEASE_SECONDS": "10", "JOB_SWEEP_SECONDS": "2"}
WITH_A_BROKER = SHORT | {"JOB_HANDOVER_SECONDS": "10"}
MOST_SECONDS = 90

BROKERS: dict[str, type[LocalServer]] = {"redis": Redis, "rabbitmq": RabbitMQ}


class Fault(NamedTuple):
    """What to do, so many seconds after the first job."""

    at: float
    do: Callable[[], object]


def work(number: int) -> str:
    return "run/2" if number % 50 == 0 else "run/0.03"


def enqueue_all(service: SupervisedService, began: float) -> list[str]:
    """A client that keeps its pace, whatever happens."""

    def enqueue(number: int) -> str:
        time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        return service.enqueue(work(number))

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(enqueue, range(JOBS)))


def survive(service: SupervisedService, faults: list[Fault]) -> None:
    """Have every accepted job done, its own writes once, soon after the last fault."""
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(enqueue_all, service, began)
        for fault in faults:
            time.sleep(max(0.0, began + fault.at - time.monotonic()))
            fault.do()
        last = time.monotonic()
        ids = accepted.result()
    statuses = "SELECT CAST(id AS VARCHAR(36)), status FROM jobs"
    while True:
        found = {job.replace("-", ""): status for job, status in service.query(statuses)}
        left = [job for job in ids if found[job.replace("-", "")] != "succeeded"]
        seconds = time.monotonic() - last
        if not left or seconds > MOST_SECONDS:
            break
        time.sleep(1)
    written = Counter(job for (job,) in service.query("SELECT job FROM effects"))
    starts = Counter(job for word, job, _ in service.told())
    again = sum(starts[job] > 1 for job in ids)
    print(f"{JOBS} jobs done {seconds:.1f} s after the last fault, {again} started again")  # noqa: T201

    assert left == []
    assert len(set(ids)) == JOBS
    assert {written[job] for job in ids} == {1}


@contextmanager
def fresh_broker(kind: str) -> Iterator[LocalServer]:
    try:
        with BROKERS[kind].running() as server:
            yield server
    except UnavailableError as error:
        missing(str(error))


def wipe(broker: LocalServer) -> None:
    """Ten seconds away, and then it remembers nothing."""
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
def test_no_job_of_celery_is_lost(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path, broker: str, mode: str
) -> None:
    answers = {"background": "celery", "celery_broker": broker, "sqlalchemy": mode}
    project = probed(options, workspace, database="postgresql", **answers)
    with (
        fresh_broker(broker) as server,
        supervise(project, tmp_path, BROKER_URL=server.url, **WITH_A_BROKER) as found,
    ):
        assert found.worker
        faults = [
            Fault(3, found.api.kill),
            Fault(5, found.worker.kill_child),
            Fault(8, found.worker.kill),
            Fault(11, lambda: wipe(server)),
            Fault(24, found.worker.kill),
            Fault(24.5, found.api.kill),
        ]
        survive(found, faults)


@pytest.mark.parametrize(("database", "mode"), [("postgresql", "async"), ("sqlite", "sync")])
@pytest.mark.usefixtures("postgresql")
def test_no_job_of_this_process_is_lost(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path, database: str, mode: str
) -> None:
    answers = {"background": "background_tasks", "database": database, "sqlalchemy": mode}
    with supervise(probed(options, workspace, **answers), tmp_path, **SHORT) as found:
        survive(found, [Fault(5, found.api.kill), Fault(20, found.api.kill)])
