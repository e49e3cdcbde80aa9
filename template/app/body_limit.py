"""Limits of request bodies: size, duration, encoding."""

from collections.abc import Mapping
from time import monotonic

from anyio import fail_after
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import PayloadTooLarge, RequestTimeout

# Bytes beyond the limit that are discarded before the connection is closed.
DRAIN_BYTES = 512 * 1024
# Time for the whole body: a client that stops sending would also delay a shutdown.
BODY_SECONDS = 60


class BodyLimitMiddleware:
    """Middleware that rejects bodies over the limit with 413, and those over 60 seconds with 408.

    `max_bytes` applies to every path that is not in `max_bytes_by_path`.
    """

    def __init__(
        self, app: ASGIApp, *, max_bytes: int, max_bytes_by_path: Mapping[str, int] = {}
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.max_bytes_by_path = max_bytes_by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = self.max_bytes_by_path.get(path, self.max_bytes)
        request_headers = Headers(scope=scope)
        declared = int(request_headers.get("content-length", "0"))
        is_json = "json" in request_headers.get("content-type", "")
        deadline = monotonic() + BODY_SECONDS
        received = 0
        more_body = True

        async def receive_in_time() -> Message:
            nonlocal received, more_body
            try:
                with fail_after(deadline - monotonic() if more_body else None):
                    message = await receive()
            except TimeoutError:
                close = {"Connection": "close"}
                raise HTTPException(408, RequestTimeout.message, close) from None
            received += len(message.get("body", b""))
            more_body = message.get("more_body", False)
            return message

        async def receive_within_limits() -> Message:
            message = {} if declared > limit else await receive_in_time()
            # Python would decode UTF-16 and UTF-32. JSON in UTF-8 contains no NUL.
            if is_json and b"\0" in message.get("body", b""):
                raise UnicodeError("JSON must be UTF-8")
            if max(declared, received) <= limit:
                return message
            # Drain part of the body so that the client can read the response.
            while more_body and max(declared, received) <= limit + DRAIN_BYTES:
                await receive_in_time()
            connection = {"Connection": "close"} if more_body else None
            # FastAPI passes HTTPException on from wherever it reads the body.
            raise HTTPException(PayloadTooLarge.status, PayloadTooLarge.message, connection)

        await self.app(scope, receive_within_limits, send)
