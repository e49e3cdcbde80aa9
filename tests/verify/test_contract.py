"""Each check of the contract detects a service that breaks its sentence."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from generator.verify import contract
from generator.verify.contract import auth, core, files, items, jobs, tokens, users
from generator.verify.contract.accounts import LOGOUT, ME, REFRESH, TOKEN, USERS
from generator.verify.contract.client import Answer, Client, ContractError, Headers
from tests.support.live import Live, install_row, run_on_fresh_database
from tests.support.rendered import MATRIX

pytestmark = pytest.mark.slow

Change = Callable[[Answer], Answer]
# Prefix of a request that matches only without credentials.
ANONYMOUS = "anonymous: "


class Fault(NamedTuple):
    """A change to the answers of matching requests, which breaks a sentence.

    `sentence` and `request` are prefixes. `status` limits the change to answers with this status.
    """

    sentence: str
    request: str
    status: int | None
    change: Change

    def __str__(self) -> str:
        return f"{self.sentence}: {self.request} {self.status}"


def set_status(code: int) -> Change:
    return lambda answer: replace(answer, status=code)


def set_header(name: str, value: str) -> Change:
    return lambda answer: replace(answer, headers={**answer.headers, name: value})


def change_body(change: Callable[[Any], object]) -> Change:
    def apply(answer: Answer) -> Answer:
        document = answer.json
        change(document)
        return replace(answer, body=json.dumps(document).encode())

    return apply


def set_fields(**fields: object) -> Change:
    return change_body(lambda document: document.update(fields))


def set_error(**fields: object) -> Change:
    return change_body(lambda document: document["error"].update(fields))


def append(content: bytes) -> Change:
    return lambda answer: replace(answer, body=answer.body + content)


def with_code(code: str, change: Change) -> Change:
    """Change only errors with this code."""
    return lambda answer: change(answer) if answer.json["error"]["code"] == code else answer


def of_events(change: Change) -> Change:
    """Change only answers about the events of a job."""
    return lambda answer: change(answer) if answer.request.endswith("/events") else answer


def from_match(first: int, change: Change) -> Change:
    """Change answers from the `first` match on, counted from 1."""
    number = count(1)
    return lambda answer: change(answer) if next(number) >= first else answer


def repeat_first(name: str) -> Change:
    """Give a field its first value in every answer."""
    values: list[object] = []

    def apply(document: dict[str, object]) -> None:
        values.append(document[name])
        document[name] = values[0]

    return change_body(apply)


class FaultyClient(Client):
    """A client that changes the answers to matching requests."""

    def __init__(self, client: Client, fault: Fault) -> None:
        super().__init__(client.host, client.port)
        self.caller = client.caller
        self.admin = client.admin
        self.fault = fault

    def send(
        self,
        method: str,
        path: str,
        headers: Headers | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        return self._change(super().send(method, path, headers, body))

    def follow(
        self, path: str, headers: Headers | None = None, first_message: object = None
    ) -> Answer:
        return self._change(super().follow(path, headers, first_message))

    def _change(self, answer: Answer) -> Answer:
        requests = [answer.request] if self.caller else [answer.request, ANONYMOUS + answer.request]
        request_matches = any(request.startswith(self.fault.request) for request in requests)
        status_matches = self.fault.status in (None, answer.status)
        return self.fault.change(answer) if request_matches and status_matches else answer


ITEMS = "/api/v1/items"
FILES = "/api/v1/files"
JOBS = "/api/v1/jobs"
REPORTS = f"{ITEMS}/reports"
CORE_FAULTS = [
    Fault("GET /health/live returns 200", "GET /health/live", None, set_status(204)),
    Fault("GET /health/live returns 200", "HEAD /health/live", None, append(b"x")),
    Fault("GET /health returns 200", "GET /health", 200, set_fields(more=1)),
    Fault("GET /health returns 200", "GET /health", 200,
        change_body(lambda health: health.get("dependencies", {}).update(migrations="pending"))),
    Fault("GET /health returns 200", "GET /health", 200,
        change_body(lambda health: health.get("dependencies", {}).pop("jobs", None))),
    Fault("An unknown route", "GET /api/v1/no-such", 404,
        set_error(path="/api/v1/no-such-route?secret=1")),
    Fault("An unknown route", "GET /api/v1/no-such", 404, set_error(details=[])),
    Fault("An unknown route", "GET /api/v1/no-such", 404, set_error(request_id="another")),
    Fault("A wrong method", "POST /health/live", 405, set_header("allow", "")),
    Fault("A wrong method", "POST /health/live", 405, set_error(code="NOT_FOUND")),
    Fault("A valid X-Request-ID", "GET /api/v1/no-such-route", 404,
        lambda answer: set_header("x-request-id", "fixed")(set_error(request_id="fixed")(answer))),
    Fault("An invalid or missing X-Request-ID", "GET /health/live", None,
        set_header("x-request-id", "fixed")),
    Fault("An invalid or missing X-Request-ID", "GET /health/live", None,
        set_header("x-request-id", "x" * 129)),
    Fault("GET /docs and /openapi.json", "GET /docs", None,
        append(b'<script src="https://cdn.example/a.js">')),
    Fault("GET /docs and /openapi.json", "GET /docs", None,
        append(b"<link href='//cdn.example/a.css'>")),
    Fault("GET /docs and /openapi.json", "GET /docs", None, append(b'<script src="/gone.js">')),
    Fault("GET /metrics", "GET /metrics", 404, set_error(code="FORBIDDEN")),
    Fault("GET /metrics", "GET /metrics", 404, set_status(200)),
    Fault("Health, errors and", "GET /health", 200, set_header("cache-control", "no-cache")),
    Fault("Health, errors and", "GET /api/v1/no-such", 404, set_header("cache-control", "")),
    Fault("Invalid JSON", "POST /api/v1/", 422,
        set_error(details=[{"loc": ["query"], "msg": "", "type": ""}])),
    Fault("Invalid JSON", "POST /api/v1/", 422,
        set_error(details=[{"loc": ["body"], "msg": "", "type": "", "input": "secret"}])),
    Fault("A body of exactly the limit", "POST /api/v1/", 413, set_error(code="TOO_LARGE")),
]  # fmt: skip
ITEMS_FAULTS = [
    Fault("POST /items returns 201", f"POST {ITEMS}", 201, set_status(200)),
    Fault("POST /items returns 201", f"POST {ITEMS}", 201, set_header("location", ITEMS)),
    Fault("POST /items returns 201", f"POST {ITEMS}", 201, set_fields(secret=1)),
    Fault("A taken name", f"POST {ITEMS}", 409, set_error(code="CONFLICT")),
    Fault("A taken name", f"POST {ITEMS}", 409, set_status(500)),
    Fault("GET /items/{id}", f"GET {ITEMS}/", 200, set_fields(name="other")),
    Fault("GET /items/{id}", f"GET {ITEMS}/", 404, set_error(code="NOT_FOUND")),
    Fault("GET /items/{id}", f"GET {ITEMS}/nonsense", 422, set_status(404)),
    Fault("GET /items returns pages", f"GET {ITEMS}?", 200,
        change_body(lambda page: page["items"].reverse())),
    Fault("GET /items returns pages", f"GET {ITEMS}?", 200, set_fields(next_cursor=None)),
    Fault("A limit outside", f"GET {ITEMS}?limit=0", 422, set_status(200)),
    Fault("A limit outside", f"GET {ITEMS}?cursor=nonsense", 422, set_status(404)),
    Fault("GET /items?sort=", f"GET {ITEMS}?limit=2&name_prefix=", 200,
        change_body(lambda page: page["items"].reverse())),
    Fault("GET /items?sort=", f"GET {ITEMS}?limit=2&name_prefix=", 200,
        from_match(5, set_fields(next_cursor=None))),
    Fault("GET /items?sort=", f"GET {ITEMS}?name_prefix=", 200,
        from_match(2, change_body(lambda page: page["items"][0].update(name="")))),
    Fault("GET /items?name_prefix=", f"GET {ITEMS}?limit=2&created_from=", 200,
        change_body(lambda page: page["items"].reverse())),
    Fault("GET /items?name_prefix=", f"GET {ITEMS}?limit=2&created_from=", 200,
        set_fields(items=[])),
    Fault("A cursor of a list", f"GET {ITEMS}?sort=-name", 422, set_status(200)),
    Fault("A cursor of a list", f"GET {ITEMS}?sort=price", 422, set_status(200)),
    Fault("A cursor of a list", f"GET {ITEMS}?name_prefix=%00", 422, set_status(500)),
    Fault("A cursor of a list", f"GET {ITEMS}?created_from=2026", 422,
        set_error(code="BAD_REQUEST")),
    Fault("PATCH /items/{id} changes only", f"PATCH {ITEMS}", 200, set_fields(description="")),
    Fault("PATCH /items/{id} without", f"PATCH {ITEMS}", 400, set_status(200)),
    Fault("PATCH /items/{id} without", f"PATCH {ITEMS}", 409, set_error(code="CONFLICT")),
    Fault("An item has a strong ETag", f"POST {ITEMS}", 201, set_header("etag", 'W/"a"')),
    Fault("An item has a strong ETag", f"PATCH {ITEMS}", 200, set_header("etag", "")),
    Fault("An item has a strong ETag", f"GET {ITEMS}/", 304, set_status(200)),
    Fault("An item has a strong ETag", f"GET {ITEMS}/", 304, append(b"x")),
    Fault("An item has a strong ETag", f"GET {ITEMS}/", 304, set_header("etag", "")),
    Fault("An item has a strong ETag", f"GET {ITEMS}/", 200, set_header("etag", "")),
    Fault("An item has a strong ETag", f"GET {ITEMS}/", 200,
        set_header("cache-control", "public, max-age=60")),
    Fault("If-Match with", f"PATCH {ITEMS}", 412, set_status(200)),
    Fault("If-Match with", f"PATCH {ITEMS}", 412, set_error(code="CONFLICT")),
    Fault("If-Match with", f"DELETE {ITEMS}", 412, set_status(204)),
    Fault("If-Match with", f"GET {ITEMS}/", 200,
        change_body(lambda item: item["description"] and item.update(name="other"))),
    Fault("If-Match with", f"DELETE {ITEMS}", 204, from_match(2, set_status(412))),
    Fault("If-Match with", f"PATCH {ITEMS}", 404, from_match(2, set_status(412))),
    Fault("DELETE /items/{id}", f"DELETE {ITEMS}", 204, set_status(200)),
    Fault("DELETE /items/{id}", f"DELETE {ITEMS}", 404, set_status(204)),
    Fault("GET /items/export", f"GET {ITEMS}/export", 200, set_status(206)),
    Fault("GET /items/export", f"GET {ITEMS}/export", 200, append(b"{}\n")),
    Fault("GET /items/export", f"GET {ITEMS}/export", 200,
        set_header("content-type", "text/plain")),
    Fault("GET /items/export", f"GET {ITEMS}/export", 200,
        from_match(2, append(b"1,2,3,4,5\r\n"))),
    Fault("An export in any other", f"GET {ITEMS}/export", 406, set_error(code="NOT_FOUND")),
]  # fmt: skip
JOBS_FAULTS = [
    Fault("An unknown job", f"GET {JOBS}/", 404, set_error(code="NOT_FOUND")),
    Fault("An unknown job", f"GET {JOBS}/nonsense", 422, set_status(404)),
    Fault("POST /items/reports", f"POST {REPORTS}", 202, set_status(200)),
    Fault("POST /items/reports", f"POST {REPORTS}", 202, set_header("location", ITEMS)),
    Fault("POST /items/reports", f"POST {REPORTS}", 202, set_fields(more=1)),
    Fault("POST /items/reports", f"POST {REPORTS}", 202, set_fields(status="succeeded")),
    Fault("POST /items/reports", f"POST {REPORTS}", 202, set_fields(result=0)),
    Fault("GET /jobs/{id}", f"GET {JOBS}/", 200, set_fields(status="failed")),
    Fault("GET /jobs/{id}", f"GET {JOBS}/", 200, set_fields(attempts=0)),
    Fault("GET /jobs/{id}", f"GET {JOBS}/", 200, set_fields(error="some")),
    Fault("GET /jobs/{id}", f"GET {JOBS}/", 200, set_fields(result={})),
    Fault("GET /jobs/{id}", f"GET {JOBS}/", 200, set_fields(name="other")),
    Fault("GET /jobs/{id}", f"GET {JOBS}/", 200,
        change_body(lambda job: job["finished_at"] and job.update(finished_at="0001"))),
    Fault("WS /jobs/{id}/events sends", f"WEBSOCKET {JOBS}/", 1000, set_status(1006)),
    Fault("WS /jobs/{id}/events sends", f"WEBSOCKET {JOBS}/", 1000,
        change_body(lambda states: states.pop())),
    Fault("WS /jobs/{id}/events sends", f"WEBSOCKET {JOBS}/", 1000,
        change_body(lambda states: states.append(states[-1]))),
    Fault("WS /jobs/{id}/events closes", f"WEBSOCKET {JOBS}/", 4404, set_status(1000)),
    Fault("WS /jobs/{id}/events closes", f"WEBSOCKET {JOBS}/", 4403, set_status(4404)),
    Fault("WS /jobs/{id}/events closes", f"WEBSOCKET {JOBS}/", 4404,
        from_match(2, set_status(4403))),
    Fault("WS /jobs/{id}/events closes", f"WEBSOCKET {JOBS}/", 4401, set_status(4404)),
    Fault("GET /jobs/{id}/events sends", f"GET {JOBS}/", 200,
        of_events(set_header("content-type", "application/json"))),
    Fault("GET /jobs/{id}/events sends", f"GET {JOBS}/", 200, of_events(append(b"data: {}\n"))),
    Fault("GET /jobs/{id}/events sends", f"GET {JOBS}/", 404,
        of_events(set_error(code="NOT_FOUND"))),
]  # fmt: skip
FILES_FAULTS = [
    Fault("POST /files returns 201", f"POST {FILES}", 201, set_fields(size=1)),
    Fault("POST /files returns 201", f"POST {FILES}", 201, set_fields(sha256="")),
    Fault("POST /files returns 201", f"POST {FILES}", 201, set_header("location", FILES)),
    Fault("A file that differs", f"POST {FILES}", 415, set_status(201)),
    Fault("A file that differs", f"POST {FILES}", 422, set_error(code="BAD_REQUEST")),
    Fault("GET /files/{id}/content", f"GET {FILES}/", 200, append(b"more")),
    Fault("GET /files/{id}/content", f"GET {FILES}/", 200,
        set_header("content-disposition", "inline")),
    Fault("GET /files/{id}/content", f"GET {FILES}/", 200,
        set_header("x-content-type-options", "")),
    Fault("A file and its content", f"GET {FILES}/", 200, set_header("etag", 'W/"a"')),
    Fault("A file and its content", f"GET {FILES}/", 304, set_status(200)),
    Fault("A file and its content", f"GET {FILES}/", 304, append(b"x")),
    Fault("A file and its content", f"DELETE {FILES}/", 412, set_error(code="CONFLICT")),
    Fault("A file and its content", f"DELETE {FILES}/", 204, from_match(2, set_status(412))),
    Fault("DELETE /files/{id}", f"DELETE {FILES}", 204, set_status(200)),
    Fault("DELETE /files/{id}", f"GET {FILES}", 404, set_error(code="NOT_FOUND")),
]  # fmt: skip
AUTH_FAULTS = [
    Fault("OpenAPI declares", "GET /openapi.json", 200,
        change_body(lambda document: document["components"].pop("securitySchemes"))),
    Fault("OpenAPI declares", "GET /openapi.json", 200,
        change_body(lambda document: document["paths"][ITEMS]["get"].pop("security"))),
    Fault("Protected routes return 401 UNAUTHORIZED", f"GET {ITEMS}", 401,
        set_header("www-authenticate", "Basic")),
    Fault("Protected routes return 401 UNAUTHORIZED", f"DELETE {FILES}/", 401, set_status(404)),
    Fault("Protected routes return 401 UNAUTHORIZED", f"PATCH {ME}", 401,
        set_error(code="INVALID_TOKEN")),
    Fault("Protected routes return 401 INVALID_TOKEN", f"GET {ITEMS}/", 401,
        with_code("INVALID_TOKEN", set_status(404))),
    Fault("Protected routes return 401 INVALID_TOKEN", f"POST {FILES}", 401,
        with_code("INVALID_TOKEN", set_error(code="UNAUTHORIZED"))),
    Fault("Protected routes return 401 INVALID_TOKEN", f"GET {USERS}", 401,
        with_code("INVALID_TOKEN", set_header("www-authenticate", ""))),
    Fault("Health and the documentation", f"{ANONYMOUS}GET /docs", 200, set_status(401)),
    Fault("Health and the documentation", f"{ANONYMOUS}GET /health", 200, set_status(401)),
    Fault("Health and the documentation", f"{ANONYMOUS}GET /api/v1/no-such-route", 404,
        set_status(401)),
]  # fmt: skip
TOKENS_FAULTS = [
    Fault("POST /auth/token", f"POST {TOKEN}", 200, set_fields(expires_in=60)),
    Fault("POST /auth/token", f"POST {TOKEN}", 200, set_fields(scope="")),
    Fault("POST /auth/token", f"GET {ME}", 200, set_fields(email="")),
    Fault("A wrong password", f"POST {TOKEN}", 401, set_error(code="INVALID_TOKEN")),
    Fault("A wrong password", f"POST {TOKEN}", 401, set_header("www-authenticate", "")),
    Fault("A wrong password", f"POST {TOKEN}", 401,
        from_match(2, set_error(message="The user does not exist."))),
    Fault("A wrong password", f"POST {TOKEN}", 422, set_status(400)),
    Fault("POST /auth/refresh", f"POST {REFRESH}", 200, set_status(201)),
    Fault("POST /auth/refresh", "POST /api/v1/auth", 200, repeat_first("refresh_token")),
    Fault("A forged refresh token", f"POST {REFRESH}", 401, set_error(code="UNAUTHORIZED")),
    Fault("A forged refresh token", f"GET {ME}", 401, set_status(200)),
    Fault("A reused refresh token", f"GET {ME}", 401, from_match(2, set_status(200))),
    Fault("A reused refresh token", f"GET {ME}", 200, from_match(3, set_status(401))),
    Fault("POST /auth/logout", f"POST {LOGOUT}", 204, set_status(401)),
    Fault("POST /auth/logout", f"GET {ME}", 401, from_match(3, set_status(200))),
    Fault("POST /auth/logout", f"GET {ITEMS}", 200, set_status(401)),
]  # fmt: skip
USERS_FAULTS = [
    Fault("POST /users", f"POST {USERS}", 201, set_fields(password="")),
    Fault("POST /users", f"POST {USERS}", 201, set_fields(email="A@b.com")),
    Fault("POST /users", f"POST {USERS}", 201, set_fields(role="admin")),
    Fault("A taken e-mail", f"POST {USERS}", 409, set_error(code="CONFLICT")),
    Fault("A taken e-mail", f"POST {USERS}", 422, set_status(201)),
    Fault("GET /users/me", f"GET {ME}", 200, set_fields(id="")),
    Fault("PATCH /users/me changes the e-mail", f"PATCH {ME}", 409, set_error(code="CONFLICT")),
    Fault("PATCH /users/me changes the e-mail", f"PATCH {ME}", 200, set_fields(email="")),
    Fault("PATCH /users/me changes the e-mail", f"POST {TOKEN}", 401, set_status(200)),
    Fault("PATCH /users/me with a password", f"GET {ME}", 401, set_status(200)),
    Fault("PATCH /users/me with a password", f"POST {REFRESH}", 401, set_status(200)),
    Fault("PATCH /users/me with a password", f"POST {TOKEN}", 401, from_match(2, set_status(200))),
    Fault("PATCH /users/me without", f"PATCH {ME}", 422, set_status(200)),
    Fault("PATCH /users/me without", f"PATCH {ME}", 403, set_error(code="INVALID_CREDENTIALS")),
    Fault("GET /users returns 403", f"GET {USERS}", 403, set_error(code="UNAUTHORIZED")),
    Fault("GET /users returns 403", f"GET {USERS}?", 200,
        change_body(lambda page: page["items"].reverse())),
    Fault("GET /users returns 403", f"GET {USERS}?", 200, set_fields(next_cursor=None)),
    Fault("GET /users returns 403", f"GET {USERS}?limit=0", 422, set_status(200)),
]  # fmt: skip
FAULTS: dict[ModuleType, list[Fault]] = {
    core: CORE_FAULTS,
    items: ITEMS_FAULTS,
    jobs: JOBS_FAULTS,
    files: FILES_FAULTS,
    auth: AUTH_FAULTS,
    tokens: TOKENS_FAULTS,
    users: USERS_FAULTS,
}


@pytest.fixture(scope="module")
def live(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Run a service with every feature and without a limit of failed logins."""
    folder = tmp_path_factory.mktemp("contract")
    with run_on_fresh_database(
        install_row(MATRIX[0], workspace), folder, LOGIN_FAILURES_PER_ADDRESS="100000"
    ) as live:
        yield live


@pytest.fixture
def client(live: Live) -> Client:
    """Log in for each test, since access tokens expire."""
    return live.as_caller()


def test_service_keeps_contract(client: Client) -> None:
    """Each sentence has a fault that breaks it."""
    sentences = contract.walk(client)
    broken = [fault.sentence for faults in FAULTS.values() for fault in faults]
    assert {
        next((sentence for sentence in sentences if sentence.startswith(start)), start)
        for start in broken
    } == set(sentences)
    assert tuple(FAULTS) == contract.FEATURES


def test_json_of_another_shape_is_broken() -> None:
    def check(_: Client) -> None:
        """GET /things returns things."""
        raise KeyError("id")

    feature = ModuleType("things")
    feature.checks = lambda _: [check]  # type: ignore[attr-defined]
    with pytest.raises(ContractError, match="Broken: GET /things returns things"):
        contract.walk(Client("127.0.0.1", 1), [feature])


EVERY_FAULT = [
    pytest.param(feature, fault, id=f"{fault} {number}")
    for feature, faults in FAULTS.items()
    for number, fault in enumerate(faults)
]


@pytest.mark.parametrize(("feature", "fault"), EVERY_FAULT)
def test_broken_sentence_is_named(client: Client, feature: ModuleType, fault: Fault) -> None:
    with pytest.raises(ContractError) as caught:
        contract.walk(FaultyClient(client, fault), [feature])
    assert str(caught.value).startswith(f"Broken: {fault.sentence}")
