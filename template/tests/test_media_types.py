import pytest

from app.errors import NotAcceptable
from app.media_types import choose_media_type

OFFERED = ("application/x-ndjson", "text/csv")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", OFFERED[0]),
        ("text/csv", OFFERED[1]),
        ("Text/CSV; Charset=utf-8", OFFERED[1]),
        ("text/*", OFFERED[1]),
        ("application/json, text/csv;q=0.1", OFFERED[1]),
        ("text/csv, application/x-ndjson", OFFERED[0]),
        ("text/csv, application/x-ndjson;q=0.9", OFFERED[1]),
        ("application/x-ndjson;q=0, */*", OFFERED[1]),
        ("text/csv, */*;q=0.1", OFFERED[1]),
    ],
)
def test_preferred_type_is_chosen(accept: str, chosen: str) -> None:
    assert choose_media_type(accept, OFFERED) == chosen


@pytest.mark.parametrize("accept", ["", "application/json", "text/csv;q=0", "text/csv;q=x", ",;"])
def test_other_types_are_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        choose_media_type(accept, OFFERED)
