"""Sentences of the contract that hold for a service whose users sign in."""

from collections.abc import Callable

from generator.verify.contract.accounts import (
    ME,
    REFRESH,
    TOKEN,
    USERS,
    Account,
    Login,
    bearer,
    expect_ended,
    log_out,
    refresh,
)
from generator.verify.contract.auth import guarded_routes
from generator.verify.contract.client import Answer, Client

_SAME_FOR_ALL = {"token_type": "bearer", "expires_in": 600}
_KEYS = {"access_token", "refresh_token", *_SAME_FOR_ALL}


def checks(client: Client) -> list[Callable[[Client], None]]:
    if TOKEN not in client.operations():
        return []
    return [signed_in, not_signed_in, refreshed, not_refreshed, reused, logged_out]


def signed_in(client: Client) -> None:
    """POST /auth/token is 200 with a pair of tokens for ten minutes, the e-mail in any case."""
    account = Account.registered(client)
    shouting = Account(account.email.upper(), account.password)
    for login in (account, shouting):
        _expect_pair(login.sign_in(client))
    mine = client.calling(shouting.signed_in(client).headers).get(ME).of(200)
    mine.expect(mine.json["email"] == account.email, f"the e-mail {account.email}")


def not_signed_in(client: Client) -> None:
    """A wrong password and an unknown user are the same 401 INVALID_CREDENTIALS; no form is 422."""
    account = Account.registered(client)
    messages = set()
    for wrong in (Account(account.email, "another password"), Account.new()):
        answer = wrong.sign_in(client).refused(401, "INVALID_CREDENTIALS", TOKEN)
        answer.expect(answer.headers.get("www-authenticate") == "Bearer", "a challenge: Bearer")
        messages.add(answer.json["error"]["message"])
    answer.expect(len(messages) == 1, "the same message for both")
    client.as_nobody().send("POST", TOKEN).invalid("body", TOKEN)


def refreshed(client: Client) -> None:
    """POST /auth/refresh is another pair, and its access token works."""
    old = Account.registered(client).signed_in(client)
    answer = refresh(client, old.refresh)
    _expect_pair(answer)
    new = Login.of(answer)
    answer.expect(new.refresh != old.refresh, "another refresh token")
    answer.expect(new.access != old.access, "another access token")
    client.calling(new.headers).get(ME).of(200)


def not_refreshed(client: Client) -> None:
    """A refresh token that is made up is 401 INVALID_TOKEN; neither token does the other's work."""
    refresh(client, "nonsense").refused(401, "INVALID_TOKEN")
    login = Account.registered(client).signed_in(client)
    refresh(client, login.access).refused(401, "INVALID_TOKEN", REFRESH)
    client.calling(bearer(login.refresh)).get(ME).refused(401, "INVALID_TOKEN", ME)


def reused(client: Client) -> None:
    """A refresh token that is used again ends its family: its successor and /users, not others."""
    account = Account.registered(client)
    other, stolen = account.signed_in(client), account.signed_in(client)
    successor = Login.of(refresh(client, stolen.refresh))
    refresh(client, stolen.refresh).refused(401, "INVALID_TOKEN")
    expect_ended(client, successor)
    client.calling(other.headers).get(ME).of(200)
    refresh(client, other.refresh).of(200)


def logged_out(client: Client) -> None:
    """POST /auth/logout is 204, whatever the token; then /users is closed, the rest until exp."""
    log_out(client, "nonsense").of(204)
    login = Account.registered(client).signed_in(client)
    log_out(client, login.refresh).of(204)
    expect_ended(client, login)
    log_out(client, login.refresh).of(204)
    for method, path in guarded_routes(client):
        if method == "GET" and not path.startswith(USERS):
            answer = client.calling(login.headers).get(path)
            answer.expect(answer.status in {200, 404}, "the access token to be taken")


def _expect_pair(answer: Answer) -> None:
    pair = answer.of(200).json
    answer.expect(set(pair) == _KEYS, f"the keys {sorted(_KEYS)}")
    for name, value in _SAME_FOR_ALL.items():
        answer.expect(pair[name] == value, f"{name} {value}")
