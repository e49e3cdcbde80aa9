"""Test users and their tokens."""

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from generator.verify.contract.client import Answer, Client, Headers

TOKEN = "/api/v1/auth/token"  # noqa: S105 - a path
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
USERS = "/api/v1/users"
ME = f"{USERS}/me"

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class TokenPair:
    """The access token and the refresh token of a login."""

    access: str
    refresh: str

    @classmethod
    def from_answer(cls, answer: Answer) -> "TokenPair":
        pair = answer.require(200).json
        return cls(pair["access_token"], pair["refresh_token"])

    @property
    def headers(self) -> Headers:
        return bearer(self.access)


@dataclass(frozen=True)
class Account:
    """The credentials of a user; each check makes its own."""

    email: str
    password: str

    @classmethod
    def new(cls) -> "Account":
        """Make random credentials; the service does not know them yet."""
        return cls(f"user-{secrets.token_hex(8)}@example.com", secrets.token_hex(8))

    @classmethod
    def create(cls, client: Client) -> "Account":
        """Register a user with random credentials."""
        account = cls.new()
        account.register(client).require(201)
        return account

    def register(self, client: Client, **fields: object) -> Answer:
        body = {"email": self.email, "password": self.password, **fields}
        return client.anonymous().send_json("POST", USERS, body)

    def log_in(self, client: Client) -> Answer:
        form = urlencode({"username": self.email, "password": self.password})
        return client.anonymous().send("POST", TOKEN, _FORM, form.encode())

    def obtain_tokens(self, client: Client) -> TokenPair:
        """Log in and return the tokens."""
        return TokenPair.from_answer(self.log_in(client))


def bearer(token: str) -> Headers:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def refresh(client: Client, token: str) -> Answer:
    return client.anonymous().send_json("POST", REFRESH, {"refresh_token": token})


def log_out(client: Client, token: str) -> Answer:
    return client.anonymous().send_json("POST", LOGOUT, {"refresh_token": token})


def update_me(client: Client, tokens: TokenPair, **fields: Any) -> Answer:  # noqa: ANN401
    """Send PATCH /users/me with these fields."""
    return client.with_caller(tokens.headers).send_json("PATCH", ME, fields)


def expect_revoked(client: Client, tokens: TokenPair) -> None:
    """Require 401 from the routes that check the session: refresh and /users/me."""
    refresh(client, tokens.refresh).require_error(401, "INVALID_TOKEN")
    client.with_caller(tokens.headers).get(ME).require_error(401, "INVALID_TOKEN", ME)
