"""Every way to an error ends here, in the one shape of `app.errors`."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.database_errors import is_busy, is_conflict, is_unavailable
from app.errors import (
    AppError,
    Conflict,
    DatabaseBusy,
    DatabaseUnavailable,
    InternalError,
    PayloadTooLarge,
    ValidationFailed,
    answer,
    error_response,
)

logger = logging.getLogger(__name__)

# A body of one mebibyte can hold a hundred thousand faults; nobody reads more than these.
MAX_DETAILS = 100
MAX_LOC_CHARACTERS = 100


def add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(AppError)
    async def handle_app_error(request: Request, error: AppError) -> JSONResponse:
        return answer(request.scope, error)

    @app.exception_handler(HTTPException)
    async def handle_http_exception(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, UnicodeDecodeError | RecursionError):
            fault = {"loc": ["body"], "msg": "JSON decode error", "type": "json_invalid"}
            return _validation_failed(request, [fault])
        return _http_error(request, error)

    @app.exception_handler(RequestValidationError)
    async def handle_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return _validation_failed(request, list(_details(error)))

    @app.exception_handler(DBAPIError)
    async def handle_database_error(request: Request, error: DBAPIError) -> JSONResponse:
        if is_conflict(error):
            return answer(request.scope, Conflict)
        if not (is_busy(error) or is_unavailable(error)):
            raise error
        logger.error("database: %s", error.orig)
        return answer(request.scope, DatabaseBusy if is_busy(error) else DatabaseUnavailable)

    @app.exception_handler(PoolTimeoutError)
    async def handle_pool_timeout(request: Request, _: PoolTimeoutError) -> JSONResponse:
        logger.warning("database: no connection was free in time")
        return answer(request.scope, DatabaseBusy)


def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    """The answer to an error of the framework, such as an unknown route or method."""
    codes = {413: PayloadTooLarge.code, 422: ValidationFailed.code, 500: InternalError.code}
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed_methods(request)
    return error_response(
        request.scope,
        status=error.status_code,
        code=codes.get(error.status_code) or HTTPStatus(error.status_code).name,
        message=str(error.detail),
        headers=headers,
    )


def _allowed_methods(request: Request) -> str:
    """Of all routes at this path: the framework names those of the first."""
    methods = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex.match(request.scope["path"])
        for method in route.methods or ()
    }
    return ", ".join(sorted(methods))


def _validation_failed(request: Request, details: list[dict[str, Any]]) -> JSONResponse:
    logger.info("validation failed", extra={"details": details})
    kind = ValidationFailed
    return error_response(
        request.scope,
        status=kind.status,
        code=kind.code,
        message=kind.message,
        details=details,
    )


def _details(error: RequestValidationError) -> Iterator[dict[str, Any]]:
    """Where and why, without the submitted value: it may be a secret."""
    for fault in error.errors()[:MAX_DETAILS]:
        loc = [
            part[:MAX_LOC_CHARACTERS] if isinstance(part, str) else part for part in fault["loc"]
        ]
        yield {"loc": loc, "msg": fault["msg"], "type": fault["type"]}


class UnhandledErrorMiddleware:
    """Answers what nobody caught; the framework would do so outside of the other middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            logger.exception("unhandled error")
            if not started:
                await answer(scope, InternalError)(scope, receive, send)
