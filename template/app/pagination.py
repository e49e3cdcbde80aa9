"""Keyset pages, newest first: the last page costs what the first does."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

Row = TypeVar("Row")


class Page(BaseModel):
    """Which rows are asked for: at most `limit`, those before the row that `cursor` names."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: UUID | None = None

    def select(self, statement: Select[Any], key: InstrumentedAttribute[UUID]) -> Select[Any]:
        """One row more than the page holds: it tells whether there is a next page."""
        if self.cursor is not None:
            statement = statement.where(key < self.cursor)
        return statement.order_by(key.desc()).limit(self.limit + 1)

    def cut(self, rows: Sequence[Row]) -> tuple[Sequence[Row], Row | None]:
        """The rows of the page, and the one whose key is the next cursor."""
        more = len(rows) > self.limit
        return rows[: self.limit], rows[self.limit - 1] if more else None


PageDep = Annotated[Page, Query()]
