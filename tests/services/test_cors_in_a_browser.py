"""What a browser lets the page of an allowed origin read, and the page of a foreign one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.template.options import Option
from generator.verify.contract.accounts import TOKEN, Account, bearer
from generator.verify.rendered import RenderedProject
from tests.support.sites import (
    ITEMS,
    NOTHING,
    Call,
    Web,
    answers,
    new_item,
    new_name,
    web_of,
    with_origins,
)

pytestmark = pytest.mark.slow

FAILED = (500, "INTERNAL_ERROR")
# What a page may read of every answer without being told, as far as the service sends it.
COMMON = {"content-length", "content-type"}


@pytest.fixture(scope="module")
def project(options: tuple[Option, ...], workspace: Path) -> RenderedProject:
    return with_origins(options, workspace)


@pytest.fixture(scope="module")
def web(project: RenderedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Requests with credentials are not allowed, and one wrong password locks an account."""
    folder = tmp_path_factory.mktemp("web")
    with web_of(project, folder, LOGIN_FAILURES_PER_ACCOUNT="1") as web:
        yield web


def in_need(web: Web) -> list[Call]:
    """A simple request, and three that the browser asks about, which need `users` and `items`."""
    return [
        web.form(TOKEN, username="ada@example.com", password="engine"),  # noqa: S106
        web.by_caller("GET", ITEMS),
        web.by_caller("POST", ITEMS, {"name": new_name()}),
        web.by_caller("PATCH", f"{ITEMS}/{'0' * 32}", {"name": new_name()}),
    ]


def test_an_allowed_origin_reads_every_answer_to_a_simple_request(web: Web, tmp_path: Path) -> None:
    account = Account.registered(web.live.client)
    right = web.form(TOKEN, username=account.email, password=account.password)
    wrong = web.form(TOKEN, username=account.email, password="wrong")  # noqa: S106
    calls = [
        *(web.call("GET", path) for path in ("/health", "/nowhere", ITEMS)),
        *(web.form(TOKEN), right, wrong, wrong),
    ]

    seen, served = web.opened(web.friend, calls, tmp_path)

    assert answers(seen) == [
        (200, None),
        (404, "NOT_FOUND"),
        (401, "UNAUTHORIZED"),
        (422, "VALIDATION_FAILED"),
        (200, None),
        (401, "INVALID_CREDENTIALS"),
        (429, "TOO_MANY_REQUESTS"),
    ]
    assert not [line for line in served if line.startswith("OPTIONS")]


def test_an_allowed_origin_reads_every_answer_to_a_request_that_the_browser_asks_about(
    web: Web, tmp_path: Path
) -> None:
    name, item = new_name(), new_item(web.live)
    calls = [
        web.by_caller("GET", item),
        web.by_caller("POST", ITEMS, {"name": name}),
        web.by_caller("POST", ITEMS, {"name": name}),
        web.by_caller("POST", ITEMS, {"name": None}),
        web.by_caller("PATCH", item, {"name": new_name()}),
        web.by_caller("PATCH", item, {}),
        web.by_caller("DELETE", item),
        web.by_caller("GET", item),
        web.call("GET", item, bearer("nonsense")),
    ]

    seen, served = web.opened(web.friend, calls, tmp_path)

    assert answers(seen) == [
        (200, None),
        (201, None),
        (409, "ITEM_NAME_TAKEN"),
        (422, "VALIDATION_FAILED"),
        (200, None),
        (400, "NO_FIELDS"),
        (204, None),
        (404, "ITEM_NOT_FOUND"),
        (401, "INVALID_TOKEN"),
    ]
    assert served[:2] == ["OPTIONS unmatched 200", f"GET {ITEMS}/{{item_id}} 200"]


def test_an_allowed_origin_reads_that_the_service_failed(web: Web, tmp_path: Path) -> None:
    with web.failing("items", "users"):
        seen, _ = web.opened(web.friend, in_need(web), tmp_path)

    assert answers(seen) == [FAILED] * 4


def test_an_allowed_origin_reads_the_exposed_headers_and_no_others(
    web: Web, tmp_path: Path
) -> None:
    client, account = web.live.client, Account.registered(web.live.client)
    calls = [
        web.by_caller("POST", ITEMS, {"name": new_name()}),
        web.call("GET", ITEMS),
        *[web.form(TOKEN, username=account.email, password="wrong")] * 2,  # noqa: S106
    ]

    seen, _ = web.opened(web.friend, calls, tmp_path)

    created, nobody, _, locked = [{*one.headers} - COMMON for one in seen if one]
    assert created == {"x-request-id", "location"}
    assert nobody == {"x-request-id"}
    assert locked == {"x-request-id", "retry-after"}
    sent = client.as_nobody().get(ITEMS).headers
    assert {"date", "server", "www-authenticate"} <= sent.keys()


@pytest.mark.parametrize("differs_in", ["port", "host"])
def test_a_foreign_origin_reads_no_answer(web: Web, tmp_path: Path, differs_in: str) -> None:
    stranger = web.strangers[differs_in == "host"]
    calls = [
        web.call("GET", "/health"),
        web.call("GET", ITEMS),
        web.by_caller("GET", ITEMS),
        web.by_caller("POST", ITEMS, {"name": new_name()}),
        web.by_caller("POST", ITEMS, {"name": None}),
        web.form(TOKEN),
    ]

    seen, _ = web.opened(stranger, calls, tmp_path)
    with web.failing("items", "users"):
        failed, served = web.opened(stranger, in_need(web), tmp_path)

    assert seen == [NOTHING] * 6
    assert failed == [NOTHING] * 4
    assert f"POST {TOKEN} 500" in served


def with_and_without_credentials(web: Web) -> list[Call]:
    """Simple requests and such that the browser asks about, first with credentials."""
    return [
        request | {"credentials": credentials}
        for credentials in ("include", "omit")
        for request in (
            web.call("GET", "/health"),
            web.by_caller("POST", ITEMS, {"name": new_name()}),
            web.call("GET", ITEMS),
            web.by_caller("POST", ITEMS, {"name": None}),
        )
    ]


READ = [(200, None), (201, None), (401, "UNAUTHORIZED"), (422, "VALIDATION_FAILED")]


def test_an_allowed_origin_reads_nothing_when_it_sends_credentials(
    web: Web, tmp_path: Path
) -> None:
    seen, served = web.opened(web.friend, with_and_without_credentials(web), tmp_path)

    assert answers(seen) == [NOTHING] * 4 + READ
    assert served.count(f"POST {ITEMS} 201") == 1, "The browser sent it all the same."


def test_an_allowed_origin_reads_what_it_asks_with_credentials_where_these_are_allowed(
    project: RenderedProject, tmp_path: Path
) -> None:
    with web_of(project, tmp_path, CORS_CREDENTIALS="true") as web:
        calls = with_and_without_credentials(web)
        seen, _ = web.opened(web.friend, calls, tmp_path)
        foreign, _ = web.opened(web.strangers[0], calls, tmp_path)
        with web.failing("items", "users"):
            calls = [request | {"credentials": "include"} for request in in_need(web)]
            failed, _ = web.opened(web.friend, calls, tmp_path)

    assert answers(seen) == READ + READ
    assert answers(failed) == [FAILED] * 4
    assert foreign == [NOTHING] * 8
