"""Exception handlers: every error becomes the envelope of `app.errors`."""

import logging
from collections.abc import Callable, Coroutine, Sequence
from http import HTTPStatus
from http.client import responses
from typing import Any

from anyio import move_on_after
from fastapi import Request, Response
from fastapi.exceptions import (
    RequestValidationError,
    ValidationException,
    WebSocketRequestValidationError,
)
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import errors
from app.dialect import to_app_error

logger = logging.getLogger(__name__)

# Codes that differ from the reason phrase of their status.
CODES = {
    413: "PAYLOAD_TOO_LARGE",
    416: "RANGE_NOT_SATISFIABLE",
    422: "VALIDATION_FAILED",
    500: "INTERNAL_ERROR",
    503: "BUSY",
}
# Headers that a client needs, of responses that are replaced by the envelope.
KEPT_HEADERS = ("allow", "content-range", "retry-after", "www-authenticate")

# FastAPI's message for a body that it cannot parse, regardless of the cause.
UNREADABLE = "There was an error parsing the body"

# Time in which a client must read the next part of a response: it may hold a database connection.
SEND_SECONDS = 60

# A body of 1 MiB can contain a hundred thousand errors, or field names of that length.
MAX_DETAILS = 100
MAX_LOC_CHARACTERS = 100


class FrameworkError(errors.AppError):
    """An error of FastAPI or Starlette, such as an unknown route or method."""

    def __init__(self, error: HTTPException) -> None:
        self.status = error.status_code
        phrase = responses.get(self.status, "Error")
        self.code = CODES.get(self.status) or phrase.upper().replace(" ", "_")
        self.message = str(error.detail)
        self.headers = error.headers or {}


async def handle_app_error(request: Request, error: errors.AppError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and error.__cause__:
        logger.warning("%s: %r", error.code, error.__cause__)
    return error.response(request.scope)


async def handle_http_exception(request: Request, error: HTTPException) -> Response:
    if error.detail == UNREADABLE and isinstance(error.__cause__, ValueError | RecursionError):
        detail = {"loc": ["body"], "msg": "JSON decode error", "type": "json_invalid"}
        return _respond_invalid(request, [detail])
    if error.detail == UNREADABLE and isinstance(error.__cause__, OSError):
        # A full disk while the body is spooled is an error of the server.
        raise error.__cause__
    response = FrameworkError(error).response(request.scope)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = _allowed_methods(request)
    return response


async def handle_validation_error(request: Request, error: ValidationException) -> Response:
    return _respond_invalid(request, error.errors()[:MAX_DETAILS])


async def handle_database_error(request: Request, error: DBAPIError | PoolTimeoutError) -> Response:
    known = to_app_error(error) if isinstance(error, DBAPIError) else errors.DatabaseBusy()
    if known is None and isinstance(error, IntegrityError):
        # Drivers quote the row in their message.
        logger.error("%s by %s", type(error.orig).__name__, error.statement)
        known = errors.InternalError()
    if known is None:
        raise error
    # Conflicts are not logged: drivers quote the values of the row in them.
    if known.status == HTTPStatus.SERVICE_UNAVAILABLE:
        logger.warning("%s: %s", known.code, error)
    return known.response(request.scope)


Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

EXCEPTION_HANDLERS: dict[int | type[Exception], Handler] = {
    errors.AppError: handle_app_error,
    HTTPException: handle_http_exception,
    RequestValidationError: handle_validation_error,
    WebSocketRequestValidationError: handle_validation_error,
    DBAPIError: handle_database_error,
    PoolTimeoutError: handle_database_error,
}


def _respond_invalid(request: Request, failures: Sequence[dict[str, Any]]) -> Response:
    details = [_to_detail(failure) for failure in failures]
    logger.info("validation failed", extra={"details": details})
    return errors.ValidationFailed().response(request.scope, details)


def _to_detail(failure: dict[str, Any]) -> dict[str, Any]:
    """Keep location and reason; drop the submitted value, which may be a secret."""
    loc = [part[:MAX_LOC_CHARACTERS] if isinstance(part, str) else part for part in failure["loc"]]
    return {"loc": loc, "msg": failure["msg"], "type": failure["type"]}


def _allowed_methods(request: Request) -> str:
    """List the methods of all routes at this path; Starlette stops at the first."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    methods = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex.match(path)
        # Mounted static files declare no methods.
        for method in route.methods or ("GET", "HEAD")
    }
    return ", ".join(sorted(methods))


def _plain_error(message: Message) -> FrameworkError | None:
    """Return the error of a response that has no JSON body, such as those for broken ranges."""
    headers = Headers(raw=message["headers"])
    if message["status"] < HTTPStatus.BAD_REQUEST or "json" in headers.get("content-type", ""):
        return None
    kept_headers = {name: headers[name] for name in KEPT_HEADERS if name in headers}
    return FrameworkError(HTTPException(message["status"], headers=kept_headers))


class ErrorMiddleware:
    """Middleware that turns unhandled exceptions and plain responses of 4xx and 5xx into envelopes.

    Starlette would handle exceptions outside of the other middleware, without a request id, and
    answers broken ranges of files with plain text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        replaced = False

        async def send_enveloped(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and (error := _plain_error(message)):
                replaced = True
                await error.response(scope)(scope, receive, send_or_disconnect)
            if not replaced:
                await send_or_disconnect(message)

        async def send_or_disconnect(message: Message) -> None:
            nonlocal started
            started = True
            try:
                with move_on_after(SEND_SECONDS) as sending:
                    await send(message)
            except (OSError, RuntimeError) as error:
                raise ClientDisconnect from error
            if sending.cancelled_caught:
                raise ClientDisconnect

        try:
            await self.app(scope, receive, send_enveloped)
        except ClientDisconnect:
            logger.info("client disconnected")
        except Exception:
            logger.exception("unhandled error")
            if not started:
                await errors.InternalError().response(scope)(scope, receive, send)
