from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from app.schemas import TEXT_PATTERN, RequestBody

# TEXT_PATTERN with a visible character: nothing else would be left after stripping.
NAME_PATTERN = r"^[^\x00]*[^\s\x00][^\x00]*$"

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NAME_PATTERN),
]
Description = Annotated[str, StringConstraints(max_length=2000, pattern=TEXT_PATTERN)]


class ItemCreate(RequestBody):
    name: Name
    description: Description | None = None


class ItemUpdate(RequestBody, json_schema_extra={"minProperties": 1}):
    """Absent fields keep their values; null clears the description."""

    # May be absent, but not null. The default is never used: `exclude_unset` drops it.
    name: Name = Field(default_factory=str)
    description: Description | None = None


class ItemRead(BaseModel, from_attributes=True):
    id: UUID
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class ItemPage(BaseModel):
    items: list[ItemRead]
    next_cursor: str | None
