from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.schemas import Date, Time

TIME: TypeAdapter[datetime] = TypeAdapter(Time)


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00Z", "2026-01-31T21:00:00+09:00"])
def test_times_are_converted_to_utc(text: str) -> None:
    time = TIME.validate_python(text)

    assert time == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert time.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        0,
        "86400",
        "-86400",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_other_times_are_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        TIME.validate_python(value)


@pytest.mark.parametrize("value", [0, "86400", "-86400", "2026-02-30"])
def test_other_dates_are_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Date).validate_python(value)
