"""Keyset pagination: the last page is as fast as the first."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field, TypeAdapter
from pydantic_core import to_json
from sqlalchemy import Select, SQLColumnExpression, tuple_
from sqlalchemy.orm import InstrumentedAttribute

Row = TypeVar("Row")


class Limit(BaseModel):
    """The size of a page."""

    limit: int = Field(default=20, ge=1, le=100)

    def split(self, rows: Sequence[Row]) -> tuple[Sequence[Row], Row | None]:
        """Return the rows of this page, and its last row if another page follows."""
        has_next = len(rows) > self.limit
        return rows[: self.limit], rows[self.limit - 1] if has_next else None


class Page(Limit):
    """Query parameters of a list, newest rows first: `limit` rows, older than the row `cursor`."""

    cursor: UUID | None = None

    def select(self, statement: Select[Any], key: InstrumentedAttribute[UUID]) -> Select[Any]:
        """Select the rows of this page, and one more row for `split`."""
        if self.cursor is not None:
            statement = statement.where(key < self.cursor)
        return statement.order_by(key.desc()).limit(self.limit + 1)


PageDep = Annotated[Page, Query()]


class Order(NamedTuple):
    """Columns that sort a list, by the attributes of its rows. An index has the same order.

    The last column is unique. A cursor holds the sort, descending if it begins with `-`, and the
    values of a row in the columns; `cursor_type` is the type of that tuple.
    """

    columns: Mapping[str, SQLColumnExpression[Any]]
    cursor_type: TypeAdapter[Any]

    def select(
        self, statement: Select[Any], sort: str, cursor: str | None, limit: int
    ) -> Select[Any]:
        """Select the rows after the cursor, and one more than `limit` for `split`.

        Add filters to the result, not to `statement`: of several bounds of an index, databases
        begin at the first, and would skip all rows up to the cursor.
        """
        is_descending = sort.startswith("-")
        columns = self.columns.values()
        if cursor is not None:
            key = tuple_(*columns)
            last = self.decode_cursor(sort, cursor)
            statement = statement.where(key < last if is_descending else key > last)
        keys = [column.desc() if is_descending else column.asc() for column in columns]
        return statement.order_by(*keys).limit(limit + 1)

    def encode_cursor(self, sort: str, row: object) -> str:
        """Return the cursor of the rows after this one."""
        values = [getattr(row, attribute) for attribute in self.columns]
        return urlsafe_b64encode(to_json([sort, *values])).decode()

    def decode_cursor(self, sort: str, cursor: str) -> Sequence[Any]:
        """Return the values in the cursor; raise ValueError if it is invalid or has another sort."""
        values: Sequence[Any]
        cursor_sort, *values = self.cursor_type.validate_json(urlsafe_b64decode(cursor))
        if cursor_sort != sort:
            raise ValueError("the cursor has another sort")
        return values
