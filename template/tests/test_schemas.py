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


FORMAT = "Input should be like 2026-01-31 or 2026-01-31T12:00:00Z"
RANGE = "Input should be between 0001-01-02 and 9999-12-30 in UTC"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, FORMAT),
        ("86400", FORMAT),
        ("-86400", FORMAT),
        ("10000-01-01T00:00:00Z", FORMAT),
        ("2026-01-31", "Input should have timezone info"),
        ("2026-01-31T12:00:00", "Input should have timezone info"),
        ("0001-01-01T00:00:00+01:00", RANGE),
        ("0001-01-01T23:59:59Z", RANGE),
        ("9999-12-31T00:00:00Z", RANGE),
        ("9999-12-31T23:59:59-01:00", RANGE),
    ],
)
def test_other_times_are_refused(value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        TIME.validate_python(value)

    assert [error["msg"] for error in refusal.value.errors()] == [message]


@pytest.mark.parametrize("text", ["0001-01-02T00:00:00Z", "9999-12-30T23:59:59.999999Z"])
def test_first_and_last_time_are_accepted(text: str) -> None:
    assert TIME.dump_json(TIME.validate_python(text)).decode() == f'"{text}"'


@pytest.mark.parametrize("value", [0, "86400", "-86400", "10000-01-01"])
def test_other_dates_are_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match=FORMAT):
        TypeAdapter(Date).validate_python(value)
