from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

# What a browser takes for an address: https://html.spec.whatwg.org/#valid-e-mail-address
LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
ADDRESS = r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@" + rf"{LABEL}(?:\.{LABEL})*$"

Email = Annotated[str, StringConstraints(to_lower=True, max_length=254, pattern=ADDRESS)]
NewPassword = Annotated[str, StringConstraints(min_length=12, max_length=128)]
# Longer ones cannot be right and are not worth a hash.
GivenPassword = Annotated[str, StringConstraints(max_length=128)]


# As OAuth 2 wants it; the username is the e-mail.
class LoginForm(BaseModel):
    grant_type: Literal["password"] = "password"
    # No database can store, nor look for, the character NUL.
    username: str = Field(max_length=254, pattern=r"^[^\x00]*$")
    password: GivenPassword


class RefreshToken(BaseModel, extra="forbid"):
    refresh_token: Annotated[str, StringConstraints(max_length=4096)]


class Tokens(BaseModel):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # a kind, not a password
    # Seconds that the access token is valid.
    expires_in: int


class UserCreate(BaseModel, extra="forbid"):
    email: Email
    password: NewPassword


class UserUpdate(BaseModel, extra="forbid"):
    # What is absent stays; null is refused. The defaults are not valid and are never stored.
    email: Email = Field(default_factory=str)
    password: NewPassword = Field(default_factory=str)
    current_password: GivenPassword


class UserRead(BaseModel):
    id: UUID
    email: str
    role: Literal["user", "admin"]
    is_active: bool
    created_at: datetime


class UserPage(BaseModel):
    items: list[UserRead]
    next_cursor: UUID | None
