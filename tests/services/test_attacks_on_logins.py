"""What somebody at the door of a running service may try with passwords and refresh tokens."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest

from generator.template.options import Option
from generator.verify.contract.accounts import (
    ME,
    REFRESH,
    TOKEN,
    USERS,
    Account,
    changed,
    expect_ended,
    log_out,
    refresh,
)
from generator.verify.contract.client import Answer, Client
from generator.verify.servers import KINDS
from tests.support.live import Live, installed, running_on_a_fresh_database
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"
MEGABYTE = "x" * 1_000_000
NASTY = ["' OR '1'='1", "'; DROP TABLE users; --", "\0", "%00", "admin'/*", "é", "\u202e"]


@pytest.fixture(scope="module", params=[("async", "sqlite"), ("sync", "postgresql")], ids="-".join)
def live(
    request: pytest.FixtureRequest,
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Live]:
    mode, database = request.param
    if database in KINDS:
        request.getfixturevalue(database)
    row = row_with(options, sqlalchemy=mode, database=database, auth="jwt")
    # Whoever attacks comes from one address here, and means to try more than once.
    patient = {"LOGIN_FAILURES_PER_ADDRESS": "1000"}
    folder = tmp_path_factory.mktemp("live")
    with running_on_a_fresh_database(installed(row, workspace), folder, **patient) as live:
        yield live


def sign_in(client: Client, **form: str) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.as_nobody().send("POST", TOKEN, headers, urlencode(form).encode())


def test_strange_names_and_passwords_let_nobody_in(live: Live) -> None:
    account = Account.registered(live.client)
    for nasty in NASTY:
        for form in (
            {"username": nasty, "password": account.password},
            {"username": account.email, "password": nasty},
        ):
            assert sign_in(live.client, **form).status in {401, 422}, form
    for form in (
        {"username": MEGABYTE, "password": account.password},
        {"username": account.email, "password": MEGABYTE},
    ):
        sign_in(live.client, **form).invalid("body", TOKEN)
    Account(MEGABYTE, account.password).register(live.client).invalid("body", USERS)
    Account(account.email, MEGABYTE).register(live.client).invalid("body", USERS)
    account.signed_in(live.client)
    log = live.log.read_text()
    assert account.password not in log
    assert "Traceback" not in log


def test_nobody_makes_himself_an_administrator(live: Live) -> None:
    for field in ("role", "roles", "is_admin", "is_active", "id"):
        Account.new().register(live.client, **{field: "admin"}).invalid("body", USERS)
    account = Account.registered(live.client)
    login = account.signed_in(live.client)
    raised = changed(live.client, login, role="admin", current_password=account.password)
    raised.invalid("body", ME)
    live.client.calling(login.headers).get(USERS).refused(403, "FORBIDDEN", USERS)


def test_one_kind_of_token_is_not_taken_for_the_other(live: Live) -> None:
    login = Account.registered(live.client).signed_in(live.client)
    as_access = {"Authorization": f"Bearer {login.refresh}"}
    live.client.calling(as_access).get(ITEMS).refused(401, "INVALID_TOKEN", ITEMS)
    refresh(live.client, login.access).refused(401, "INVALID_TOKEN", REFRESH)
    refresh(live.client, login.refresh).of(200)


def test_a_token_refreshed_by_many_at_once_ends_the_login(live: Live) -> None:
    login = Account.registered(live.client).signed_in(live.client)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(live.client, login.refresh), range(8)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200, *[401] * 7]
    (won,) = [answer.json for answer in answers if answer.status == 200]
    refresh(live.client, won["refresh_token"]).refused(401, "INVALID_TOKEN", REFRESH)
    expect_ended(live.client, login)


def test_what_was_logged_out_stays_out(live: Live) -> None:
    login = Account.registered(live.client).signed_in(live.client)
    log_out(live.client, login.refresh).of(204)
    expect_ended(live.client, login)


def test_a_deactivated_user_is_out_at_once(live: Live) -> None:
    account = Account.registered(live.client)
    login = account.signed_in(live.client)
    command = ["-m", "app.users", "deactivate", account.email]
    live.project.call("python", *command, seconds=60, **live.settings)
    expect_ended(live.client, login)
    account.sign_in(live.client).refused(401, "INVALID_CREDENTIALS", TOKEN)


def test_clients_that_read_no_answer_keep_nobody_from_logging_in(live: Live) -> None:
    account = Account.registered(live.client)
    caller = live.as_caller()
    for number in range(100):
        body = {"name": f"{account.email} {number}", "description": "d" * 2000}
        caller.send_json("POST", ITEMS, body).of(201)
    form = urlencode({"username": account.email, "password": account.password})
    long = f"GET {ITEMS}?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: {{}}\r\n\r\n"
    login = (
        f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(form)}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
    )
    pipeline = (long.format(caller.caller["Authorization"]) + login).encode() * 20
    with ExitStack() as silent:
        for _ in range(4):
            client = silent.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((live.client.host, live.client.port))
            client.sendall(pipeline)
        time.sleep(2)
        for _ in range(4):
            account.sign_in(live.client).of(200)


def test_guesses_at_many_accounts_end_at_the_address(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> None:
    row = row_with(options, sqlalchemy="async", database="sqlite", auth="jwt")
    project = installed(row, workspace)
    with running_on_a_fresh_database(project, tmp_path, LOGIN_FAILURES_PER_ADDRESS="12") as live:
        with ThreadPoolExecutor(8) as pool:
            guesses = [Account.new() for _ in range(40)]
            answers = list(pool.map(lambda guess: guess.sign_in(live.client), guesses))
        refused = [answer for answer in answers if answer.status == 429]
        # As many as are hashed at once may pass after the count was read.
        assert 12 <= len(answers) - len(refused) <= 14
        for answer in refused:
            answer.refused(429, "TOO_MANY_REQUESTS", TOKEN)
            assert 1 <= int(answer.headers["retry-after"]) <= 900
