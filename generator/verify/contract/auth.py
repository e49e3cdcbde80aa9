"""Sentences of the contract that hold for a service that knows who is calling."""

import re
import uuid
from collections.abc import Callable, Iterator

from generator.verify.contract.client import Client, Headers

# What must be guarded wherever it is offered; what a team adds is the team's business.
_FEATURES = re.compile(r"/api/v1/(users/me|users|items|files|jobs)(/\{\w+\}|/reports)?(/content)?")
_REGISTRATION = ("post", "/api/v1/users")


def checks(client: Client) -> list[Callable[[Client], None]]:
    has_callers = client.schemes() or (client.caller and any(_operations(client)))
    return [declared, guarded, not_believed, open_to_all] if has_callers else []


def declared(client: Client) -> None:
    """OpenAPI says how a caller is known, and which routes need one."""
    document = client.get("/openapi.json").of(200)
    document.expect(client.schemes(), "securitySchemes")
    for method, path, operation in _operations(client):
        document.expect(operation.get("security"), f"security of {method} {path}")


def guarded(client: Client) -> None:
    """A route that needs a caller is 401 UNAUTHORIZED without one, and names the scheme."""
    nobody, challenge = client.as_nobody(), _challenge(client)
    for method, path in guarded_routes(client):
        answer = nobody.send(method, path).refused(401, "UNAUTHORIZED", path)
        found = answer.headers.get("www-authenticate")
        answer.expect(found == challenge, f"WWW-Authenticate: {challenge}")


def not_believed(client: Client) -> None:
    """Credentials that are made up or altered are 401 INVALID_TOKEN on every such route."""
    challenge = _challenge(client)
    for method, path in guarded_routes(client):
        for caller in _wrong(client):
            wrong = client.calling(caller)
            answer = wrong.send(method, path).refused(401, "INVALID_TOKEN", path)
            found = answer.headers.get("www-authenticate")
            answer.expect(found == challenge, f"WWW-Authenticate: {challenge}")


def open_to_all(client: Client) -> None:
    """Health and the documentation need no caller, and an unknown route is 404 for nobody, too."""
    nobody = client.as_nobody()
    for path in ("/health/live", "/health", "/docs", "/openapi.json"):
        nobody.get(path).of(200)
    nobody.get("/api/v1/no-such-route").refused(404, "NOT_FOUND")


def guarded_routes(client: Client) -> Iterator[tuple[str, str]]:
    """Method and path of what needs a caller, with an id that nothing has."""
    for method, path, _ in _operations(client):
        yield method.upper(), re.sub(r"\{\w+\}", str(uuid.uuid4()), path)


def _operations(client: Client) -> Iterator[tuple[str, str, dict[str, object]]]:
    """What says that it needs a caller, and what must."""
    for path, methods in client.operations().items():
        for method, operation in methods.items():
            must = _FEATURES.fullmatch(path) and (method, path) != _REGISTRATION
            if must or operation.get("security"):
                yield method, path, operation


def _challenge(client: Client) -> str:
    return "ApiKey" if client.schemes()[0]["type"] == "apiKey" else "Bearer"


def _wrong(client: Client) -> Iterator[Headers]:
    """What nobody was given, and what somebody was given with one character changed."""
    scheme = client.schemes()[0]
    if scheme["type"] == "apiKey":
        yield {scheme["name"]: "nonsense"}
    else:
        yield {"Authorization": "Bearer nonsense"}
    for name, value in client.caller.items():
        # Not the last one, some of whose bits decode to nothing.
        changed = "A" if value[-9] != "A" else "B"
        yield {name: f"{value[:-9]}{changed}{value[-8:]}"}
