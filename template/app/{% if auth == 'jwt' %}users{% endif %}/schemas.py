from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from app.schemas import TEXT_PATTERN, RequestBody

# The addresses that browsers accept: https://html.spec.whatwg.org/#valid-e-mail-address
LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
ADDRESS = r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@" + rf"{LABEL}(?:\.{LABEL})*$"

Email = Annotated[str, StringConstraints(to_lower=True, max_length=254, pattern=ADDRESS)]
NewPassword = Annotated[str, StringConstraints(min_length=12, max_length=128)]
# Longer passwords cannot be correct, and are rejected without hashing them.
Password = Annotated[str, StringConstraints(max_length=128)]


class LoginForm(BaseModel):
    """The password grant of OAuth 2; `username` is the e-mail address."""

    grant_type: Literal["password"] = "password"
    username: str = Field(max_length=254, pattern=TEXT_PATTERN)
    password: Password


class RefreshToken(RequestBody):
    refresh_token: Annotated[str, StringConstraints(max_length=4096)]


class Tokens(BaseModel):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # not a password
    # Lifetime of the access token in seconds.
    expires_in: int


class UserCreate(RequestBody):
    email: Email
    password: NewPassword


class UserUpdate(RequestBody, json_schema_extra={"minProperties": 2}):
    """Absent fields keep their values; null is rejected."""

    # The invalid defaults mark absent fields.
    email: Email = Field(default_factory=str)
    password: NewPassword = Field(default_factory=str)
    current_password: Password


class UserRead(BaseModel):
    id: UUID
    email: str
    role: Literal["user", "admin"]
    is_active: bool
    created_at: datetime


class UserPage(BaseModel):
    items: list[UserRead]
    next_cursor: UUID | None
