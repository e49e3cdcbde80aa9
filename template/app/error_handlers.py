"""Every way to an error ends here, in the one shape of `app.errors`."""

import logging
from collections.abc import Callable, Coroutine, Sequence
from http import HTTPStatus
from http.client import responses
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import errors
from app.dialect import explain

logger = logging.getLogger(__name__)

# Where the code is not the name of the status.
CODES = {413: "PAYLOAD_TOO_LARGE", 422: "VALIDATION_FAILED", 500: "INTERNAL_ERROR", 503: "BUSY"}

# What the framework says of a body that it cannot parse, whatever the cause.
UNREADABLE = "There was an error parsing the body"

# A body of one mebibyte can hold a hundred thousand faults, or one with a name as long as that.
MAX_DETAILS = 100
MAX_LOC_CHARACTERS = 100


# What the framework found, such as an unknown route or method.
class FrameworkError(errors.AppError):
    def __init__(self, error: HTTPException) -> None:
        self.status = error.status_code
        phrase = responses.get(self.status, "Error")
        self.code = CODES.get(self.status) or phrase.upper().replace(" ", "_")
        self.message = str(error.detail)
        self.headers = error.headers or {}


async def answer_app_error(request: Request, error: errors.AppError) -> Response:
    return error.response(request.scope)


async def answer_framework_error(request: Request, error: HTTPException) -> Response:
    if error.detail == UNREADABLE and isinstance(error.__cause__, ValueError | RecursionError):
        fault = {"loc": ["body"], "msg": "JSON decode error", "type": "json_invalid"}
        return _answer_invalid(request, [fault])
    if error.detail == UNREADABLE and isinstance(error.__cause__, OSError):
        # A full disk under the body is no mistake of the client.
        raise error.__cause__
    response = FrameworkError(error).response(request.scope)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = _allowed_methods(request)
    return response


async def answer_invalid_request(request: Request, error: RequestValidationError) -> Response:
    return _answer_invalid(request, error.errors()[:MAX_DETAILS])


async def answer_database_error(request: Request, error: DBAPIError | PoolTimeoutError) -> Response:
    known = explain(error) if isinstance(error, DBAPIError) else errors.DatabaseBusy()
    if known is None:
        raise error
    # What contradicts a row is described by its values, which are not for the log.
    if known.status == HTTPStatus.SERVICE_UNAVAILABLE:
        logger.warning("%s: %s", known.code, error)
    return known.response(request.scope)


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    errors.AppError: answer_app_error,
    HTTPException: answer_framework_error,
    RequestValidationError: answer_invalid_request,
    DBAPIError: answer_database_error,
    PoolTimeoutError: answer_database_error,
}


def _answer_invalid(request: Request, faults: Sequence[dict[str, Any]]) -> Response:
    details = [_detail(fault) for fault in faults]
    logger.info("validation failed", extra={"details": details})
    return errors.ValidationFailed().response(request.scope, details)


def _detail(fault: dict[str, Any]) -> dict[str, Any]:
    # Where and why, but not the value that was submitted: it may be a secret.
    loc = [part[:MAX_LOC_CHARACTERS] if isinstance(part, str) else part for part in fault["loc"]]
    return {"loc": loc, "msg": fault["msg"], "type": fault["type"]}


def _allowed_methods(request: Request) -> str:
    # Of all routes at this path: the framework names those of the first.
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    methods = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex.match(path)
        # A folder of files names none.
        for method in route.methods or ("GET", "HEAD")
    }
    return ", ".join(sorted(methods))


# Answers what nobody caught; the framework would do so outside of the other middleware.
class UnhandledErrorMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            try:
                await send(message)
            except (OSError, RuntimeError) as error:
                raise ClientDisconnect from error

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            logger.info("the client went away")
        except Exception:
            logger.exception("unhandled error")
            if not started:
                await errors.InternalError().response(scope)(scope, receive, send)
