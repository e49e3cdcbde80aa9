"""WebSocket connections: the origins that may open them, and the codes that close them."""

import json
import logging
from collections.abc import AsyncIterable, Sequence
from http import HTTPStatus
from typing import TypeVar

from anyio import create_task_group, fail_after
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

Model = TypeVar("Model", bound=BaseModel)

logger = logging.getLogger(__name__)

# Codes for the statuses of errors. Any other status becomes 4000 + status: 404 closes with 4404.
CLOSE_CODES = {HTTPStatus.INTERNAL_SERVER_ERROR: 1011, HTTPStatus.SERVICE_UNAVAILABLE: 1013}
FORBIDDEN = {"type": "websocket.close", "code": 4403, "reason": "FORBIDDEN"}
INTERNAL_ERROR = {"type": "websocket.close", "code": 1011, "reason": "INTERNAL_ERROR"}
# Starlette's code for a path without a route. Without an acceptance, uvicorn responds with 403.
UNKNOWN_ROUTE = 1000

# Time to send a message to a client that reads slowly.
SEND_SECONDS = 10


class WebSocketMiddleware:
    """Middleware that refuses foreign origins, and closes connections with the code of an error.

    Browsers show the code to a page only if the connection was accepted first. They send the
    origin of the page; it must be this service or one of `allowed_origins`.
    """

    def __init__(self, app: ASGIApp, *, allowed_origins: Sequence[str] = ()) -> None:
        self.app = app
        self.allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        is_accepted = False
        is_closed = False
        status = 0

        async def send_or_close(message: Message) -> None:
            nonlocal is_accepted, is_closed, status
            if message["type"] == "websocket.http.response.start":
                status = message["status"]
                return
            if message["type"] == "websocket.http.response.body":
                message = _to_close(status, message["body"])
            if message["type"] == "websocket.accept":
                is_accepted = True
            elif not is_accepted and message.get("code") != UNKNOWN_ROUTE:
                await send_or_close({"type": "websocket.accept", "headers": []})
            is_closed = message["type"] == "websocket.close"
            await send(message)

        try:
            if self._is_allowed(Headers(scope=scope)):
                await self.app(scope, receive, send_or_close)
            else:
                await send_or_close(FORBIDDEN)
        except (OSError, WebSocketDisconnect):
            logger.info("client disconnected")
        except Exception:
            logger.exception("unhandled error")
            if not is_closed:
                await send_or_close(INTERNAL_ERROR)

    def _is_allowed(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or origin.partition("://")[2] == headers.get("host"):
            return True
        return origin in self.allowed_origins or "*" in self.allowed_origins


def _to_close(status: int, body: bytes) -> Message:
    """Return the message that closes the connection, with the code of the error as the reason."""
    code = CLOSE_CODES.get(HTTPStatus(status), 4000 + status)
    return {"type": "websocket.close", "code": code, "reason": json.loads(body)["error"]["code"]}


async def accept(websocket: WebSocket) -> None:
    """Accept the connection, unless a dependency did so to read a message."""
    if websocket.application_state == WebSocketState.CONNECTING:
        await websocket.accept()


async def send_all(websocket: WebSocket, messages: AsyncIterable[Model]) -> Model | None:
    """Send messages as JSON and return the last one; discard those of the client.

    Return None if the client left, or read nothing for SEND_SECONDS.
    """
    last: Model | None = None
    async with create_task_group() as group:

        async def discard() -> None:
            nonlocal last
            while (await websocket.receive())["type"] != "websocket.disconnect":
                pass
            last = None
            group.cancel_scope.cancel()

        group.start_soon(discard)
        try:
            async for message in messages:
                last = message
                with fail_after(SEND_SECONDS):
                    await websocket.send_text(message.model_dump_json())
        except (TimeoutError, WebSocketDisconnect):
            last = None
        group.cancel_scope.cancel()
    return last
