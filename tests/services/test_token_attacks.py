"""Forged tokens and API keys against running services, for each kind of authentication."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from generator.verify.callers import OidcCallers, callers_of
from generator.verify.contract.accounts import bearer
from generator.verify.contract.client import Client
from generator.verify.servers.identity import IdentityProvider, SigningKey
from tests.support.live import Install, Live, run_on_fresh_database

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"


def serve(install: Install, folder: Path, auth: str) -> Iterator[Live]:
    project = install(sqlalchemy="async", database="sqlite", auth=auth)
    with run_on_fresh_database(project, folder) as live:
        yield live


@pytest.fixture(scope="module")
def jwt_service(install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from serve(install, tmp_path_factory.mktemp("jwt"), "jwt")


@pytest.fixture(scope="module")
def oidc_service(install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from serve(install, tmp_path_factory.mktemp("oidc"), "oidc")


@pytest.fixture(scope="module")
def api_key_service(install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from serve(install, tmp_path_factory.mktemp("api_key"), "api_key")


def claims_of(client: Client) -> dict[str, Any]:
    token = client.caller["Authorization"].removeprefix("Bearer ")
    return dict(jwt.decode(token, options={"verify_signature": False}))


def secret_key(live: Live) -> str:
    lines = (live.project.folder / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["SECRET_KEY"]


def encode_unsigned(claims: dict[str, Any], **header: str) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def invalid_claims(claims: dict[str, Any]) -> list[dict[str, Any]]:
    """Return claims with a missing or wrong expiry, time, issuer or audience."""
    now = int(time.time())
    incomplete = [{k: v for k, v in claims.items() if k != missing} for missing in ("exp", "aud")]
    return [
        *incomplete,
        {**claims, "exp": now - 10},
        {**claims, "nbf": now + 60},
        {**claims, "iat": now + 60},
        {**claims, "iss": "https://other.example"},
        {**claims, "aud": "another service"},
    ]


def expect_invalid_token(live: Live, token: str) -> None:
    answer = (
        live.client.with_caller(bearer(token)).get(ITEMS).require_error(401, "INVALID_TOKEN", ITEMS)
    )
    assert answer.headers["www-authenticate"] == "Bearer"


MALFORMED = ["x", "a.b.c", "." * 3000, "x" * 60_000, encode_unsigned({}, alg="none"), "[" * 50_000]


@pytest.mark.parametrize("auth", ["jwt_service", "oidc_service"])
def test_malformed_tokens_are_rejected(request: pytest.FixtureRequest, auth: str) -> None:
    live: Live = request.getfixturevalue(auth)
    nested = base64.urlsafe_b64encode(b"[" * 40_000).decode().rstrip("=")
    for token in (*MALFORMED, f"{nested}.e30.", f"{nested}.{nested[:4000]}."):
        expect_invalid_token(live, token)
    anonymous = live.client.anonymous()
    anonymous.get(ITEMS).require_error(401, "UNAUTHORIZED", ITEMS)
    anonymous.get(ITEMS, {"Authorization": "Basic YTpi"}).require_error(401, "UNAUTHORIZED", ITEMS)


@pytest.mark.parametrize("auth", ["jwt_service", "oidc_service"])
def test_huge_token_is_rejected(request: pytest.FixtureRequest, auth: str) -> None:
    live: Live = request.getfixturevalue(auth)
    answer = live.client.with_caller(bearer("x" * 1024 * 1024)).get(ITEMS)
    # uvicorn may reject the headers before the application is called.
    assert answer.status in {400, 401, 431}
    live.client.get(ITEMS).require(200)


def test_forged_user_tokens_are_rejected(jwt_service: Live) -> None:
    claims = claims_of(jwt_service.client)
    key = secret_key(jwt_service)
    foreign = SigningKey.new("RS256")
    for token in (
        encode_unsigned(claims, alg="none", typ="JWT"),
        encode_unsigned(claims, alg="None", typ="JWT"),
        encode_unsigned(claims, alg="HS256", typ="JWT"),
        jwt.encode(claims, "another secret: " + "x" * 32, "HS256"),
        jwt.encode(claims, key, "HS384"),
        jwt.encode(claims, key, "HS512"),
        foreign.sign(claims),
        *(jwt.encode(wrong, key, "HS256") for wrong in invalid_claims(claims)),
    ):
        expect_invalid_token(jwt_service, token)
    jwt_service.client.with_caller(bearer(jwt.encode(claims, key, "HS256"))).get(ITEMS).require(200)


@pytest.fixture
def provider(oidc_service: Live) -> IdentityProvider:
    assert isinstance(oidc_service.callers, OidcCallers)
    return oidc_service.callers.provider


def test_forged_oidc_tokens_are_rejected(oidc_service: Live, provider: IdentityProvider) -> None:
    claims = claims_of(oidc_service.client)
    signing = provider.keys[0]
    foreign = SigningKey(signing.algorithm, SigningKey.new(signing.algorithm).private, signing.id)
    public = signing.private.public_key()
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        secret = public.public_bytes(Encoding.PEM, form)
        expect_invalid_token(oidc_service, sign_hs256(secret, claims, kid=signing.id))
    for token in (
        encode_unsigned(claims, alg="none", kid=signing.id),
        foreign.sign(claims),
        signing.sign(claims, kid="no-such-key"),
        jwt.encode(claims, signing.private, "PS256", {"kid": signing.id}),
        *(signing.sign(wrong) for wrong in invalid_claims(claims)),
    ):
        expect_invalid_token(oidc_service, token)
    oidc_service.client.with_caller(bearer(signing.sign(claims))).get(ITEMS).require(200)


def sign_hs256(secret: bytes, claims: dict[str, Any], **header: str) -> str:
    """Sign with a public key as the shared secret, which PyJWT refuses to do."""
    hs256 = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    content = encode_unsigned(claims, alg="HS256", **header).removesuffix(".")
    signature = base64.urlsafe_b64encode(hs256.sign(content.encode(), secret)).decode()
    return f"{content}.{signature.rstrip('=')}"


def test_key_url_in_header_is_ignored(oidc_service: Live, provider: IdentityProvider) -> None:
    foreign = SigningKey.new("RS256")
    with IdentityProvider.running() as other:
        other.keys = [foreign]
        for name in ("jku", "x5u"):
            headers = {name: f"{other.issuer}/keys"}
            expect_invalid_token(
                oidc_service, foreign.sign(claims_of(oidc_service.client), **headers)
            )
        assert other.requests.total() == 0
    assert provider.requests.total() > 0


def test_unknown_api_keys_are_rejected(api_key_service: Live) -> None:
    valid = api_key_service.client.caller["X-API-Key"]
    others = callers_of(api_key_service.project)
    with others.prepared():
        foreign = others.introduce(Client("", 0)).caller["X-API-Key"]
    for key in (foreign, valid[:-1], valid + "x", valid.swapcase(), "'; --", "x" * 60_000):
        client = api_key_service.client.with_caller({"X-API-Key": key})
        answer = client.get(ITEMS).require_error(401, "INVALID_TOKEN", ITEMS)
        assert answer.headers["www-authenticate"] == "ApiKey"
    anonymous = api_key_service.client.anonymous()
    for headers in ({}, {"X-API-Key": ""}, bearer(valid)):
        anonymous.get(ITEMS, headers).require_error(401, "UNAUTHORIZED", ITEMS)
    assert valid not in api_key_service.log.read_text()


@pytest.mark.parametrize("auth", ["jwt_service", "oidc_service", "api_key_service"])
def test_request_id_cannot_split_headers(request: pytest.FixtureRequest, auth: str) -> None:
    live: Live = request.getfixturevalue(auth)
    for given in ("a%0d%0aSet-Cookie: x=1", "a\tb", "a;b", '"', "x" * 129):
        answer = live.client.get(ITEMS, {"X-Request-ID": given}).require(200)
        assert answer.headers["x-request-id"] != given
        assert "set-cookie" not in answer.headers
