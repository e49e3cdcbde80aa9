"""One line for each event: JSON for machines, plain text on a terminal."""

import logging
import sys
from time import perf_counter

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.request_id import current_request_id

logger = logging.getLogger(__name__)


def configure_logging() -> None:
    """Bring every logger of the process, the server's included, to stdout in one format."""
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_add_request_id)
    if sys.stdout.isatty():
        text = "%(asctime)s %(levelname)-8s %(message)s  [%(name)s %(request_id)s]"
        handler.setFormatter(logging.Formatter(text))
    else:
        fields = ["levelname", "name", "message", "request_id"]
        names = {"levelname": "level", "name": "logger"}
        # The server repeats its messages with colours.
        left_out = [*RESERVED_ATTRS, "color_message"]
        formatter = JsonFormatter(
            fields, rename_fields=names, timestamp="time", reserved_attrs=left_out
        )
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error"):
        server = logging.getLogger(name)
        server.handlers.clear()
        server.propagate = True
    # AccessLogMiddleware says more, and once.
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = current_request_id()
    return True


class AccessLogMiddleware:
    """Logs method, route template, status and duration of each request when its last byte is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        status = 0
        logged = False

        async def watch(message: Message) -> None:
            nonlocal status, logged
            await send(message)
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                logged = True
                _log_request(scope, status, perf_counter() - started)

        try:
            await self.app(scope, receive, watch)
        finally:
            if not logged:
                _log_request(scope, status, perf_counter() - started)


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    route = _route(scope)
    quiet = route.startswith("/health")
    logger.log(
        logging.DEBUG if quiet else logging.INFO,
        "%s %s %s",
        scope["method"],
        route,
        status,
        extra={
            "method": scope["method"],
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
        },
    )


def _route(scope: Scope) -> str:
    """The template of the path, of which there are few; a path may hold what must not be logged."""
    context = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return getattr(context, "path", "unmatched")
