"""Every sentence of the contract notices a service that breaks it."""

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
from tests.support.live import Live, installed, running_on_a_fresh_database
from tests.support.rendered import MATRIX

pytestmark = pytest.mark.slow

Change = Callable[[Answer], Answer]
# Prefix of a request: only without credentials.
NOBODY = "nobody: "


class Lie(NamedTuple):
    """A change to the answers of some requests, which breaks the sentence that begins so."""

    sentence: str
    request: str
    # Changes only answers with this status.
    status: int | None
    change: Change

    def __str__(self) -> str:
        return f"{self.sentence}: {self.request} {self.status}"


def status(code: int) -> Change:
    return lambda answer: replace(answer, status=code)


def header(name: str, value: str) -> Change:
    return lambda answer: replace(answer, headers={**answer.headers, name: value})


def body(change: Callable[[Any], object]) -> Change:
    def changed(answer: Answer) -> Answer:
        document = answer.json
        change(document)
        return replace(answer, body=json.dumps(document).encode())

    return changed


def error(**fields: object) -> Change:
    return body(lambda document: document["error"].update(fields))


def text(added: bytes) -> Change:
    return lambda answer: replace(answer, body=answer.body + added)


def of_code(code: str, change: Change) -> Change:
    """Change only errors with this code."""
    return lambda answer: change(answer) if answer.json["error"]["code"] == code else answer


def later(first: int, change: Change) -> Change:
    """Change answers from the `first` match on, counted from 1."""
    number = count(1)
    return lambda answer: change(answer) if next(number) >= first else answer


def always_the_first(name: str) -> Change:
    """Repeat the first value of a field."""
    seen: list[object] = []

    def changed(it: dict[str, object]) -> None:
        seen.append(it[name])
        it[name] = seen[0]

    return body(changed)


class LyingClient(Client):
    """A client that changes the answers to matching requests."""

    def __init__(self, honest: Client, lie: Lie) -> None:
        super().__init__(honest.host, honest.port)
        self.caller, self.admin = honest.caller, honest.admin
        self.lie = lie

    def send(
        self,
        method: str,
        path: str,
        headers: Headers | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        answer = super().send(method, path, headers, body)
        said = [answer.request] if self.caller else [answer.request, NOBODY + answer.request]
        matches = any(line.startswith(self.lie.request) for line in said)
        wanted = self.lie.status in (None, answer.status)
        return self.lie.change(answer) if matches and wanted else answer


ITEMS = "/api/v1/items"
FILES = "/api/v1/files"
JOBS = "/api/v1/jobs"
REPORTS = f"{ITEMS}/reports"
CORE_LIES = [
    Lie("GET /health/live is 200", "GET /health/live", None, status(204)),
    Lie("GET /health/live is 200", "HEAD /health/live", None, text(b"x")),
    Lie("GET /health is 200", "GET /health", 200, body(lambda it: it.update(more=1))),
    Lie("GET /health is 200", "GET /health", 200,
        body(lambda it: it.get("dependencies", {}).update(migrations="pending"))),
    Lie("An unknown route", "GET /api/v1/no-such", 404,
        error(path="/api/v1/no-such-route?secret=1")),
    Lie("An unknown route", "GET /api/v1/no-such", 404, error(details=[])),
    Lie("An unknown route", "GET /api/v1/no-such", 404, error(request_id="another")),
    Lie("A wrong method", "POST /health/live", 405, header("allow", "")),
    Lie("A wrong method", "POST /health/live", 405, error(code="NOT_FOUND")),
    Lie("A good X-Request-ID", "GET /api/v1/no-such-route", 404, lambda answer: header(
           "x-request-id", "fixed")(error(request_id="fixed")(answer))),
    Lie("A bad or absent X-Request-ID", "GET /health/live", None, header("x-request-id", "fixed")),
    Lie("A bad or absent X-Request-ID", "GET /health/live", None,
        header("x-request-id", "x" * 129)),
    Lie("/docs and /openapi.json", "GET /docs", None,
        text(b'<script src="https://cdn.example/a.js">')),
    Lie("/docs and /openapi.json", "GET /docs", None, text(b"<link href='//cdn.example/a.css'>")),
    Lie("/docs and /openapi.json", "GET /docs", None, text(b'<script src="/gone.js">')),
    Lie("Malformed", "POST /api/v1/", 422,
        error(details=[{"loc": ["query"], "msg": "", "type": ""}])),
    Lie("Malformed", "POST /api/v1/", 422,
        error(details=[{"loc": ["body"], "msg": "", "type": "", "input": "secret"}])),
    Lie("Exactly the limit", "POST /api/v1/", 413, error(code="TOO_LARGE")),
]  # fmt: skip
ITEMS_LIES = [
    Lie("POST /items is 201", f"POST {ITEMS}", 201, status(200)),
    Lie("POST /items is 201", f"POST {ITEMS}", 201, header("location", ITEMS)),
    Lie("POST /items is 201", f"POST {ITEMS}", 201, body(lambda it: it.update(secret=1))),
    Lie("A taken name", f"POST {ITEMS}", 409, error(code="CONFLICT")),
    Lie("A taken name", f"POST {ITEMS}", 409, status(500)),
    Lie("GET /items/{id}", f"GET {ITEMS}/", 200, body(lambda it: it.update(name="other"))),
    Lie("GET /items/{id}", f"GET {ITEMS}/", 404, error(code="NOT_FOUND")),
    Lie("GET /items/{id}", f"GET {ITEMS}/nonsense", 422, status(404)),
    Lie("GET /items gives pages", f"GET {ITEMS}?", 200, body(lambda it: it["items"].reverse())),
    Lie("GET /items gives pages", f"GET {ITEMS}?", 200,
        body(lambda it: it.update(next_cursor=None))),
    Lie("A limit outside", f"GET {ITEMS}?limit=0", 422, status(200)),
    Lie("A limit outside", f"GET {ITEMS}?cursor=nonsense", 422, status(404)),
    Lie("PATCH changes only", f"PATCH {ITEMS}", 200, body(lambda it: it.update(description=""))),
    Lie("PATCH of nothing", f"PATCH {ITEMS}", 400, status(200)),
    Lie("PATCH of nothing", f"PATCH {ITEMS}", 409, error(code="CONFLICT")),
    Lie("DELETE is 204", f"DELETE {ITEMS}", 204, status(200)),
    Lie("DELETE is 204", f"DELETE {ITEMS}", 404, status(204)),
]  # fmt: skip
JOBS_LIES = [
    Lie("An unknown job", f"GET {JOBS}/", 404, error(code="NOT_FOUND")),
    Lie("An unknown job", f"GET {JOBS}/nonsense", 422, status(404)),
    Lie("POST /items/reports is 202", f"POST {REPORTS}", 202, status(200)),
    Lie("POST /items/reports is 202", f"POST {REPORTS}", 202, header("location", ITEMS)),
    Lie("POST /items/reports is 202", f"POST {REPORTS}", 202, body(lambda it: it.update(more=1))),
    Lie("POST /items/reports is 202", f"POST {REPORTS}", 202,
        body(lambda it: it.update(status="succeeded"))),
    Lie("POST /items/reports is 202", f"POST {REPORTS}", 202, body(lambda it: it.update(result=0))),
    Lie("GET /jobs/{id} tells", f"GET {JOBS}/", 200, body(lambda it: it.update(status="failed"))),
    Lie("GET /jobs/{id} tells", f"GET {JOBS}/", 200, body(lambda it: it.update(attempts=0))),
    Lie("GET /jobs/{id} tells", f"GET {JOBS}/", 200, body(lambda it: it.update(error="some"))),
    Lie("GET /jobs/{id} tells", f"GET {JOBS}/", 200, body(lambda it: it.update(result={}))),
    Lie("GET /jobs/{id} tells", f"GET {JOBS}/", 200, body(lambda it: it.update(name="other"))),
    Lie("GET /jobs/{id} tells", f"GET {JOBS}/", 200,
        body(lambda it: it["finished_at"] and it.update(finished_at="0001"))),
]  # fmt: skip
FILES_LIES = [
    Lie("POST /files is 201", f"POST {FILES}", 201, body(lambda it: it.update(size=1))),
    Lie("POST /files is 201", f"POST {FILES}", 201, body(lambda it: it.update(sha256=""))),
    Lie("POST /files is 201", f"POST {FILES}", 201, header("location", FILES)),
    Lie("A file that is not", f"POST {FILES}", 415, status(201)),
    Lie("A file that is not", f"POST {FILES}", 422, error(code="BAD_REQUEST")),
    Lie("GET /files/{id}/content", f"GET {FILES}/", 200, text(b"more")),
    Lie("GET /files/{id}/content", f"GET {FILES}/", 200, header("content-disposition", "inline")),
    Lie("GET /files/{id}/content", f"GET {FILES}/", 200, header("x-content-type-options", "")),
    Lie("DELETE /files/{id}", f"DELETE {FILES}", 204, status(200)),
    Lie("DELETE /files/{id}", f"GET {FILES}", 404, error(code="NOT_FOUND")),
]  # fmt: skip
AUTH_LIES = [
    Lie("OpenAPI says how a caller", "GET /openapi.json", 200,
        body(lambda it: it["components"].pop("securitySchemes"))),
    Lie("OpenAPI says how a caller", "GET /openapi.json", 200,
        body(lambda it: it["paths"][ITEMS]["get"].pop("security"))),
    Lie("A route that needs a caller", f"GET {ITEMS}", 401, header("www-authenticate", "Basic")),
    Lie("A route that needs a caller", f"DELETE {FILES}/", 401, status(404)),
    Lie("A route that needs a caller", f"PATCH {ME}", 401, error(code="INVALID_TOKEN")),
    Lie("Credentials that are made up", f"GET {ITEMS}/", 401,
        of_code("INVALID_TOKEN", status(404))),
    Lie("Credentials that are made up", f"POST {FILES}", 401,
        of_code("INVALID_TOKEN", error(code="UNAUTHORIZED"))),
    Lie("Credentials that are made up", f"GET {USERS}", 401,
        of_code("INVALID_TOKEN", header("www-authenticate", ""))),
    Lie("Health and the documentation", f"{NOBODY}GET /docs", 200, status(401)),
    Lie("Health and the documentation", f"{NOBODY}GET /health", 200, status(401)),
    Lie("Health and the documentation", f"{NOBODY}GET /api/v1/no-such-route", 404, status(401)),
]  # fmt: skip
TOKENS_LIES = [
    Lie("POST /auth/token is 200", f"POST {TOKEN}", 200, body(lambda it: it.update(expires_in=60))),
    Lie("POST /auth/token is 200", f"POST {TOKEN}", 200, body(lambda it: it.update(scope=""))),
    Lie("POST /auth/token is 200", f"GET {ME}", 200, body(lambda it: it.update(email=""))),
    Lie("A wrong password", f"POST {TOKEN}", 401, error(code="INVALID_TOKEN")),
    Lie("A wrong password", f"POST {TOKEN}", 401, header("www-authenticate", "")),
    Lie("A wrong password", f"POST {TOKEN}", 401, later(2, error(message="Nobody is called so"))),
    Lie("A wrong password", f"POST {TOKEN}", 422, status(400)),
    Lie("POST /auth/refresh is another", f"POST {REFRESH}", 200, status(201)),
    Lie("POST /auth/refresh is another", "POST /api/v1/auth", 200,
        always_the_first("refresh_token")),
    Lie("A refresh token that is made up", f"POST {REFRESH}", 401, error(code="UNAUTHORIZED")),
    Lie("A refresh token that is made up", f"GET {ME}", 401, status(200)),
    Lie("A refresh token that is used again", f"GET {ME}", 401, later(2, status(200))),
    Lie("A refresh token that is used again", f"GET {ME}", 200, later(3, status(401))),
    Lie("POST /auth/logout is 204", f"POST {LOGOUT}", 204, status(401)),
    Lie("POST /auth/logout is 204", f"GET {ME}", 401, later(3, status(200))),
    Lie("POST /auth/logout is 204", f"GET {ITEMS}", 200, status(401)),
]  # fmt: skip
USERS_LIES = [
    Lie("POST /users is 201", f"POST {USERS}", 201, body(lambda it: it.update(password=""))),
    Lie("POST /users is 201", f"POST {USERS}", 201, body(lambda it: it.update(email="A@b.com"))),
    Lie("POST /users is 201", f"POST {USERS}", 201, body(lambda it: it.update(role="admin"))),
    Lie("A taken e-mail", f"POST {USERS}", 409, error(code="CONFLICT")),
    Lie("A taken e-mail", f"POST {USERS}", 422, status(201)),
    Lie("GET /users/me is the caller", f"GET {ME}", 200, body(lambda it: it.update(id=""))),
    Lie("PATCH /users/me changes the e-mail", f"PATCH {ME}", 409, error(code="CONFLICT")),
    Lie("PATCH /users/me changes the e-mail", f"PATCH {ME}", 200,
        body(lambda it: it.update(email=""))),
    Lie("PATCH /users/me changes the e-mail", f"POST {TOKEN}", 401, status(200)),
    Lie("After PATCH /users/me with a password", f"GET {ME}", 401, status(200)),
    Lie("After PATCH /users/me with a password", f"POST {REFRESH}", 401, status(200)),
    Lie("After PATCH /users/me with a password", f"POST {TOKEN}", 401, later(2, status(200))),
    Lie("PATCH /users/me without", f"PATCH {ME}", 422, status(200)),
    Lie("PATCH /users/me without", f"PATCH {ME}", 403, error(code="INVALID_CREDENTIALS")),
    Lie("GET /users is 403", f"GET {USERS}", 403, error(code="UNAUTHORIZED")),
    Lie("GET /users is 403", f"GET {USERS}?", 200, body(lambda it: it["items"].reverse())),
    Lie("GET /users is 403", f"GET {USERS}?", 200, body(lambda it: it.update(next_cursor=None))),
    Lie("GET /users is 403", f"GET {USERS}?limit=0", 422, status(200)),
]  # fmt: skip
LIES: dict[ModuleType, list[Lie]] = {
    core: CORE_LIES,
    items: ITEMS_LIES,
    jobs: JOBS_LIES,
    files: FILES_LIES,
    auth: AUTH_LIES,
    tokens: TOKENS_LIES,
    users: USERS_LIES,
}


@pytest.fixture(scope="module")
def live(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Run a service with every feature and without a limit of failed logins."""
    folder = tmp_path_factory.mktemp("contract")
    with running_on_a_fresh_database(
        installed(MATRIX[0], workspace), folder, LOGIN_FAILURES_PER_ADDRESS="100000"
    ) as live:
        yield live


@pytest.fixture
def honest(live: Live) -> Client:
    """Log in for each test, since access tokens expire."""
    return live.as_caller()


def test_service_keeps_contract(honest: Client) -> None:
    sentences = contract.walk(honest)
    lies = [lie.sentence for told in LIES.values() for lie in told]
    assert {next((s for s in sentences if s.startswith(lie)), lie) for lie in lies} == set(
        sentences
    )
    assert tuple(LIES) == contract.FEATURES


EVERY_LIE = [
    pytest.param(feature, lie, id=f"{lie} {number}")
    for feature, lies in LIES.items()
    for number, lie in enumerate(lies)
]


@pytest.mark.parametrize(("feature", "lie"), EVERY_LIE)
def test_broken_sentence_is_named(honest: Client, feature: ModuleType, lie: Lie) -> None:
    with pytest.raises(ContractError) as caught:
        contract.walk(LyingClient(honest, lie), [feature])
    assert str(caught.value).startswith(f"Broken: {lie.sentence}")
