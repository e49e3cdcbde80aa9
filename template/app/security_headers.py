"""Security headers of every response."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A client may keep a response with an ETag, and asks before each use if it is current.
REVALIDATED = "private, no-cache"
NOT_STORED = "no-store"


class SecurityHeadersMiddleware:
    """Middleware that keeps browsers from guessing media types, and caches from storing data.

    Routes may set their own Cache-Control. HSTS is the business of the proxy that terminates TLS.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                cache_control = REVALIDATED if "ETag" in headers else NOT_STORED
                headers.setdefault("Cache-Control", cache_control)
            await send(message)

        await self.app(scope, receive, send_with_headers)
