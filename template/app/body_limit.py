"""The limit of a request's body, also when its length is not declared."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import PayloadTooLarge

# Read and thrown away beyond the limit, before the connection is closed.
SPARE_BYTES = 512 * 1024


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
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message: Message = {"more_body": True} if declared > limit else await receive()
            received += len(message.get("body", b""))
            if max(declared, received) <= limit:
                return message
            # A client that may finish what it sends gets to read the answer.
            while message.get("more_body") and max(declared, received) <= limit + SPARE_BYTES:
                message = await receive()
                received += len(message.get("body", b""))
            headers = {"Connection": "close"} if message.get("more_body") else None
            # FastAPI passes this exception on from wherever it reads the body.
            raise HTTPException(PayloadTooLarge.status, PayloadTooLarge.message, headers)

        await self.app(scope, receive_within_limit, send)
