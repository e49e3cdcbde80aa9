"""The identity provider that stands in for a company's own: tokens, keys, and being away."""

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


def verified(provider: IdentityProvider, token: str) -> dict[str, Any]:
    """The claims, as a client verifies them that knows the issuer alone."""
    discovered = fetch(f"{provider.issuer}{DISCOVERY}")
    keys = jwt.PyJWKSet.from_dict(fetch(discovered["jwks_uri"]))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return dict(
        jwt.decode(
            token,
            key,
            algorithms=discovered["id_token_signing_alg_values_supported"],
            audience=provider.audience,
            issuer=discovered["issuer"],
        )
    )


def test_a_token_is_verified_by_what_is_published(provider: IdentityProvider) -> None:
    claims = verified(provider, provider.mint(sub="grace", roles=["admin"], name=None))

    assert (claims["sub"], claims["roles"]) == ("grace", ["admin"])
    assert "name" not in claims
    assert provider.requests == {DISCOVERY: 1, JWKS: 1}


def test_a_key_is_rotated_in_and_out(provider: IdentityProvider) -> None:
    old = provider.mint()
    provider.rotate("ES256", keep=True)
    assert {verified(provider, token)["sub"] for token in (old, provider.mint())} == {"ada"}

    provider.rotate()
    verified(provider, provider.mint())
    with pytest.raises(KeyError):
        verified(provider, old)


def test_it_goes_away_and_comes_back_as_it_was(provider: IdentityProvider) -> None:
    token = provider.mint()

    provider.stop()
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection(HOST, provider.port, timeout=5).connect()
    provider.start()

    assert verified(provider, token)["sub"] == "ada"


def test_what_it_does_not_publish_is_not_found(provider: IdentityProvider) -> None:
    assert fetch(f"{provider.issuer}/nowhere") is None
