"""Building blocks of schemas: the base of request bodies, and types of fields and parameters."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

# Text without NUL, which databases cannot store.
TEXT_PATTERN = r"^[^\x00]*$"


class RequestBody(BaseModel, extra="forbid"):
    """Base class of request bodies: unknown fields are rejected."""


def reject_numbers(value: object) -> object:
    """Reject seconds since 1970, which Pydantic accepts and the schema does not."""
    if not isinstance(value, str) or "-" not in value[1:]:
        message = "Input should be like 2026-01-31 or 2026-01-31T12:00:00Z"
        raise PydanticCustomError("iso_8601", message)
    return value


Date = Annotated[date, BeforeValidator(reject_numbers)]

# Converted to UTC, which the first and the last day of the calendar do not allow.
Time = Annotated[
    AwareDatetime,
    BeforeValidator(reject_numbers),
    Field(ge=datetime(1, 1, 2, tzinfo=UTC), le=datetime(9999, 12, 30, tzinfo=UTC)),
    AfterValidator(lambda time: time.astimezone(UTC)),
]
