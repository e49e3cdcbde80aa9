"""What keeps the promise of jobs, in every process that runs some.

It is a thread with a connection of its own: no task and no request can hold it up.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import dialect
from app.jobs.execution import Runner, after_failure
from app.jobs.models import Job, JobRunner
from app.jobs.service import Handover
from app.orm import Base, utc_now
from app.settings import Settings

logger = logging.getLogger(__name__)

PRUNE_SECONDS = 3600


class Maintenance:
    """Looks after the jobs of all processes, until it gives back those of this one."""

    def __init__(self, settings: Settings, runner: Runner, handover: Handover) -> None:
        self._settings, self._runner, self._handover = settings, runner, handover
        self._engine = dialect.private_engine(
            settings.database_url, settings.database_pool_timeout_seconds
        )
        self._next_prune = 0.0
        self._stopping = Event()
        self._thread = Thread(target=self._work, name="jobs-maintenance", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(self._settings.database_pool_timeout_seconds)
        self._look_after()

    def _work(self) -> None:
        # Often enough to keep the leases.
        pause = min(self._settings.job_sweep_seconds, self._settings.job_lease_seconds / 3)
        while not self._stopping.is_set():
            self._look_after()
            self._stopping.wait(pause)

    def _look_after(self) -> None:
        try:
            self._handover.hand_over(self._sweep())
            if monotonic() > self._next_prune and not self._stopping.is_set():
                self._next_prune = monotonic() + PRUNE_SECONDS
                self._prune()
        # The database is away, say; the next time it may be there.
        except Exception as error:  # noqa: BLE001
            logger.warning("jobs cannot be looked after: %s", error)

    def _sweep(self) -> Sequence[UUID]:
        """Extend the leases here, end those of the dead, and return which jobs to hand over."""
        with Session(self._engine) as session, session.begin():
            now = utc_now()
            lease = now + timedelta(seconds=self._settings.job_lease_seconds)
            held = (Job.runner == self._runner.id) & Job.id.in_(list(self._runner.held))
            # Comes first: SQLite may refuse the later write of a transaction that has read.
            session.execute(update(Job).where(held, Job.status == "running").values(due_at=lease))
            session.merge(JobRunner(id=self._runner.id, seen_at=now))
            ended = Job.due_at <= now
            if self._stopping.is_set():
                ended |= Job.runner == self._runner.id
            lost = select(Job).where(Job.status == "running", ended).limit(1000)
            for job in session.scalars(lost.with_for_update(skip_locked=True)):
                error = "The process that ran it was stopped."
                for name, value in after_failure(self._settings, job.attempts, error).items():
                    setattr(job, name, value)
            session.flush()
            return self._handover.take_due(session, now)

    def _prune(self) -> None:
        for mapper in Base.registry.mappers:
            with Session(self._engine) as session, session.begin():
                mapper.class_.prune(session, self._settings)
