"""What keeps the promise of jobs, in every process that runs some.

It is a thread with a connection of its own: no task and no request can hold it up.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app import dialect
from app.jobs.models import Job, JobRunner
from app.jobs.runner import Runner, after_failure
from app.orm import Base, utc_now
from app.settings import Settings

logger = logging.getLogger(__name__)

DAY = timedelta(days=1)
PRUNE_SECONDS = 3600


# In the end it gives back the jobs of this process.
class Maintenance(Thread):
    def __init__(
        self, settings: Settings, runner: Runner, hand_over_due: Callable[[Session], None]
    ) -> None:
        super().__init__(daemon=True)
        self._settings, self._runner, self._hand_over_due = settings, runner, hand_over_due
        self._patience = settings.database_pool_timeout_seconds
        self._engine = dialect.private_engine(settings.database_url, self._patience)
        self._stopping = Event()
        # A thread of its own: what takes its time there must not cost a lease.
        self._pruner = Thread(target=self._prune, daemon=True)

    def __enter__(self) -> None:
        self.start()
        self._pruner.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._pruner.join(1)
        self.join(self._patience)
        self._look_after()

    def run(self) -> None:
        # Often enough to keep the leases.
        pause = min(self._settings.job_sweep_seconds, self._settings.job_lease_seconds / 3)
        self._look_after()
        while not self._stopping.wait(pause):
            self._look_after()

    def _look_after(self) -> None:
        try:
            self._sweep()
        # The database is away, say; the next time it may be there.
        except Exception as error:  # noqa: BLE001
            logger.warning("jobs cannot be looked after: %s", error)

    def _prune(self) -> None:
        while True:
            for mapper in Base.registry.mappers:
                try:
                    with Session(self._engine) as session, session.begin():
                        mapper.class_.prune(session, self._settings)
                # What one table cannot do keeps no other from it.
                except Exception as error:  # noqa: BLE001
                    logger.warning("%s cannot be pruned: %s", mapper.class_.__name__, error)
            if self._stopping.wait(PRUNE_SECONDS):
                return

    # Extends the leases here, ends those of the dead, and hands over what is due.
    def _sweep(self) -> None:
        with Session(self._engine) as session, session.begin():
            now, mine = utc_now(), Job.runner == self._runner.id
            lease = now + timedelta(seconds=self._settings.job_lease_seconds)
            held = mine & Job.id.in_(list(self._runner.held)) & (Job.status == "running")
            # Comes first: a database may refuse the later write of a transaction that has read.
            session.execute(update(Job).where(held).values(due_at=lease))
            session.execute(delete(JobRunner).where(JobRunner.seen_at < now - DAY))
            session.merge(JobRunner(id=self._runner.id, seen_at=now))
            gone = (Job.due_at <= now) | mine if self._stopping.is_set() else Job.due_at <= now
            lost = select(Job).where(Job.status == "running", gone).limit(1000)
            for job in session.scalars(lost.with_for_update(skip_locked=True)):
                error = "The process that ran it was stopped."
                for name, value in after_failure(self._settings, job.attempts, error).items():
                    setattr(job, name, value)
            self._hand_over_due(session)
