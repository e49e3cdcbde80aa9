"""Errors of the service: a class is a status and a stable code, and all answers share one shape."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.types import Scope

from app.request_id import current_request_id


class AppError(Exception):
    """Raise a subclass where the fact is known; the client gets its status, code and message."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = {}

    def response(self, scope: Scope, details: Sequence[Mapping[str, Any]] = ()) -> JSONResponse:
        error = {
            "code": self.code,
            "message": self.message,
            "path": scope["path"],
            "request_id": current_request_id.get(),
        }
        retry = {"Retry-After": "1"} if self.status in {429, 503} else {}
        return JSONResponse(
            {"error": error | ({"details": details} if details else {})},
            status_code=self.status,
            headers=retry | dict(self.headers),
        )


class NotFound(AppError):
    status, code, message = 404, "NOT_FOUND", "There is nothing at this path."


class Conflict(AppError):
    status, code, message = 409, "CONFLICT", "This contradicts what is stored already."


class PayloadTooLarge(AppError):
    status, code, message = 413, "PAYLOAD_TOO_LARGE", "The body is larger than this service takes."


class ValidationFailed(AppError):
    status, code, message = 422, "VALIDATION_FAILED", "The request is not valid; see details."


class InternalError(AppError):
    status, code, message = 500, "INTERNAL_ERROR", "The service failed; its logs name the cause."


class DatabaseBusy(AppError):
    status, code, message = 503, "DATABASE_BUSY", "The database is busy; try again."


class DatabaseUnavailable(AppError):
    status, code, message = 503, "DATABASE_UNAVAILABLE", "The database is away; try again."


class ErrorDetail(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class Error(BaseModel):
    code: str
    message: str
    path: str
    request_id: str
    details: list[ErrorDetail] | None = None


class ErrorEnvelope(BaseModel):
    error: Error


def error_responses(*kinds: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can fail in these ways."""
    codes: dict[int | str, list[str]] = {}
    for kind in kinds:
        codes.setdefault(kind.status, []).append(f"`{kind.code}`")
    return {
        status: {"model": ErrorEnvelope, "description": " or ".join(names)}
        for status, names in codes.items()
    }
