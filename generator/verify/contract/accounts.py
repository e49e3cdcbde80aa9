"""Users that a check makes for itself, and their tokens."""

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
class Login:
    """What a user has after signing in."""

    access: str
    refresh: str

    @classmethod
    def of(cls, answer: Answer) -> "Login":
        pair = answer.of(200).json
        return cls(pair["access_token"], pair["refresh_token"])

    @property
    def headers(self) -> Headers:
        return bearer(self.access)


@dataclass(frozen=True)
class Account:
    """A user with a name of its own, as every check makes them."""

    email: str
    password: str

    @classmethod
    def new(cls) -> "Account":
        return cls(f"user-{secrets.token_hex(8)}@example.com", secrets.token_hex(8))

    @classmethod
    def registered(cls, client: Client) -> "Account":
        account = cls.new()
        account.register(client).of(201)
        return account

    def register(self, client: Client, **fields: object) -> Answer:
        body = {"email": self.email, "password": self.password, **fields}
        return client.as_nobody().send_json("POST", USERS, body)

    def sign_in(self, client: Client) -> Answer:
        form = urlencode({"username": self.email, "password": self.password})
        return client.as_nobody().send("POST", TOKEN, _FORM, form.encode())

    def signed_in(self, client: Client) -> Login:
        return Login.of(self.sign_in(client))


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def refresh(client: Client, token: str) -> Answer:
    return client.as_nobody().send_json("POST", REFRESH, {"refresh_token": token})


def log_out(client: Client, token: str) -> Answer:
    return client.as_nobody().send_json("POST", LOGOUT, {"refresh_token": token})


def changed(client: Client, login: Login, **fields: Any) -> Answer:  # noqa: ANN401
    return client.calling(login.headers).send_json("PATCH", ME, fields)


def expect_ended(client: Client, login: Login) -> None:
    """Require that both tokens are refused where the service looks whether they still count."""
    refresh(client, login.refresh).refused(401, "INVALID_TOKEN")
    client.calling(login.headers).get(ME).refused(401, "INVALID_TOKEN", ME)
