from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel


class JobRead(BaseModel, from_attributes=True):
    id: UUID
    name: str
    status: Literal["queued", "running", "succeeded", "failed"]
    attempts: int
    error: str | None
    result: Any
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobDetails(JobRead):
    """A job as operators see it."""

    arguments: dict[str, Any]
    due_at: datetime | None
    runner_id: UUID | None
    request_id: str | None
