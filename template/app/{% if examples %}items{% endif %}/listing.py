"""The list of items: its filters, orders and cursors."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints, TypeAdapter, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Select, collate, select

from app.dialect import BYTE_ORDER
from app.items.models import Item
from app.pagination import Limit, Order, Page
from app.schemas import TEXT_PATTERN, Time

NAME_LENGTH = 200
LAST_CHARACTER = "\U0010ffff"

NamePart = Annotated[str, StringConstraints(max_length=NAME_LENGTH, pattern=TEXT_PATTERN)]
Sort = Literal["created_at", "-created_at", "name", "-name"]
ITEM_ID = TypeAdapter(UUID)

name_in_bytes = collate(Item.name, BYTE_ORDER)
BY_NAME = Order({"name": name_in_bytes}, TypeAdapter(tuple[Sort, NamePart]))
BY_CREATION = Order(
    {"created_at": Item.created_at, "id": Item.id}, TypeAdapter(tuple[Sort, Time, UUID])
)
ORDERS: dict[Sort, Order] = {
    "created_at": BY_CREATION,
    "-created_at": BY_CREATION,
    "name": BY_NAME,
    "-name": BY_NAME,
}


class ItemQuery(Limit):
    """Query parameters of the list: filters, and the order and position of the page.

    Without `sort` and filters, the order is that of the primary key, and cursors are ids.
    """

    name_prefix: NamePart | None = Field(
        default=None, description="Beginning of the name, in the same case."
    )
    created_from: Time | None = Field(
        default=None, description="Only items that were created at this time or later."
    )
    created_before: Time | None = Field(
        default=None, description="Only items that were created before this time."
    )
    sort: Sort | None = Field(
        default=None,
        description="Order; `-` is descending, and names compare by code point. "
        "Default: `name` with `name_prefix`, otherwise the newest first.",
    )
    # Checked last, with the order that the other parameters select.
    cursor: str | None = Field(
        default=None,
        max_length=2000,
        description="`next_cursor` of the page before, with the same `sort` and filters.",
    )

    @field_validator("cursor")
    @classmethod
    def _check_cursor(cls, cursor: str, others: ValidationInfo) -> str:
        sort = cls.model_construct(**others.data).chosen_sort
        try:
            if sort:
                ORDERS[sort].decode_cursor(sort, cursor)
            else:
                ITEM_ID.validate_python(cursor)
        except ValueError:
            message = "The cursor is invalid, or belongs to a list with another order"
            raise PydanticCustomError("cursor", message) from None
        return cursor

    @property
    def chosen_sort(self) -> Sort | None:
        if self.sort:
            return self.sort
        if self.name_prefix is not None:
            return "name"
        return "-created_at" if self.created_from or self.created_before else None

    def select(self) -> Select[Any]:
        """Select the items of this page, and one more for `split`."""
        sort = self.chosen_sort
        if sort is None:
            return Page.model_validate(self, from_attributes=True).select(select(Item), Item.id)
        statement = ORDERS[sort].select(select(Item), sort, self.cursor, self.limit)
        if self.name_prefix:
            # No name is longer, so each name with the prefix is before the last one.
            last = self.name_prefix + LAST_CHARACTER * NAME_LENGTH
            statement = statement.where(name_in_bytes >= self.name_prefix, name_in_bytes < last)
        if self.created_from:
            statement = statement.where(Item.created_at >= self.created_from)
        if self.created_before:
            statement = statement.where(Item.created_at < self.created_before)
        return statement

    def encode_cursor(self, last: Item) -> str:
        """Return the cursor of the page after the item `last`."""
        sort = self.chosen_sort
        return ORDERS[sort].encode_cursor(sort, last) if sort else str(last.id)


ItemQueryDep = Annotated[ItemQuery, Query()]
