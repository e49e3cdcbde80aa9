"""Request ids: accepted or created, in every log line and every response."""

import re
from contextvars import ContextVar
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
# None outside of requests and jobs.
current_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class RequestIdMiddleware:
    """Middleware that keeps valid request ids and replaces all others.

    Valid ids have 1 to 128 characters `A-Za-z0-9._-`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if re.fullmatch(r"[A-Za-z0-9._-]{1,128}", given) else uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        # uvicorn runs each request in its own context, so the variable needs no reset.
        current_request_id.set(request_id)
        await self.app(scope, receive, send_with_id)
