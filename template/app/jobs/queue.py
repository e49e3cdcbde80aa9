"""The state of the queue: the number of jobs that wait, and the age of the oldest."""

import logging

from pydantic import BaseModel
from sqlalchemy import Connection, case, func, select

from app.jobs.models import Job
from app.orm import utc_now

logger = logging.getLogger(__name__)

# Longer queues are counted up to here, so that the query stays fast.
MAX_COUNT = 10_000
# Age that is logged.
LATE_SECONDS = 10


class JobQueue(BaseModel):
    # Jobs that could run now, at most MAX_COUNT.
    waiting: int
    # Time for which the first of them has waited; 0 if none waits.
    oldest_due_seconds: float


def measure_queue(connection: Connection) -> JobQueue:
    """Return the state of the queue, and log it if jobs are late."""
    now = utc_now()
    # A new job can run at once, even if its due time leaves time for a message to a worker.
    ready_at = case((Job.attempts == 0, Job.created_at), else_=Job.due_at)
    waiting = (
        select(ready_at.label("ready_at"))
        .where(Job.due_at.is_not(None), Job.status == "queued", ready_at <= now)
        .order_by(Job.due_at)
        .limit(MAX_COUNT)
        .subquery()
    )
    count, oldest = connection.execute(
        select(func.count(), func.min(waiting.c.ready_at, type_=Job.created_at.type))
    ).one()
    seconds = round((now - oldest).total_seconds(), 1) if oldest else 0.0
    if seconds > LATE_SECONDS:
        fields = {"jobs_waiting": count, "oldest_due_seconds": seconds}
        logger.warning("jobs are late", extra=fields)
    return JobQueue(waiting=count, oldest_due_seconds=seconds)
