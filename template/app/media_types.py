"""The media type of a response, chosen by the header `Accept`."""

from collections.abc import Sequence

from app.errors import NotAcceptable


def choose_media_type(accept: str, offered: Sequence[str]) -> str:
    """Return the offered type that the client prefers, or the first of those; raises NotAcceptable.

    The most specific range counts: `text/csv;q=0, */*` accepts everything but CSV.
    """
    ranges = dict(map(_parse_range, accept.lower().split(",")))
    qualities = {}
    for media_type in offered:
        candidates = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        qualities[media_type] = next((ranges[name] for name in candidates if name in ranges), 0.0)
    best = max(offered, key=qualities.__getitem__)
    if not qualities[best]:
        raise NotAcceptable
    return best


def _parse_range(text: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip() for part in text.split(";"))
    quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return media_range, float(quality)
    except ValueError:
        return media_range, 0.0
