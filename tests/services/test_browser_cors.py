"""CORS in a browser: an allowed origin reads the responses, a foreign one reads none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.template.options import Option
from generator.verify.contract.accounts import TOKEN, Account, bearer
from generator.verify.rendered import RenderedProject
from tests.support.sites import (
    BLOCKED,
    ITEMS,
    Call,
    CorsService,
    create_item,
    install_with_origins,
    new_name,
    serve_cors,
    summarize,
)

pytestmark = pytest.mark.slow

FAILED = (500, "INTERNAL_ERROR")
# Response headers that pages may read by default, among those that the service sends.
SAFELISTED = {"cache-control", "content-length", "content-type"}


@pytest.fixture(scope="module")
def project(options: tuple[Option, ...], workspace: Path) -> RenderedProject:
    return install_with_origins(options, workspace)


@pytest.fixture(scope="module")
def service(
    project: RenderedProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CorsService]:
    """Allow no requests with credentials, and lock an account after one wrong password."""
    folder = tmp_path_factory.mktemp("cors")
    with serve_cors(project, folder, LOGIN_FAILURES_PER_ACCOUNT="1") as service:
        yield service


def calls_with_tables(service: CorsService) -> list[Call]:
    """Return requests that need `users` and `items`: a simple one, and three with a preflight."""
    return [
        service.form(TOKEN, username="ada@example.com", password="engine"),  # noqa: S106
        service.authenticated("GET", ITEMS),
        service.authenticated("POST", ITEMS, {"name": new_name()}),
        service.authenticated("PATCH", f"{ITEMS}/{'0' * 32}", {"name": new_name()}),
    ]


def test_simple_responses_are_readable(service: CorsService, tmp_path: Path) -> None:
    account = Account.create(service.live.client)
    right = service.form(TOKEN, username=account.email, password=account.password)
    wrong = service.form(TOKEN, username=account.email, password="wrong")  # noqa: S106
    calls = [
        *(service.call("GET", path) for path in ("/health", "/nowhere", ITEMS)),
        *(service.form(TOKEN), right, wrong, wrong),
    ]

    responses, requests = service.open_page(service.allowed, calls, tmp_path)

    assert summarize(responses) == [
        (200, None),
        (404, "NOT_FOUND"),
        (401, "UNAUTHORIZED"),
        (422, "VALIDATION_FAILED"),
        (200, None),
        (401, "INVALID_CREDENTIALS"),
        (429, "TOO_MANY_REQUESTS"),
    ]
    assert not [line for line in requests if line.startswith("OPTIONS")]


def test_preflighted_responses_are_readable(service: CorsService, tmp_path: Path) -> None:
    name = new_name()
    item = create_item(service.live)
    calls = [
        service.authenticated("GET", item),
        service.authenticated("POST", ITEMS, {"name": name}),
        service.authenticated("POST", ITEMS, {"name": name}),
        service.authenticated("POST", ITEMS, {"name": None}),
        service.authenticated("PATCH", item, {"name": new_name()}),
        service.authenticated("PATCH", item, {}),
        service.authenticated("DELETE", item),
        service.authenticated("GET", item),
        service.call("GET", item, bearer("nonsense")),
    ]

    responses, requests = service.open_page(service.allowed, calls, tmp_path)

    assert summarize(responses) == [
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
    assert requests[:2] == ["OPTIONS unmatched 200", f"GET {ITEMS}/{{item_id}} 200"]


def test_internal_errors_are_readable(service: CorsService, tmp_path: Path) -> None:
    with service.without_tables("items", "users"):
        calls = calls_with_tables(service)
        responses, _ = service.open_page(service.allowed, calls, tmp_path)

    assert summarize(responses) == [FAILED] * 4


def test_only_exposed_headers_are_readable(service: CorsService, tmp_path: Path) -> None:
    client = service.live.client
    account = Account.create(client)
    calls = [
        service.authenticated("POST", ITEMS, {"name": new_name()}),
        service.call("GET", ITEMS),
        *[service.form(TOKEN, username=account.email, password="wrong")] * 2,  # noqa: S106
    ]

    responses, _ = service.open_page(service.allowed, calls, tmp_path)

    created, unauthorized, _, locked = [
        {*response.headers} - SAFELISTED for response in responses if response
    ]
    assert created == {"x-request-id", "location"}
    assert unauthorized == {"x-request-id"}
    assert locked == {"x-request-id", "retry-after"}
    sent = client.anonymous().get(ITEMS).headers
    assert {"date", "server", "www-authenticate"} <= sent.keys()


@pytest.mark.parametrize("differs_in", ["port", "host"])
def test_foreign_origin_reads_nothing(
    service: CorsService, tmp_path: Path, differs_in: str
) -> None:
    foreign = service.foreign[differs_in == "host"]
    calls = [
        service.call("GET", "/health"),
        service.call("GET", ITEMS),
        service.authenticated("GET", ITEMS),
        service.authenticated("POST", ITEMS, {"name": new_name()}),
        service.authenticated("POST", ITEMS, {"name": None}),
        service.form(TOKEN),
    ]

    responses, _ = service.open_page(foreign, calls, tmp_path)
    with service.without_tables("items", "users"):
        failed, requests = service.open_page(foreign, calls_with_tables(service), tmp_path)

    assert responses == [BLOCKED] * 6
    assert failed == [BLOCKED] * 4
    assert f"POST {TOKEN} 500" in requests


def with_and_without_credentials(service: CorsService) -> list[Call]:
    """Return simple and preflighted requests, first with credentials, then without."""
    return [
        request | {"credentials": credentials}
        for credentials in ("include", "omit")
        for request in (
            service.call("GET", "/health"),
            service.authenticated("POST", ITEMS, {"name": new_name()}),
            service.call("GET", ITEMS),
            service.authenticated("POST", ITEMS, {"name": None}),
        )
    ]


READ = [(200, None), (201, None), (401, "UNAUTHORIZED"), (422, "VALIDATION_FAILED")]


def test_credentials_block_response(service: CorsService, tmp_path: Path) -> None:
    responses, requests = service.open_page(
        service.allowed, with_and_without_credentials(service), tmp_path
    )

    assert summarize(responses) == [BLOCKED] * 4 + READ
    assert requests.count(f"POST {ITEMS} 201") == 1, (
        "The browser sends the request after the preflight."
    )


def test_allowed_credentials_are_accepted(project: RenderedProject, tmp_path: Path) -> None:
    with serve_cors(project, tmp_path, CORS_CREDENTIALS="true") as service:
        calls = with_and_without_credentials(service)
        responses, _ = service.open_page(service.allowed, calls, tmp_path)
        foreign, _ = service.open_page(service.foreign[0], calls, tmp_path)
        with service.without_tables("items", "users"):
            calls = [request | {"credentials": "include"} for request in calls_with_tables(service)]
            failed, _ = service.open_page(service.allowed, calls, tmp_path)

    assert summarize(responses) == READ + READ
    assert summarize(failed) == [FAILED] * 4
    assert foreign == [BLOCKED] * 8
