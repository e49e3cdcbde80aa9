"""The contract of registered users."""

from collections.abc import Callable

from generator.verify.contract.accounts import ME, USERS, Account, expect_revoked, update_me
from generator.verify.contract.client import Client

_KEYS = {"id", "email", "role", "is_active", "created_at"}


def checks(client: Client) -> list[Callable[[Client], None]]:
    if USERS not in client.operations():
        return []
    return [
        check_register,
        check_register_errors,
        check_me,
        check_email_change,
        check_password_change,
        check_update_errors,
        check_list,
    ]


def check_register(client: Client) -> None:
    """POST /users returns 201 with the user: e-mail in lower case, no password."""
    account = Account.new()
    answer = Account(account.email.upper(), account.password).register(client).require(201)
    user = answer.json
    answer.expect(set(user) == _KEYS, f"the keys {sorted(_KEYS)}")
    answer.expect(user["email"] == account.email, f"the e-mail {account.email}")
    answer.expect(user["role"] == "user", "the role user")
    answer.expect(user["is_active"] is True, "an active user")
    answer.expect(user["created_at"].endswith("Z"), "a time in UTC")


def check_register_errors(client: Client) -> None:
    """A taken e-mail returns 409 EMAIL_TAKEN.

    An invalid e-mail, an invalid password or any other field returns 422.
    """
    account = Account.create(client)
    for email in (account.email, account.email.upper()):
        duplicate = Account(email, account.password).register(client)
        duplicate.require_error(409, "EMAIL_TAKEN", USERS)
    for fields in (
        {"password": "x" * 11},
        {"password": "x" * 129},
        {"password": None},
        {"email": "nobody"},
        {"role": "admin"},
        {"is_active": True},
    ):
        Account.new().register(client, **fields).require_validation_error("body", USERS)


def check_me(client: Client) -> None:
    """GET /users/me returns the caller."""
    account = Account.new()
    user = account.register(client).require(201).json
    answer = client.with_caller(account.obtain_tokens(client).headers).get(ME).require(200)
    answer.expect(answer.json == user, "the user as registered")


def check_email_change(client: Client) -> None:
    """PATCH /users/me changes the e-mail; only the new one can log in.

    A taken e-mail returns 409 EMAIL_TAKEN.
    """
    account = Account.create(client)
    other = Account.create(client)
    new = Account(Account.new().email, account.password)
    tokens = account.obtain_tokens(client)
    confirmation = {"current_password": account.password}
    duplicate = update_me(client, tokens, email=other.email.upper(), **confirmation)
    duplicate.require_error(409, "EMAIL_TAKEN", ME)
    answer = update_me(client, tokens, email=new.email.upper(), **confirmation).require(200)
    answer.expect(answer.json["email"] == new.email, f"the e-mail {new.email}")
    new.obtain_tokens(client)
    account.log_in(client).require_error(401, "INVALID_CREDENTIALS")


def check_password_change(client: Client) -> None:
    """PATCH /users/me with a password revokes the old password and every session."""
    account = Account.create(client)
    new = Account(account.email, Account.new().password)
    tokens = account.obtain_tokens(client)
    other = account.obtain_tokens(client)
    confirmation = {"current_password": account.password}
    update_me(client, tokens, password=new.password, **confirmation).require(200)
    for revoked in (tokens, other):
        expect_revoked(client, revoked)
    account.log_in(client).require_error(401, "INVALID_CREDENTIALS")
    new.obtain_tokens(client)


def check_update_errors(client: Client) -> None:
    """PATCH /users/me without current_password returns 422, with a wrong one 403.

    A role, an invalid e-mail or an invalid password returns 422.
    """
    account = Account.create(client)
    tokens = account.obtain_tokens(client)
    confirmation = {"current_password": account.password}
    new = Account.new()
    for change in ({"email": new.email}, {"password": new.password}):
        update_me(client, tokens, **change).require_validation_error("body", ME)
        wrong = update_me(client, tokens, **change, current_password=Account.new().password)
        wrong.require_error(403, "FORBIDDEN", ME)
    for invalid in ({"role": "admin"}, {"password": "x" * 11}, {"email": "nobody"}):
        update_me(client, tokens, **invalid, **confirmation).require_validation_error("body", ME)
    answer = client.with_caller(tokens.headers).get(ME).require(200)
    answer.expect(answer.json["email"] == account.email, "the user as it was")


def check_list(client: Client) -> None:
    """GET /users returns 403 FORBIDDEN to users, and pages, newest first, to admins."""
    client.get(USERS).require_error(403, "FORBIDDEN", USERS)
    admin = client.as_admin()
    newest = [Account.new().register(client).require(201).json for _ in range(3)][::-1]
    users: list[dict[str, object]] = []
    query = "?limit=2"
    while query:
        page = admin.get(USERS + query).require(200)
        page.expect(set(page.json) == {"items", "next_cursor"}, "items and next_cursor")
        page.expect(len(page.json["items"]) in (1, 2), "one or two users")
        users += page.json["items"]
        cursor = page.json["next_cursor"]
        query = f"?limit=2&cursor={cursor}" if cursor else ""
    page.expect(users[:3] == newest, "the newest first")
    page.expect(len({str(user["id"]) for user in users}) == len(users), "each user once")
    for invalid in ("limit=0", "limit=101", "cursor=nonsense"):
        admin.get(f"{USERS}?{invalid}").require_validation_error("query", USERS)
