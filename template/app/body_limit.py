"""The limits of a request's body: how much, also when no length is declared, and how long."""

from collections.abc import Mapping

from anyio import current_time, fail_after
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import PayloadTooLarge

# Read and thrown away beyond the limit, before the connection is closed.
SPARE_BYTES = 512 * 1024
# For the whole body. A client that stops sending would also stop a shutdown.
BODY_SECONDS = 60


class BodyLimitMiddleware:
    """Refuses a larger body with 413; `limits` are bytes by path, `*` is every other path."""

    def __init__(self, app: ASGIApp, limits: Mapping[str, int]) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limits.get(scope["path"], self.limits["*"])
        declared = int(Headers(scope=scope).get("content-length", "0"))
        deadline = current_time() + BODY_SECONDS
        received, more = 0, True

        async def read() -> Message:
            nonlocal received, more
            try:
                with fail_after(deadline - current_time() if more else None):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, headers={"Connection": "close"}) from None
            received += len(message.get("body", b""))
            more = message.get("more_body", False)
            return message

        async def receive_within_limits() -> Message:
            message = {} if declared > limit else await read()
            if max(declared, received) <= limit:
                return message
            # A client that may finish what it sends gets to read the answer.
            while more and max(declared, received) <= limit + SPARE_BYTES:
                await read()
            headers = {"Connection": "close"} if more else None
            # FastAPI passes this exception on from wherever it reads the body.
            raise HTTPException(PayloadTooLarge.status, PayloadTooLarge.message, headers)

        await self.app(scope, receive_within_limits, send)
