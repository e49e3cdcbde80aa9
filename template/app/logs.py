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
    text = logging.Formatter("%(asctime)s %(levelname)-8s %(message)s  [%(name)s %(request_id)s]")
    handler.setFormatter(text if sys.stdout.isatty() else _json_formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # uvicorn logs the whole path of a WebSocket, with what stands behind the question mark.
    logging.getLogger("uvicorn.error").addFilter(lambda record: "WebSocket" not in str(record.msg))
    # Alembic greets each health check.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        server = logging.getLogger(name)
        server.handlers.clear()
        # AccessLogMiddleware says more than the server's own access log.
        server.propagate = name != "uvicorn.access"


def _json_formatter() -> logging.Formatter:
    return JsonFormatter(
        ["levelname", "name", "message", "request_id"],
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
        # The server repeats its messages with colours.
        reserved_attrs=[*RESERVED_ATTRS, "color_message"],
    )


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = current_request_id.get()
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
        status, ended = 0, False

        async def watch(message: Message) -> None:
            nonlocal status, ended
            await send(message)
            status = message.get("status", status)
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            if ended:
                _log_request(scope, status, perf_counter() - started)

        try:
            await self.app(scope, receive, watch)
        finally:
            if not ended:
                _log_request(scope, status, perf_counter() - started)


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    # By the template of the path: a path may hold what must not be logged.
    context = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    route = getattr(context, "path", "unmatched")
    fields = {"method": scope["method"], "route": route, "status": status}
    fields |= {"duration_ms": round(seconds * 1000, 1)}
    level = logging.DEBUG if route in {"/health", "/health/live"} else logging.INFO
    logger.log(level, "%(method)s %(route)s %(status)s", fields, extra=fields)
