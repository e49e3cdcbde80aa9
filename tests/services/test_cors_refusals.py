"""CORS in a browser: requests of foreign origins, with and without a preflight."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.template.options import Option
from generator.verify.contract.accounts import TOKEN, USERS, Account
from tests.support.sites import (
    BLOCKED,
    ITEMS,
    PAGE,
    CorsService,
    Response,
    create_item,
    install_with_origins,
    new_name,
    serve_cors,
    summarize,
)

pytestmark = pytest.mark.slow

ALLOWED = "OPTIONS unmatched 200"
REFUSED = "OPTIONS unmatched 400"
# The response of `fetch` with the mode `no-cors`.
OPAQUE = Response("opaque", 0, {}, "")
# Without Access-Control-Max-Age a browser caches a preflight for 5 seconds.
SIX_SECONDS = "/after/6"


@pytest.fixture(scope="module")
def service(
    options: tuple[Option, ...], workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CorsService]:
    with serve_cors(
        install_with_origins(options, workspace), tmp_path_factory.mktemp("cors")
    ) as service:
        yield service


def list_items(service: CorsService) -> list[dict[str, str]]:
    page = service.live.client.get(f"{ITEMS}?limit=100").require(200).json
    items: list[dict[str, str]] = page["items"]
    return items


def test_foreign_preflight_is_refused(service: CorsService, tmp_path: Path) -> None:
    item = create_item(service.live)
    calls = [
        service.authenticated("POST", ITEMS, {"name": new_name()}),
        service.authenticated("PATCH", item, {"name": new_name()}),
        service.authenticated("DELETE", item),
        service.authenticated("GET", item),
    ]
    before = list_items(service)

    responses, requests = service.open_page(service.foreign[0], calls, tmp_path)

    assert responses == [BLOCKED] * 4
    assert requests == [REFUSED] * 4
    assert list_items(service) == before


def test_foreign_form_is_unreadable(service: CorsService, tmp_path: Path) -> None:
    """The browser sends a form without a preflight, and hides the response."""
    account = Account.create(service.live.client)
    form = service.form(TOKEN, username=account.email, password=account.password)

    responses, requests = service.open_page(
        service.foreign[0], [form, form | {"mode": "no-cors"}], tmp_path
    )

    assert responses == [BLOCKED, OPAQUE]
    assert requests == [f"POST {TOKEN} 200"] * 2


def test_foreign_json_as_text_is_rejected(service: CorsService, tmp_path: Path) -> None:
    """Content types that need no preflight are not parsed as JSON."""
    account = Account.new()
    body = f'{{"email": "{account.email}", "password": "{account.password}"}}'
    types = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b")
    calls = [
        *(service.call("POST", USERS, {"Content-Type": type_}, body=body) for type_ in types),
        service.call("POST", USERS, body=body, untyped=True),
    ]

    responses, requests = service.open_page(service.foreign[0], calls, tmp_path)

    assert responses == [BLOCKED] * 4
    assert requests == [f"POST {USERS} 422"] * 4
    account.register(service.live.client).require(201)


@pytest.mark.parametrize("page", ["sandboxed", "saved"])
def test_null_origin_is_foreign(service: CorsService, tmp_path: Path, page: str) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    address = {"sandboxed": f"{service.allowed}/sandboxed", "saved": file.as_uri()}[page]
    simple = service.call("GET", ITEMS)
    calls = [
        simple,
        simple | {"mode": "no-cors"},
        service.authenticated("POST", ITEMS, {"name": new_name()}),
    ]

    responses, requests = service.open_page(address, calls, tmp_path)

    assert responses == [BLOCKED, OPAQUE, BLOCKED]
    assert requests == [f"GET {ITEMS} 401"] * 2 + [REFUSED]


def test_unlisted_method_or_header_is_refused(service: CorsService, tmp_path: Path) -> None:
    item = create_item(service.live)
    listed = {**service.live.client.caller, "X-API-Key": "none", "X-Request-ID": "the-one"}
    calls = [
        service.authenticated("PUT", item, {"name": new_name()}),
        service.call("GET", item, {**listed, "X-Other": "anything"}),
        service.call("GET", item, listed),
    ]

    responses, requests = service.open_page(service.allowed, calls, tmp_path)

    assert summarize(responses) == [BLOCKED, BLOCKED, (200, None)]
    assert [response.headers["x-request-id"] for response in responses if response] == ["the-one"]
    assert requests == [REFUSED, REFUSED, ALLOWED, f"GET {ITEMS}/{{item_id}} 200"]


def test_preflight_is_cached(service: CorsService, tmp_path: Path) -> None:
    item = create_item(service.live)
    changes = [service.authenticated("PATCH", item, {"name": new_name()}) for _ in range(2)]
    wait = {"url": f"{service.allowed}{SIX_SECONDS}"}

    responses, requests = service.open_page(
        service.allowed, [changes[0], wait, changes[1]], tmp_path
    )

    assert summarize(responses) == [(200, None)] * 3
    assert requests == [ALLOWED, *[f"PATCH {ITEMS}/{{item_id}} 200"] * 2]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Access-Control-Request-Method": "PUT"},
        {"Access-Control-Request-Headers": "authorization,x-other"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_refused_preflight_has_no_cors_headers(
    service: CorsService, headers: dict[str, str]
) -> None:
    allowed = {"Origin": service.allowed, "Access-Control-Request-Method": "PATCH"}
    client = service.live.client.anonymous()

    answer = client.send("OPTIONS", ITEMS, allowed | headers).require_error(
        400, "BAD_REQUEST", ITEMS
    )

    assert not [name for name in answer.headers if name.startswith("access-control")]
    accepted = client.send("OPTIONS", ITEMS, allowed).require(200)
    assert accepted.headers["access-control-allow-origin"] == service.allowed
