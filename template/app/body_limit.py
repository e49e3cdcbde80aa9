"""The limit of a request's body, also when its length is not declared."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import PayloadTooLarge


class BodyLimitMiddleware:
    """Refuses with 413 as soon as the body is read and known to be larger than `max_bytes`."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = int(Headers(scope=scope).get("content-length", "0"))
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message: Message = {} if declared > self.max_bytes else await receive()
            received += len(message.get("body", b""))
            if max(declared, received) > self.max_bytes:
                # FastAPI passes this exception on from wherever it reads the body.
                raise HTTPException(PayloadTooLarge.status, PayloadTooLarge.message)
            return message

        await self.app(scope, receive_within_limit, send)
