from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# A database cannot store the character NUL in text.
WITHOUT_NUL = r"^[^\x00]*$"

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=WITHOUT_NUL),
]
Description = Annotated[str, StringConstraints(max_length=2000, pattern=WITHOUT_NUL)]


class ItemCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Description | None = None


class ItemUpdate(BaseModel):
    """What is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    # May be absent but never null: the default is not a valid name and is never stored.
    name: Name = Field(default_factory=str)
    description: Description | None = None


class ItemRead(BaseModel):
    id: UUID
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class ItemPage(BaseModel):
    items: list[ItemRead]
    next_cursor: UUID | None
