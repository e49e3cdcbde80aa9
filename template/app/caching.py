"""ETags: clients keep a response until it changes, and editors do not overwrite each other."""

import re
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import PreconditionFailed

# Headers with a list of tags, as servers name them.
TAG_LISTS = (b"if-match", b"if-none-match")

# The tags of a header. "W/" marks those of a transformed response, such as a compressed one.
TAG = re.compile(r'(W/)?("[^"]*")')

IfNoneMatch = Annotated[
    str | SkipJsonSchema[None],
    Header(description="The ETags that the client has, or `*`: 304 if one is current"),
]
IfMatch = Annotated[
    str | SkipJsonSchema[None],
    Header(description="The ETags to change, or `*`: 412 if none is current"),
]

# `responses` of routes that send an ETag, by status.
TAGGED: dict[str, Any] = {
    "headers": {"ETag": {"description": "Changes with the content", "schema": {"type": "string"}}}
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    200: TAGGED,
    304: {"description": "Not modified", **TAGGED},
}


class NotModified(Response):
    """The response without a body for a client that has the current content."""

    def __init__(self, etag: str) -> None:
        super().__init__(status_code=304, headers={"ETag": etag})


def create_etag(content: BaseModel) -> str:
    """Return a strong ETag of all fields, so that a field added by a release changes it, too."""
    return f'"{sha256(content.model_dump_json().encode()).hexdigest()[:32]}"'


def is_current(etag: str, if_none_match: str | None) -> bool:
    """Return True if the client has this content; weak tags match, too."""
    tags = [tag for _, tag in TAG.findall(if_none_match or "")]
    return etag in tags or _is_any(if_none_match)


def require_match(etag: str, if_match: str | None) -> None:
    """Raise PreconditionFailed if the client would change another version; weak tags never match."""
    tags = [tag for weak, tag in TAG.findall(if_match or "") if not weak]
    if if_match is not None and etag not in tags and not _is_any(if_match):
        raise PreconditionFailed


def _is_any(header: str | None) -> bool:
    return header is not None and header.strip() == "*"


class TagListMiddleware:
    """Middleware that joins the lines of If-Match and of If-None-Match.

    They are one list, of which FastAPI and Starlette read the first line only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for name in TAG_LISTS:
                lines = [value for key, value in scope["headers"] if key == name]
                if len(lines) > 1:
                    others = [header for header in scope["headers"] if header[0] != name]
                    scope["headers"] = [*others, (name, b", ".join(lines))]
        await self.app(scope, receive, send)
