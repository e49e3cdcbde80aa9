"""Requests to a running service, and what its answers are required to be."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from generator.errors import CommandError

_ENVELOPE = {"code", "message", "path", "request_id"}
Headers = Mapping[str, str]
JSON_TYPE = {"Content-Type": "application/json"}


class ContractError(CommandError):
    """The service broke a sentence of its contract."""


@dataclass(frozen=True)
class Answer:
    """One response; header names are in lower case."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The body as JSON; raises ContractError when it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ContractError(f"{self.request} answered no JSON: {self.text[:200]!r}") from error

    def expect(self, met: object, expectation: str) -> None:
        """Raise ContractError unless the expectation is met."""
        if not met:
            raise ContractError(
                f"{self.request}: expected {expectation}, got {self.status} "
                f"{dict(self.headers)} {self.text[:500]}"
            )

    def of(self, status: int) -> "Answer":
        """Require the status."""
        self.expect(self.status == status, f"status {status}")
        return self

    def refused(self, status: int, code: str, path: str | None = None) -> "Answer":
        """Require an error in the one shape of all errors, with details for failed validation."""
        self.of(status)
        self.expect(set(self.json) == {"error"}, "the envelope")
        error = self.json["error"]
        keys = _ENVELOPE | ({"details"} if code == "VALIDATION_FAILED" else set())
        self.expect(set(error) == keys, f"the keys {sorted(keys)}")
        self.expect(error["code"] == code, f"code {code}")
        self.expect(path in (None, error["path"]), f"path {path}")
        self.expect(error["request_id"] == self.headers.get("x-request-id"), "its request id")
        for detail in error.get("details", []):
            self.expect(set(detail) == {"loc", "msg", "type"}, "details of loc, msg and type")
        return self

    def invalid(self, part: str, path: str | None = None) -> None:
        """Require failed validation of `body`, `query` or `path`."""
        details = self.refused(422, "VALIDATION_FAILED", path).json["error"]["details"]
        self.expect(details and details[0]["loc"][0] == part, f"details located in {part}")


class Client:
    """Speaks HTTP to a service on this machine, as nobody; a connection for each request."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        # What every request says about who calls.
        self.caller: Headers = {}
        self.admin: Callable[[], Headers] = dict

    def calling(self, caller: Headers, admin: Callable[[], Headers] = dict) -> Self:
        """The same client as another caller; `admin` is asked when the administrator is needed."""
        other = copy(self)
        other.caller, other.admin = caller, admin
        return other

    def as_nobody(self) -> Self:
        return self.calling({}, self.admin)

    def as_admin(self) -> Self:
        """An administrator, where the service knows roles; elsewhere nobody."""
        return self.calling(self.admin(), self.admin)

    def send(
        self,
        method: str,
        path: str,
        headers: Headers | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            # A service may refuse a body before it has read all of it.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, {**self.caller, **(headers or {})})
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(f"{method} {path}", response.status, named, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise ContractError(f"{method} {path} was not answered: {error!r}") from error
        finally:
            connection.close()

    def get(self, path: str, headers: Headers | None = None) -> Answer:
        return self.send("GET", path, headers)

    def send_json(self, method: str, path: str, value: object) -> Answer:
        return self.send(method, path, JSON_TYPE, json.dumps(value).encode())

    def operations(self) -> dict[str, dict[str, dict[str, object]]]:
        """What the service says that it offers: path, method, operation."""
        paths: dict[str, dict[str, dict[str, object]]] = self.get("/openapi.json").json["paths"]
        return paths

    def schemes(self) -> list[dict[str, Any]]:
        """How the service says that a caller is known; none where it knows no callers."""
        components = self.get("/openapi.json").json.get("components", {})
        return list(components.get("securitySchemes", {}).values())
