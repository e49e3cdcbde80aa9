"""Sentences of the contract that hold for a service with users of its own."""

from collections.abc import Callable

from generator.verify.contract.accounts import ME, USERS, Account, changed, expect_ended
from generator.verify.contract.client import Client

_KEYS = {"id", "email", "role", "is_active", "created_at"}


def checks(client: Client) -> list[Callable[[Client], None]]:
    if USERS not in client.operations():
        return []
    return [registered, not_registered, read, renamed, password_changed, not_changed, listed]


def registered(client: Client) -> None:
    """POST /users is 201 with the user, the e-mail in lower case, and without the password."""
    account = Account.new()
    answer = Account(account.email.upper(), account.password).register(client).of(201)
    user = answer.json
    answer.expect(set(user) == _KEYS, f"the keys {sorted(_KEYS)}")
    answer.expect(user["email"] == account.email, f"the e-mail {account.email}")
    answer.expect(user["role"] == "user", "the role user")
    answer.expect(user["is_active"] is True, "an active user")
    answer.expect(user["created_at"].endswith("Z"), "a time in UTC")


def not_registered(client: Client) -> None:
    """A taken e-mail is 409 EMAIL_TAKEN; a bad e-mail or password, any other field is 422."""
    account = Account.registered(client)
    for email in (account.email, account.email.upper()):
        taken = Account(email, account.password).register(client)
        taken.refused(409, "EMAIL_TAKEN", USERS)
    for wrong in (
        {"password": "x" * 11},
        {"password": "x" * 129},
        {"password": None},
        {"email": "nobody"},
        {"role": "admin"},
        {"is_active": True},
    ):
        Account.new().register(client, **wrong).invalid("body", USERS)


def read(client: Client) -> None:
    """GET /users/me is the caller."""
    account = Account.new()
    user = account.register(client).of(201).json
    answer = client.calling(account.signed_in(client).headers).get(ME).of(200)
    answer.expect(answer.json == user, "the user as registered")


def renamed(client: Client) -> None:
    """PATCH /users/me changes the e-mail, which then signs in; a taken one is 409 EMAIL_TAKEN."""
    account, other = Account.registered(client), Account.registered(client)
    new = Account(Account.new().email, account.password)
    login, known = account.signed_in(client), {"current_password": account.password}
    taken = changed(client, login, email=other.email.upper(), **known)
    taken.refused(409, "EMAIL_TAKEN", ME)
    answer = changed(client, login, email=new.email.upper(), **known).of(200)
    answer.expect(answer.json["email"] == new.email, f"the e-mail {new.email}")
    new.signed_in(client)
    account.sign_in(client).refused(401, "INVALID_CREDENTIALS")


def password_changed(client: Client) -> None:
    """After PATCH /users/me with a password the old one and every old token are refused."""
    account = Account.registered(client)
    new = Account(account.email, Account.new().password)
    login, other = account.signed_in(client), account.signed_in(client)
    known = {"current_password": account.password}
    changed(client, login, password=new.password, **known).of(200)
    for ended in (login, other):
        expect_ended(client, ended)
    account.sign_in(client).refused(401, "INVALID_CREDENTIALS")
    new.signed_in(client)


def not_changed(client: Client) -> None:
    """PATCH /users/me without current_password is 422, with a wrong one 403, of a role 422."""
    account = Account.registered(client)
    login, known = account.signed_in(client), {"current_password": account.password}
    email, password = Account.new().email, Account.new().password
    for wanted in ({"email": email}, {"password": password}):
        changed(client, login, **wanted).invalid("body", ME)
        wrong = changed(client, login, **wanted, current_password=Account.new().password)
        wrong.refused(403, "FORBIDDEN", ME)
    for unwanted in ({"role": "admin"}, {"password": "x" * 11}, {"email": "nobody"}):
        changed(client, login, **unwanted, **known).invalid("body", ME)
    answer = client.calling(login.headers).get(ME).of(200)
    answer.expect(answer.json["email"] == account.email, "the user as it was")


def listed(client: Client) -> None:
    """GET /users is 403 FORBIDDEN for a user, and pages for an admin, the newest first."""
    client.get(USERS).refused(403, "FORBIDDEN", USERS)
    admin = client.as_admin()
    newest = [Account.new().register(client).of(201).json for _ in range(3)][::-1]
    found: list[dict[str, object]] = []
    query = "?limit=2"
    while query:
        page = admin.get(USERS + query).of(200)
        page.expect(set(page.json) == {"items", "next_cursor"}, "items and next_cursor")
        page.expect(len(page.json["items"]) in (1, 2), "one or two users")
        found += page.json["items"]
        cursor = page.json["next_cursor"]
        query = f"?limit=2&cursor={cursor}" if cursor else ""
    page.expect(found[:3] == newest, "the newest first")
    page.expect(len({str(user["id"]) for user in found}) == len(found), "each user once")
    for wrong in ("limit=0", "limit=101", "cursor=nonsense"):
        admin.get(f"{USERS}?{wrong}").invalid("query", USERS)
