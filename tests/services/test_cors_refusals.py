"""What a browser does not send for the page of a foreign origin, and what it sends all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.template.options import Option
from generator.verify.contract.accounts import TOKEN, USERS, Account
from tests.support.sites import (
    ITEMS,
    NOTHING,
    PAGE,
    Seen,
    Web,
    answers,
    new_item,
    new_name,
    web_of,
    with_origins,
)

pytestmark = pytest.mark.slow

ASKED = "OPTIONS unmatched 200"
REFUSED = "OPTIONS unmatched 400"
# What `fetch` gives to a page that asked not to read the answer.
OPAQUE = Seen("opaque", 0, {}, "")
# Longer than a browser remembers what it was not told to.
SIX_SECONDS = "/after/6"


@pytest.fixture(scope="module")
def web(
    options: tuple[Option, ...], workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    with web_of(with_origins(options, workspace), tmp_path_factory.mktemp("web")) as web:
        yield web


def items(web: Web) -> list[dict[str, str]]:
    found: list[dict[str, str]] = web.live.client.get(f"{ITEMS}?limit=100").of(200).json["items"]
    return found


def test_a_foreign_request_that_the_browser_asks_about_does_not_reach_its_route(
    web: Web, tmp_path: Path
) -> None:
    item = new_item(web.live)
    calls = [
        web.by_caller("POST", ITEMS, {"name": new_name()}),
        web.by_caller("PATCH", item, {"name": new_name()}),
        web.by_caller("DELETE", item),
        web.by_caller("GET", item),
    ]
    before = items(web)

    seen, served = web.opened(web.strangers[0], calls, tmp_path)

    assert seen == [NOTHING] * 4
    assert served == [REFUSED] * 4
    assert items(web) == before


def test_a_foreign_form_reaches_its_route_and_the_answer_is_not_read(
    web: Web, tmp_path: Path
) -> None:
    account = Account.registered(web.live.client)
    form = web.form(TOKEN, username=account.email, password=account.password)

    seen, served = web.opened(web.strangers[0], [form, form | {"mode": "no-cors"}], tmp_path)

    assert seen == [NOTHING, OPAQUE]
    assert served == [f"POST {TOKEN} 200"] * 2


def test_foreign_json_is_not_taken_under_a_type_that_the_browser_does_not_ask_about(
    web: Web, tmp_path: Path
) -> None:
    account = Account.new()
    body = f'{{"email": "{account.email}", "password": "{account.password}"}}'
    types = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b")
    calls = [
        *(web.call("POST", USERS, {"Content-Type": kind}, body=body) for kind in types),
        web.call("POST", USERS, body=body, nameless=True),
    ]

    seen, served = web.opened(web.strangers[0], calls, tmp_path)

    assert seen == [NOTHING] * 4
    assert served == [f"POST {USERS} 422"] * 4
    account.register(web.live.client).of(201)


@pytest.mark.parametrize("page", ["sandboxed", "saved"])
def test_a_page_without_an_origin_is_foreign(web: Web, tmp_path: Path, page: str) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    address = {"sandboxed": f"{web.friend}/sandboxed", "saved": file.as_uri()}[page]
    simple = web.call("GET", ITEMS)
    calls = [
        simple,
        simple | {"mode": "no-cors"},
        web.by_caller("POST", ITEMS, {"name": new_name()}),
    ]

    seen, served = web.opened(address, calls, tmp_path)

    assert seen == [NOTHING, OPAQUE, NOTHING]
    assert served == [f"GET {ITEMS} 401"] * 2 + [REFUSED]


def test_an_allowed_origin_cannot_use_a_method_or_header_that_is_not_listed(
    web: Web, tmp_path: Path
) -> None:
    item = new_item(web.live)
    listed = {**web.live.client.caller, "X-API-Key": "none", "X-Request-ID": "the-one"}
    calls = [
        web.by_caller("PUT", item, {"name": new_name()}),
        web.call("GET", item, {**listed, "X-Other": "anything"}),
        web.call("GET", item, listed),
    ]

    seen, served = web.opened(web.friend, calls, tmp_path)

    assert answers(seen) == [NOTHING, NOTHING, (200, None)]
    assert [one.headers["x-request-id"] for one in seen if one] == ["the-one"]
    assert served == [REFUSED, REFUSED, ASKED, f"GET {ITEMS}/{{item_id}} 200"]


def test_the_browser_asks_once_for_several_requests(web: Web, tmp_path: Path) -> None:
    item = new_item(web.live)
    changes = [web.by_caller("PATCH", item, {"name": new_name()}) for _ in range(2)]
    wait = {"url": f"{web.friend}{SIX_SECONDS}"}

    seen, served = web.opened(web.friend, [changes[0], wait, changes[1]], tmp_path)

    assert answers(seen) == [(200, None)] * 3
    assert served == [ASKED, *[f"PATCH {ITEMS}/{{item_id}} 200"] * 2]


@pytest.mark.parametrize(
    "asked",
    [
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Access-Control-Request-Method": "PUT"},
        {"Access-Control-Request-Headers": "authorization,x-other"},
    ],
    ids=lambda asked: " ".join(asked.values()),
)
def test_a_refused_preflight_is_an_error_without_any_cors_header(
    web: Web, asked: dict[str, str]
) -> None:
    allowed = {"Origin": web.friend, "Access-Control-Request-Method": "PATCH"}
    client = web.live.client.as_nobody()

    answer = client.send("OPTIONS", ITEMS, allowed | asked).refused(400, "BAD_REQUEST", ITEMS)

    assert not [name for name in answer.headers if name.startswith("access-control")]
    accepted = client.send("OPTIONS", ITEMS, allowed).of(200)
    assert accepted.headers["access-control-allow-origin"] == web.friend
