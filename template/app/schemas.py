"""Building blocks of schemas: the base of request bodies, and types of fields and parameters."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator
from pydantic_core import PydanticCustomError

# Text without NUL, which databases cannot store.
TEXT_PATTERN = r"^[^\x00]*$"

# The beginning of dates and times with a year of four digits.
ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
FIRST_DAY = datetime(1, 1, 2, tzinfo=UTC)
DAY_AFTER_LAST = datetime(9999, 12, 31, tzinfo=UTC)


class RequestBody(BaseModel, extra="forbid"):
    """Base class of request bodies: unknown fields are rejected."""


def require_iso_8601(value: object) -> object:
    """Reject seconds since 1970, which Pydantic accepts, and years after 9999."""
    if not isinstance(value, str) or not ISO_8601.match(value):
        message = "Input should be like 2026-01-31 or 2026-01-31T12:00:00Z"
        raise PydanticCustomError("iso_8601", message)
    return value


def to_utc(time: datetime) -> datetime:
    """Convert to UTC, which the first and the last day of the calendar do not allow."""
    if not FIRST_DAY <= time < DAY_AFTER_LAST:
        message = "Input should be between 0001-01-02 and 9999-12-30 in UTC"
        raise PydanticCustomError("time_range", message)
    return time.astimezone(UTC)


Date = Annotated[date, BeforeValidator(require_iso_8601)]
Time = Annotated[AwareDatetime, BeforeValidator(require_iso_8601), AfterValidator(to_utc)]
