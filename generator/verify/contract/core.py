"""The contract of every service."""

import re
from collections.abc import Callable
from http import HTTPStatus

from generator.verify.contract.client import JSON_TYPE, Client

_UNKNOWN = "/api/v1/no-such-route"
_MAX_BODY_BYTES = 1024 * 1024


def checks(client: Client) -> list[Callable[[Client], None]]:
    always = [
        check_liveness,
        check_health,
        check_unknown_route,
        check_wrong_method,
        check_valid_request_id,
        check_new_request_id,
        check_docs,
        check_metrics,
        check_cache_control,
    ]
    with_body = [check_malformed_json, check_oversized_body] if _json_operation(client) else []
    return [*always, *with_body]


def check_liveness(client: Client) -> None:
    """GET /health/live returns 200; HEAD returns 200 without a body."""
    client.get("/health/live").require(200)
    head = client.send("HEAD", "/health/live").require(200)
    head.expect(not head.body, "no body")


def check_health(client: Client) -> None:
    """GET /health returns 200 with status, version, timestamp and dependencies.

    HEAD returns 200 without a body.
    """
    answer = client.get("/health").require(200)
    keys = {"status", "version", "timestamp", "dependencies"}
    answer.expect(set(answer.json) == keys, f"the keys {sorted(keys)}")
    answer.expect(answer.json["status"] == "healthy", "status healthy")
    answer.expect(answer.json["timestamp"].endswith("Z"), "a time in UTC")
    dependencies = answer.json["dependencies"]
    answer.expect(dependencies.get("database") == "connected", "database connected")
    answer.expect(dependencies.get("migrations") == "current", "migrations current")
    queue = dependencies.get("jobs", {})
    answer.expect(set(queue) == {"waiting", "oldest_due_seconds"}, "the queue of jobs")
    if "broker" in dependencies:
        answer.expect(dependencies["broker"] == "connected", "broker connected")
        worker = dependencies.get("worker", {})
        answer.expect(set(worker) == {"last_seen"}, "last_seen of a worker")
    head = client.send("HEAD", "/health").require(200)
    head.expect(not head.body, "no body")


def check_unknown_route(client: Client) -> None:
    """An unknown route returns 404 NOT_FOUND in the error envelope.

    The path in the envelope has no query string.
    """
    client.get(f"{_UNKNOWN}?secret=1").require_error(404, "NOT_FOUND", _UNKNOWN)


def check_wrong_method(client: Client) -> None:
    """A wrong method returns 405 METHOD_NOT_ALLOWED with an Allow header."""
    answer = client.send("POST", "/health/live").require_error(405, "METHOD_NOT_ALLOWED")
    answer.expect("GET" in answer.headers.get("allow", ""), "Allow naming GET")


def check_valid_request_id(client: Client) -> None:
    """A valid X-Request-ID is returned in the header and in the error envelope."""
    for given in ("a", "A.b_c-9", "x" * 128):
        answer = client.get(_UNKNOWN, {"X-Request-ID": given}).require_error(404, "NOT_FOUND")
        answer.expect(answer.headers.get("x-request-id") == given, f"X-Request-ID {given}")


def check_new_request_id(client: Client) -> None:
    """An invalid or missing X-Request-ID is replaced by a new one."""
    ids: set[str] = set()
    for given in (None, "x" * 129, "a b", ""):
        headers = {} if given is None else {"X-Request-ID": given}
        answer = client.get("/health/live", headers)
        new = answer.headers.get("x-request-id", "")
        answer.expect(re.fullmatch(r"[A-Za-z0-9._-]{1,128}", new), "a well-formed X-Request-ID")
        answer.expect(new != given and new not in ids, "a new X-Request-ID")
        ids.add(new)


def check_docs(client: Client) -> None:
    """GET /docs and /openapi.json return 200; the page loads files from this host only."""
    client.get("/openapi.json").require(200)
    page = client.get("/docs").require(200)
    references = re.findall(r"""["'(]\s*((?:https?:)?//[^"')\s]+|/[^"')\s]+)""", page.text)
    foreign = [reference for reference in references if "//" in reference]
    page.expect(not foreign, f"nothing from another host, not {', '.join(foreign)}")
    files = [reference for reference in references if reference.endswith((".js", ".css", ".png"))]
    page.expect(files, "a page made of scripts and styles")
    for file in files:
        client.get(file).require(200)


def check_metrics(client: Client) -> None:
    """GET /metrics counts requests by the template of their route, or returns 404."""
    client.get(_UNKNOWN)
    answer = client.anonymous().get("/metrics")
    if answer.status == HTTPStatus.OK:
        answer.expect('route="/health/live"' in answer.text, "the route of a request")
        answer.expect(_UNKNOWN not in answer.text, "no path that a client chose")
    else:
        answer.require_error(404, "NOT_FOUND", "/metrics")


def check_cache_control(client: Client) -> None:
    """Health, errors and the documentation are stored by no cache."""
    for path in ("/health", "/health/live", "/docs", "/openapi.json", _UNKNOWN):
        answer = client.get(path)
        answer.expect(answer.headers.get("cache-control") == "no-store", "Cache-Control: no-store")


def check_malformed_json(client: Client) -> None:
    """Invalid JSON returns 422 VALIDATION_FAILED, located in the body.

    Invalid are malformed, empty and non-UTF-8 bodies, and bodies without a content type.
    """
    method, path = _json_operation(client) or ("", "")
    for headers, body in ((JSON_TYPE, b"{"), (JSON_TYPE, b""), (JSON_TYPE, b"\xff"), ({}, b"{}")):
        client.send(method, path, headers, body).require_validation_error("body", path)


def check_oversized_body(client: Client) -> None:
    """A body of exactly the limit is read; one byte more returns 413 PAYLOAD_TOO_LARGE."""
    method, path = _json_operation(client) or ("", "")
    body = b" " * _MAX_BODY_BYTES
    client.send(method, path, JSON_TYPE, body).require_validation_error("body", path)
    client.send(method, path, JSON_TYPE, body + b" ").require_error(413, "PAYLOAD_TOO_LARGE", path)


def _json_operation(client: Client) -> tuple[str, str] | None:
    """Return an operation with a JSON body and no path parameter."""
    return next(
        (
            (method.upper(), path)
            for path, methods in client.operations().items()
            for method, operation in methods.items()
            if "{" not in path and "application/json" in str(operation.get("requestBody"))
        ),
        None,
    )
