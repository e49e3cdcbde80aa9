"""The contract of login, refresh and logout."""

from collections.abc import Callable

from generator.verify.contract.accounts import (
    ME,
    REFRESH,
    TOKEN,
    USERS,
    Account,
    TokenPair,
    bearer,
    expect_revoked,
    log_out,
    refresh,
)
from generator.verify.contract.auth import protected_routes
from generator.verify.contract.client import Answer, Client

_CONSTANT_FIELDS = {"token_type": "bearer", "expires_in": 600}
_KEYS = {"access_token", "refresh_token", *_CONSTANT_FIELDS}


def checks(client: Client) -> list[Callable[[Client], None]]:
    if TOKEN not in client.operations():
        return []
    return [
        check_login,
        check_login_errors,
        check_refresh,
        check_refresh_errors,
        check_reuse,
        check_logout,
    ]


def check_login(client: Client) -> None:
    """POST /auth/token returns 200 with a token pair; expires_in is ten minutes.

    The e-mail address is case-insensitive.
    """
    account = Account.create(client)
    upper_case = Account(account.email.upper(), account.password)
    for credentials in (account, upper_case):
        _expect_pair(credentials.log_in(client))
    answer = client.with_caller(upper_case.obtain_tokens(client).headers).get(ME).require(200)
    answer.expect(answer.json["email"] == account.email, f"the e-mail {account.email}")


def check_login_errors(client: Client) -> None:
    """A wrong password returns the same 401 INVALID_CREDENTIALS as an unknown user.

    A missing form returns 422.
    """
    account = Account.create(client)
    messages = set()
    for wrong in (Account(account.email, "another password"), Account.new()):
        answer = wrong.log_in(client).require_error(401, "INVALID_CREDENTIALS", TOKEN)
        answer.expect(answer.headers.get("www-authenticate") == "Bearer", "a challenge: Bearer")
        messages.add(answer.json["error"]["message"])
    answer.expect(len(messages) == 1, "the same message for both")
    client.anonymous().send("POST", TOKEN).require_validation_error("body", TOKEN)


def check_refresh(client: Client) -> None:
    """POST /auth/refresh returns a new token pair with a valid access token."""
    old = Account.create(client).obtain_tokens(client)
    answer = refresh(client, old.refresh)
    _expect_pair(answer)
    new = TokenPair.from_answer(answer)
    answer.expect(new.refresh != old.refresh, "another refresh token")
    answer.expect(new.access != old.access, "another access token")
    client.with_caller(new.headers).get(ME).require(200)


def check_refresh_errors(client: Client) -> None:
    """A forged refresh token returns 401 INVALID_TOKEN.

    An access token cannot refresh, and a refresh token does not authenticate.
    """
    refresh(client, "nonsense").require_error(401, "INVALID_TOKEN")
    tokens = Account.create(client).obtain_tokens(client)
    refresh(client, tokens.access).require_error(401, "INVALID_TOKEN", REFRESH)
    client.with_caller(bearer(tokens.refresh)).get(ME).require_error(401, "INVALID_TOKEN", ME)


def check_reuse(client: Client) -> None:
    """A reused refresh token revokes its session: its successor and access to /users.

    Other sessions of the user continue.
    """
    account = Account.create(client)
    other = account.obtain_tokens(client)
    stolen = account.obtain_tokens(client)
    successor = TokenPair.from_answer(refresh(client, stolen.refresh))
    refresh(client, stolen.refresh).require_error(401, "INVALID_TOKEN")
    expect_revoked(client, successor)
    client.with_caller(other.headers).get(ME).require(200)
    refresh(client, other.refresh).require(200)


def check_logout(client: Client) -> None:
    """POST /auth/logout returns 204 for any token, and revokes the session.

    Refresh and /users then refuse it; other routes accept the access token until it expires.
    """
    log_out(client, "nonsense").require(204)
    tokens = Account.create(client).obtain_tokens(client)
    log_out(client, tokens.refresh).require(204)
    expect_revoked(client, tokens)
    log_out(client, tokens.refresh).require(204)
    for method, path in protected_routes(client):
        if method == "GET" and not path.startswith(USERS):
            answer = client.with_caller(tokens.headers).get(path)
            answer.expect(answer.status in {200, 404}, "the access token to be accepted")


def _expect_pair(answer: Answer) -> None:
    pair = answer.require(200).json
    answer.expect(set(pair) == _KEYS, f"the keys {sorted(_KEYS)}")
    for name, value in _CONSTANT_FIELDS.items():
        answer.expect(pair[name] == value, f"{name} {value}")
