"""The identity provider for tests: tokens, key rotation, restarts."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from generator.project.serve import HOST
from generator.verify.servers.identity import DISCOVERY, JWKS, IdentityProvider


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider.running() as provider:
        yield provider


def fetch(url: str) -> Any:  # noqa: ANN401
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=5)
    connection.request("GET", address.path)
    return json.load(connection.getresponse())


def verify(provider: IdentityProvider, token: str) -> dict[str, Any]:
    """Verify a token like a client that is configured with the issuer only; return its claims."""
    document = fetch(f"{provider.issuer}{DISCOVERY}")
    keys = jwt.PyJWKSet.from_dict(fetch(document["jwks_uri"]))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return dict(
        jwt.decode(
            token,
            key,
            algorithms=document["id_token_signing_alg_values_supported"],
            audience=provider.audience,
            issuer=document["issuer"],
        )
    )


def test_published_keys_verify_token(provider: IdentityProvider) -> None:
    claims = verify(provider, provider.mint(sub="grace", roles=["admin"], name=None))

    assert (claims["sub"], claims["roles"]) == ("grace", ["admin"])
    assert "name" not in claims
    assert provider.requests == {DISCOVERY: 1, JWKS: 1}


def test_keys_rotate(provider: IdentityProvider) -> None:
    old = provider.mint()
    provider.rotate("ES256", keep=True)
    assert {verify(provider, token)["sub"] for token in (old, provider.mint())} == {"ada"}

    provider.rotate()
    verify(provider, provider.mint())
    with pytest.raises(KeyError):
        verify(provider, old)


def test_restart_keeps_port_and_keys(provider: IdentityProvider) -> None:
    token = provider.mint()

    provider.stop()
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection(HOST, provider.port, timeout=5).connect()
    provider.start()

    assert verify(provider, token)["sub"] == "ada"


def test_unknown_path_is_not_found(provider: IdentityProvider) -> None:
    assert fetch(f"{provider.issuer}/nowhere") is None
