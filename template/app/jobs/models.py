from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.jobs.settings import JobSettings
from app.orm import Base, CreatedAt, UuidKey, utc_now


# Work that is promised. The row is all that counts, whatever else is told of it, or lost.
class Job(Base):
    __tablename__ = "jobs"

    id: Mapped[UuidKey]
    name: Mapped[str] = mapped_column(String(200))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    # queued, running, succeeded or failed
    status: Mapped[str] = mapped_column(String(20), default="queued")
    # How often it was claimed.
    attempts: Mapped[int] = mapped_column(default=0)
    # Queued: when it is to be handed over. Running: when its runner is taken for dead.
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    runner: Mapped[UUID | None]
    request_id: Mapped[str | None] = mapped_column(String(128))
    # For the client: a sentence, and nothing of what went on inside.
    error: Mapped[str | None] = mapped_column(String(500))
    result: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    @classmethod
    def prune(cls, session: Session, settings: JobSettings) -> None:
        kept_since = utc_now() - timedelta(days=settings.job_retention_days)
        session.execute(delete(cls).where(cls.finished_at < kept_since))


# A process that runs jobs.
class JobRunner(Base):
    __tablename__ = "job_runners"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
