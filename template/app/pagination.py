"""Keyset pagination, newest rows first: the last page is as fast as the first."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

Row = TypeVar("Row")


class Page(BaseModel):
    """Query parameters of a list: `limit` rows, all older than the row `cursor`."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: UUID | None = None

    def select(self, statement: Select[Any], key: InstrumentedAttribute[UUID]) -> Select[Any]:
        """Select the rows of this page, and one more row for `split`."""
        if self.cursor is not None:
            statement = statement.where(key < self.cursor)
        return statement.order_by(key.desc()).limit(self.limit + 1)

    def split(self, rows: Sequence[Row]) -> tuple[Sequence[Row], Row | None]:
        """Return the rows of this page, and its last row if another page follows."""
        has_next = len(rows) > self.limit
        return rows[: self.limit], rows[self.limit - 1] if has_next else None


PageDep = Annotated[Page, Query()]
