"""The contract of services with authentication."""

import re
import uuid
from collections.abc import Callable, Iterator

from generator.verify.contract.client import Answer, Client, Headers

# Features of the template that need credentials. Routes that a team adds may be public.
_FEATURES = re.compile(
    r"/api/v1/(users/me|users|items|files|jobs)(/\{\w+\}|/reports|/export)?(/content|/events)?"
)
_REGISTRATION = ("post", "/api/v1/users")


def checks(client: Client) -> list[Callable[[Client], None]]:
    has_callers = client.security_schemes() or (client.caller and any(_operations(client)))
    if not has_callers:
        return []
    return [
        check_security_schemes,
        check_missing_credentials,
        check_forged_credentials,
        check_public_routes,
    ]


def check_security_schemes(client: Client) -> None:
    """OpenAPI declares the security scheme, and the routes that need authentication."""
    document = client.get("/openapi.json").require(200)
    document.expect(client.security_schemes(), "securitySchemes")
    for method, path, operation in _operations(client):
        document.expect(operation.get("security"), f"security of {method} {path}")


def check_missing_credentials(client: Client) -> None:
    """Protected routes return 401 UNAUTHORIZED without credentials.

    WWW-Authenticate names the scheme.
    """
    anonymous = client.anonymous()
    challenge = _challenge(client)
    for method, path in protected_routes(client):
        answer = anonymous.send(method, path).require_error(401, "UNAUTHORIZED", path)
        _expect_challenge(answer, challenge)


def check_forged_credentials(client: Client) -> None:
    """Protected routes return 401 INVALID_TOKEN for forged or altered credentials."""
    challenge = _challenge(client)
    for method, path in protected_routes(client):
        for credentials in _forge_credentials(client):
            forged = client.with_caller(credentials)
            answer = forged.send(method, path).require_error(401, "INVALID_TOKEN", path)
            _expect_challenge(answer, challenge)


def check_public_routes(client: Client) -> None:
    """Health and the documentation are public.

    An unknown route returns 404 without credentials, too.
    """
    anonymous = client.anonymous()
    for path in ("/health/live", "/health", "/docs", "/openapi.json"):
        anonymous.get(path).require(200)
    anonymous.get("/api/v1/no-such-route").require_error(404, "NOT_FOUND")


def protected_routes(client: Client) -> Iterator[tuple[str, str]]:
    """Yield method and path of the protected routes, with an unknown id in the path."""
    for method, path, _ in _operations(client):
        yield method.upper(), re.sub(r"\{\w+\}", str(uuid.uuid4()), path)


def _operations(client: Client) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield the operations that declare security, and those of the template that must."""
    for path, methods in client.operations().items():
        for method, operation in methods.items():
            must = _FEATURES.fullmatch(path) and (method, path) != _REGISTRATION
            if must or operation.get("security"):
                yield method, path, operation


def _challenge(client: Client) -> str:
    return "ApiKey" if client.security_schemes()[0]["type"] == "apiKey" else "Bearer"


def _expect_challenge(answer: Answer, challenge: str) -> None:
    sent = answer.headers.get("www-authenticate")
    answer.expect(sent == challenge, f"WWW-Authenticate: {challenge}")


def _forge_credentials(client: Client) -> Iterator[Headers]:
    """Yield invented credentials, and the caller's own with one character changed."""
    scheme = client.security_schemes()[0]
    if scheme["type"] == "apiKey":
        yield {scheme["name"]: "nonsense"}
    else:
        yield {"Authorization": "Bearer nonsense"}
    for name, value in client.caller.items():
        # The last character of base64 has unused bits: changing it may change nothing.
        changed = "A" if value[-9] != "A" else "B"
        yield {name: f"{value[:-9]}{changed}{value[-8:]}"}
