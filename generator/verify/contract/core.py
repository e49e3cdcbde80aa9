"""Sentences of the contract that hold for every service."""

import re
from collections.abc import Callable

from generator.verify.contract.client import JSON_TYPE, Client

_UNKNOWN = "/api/v1/no-such-route"
_MAX_BODY_BYTES = 1024 * 1024


def checks(client: Client) -> list[Callable[[Client], None]]:
    always = [live, health, unknown_route, wrong_method, request_id_kept, request_id_made, docs]
    with_body = [malformed_json, oversized_body] if _json_operation(client) else []
    return [*always, *with_body]


def live(client: Client) -> None:
    """GET /health/live is 200, HEAD too and without a body."""
    client.get("/health/live").of(200)
    head = client.send("HEAD", "/health/live").of(200)
    head.expect(not head.body, "no body")


def health(client: Client) -> None:
    """GET /health is 200 with status, version, timestamp and dependencies; HEAD works."""
    answer = client.get("/health").of(200)
    keys = {"status", "version", "timestamp", "dependencies"}
    answer.expect(set(answer.json) == keys, f"the keys {sorted(keys)}")
    answer.expect(answer.json["status"] == "healthy", "status healthy")
    answer.expect(answer.json["timestamp"].endswith("Z"), "a time in UTC")
    found = answer.json["dependencies"]
    answer.expect(found.get("database") == "connected", "database connected")
    answer.expect(found.get("migrations") == "current", "migrations current")
    if "broker" in found:
        answer.expect(found["broker"] == "connected", "broker connected")
        answer.expect(set(found.get("worker", {})) == {"last_seen"}, "when a worker was seen")
    head = client.send("HEAD", "/health").of(200)
    head.expect(not head.body, "no body")


def unknown_route(client: Client) -> None:
    """An unknown route is 404 NOT_FOUND in the envelope, its path without the query."""
    client.get(f"{_UNKNOWN}?secret=1").refused(404, "NOT_FOUND", _UNKNOWN)


def wrong_method(client: Client) -> None:
    """A wrong method is 405 METHOD_NOT_ALLOWED with Allow."""
    answer = client.send("POST", "/health/live").refused(405, "METHOD_NOT_ALLOWED")
    answer.expect("GET" in answer.headers.get("allow", ""), "Allow naming GET")


def request_id_kept(client: Client) -> None:
    """A good X-Request-ID is accepted, returned, and stands in the envelope."""
    for given in ("a", "A.b_c-9", "x" * 128):
        answer = client.get(_UNKNOWN, {"X-Request-ID": given}).refused(404, "NOT_FOUND")
        answer.expect(answer.headers.get("x-request-id") == given, f"X-Request-ID {given}")


def request_id_made(client: Client) -> None:
    """A bad or absent X-Request-ID is replaced by a new one."""
    seen: set[str] = set()
    for given in (None, "x" * 129, "a b", ""):
        headers = {} if given is None else {"X-Request-ID": given}
        answer = client.get("/health/live", headers)
        made = answer.headers.get("x-request-id", "")
        answer.expect(re.fullmatch(r"[A-Za-z0-9._-]{1,128}", made), "a well-formed X-Request-ID")
        answer.expect(made != given and made not in seen, "a new X-Request-ID")
        seen.add(made)


def docs(client: Client) -> None:
    """/docs and /openapi.json are 200, and the page and its files come from this host only."""
    client.get("/openapi.json").of(200)
    page = client.get("/docs").of(200)
    references = re.findall(r"""["'(]\s*((?:https?:)?//[^"')\s]+|/[^"')\s]+)""", page.text)
    foreign = [reference for reference in references if "//" in reference]
    page.expect(not foreign, f"nothing from another host, not {', '.join(foreign)}")
    files = [reference for reference in references if reference.endswith((".js", ".css", ".png"))]
    page.expect(files, "a page made of scripts and styles")
    for file in files:
        client.get(file).of(200)


def malformed_json(client: Client) -> None:
    """Malformed, empty, not UTF-8 or untyped JSON is 422 VALIDATION_FAILED, located in the body."""
    method, path = _json_operation(client) or ("", "")
    for headers, body in ((JSON_TYPE, b"{"), (JSON_TYPE, b""), (JSON_TYPE, b"\xff"), ({}, b"{}")):
        client.send(method, path, headers, body).invalid("body", path)


def oversized_body(client: Client) -> None:
    """Exactly the limit of a body is read; one byte more is 413 PAYLOAD_TOO_LARGE."""
    method, path = _json_operation(client) or ("", "")
    body = b" " * _MAX_BODY_BYTES
    client.send(method, path, JSON_TYPE, body).invalid("body", path)
    client.send(method, path, JSON_TYPE, body + b" ").refused(413, "PAYLOAD_TOO_LARGE", path)


def _json_operation(client: Client) -> tuple[str, str] | None:
    """Any operation that takes JSON and no parameter in its path."""
    return next(
        (
            (method.upper(), path)
            for path, methods in client.operations().items()
            for method, operation in methods.items()
            if "{" not in path and "application/json" in str(operation.get("requestBody"))
        ),
        None,
    )
