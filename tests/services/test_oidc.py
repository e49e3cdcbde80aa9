"""Tokens of an identity provider, at a running service: which it believes, and what it asks for."""

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

from generator.template.options import Option
from generator.verify.callers import OidcCallers
from generator.verify.contract.accounts import bearer
from generator.verify.contract.client import Answer
from generator.verify.servers.identity import DISCOVERY, JWKS, IdentityProvider, SigningKey
from tests.support.live import Live, installed, running_on_a_fresh_database
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"
Forge = Callable[[IdentityProvider], str]


@pytest.fixture
def live(options: tuple[Option, ...], workspace: Path, tmp_path: Path) -> Iterator[Live]:
    project = installed(row_with(options, auth="oidc", database="sqlite"), workspace)
    with running_on_a_fresh_database(project, tmp_path) as live:
        yield live


@pytest.fixture
def provider(live: Live) -> IdentityProvider:
    assert isinstance(live.callers, OidcCallers)
    return live.callers.provider


def call(live: Live, token: str) -> Answer:
    return live.client.calling(bearer(token)).get(ITEMS)


def signed_by_another(provider: IdentityProvider) -> str:
    """A key of one's own under the name of the provider's."""
    return SigningKey("RS256", SigningKey.new("RS256").private, provider.keys[0].id).sign(
        jwt.decode(provider.mint(), options={"verify_signature": False})
    )


def signed_with_the_public_key(provider: IdentityProvider) -> str:
    """What is published, taken for a secret; libraries refuse to do so."""
    public = provider.keys[0].private.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = without_signature(provider, "HS256")
    return f"{text}.{base64(hmac.digest(secret, text.encode(), 'sha256'))}"


def without_signature(provider: IdentityProvider, algorithm: str) -> str:
    head = json.dumps({"alg": algorithm, "kid": provider.keys[0].id}).encode()
    return f"{base64(head)}.{provider.mint().split('.')[1]}"


def base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


FORGED: dict[str, Forge] = {
    "for another service": lambda it: it.mint(aud="another"),
    "of another issuer": lambda it: it.mint(iss="https://login.example.com"),
    "expired": lambda it: it.mint(exp=int(time()) - 60),
    "not yet valid": lambda it: it.mint(nbf=int(time()) + 600),
    "that never expires": lambda it: it.mint(exp=None),
    "of nobody": lambda it: it.mint(sub=None),
    "for nobody": lambda it: it.mint(aud=None),
    "signed by another": signed_by_another,
    "signed with the public key": signed_with_the_public_key,
    "not signed": lambda it: f"{without_signature(it, 'none')}.",
    "with another signature": lambda it: f"{it.mint()[:-9]}AAAAAAAAA",
}


def test_no_forged_token_is_believed(live: Live, provider: IdentityProvider) -> None:
    call(live, provider.mint(sub="grace", name=None, roles="admin")).of(200)
    for kind, forge in FORGED.items():
        answer = call(live, forge(provider))
        assert answer.status == 401, kind
        answer.refused(401, "INVALID_TOKEN")

    call(live, provider.mint()).of(200)
    assert provider.requests == {DISCOVERY: 1, JWKS: 1}


def test_keys_come_and_go_with_few_questions(live: Live, provider: IdentityProvider) -> None:
    old = provider.mint()
    call(live, old).of(200)
    provider.rotate("ES256")
    new = provider.mint()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: call(live, new), range(16)))
    for answer in answers:
        answer.of(200)
    call(live, old).refused(401, "INVALID_TOKEN")

    provider.rotate()  # Within a minute nobody is asked again.
    for _ in range(5):
        call(live, provider.mint()).refused(401, "INVALID_TOKEN")
    assert provider.requests == {DISCOVERY: 2, JWKS: 2}


def test_without_its_provider_the_service_knows_whom_it_knew(
    live: Live, provider: IdentityProvider
) -> None:
    provider.stop()
    refused = call(live, provider.mint()).refused(503, "BUSY")
    assert int(refused.headers["retry-after"]) >= 1
    live.client.get("/health").of(200)

    provider.start()
    call(live, provider.mint()).of(200)

    provider.stop()
    call(live, provider.mint()).of(200)
    provider.rotate()
    call(live, provider.mint()).refused(503, "BUSY")
