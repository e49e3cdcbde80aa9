"""Every sentence of the contract can be broken, and is noticed when it is."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest

from generator import contract
from generator.contract.client import Answer, Client, ContractError
from generator.databases import fresh_database
from generator.project import Project
from generator.server import HOST, free_port, serving
from generator.verify import verify_row
from tests.rendered import MATRIX

Change = Callable[[Answer], Answer]


@pytest.fixture(scope="module")
def port(workspace: Path) -> Iterator[int]:
    """A service with everything, on a database of its own."""
    assert verify_row(MATRIX[0], workspace).ok
    project = Project(MATRIX[0], workspace)
    chosen = free_port()
    with fresh_database(project) as url:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=url)
        variables = project.variables(DATABASE_URL=url)
        command = [project.program("fastapi"), "run"]
        with serving(command, project.folder, chosen, variables, DEVNULL):
            yield chosen


class LyingClient(Client):
    """Changes the answers to the requests that match."""

    def __init__(self, port: int, request: str, change: Change, status: int | None) -> None:
        super().__init__(HOST, port)
        self.request, self.change, self.status = request, change, status

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        answer = super().send(method, path, headers, body)
        matches = answer.request.startswith(self.request) and self.status in (None, answer.status)
        return self.change(answer) if matches else answer


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


ITEMS = "/api/v1/items"
FILES = "/api/v1/files"
LIES: list[tuple[str, str, int | None, Change]] = [
    ("GET /health/live is 200", "GET /health/live", None, status(204)),
    ("GET /health/live is 200", "HEAD /health/live", None, text(b"x")),
    ("GET /health is 200", "GET /health", 200, body(lambda it: it.update(more=1))),
    ("GET /health is 200", "GET /health", 200,
     body(lambda it: it.get("dependencies", {}).update(migrations="pending"))),
    ("An unknown route", "GET /api/v1/no-such", 404, error(path="/api/v1/no-such-route?secret=1")),
    ("An unknown route", "GET /api/v1/no-such", 404, error(details=[])),
    ("An unknown route", "GET /api/v1/no-such", 404, error(request_id="another")),
    ("A wrong method", "POST /health/live", 405, header("allow", "")),
    ("A wrong method", "POST /health/live", 405, error(code="NOT_FOUND")),
    ("A good X-Request-ID", "GET /api/v1/no-such-route", 404, lambda answer: header(
        "x-request-id", "fixed")(error(request_id="fixed")(answer))),
    ("A bad or absent X-Request-ID", "GET /health/live", None, header("x-request-id", "fixed")),
    ("A bad or absent X-Request-ID", "GET /health/live", None, header("x-request-id", "x" * 129)),
    ("/docs and /openapi.json", "GET /docs", None, text(b'<script src="https://cdn.example/a.js">')),
    ("/docs and /openapi.json", "GET /docs", None, text(b"<link href='//cdn.example/a.css'>")),
    ("/docs and /openapi.json", "GET /docs", None, text(b'<script src="/gone.js">')),
    ("Malformed", f"POST {ITEMS}", 422, error(details=[{"loc": ["query"], "msg": "", "type": ""}])),
    ("Malformed", f"POST {ITEMS}", 422,
     error(details=[{"loc": ["body"], "msg": "", "type": "", "input": "secret"}])),
    ("Exactly the limit", f"POST {ITEMS}", 413, error(code="TOO_LARGE")),
    ("POST /items is 201", f"POST {ITEMS}", 201, status(200)),
    ("POST /items is 201", f"POST {ITEMS}", 201, header("location", ITEMS)),
    ("POST /items is 201", f"POST {ITEMS}", 201, body(lambda it: it.update(secret=1))),
    ("A taken name", f"POST {ITEMS}", 409, error(code="CONFLICT")),
    ("A taken name", f"POST {ITEMS}", 409, status(500)),
    ("GET /items/{id}", f"GET {ITEMS}/", 200, body(lambda it: it.update(name="other"))),
    ("GET /items/{id}", f"GET {ITEMS}/", 404, error(code="NOT_FOUND")),
    ("GET /items/{id}", f"GET {ITEMS}/nonsense", 422, status(404)),
    ("GET /items gives pages", f"GET {ITEMS}?", 200, body(lambda it: it["items"].reverse())),
    ("GET /items gives pages", f"GET {ITEMS}?", 200, body(lambda it: it.update(next_cursor=None))),
    ("A limit outside", f"GET {ITEMS}?limit=0", 422, status(200)),
    ("A limit outside", f"GET {ITEMS}?cursor=nonsense", 422, status(404)),
    ("PATCH changes only", f"PATCH {ITEMS}", 200, body(lambda it: it.update(description=""))),
    ("PATCH of nothing", f"PATCH {ITEMS}", 400, status(200)),
    ("PATCH of nothing", f"PATCH {ITEMS}", 409, error(code="CONFLICT")),
    ("DELETE is 204", f"DELETE {ITEMS}", 204, status(200)),
    ("DELETE is 204", f"DELETE {ITEMS}", 404, status(204)),
    ("POST /files is 201", f"POST {FILES}", 201, body(lambda it: it.update(size=1))),
    ("POST /files is 201", f"POST {FILES}", 201, body(lambda it: it.update(sha256=""))),
    ("POST /files is 201", f"POST {FILES}", 201, header("location", FILES)),
    ("A file that is not", f"POST {FILES}", 415, status(201)),
    ("A file that is not", f"POST {FILES}", 422, error(code="BAD_REQUEST")),
    ("GET /files/{id}/content", f"GET {FILES}/", 200, text(b"more")),
    ("GET /files/{id}/content", f"GET {FILES}/", 200, header("content-disposition", "inline")),
    ("GET /files/{id}/content", f"GET {FILES}/", 200, header("x-content-type-options", "")),
    ("DELETE /files/{id}", f"DELETE {FILES}", 204, status(200)),
    ("DELETE /files/{id}", f"GET {FILES}", 404, error(code="NOT_FOUND")),
]  # fmt: skip


def test_an_honest_service_keeps_the_whole_contract(port: int) -> None:
    sentences = contract.walk(Client(HOST, port))
    assert {next((s for s in sentences if s.startswith(lie)), lie) for lie, *_ in LIES} == set(
        sentences
    )


@pytest.mark.parametrize(("sentence", "request_line", "only", "lie"), LIES)
def test_a_broken_sentence_is_named(
    port: int, sentence: str, request_line: str, only: int | None, lie: Change
) -> None:
    with pytest.raises(ContractError) as caught:
        contract.walk(LyingClient(port, request_line, lie, only))
    assert str(caught.value).startswith(f"Broken: {sentence}")
