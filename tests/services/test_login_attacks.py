"""Attacks with passwords and refresh tokens against a running service."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest

from generator.verify.contract.accounts import (
    ME,
    REFRESH,
    TOKEN,
    USERS,
    Account,
    expect_revoked,
    log_out,
    refresh,
    update_me,
)
from generator.verify.contract.client import Answer, Client
from tests.support.live import Install, Live, run_on_fresh_database

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"
MEGABYTE = "x" * 1_000_000
HOSTILE = ["' OR '1'='1", "'; DROP TABLE users; --", "\0", "%00", "admin'/*", "é", "\u202e"]


@pytest.fixture(scope="module", params=[("async", "sqlite"), ("sync", "postgresql")], ids="-".join)
def live(
    request: pytest.FixtureRequest, install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    mode, database = request.param
    project = install(sqlalchemy=mode, database=database, auth="jwt")
    # All tests attack from the same address.
    limits = {"LOGIN_FAILURES_PER_ADDRESS": "1000"}
    with run_on_fresh_database(project, tmp_path_factory.mktemp("live"), **limits) as live:
        yield live


def send_login(client: Client, **form: str) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.anonymous().send("POST", TOKEN, headers, urlencode(form).encode())


def test_hostile_credentials_are_rejected(live: Live) -> None:
    account = Account.create(live.client)
    for hostile in HOSTILE:
        for form in (
            {"username": hostile, "password": account.password},
            {"username": account.email, "password": hostile},
        ):
            assert send_login(live.client, **form).status in {401, 422}, form
    for form in (
        {"username": MEGABYTE, "password": account.password},
        {"username": account.email, "password": MEGABYTE},
    ):
        send_login(live.client, **form).require_validation_error("body", TOKEN)
    Account(MEGABYTE, account.password).register(live.client).require_validation_error(
        "body", USERS
    )
    Account(account.email, MEGABYTE).register(live.client).require_validation_error("body", USERS)
    account.obtain_tokens(live.client)
    log = live.log.read_text()
    assert account.password not in log
    assert "Traceback" not in log


def test_users_cannot_grant_admin_role(live: Live) -> None:
    for field in ("role", "roles", "is_admin", "is_active", "id"):
        Account.new().register(live.client, **{field: "admin"}).require_validation_error(
            "body", USERS
        )
    account = Account.create(live.client)
    tokens = account.obtain_tokens(live.client)
    answer = update_me(live.client, tokens, role="admin", current_password=account.password)
    answer.require_validation_error("body", ME)
    live.client.with_caller(tokens.headers).get(USERS).require_error(403, "FORBIDDEN", USERS)


def test_token_types_are_not_confused(live: Live) -> None:
    tokens = Account.create(live.client).obtain_tokens(live.client)
    as_access = {"Authorization": f"Bearer {tokens.refresh}"}
    live.client.with_caller(as_access).get(ITEMS).require_error(401, "INVALID_TOKEN", ITEMS)
    refresh(live.client, tokens.access).require_error(401, "INVALID_TOKEN", REFRESH)
    refresh(live.client, tokens.refresh).require(200)


def test_concurrent_refresh_revokes_session(live: Live) -> None:
    tokens = Account.create(live.client).obtain_tokens(live.client)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(live.client, tokens.refresh), range(8)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200, *[401] * 7]
    (successor,) = [answer.json for answer in answers if answer.status == 200]
    refresh(live.client, successor["refresh_token"]).require_error(401, "INVALID_TOKEN", REFRESH)
    expect_revoked(live.client, tokens)


def test_logout_revokes_session(live: Live) -> None:
    tokens = Account.create(live.client).obtain_tokens(live.client)
    log_out(live.client, tokens.refresh).require(204)
    expect_revoked(live.client, tokens)


def test_deactivation_revokes_sessions(live: Live) -> None:
    account = Account.create(live.client)
    tokens = account.obtain_tokens(live.client)
    command = ["-m", "app.users", "deactivate", account.email]
    live.project.call("python", *command, seconds=60, **live.settings)
    expect_revoked(live.client, tokens)
    account.log_in(live.client).require_error(401, "INVALID_CREDENTIALS", TOKEN)


def test_stalled_readers_block_no_login(live: Live) -> None:
    """The stalled clients pipeline requests, and do not read the answers."""
    account = Account.create(live.client)
    caller = live.as_caller()
    for number in range(100):
        body = {"name": f"{account.email} {number}", "description": "d" * 2000}
        caller.send_json("POST", ITEMS, body).require(201)
    form = urlencode({"username": account.email, "password": account.password})
    listing = f"GET {ITEMS}?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: {{}}\r\n\r\n"
    login = (
        f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(form)}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
    )
    pipeline = (listing.format(caller.caller["Authorization"]) + login).encode() * 20
    with ExitStack() as connections:
        for _ in range(4):
            client = connections.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((live.client.host, live.client.port))
            client.sendall(pipeline)
        time.sleep(2)
        for _ in range(4):
            account.log_in(live.client).require(200)


def test_guesses_are_limited_by_address(install: Install, tmp_path: Path) -> None:
    project = install(sqlalchemy="async", database="sqlite", auth="jwt")
    with run_on_fresh_database(project, tmp_path, LOGIN_FAILURES_PER_ADDRESS="12") as live:
        with ThreadPoolExecutor(8) as pool:
            accounts = [Account.new() for _ in range(40)]
            answers = list(pool.map(lambda account: account.log_in(live.client), accounts))
        limited = [answer for answer in answers if answer.status == 429]
        # Concurrent logins may read the count before the limit is reached.
        assert 12 <= len(answers) - len(limited) <= 14
        for answer in limited:
            answer.require_error(429, "TOO_MANY_REQUESTS", TOKEN)
            assert 1 <= int(answer.headers["retry-after"]) <= 900
