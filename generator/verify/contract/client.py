"""An HTTP client for a running service, with assertions on its answers."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

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
        """The body as JSON; raises ContractError if it is not JSON."""
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

    def require(self, status: int) -> "Answer":
        """Require the status."""
        self.expect(self.status == status, f"status {status}")
        return self

    def require_error(self, status: int, code: str, path: str | None = None) -> "Answer":
        """Require the error envelope, with details for failed validation."""
        self.require(status)
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

    def require_validation_error(self, part: str, path: str | None = None) -> None:
        """Require VALIDATION_FAILED for `body`, `query` or `path`."""
        details = self.require_error(422, "VALIDATION_FAILED", path).json["error"]["details"]
        self.expect(details and details[0]["loc"][0] == part, f"details located in {part}")


class Client:
    """An HTTP client with one connection per request; anonymous by default."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        # Headers with the credentials of the caller, sent with every request.
        self.caller: Headers = {}
        self.admin: Callable[[], Headers] = dict

    def with_caller(self, caller: Headers, admin: Callable[[], Headers] = dict) -> Self:
        """Copy the client with these credentials; `admin` returns those of an administrator."""
        other = copy(self)
        other.caller = caller
        other.admin = admin
        return other

    def anonymous(self) -> Self:
        """Copy the client without credentials."""
        return self.with_caller({}, self.admin)

    def as_admin(self) -> Self:
        """Copy the client as an administrator; anonymous if the service has no roles."""
        return self.with_caller(self.admin(), self.admin)

    def send(
        self,
        method: str,
        path: str,
        headers: Headers | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.connect()
            # A service may reject a body before it has read all of it.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, {**self.caller, **(headers or {})})
            response = connection.getresponse()
            lower_case = {name.lower(): value for name, value in response.getheaders()}
            return Answer(f"{method} {path}", response.status, lower_case, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise ContractError(f"{method} {path} got no answer: {error!r}") from error
        finally:
            connection.close()

    def follow(
        self, path: str, headers: Headers | None = None, first_message: object = None
    ) -> Answer:
        """Open a WebSocket and return its messages as a JSON list, with the code that closed it."""
        request = f"WEBSOCKET {path}"
        messages: list[object] = []
        try:
            with connect(
                f"ws://{self.host}:{self.port}{path}",
                additional_headers={**self.caller, **(headers or {})},
                proxy=None,
                open_timeout=30,
            ) as socket:
                if first_message is not None:
                    socket.send(json.dumps(first_message))
                with suppress(ConnectionClosed):
                    while True:
                        messages.append(json.loads(socket.recv(timeout=30)))
                return Answer(request, socket.close_code or 0, {}, json.dumps(messages).encode())
        except (OSError, ValueError, WebSocketException) as error:
            raise ContractError(f"{request} failed: {error!r}") from error

    def get(self, path: str, headers: Headers | None = None) -> Answer:
        return self.send("GET", path, headers)

    def send_json(self, method: str, path: str, value: object) -> Answer:
        return self.send(method, path, JSON_TYPE, json.dumps(value).encode())

    def operations(self) -> dict[str, dict[str, dict[str, object]]]:
        """Return the operations of /openapi.json by path and method."""
        paths: dict[str, dict[str, dict[str, object]]] = self.get("/openapi.json").json["paths"]
        return paths

    def security_schemes(self) -> list[dict[str, Any]]:
        """Return the security schemes of /openapi.json; empty without authentication."""
        components = self.get("/openapi.json").json.get("components", {})
        return list(components.get("securitySchemes", {}).values())
