from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.orm import Base, CreatedAt, UuidKey, utc_now
from app.settings import Settings


class Job(Base):
    """A durable job. This row is the source of truth."""

    __tablename__ = "jobs"

    id: Mapped[UuidKey]
    # Name of the task, and its arguments.
    name: Mapped[str] = mapped_column(String(200))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    # queued, running, succeeded or failed
    status: Mapped[str] = mapped_column(String(20), default="queued")
    # Number of claims.
    attempts: Mapped[int] = mapped_column(default=0)
    # Queued: time of the next dispatch. Running: end of the lease. Finished: null.
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    # The JobRunner of the last attempt.
    runner_id: Mapped[UUID | None]
    request_id: Mapped[str | None] = mapped_column(String(128))
    # Shown to the client: a short text without internal details.
    error: Mapped[str | None] = mapped_column(String(500))
    result: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    @classmethod
    def prune(cls, session: Session, settings: Settings) -> None:
        """Delete jobs that finished more than JOB_RETENTION_DAYS ago."""
        oldest = utc_now() - timedelta(days=settings.job_retention_days)
        session.execute(delete(cls).where(cls.finished_at < oldest))


class JobRunner(Base):
    """A process that runs jobs."""

    __tablename__ = "job_runners"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    last_seen_at: Mapped[datetime]

    @classmethod
    def prune(cls, session: Session, settings: Settings) -> None:
        """Delete runners that have not been seen for a day."""
        session.execute(delete(cls).where(cls.last_seen_at < utc_now() - timedelta(days=1)))
