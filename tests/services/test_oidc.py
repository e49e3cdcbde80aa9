"""Tokens of an identity provider: forged tokens, key rotation, an unavailable provider."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import time

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from generator.verify.callers import OidcCallers
from generator.verify.contract.accounts import bearer
from generator.verify.contract.client import Answer
from generator.verify.servers.identity import DISCOVERY, JWKS, IdentityProvider, SigningKey
from tests.support.live import Install, Live, run_on_fresh_database

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"
Forge = Callable[[IdentityProvider], str]


@pytest.fixture
def live(install: Install, tmp_path: Path) -> Iterator[Live]:
    project = install(auth="oidc", database="sqlite")
    with run_on_fresh_database(project, tmp_path) as live:
        yield live


@pytest.fixture
def provider(live: Live) -> IdentityProvider:
    assert isinstance(live.callers, OidcCallers)
    return live.callers.provider


def call(live: Live, token: str) -> Answer:
    return live.client.with_caller(bearer(token)).get(ITEMS)


def sign_with_other_key(provider: IdentityProvider) -> str:
    """Sign with another key under the id of the provider's key."""
    return SigningKey("RS256", SigningKey.new("RS256").private, provider.keys[0].id).sign(
        jwt.decode(provider.mint(), options={"verify_signature": False})
    )


def sign_with_public_key(provider: IdentityProvider) -> str:
    """Sign with HS256 and the public key as the secret. PyJWT refuses to do so."""
    public = provider.keys[0].private.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = mint_unsigned(provider, "HS256")
    return f"{text}.{base64(hmac.digest(secret, text.encode(), 'sha256'))}"


def mint_unsigned(provider: IdentityProvider, algorithm: str) -> str:
    head = json.dumps({"alg": algorithm, "kid": provider.keys[0].id}).encode()
    return f"{base64(head)}.{provider.mint().split('.')[1]}"


def base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


FORGED: dict[str, Forge] = {
    "other audience": lambda provider: provider.mint(aud="another"),
    "other issuer": lambda provider: provider.mint(iss="https://login.example.com"),
    "expired": lambda provider: provider.mint(exp=int(time()) - 60),
    "not yet valid": lambda provider: provider.mint(nbf=int(time()) + 600),
    "without expiry": lambda provider: provider.mint(exp=None),
    "without subject": lambda provider: provider.mint(sub=None),
    "without audience": lambda provider: provider.mint(aud=None),
    "signed with another key": sign_with_other_key,
    "signed with the public key": sign_with_public_key,
    "not signed": lambda provider: f"{mint_unsigned(provider, 'none')}.",
    "wrong signature": lambda provider: f"{provider.mint()[:-9]}AAAAAAAAA",
}


def test_forged_tokens_are_rejected(live: Live, provider: IdentityProvider) -> None:
    call(live, provider.mint(sub="grace", name=None, roles="admin")).require(200)
    for kind, forge in FORGED.items():
        answer = call(live, forge(provider))
        assert answer.status == 401, kind
        answer.require_error(401, "INVALID_TOKEN")

    call(live, provider.mint()).require(200)
    assert provider.requests == {DISCOVERY: 1, JWKS: 1}


def test_rotation_needs_few_requests(live: Live, provider: IdentityProvider) -> None:
    old = provider.mint()
    call(live, old).require(200)
    provider.rotate("ES256")
    new = provider.mint()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: call(live, new), range(16)))
    for answer in answers:
        answer.require(200)
    call(live, old).require_error(401, "INVALID_TOKEN")

    provider.rotate()  # The service refetches keys at most once a minute.
    for _ in range(5):
        call(live, provider.mint()).require_error(401, "INVALID_TOKEN")
    assert provider.requests == {DISCOVERY: 2, JWKS: 2}


def test_cached_keys_outlive_provider(live: Live, provider: IdentityProvider) -> None:
    provider.stop()
    answer = call(live, provider.mint()).require_error(503, "BUSY")
    assert int(answer.headers["retry-after"]) >= 1
    live.client.get("/health").require(200)

    provider.start()
    call(live, provider.mint()).require(200)

    provider.stop()
    call(live, provider.mint()).require(200)
    provider.rotate()
    call(live, provider.mint()).require_error(503, "BUSY")
