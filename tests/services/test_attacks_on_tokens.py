"""Forged tokens and keys against a running service, whoever vouches for its callers."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from generator.template.options import Option
from generator.verify.callers import OidcCallers, callers_of
from generator.verify.contract.accounts import bearer
from generator.verify.contract.client import Client
from generator.verify.servers.identity import IdentityProvider, SigningKey
from tests.support.live import Live, installed, running_on_a_fresh_database
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"

# Signs what the bearer of a valid token might claim instead.
Forge = Callable[..., str]


def serve(options: tuple[Option, ...], workspace: Path, folder: Path, auth: str) -> Iterator[Live]:
    row = row_with(options, sqlalchemy="async", database="sqlite", auth=auth)
    project = installed(row, workspace)
    with running_on_a_fresh_database(project, folder) as live:
        yield live


@pytest.fixture(scope="module")
def jwt_service(
    options: tuple[Option, ...], workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    yield from serve(options, workspace, tmp_path_factory.mktemp("jwt"), "jwt")


@pytest.fixture(scope="module")
def oidc_service(
    options: tuple[Option, ...], workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    yield from serve(options, workspace, tmp_path_factory.mktemp("oidc"), "oidc")


@pytest.fixture(scope="module")
def api_key_service(
    options: tuple[Option, ...], workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    yield from serve(options, workspace, tmp_path_factory.mktemp("api_key"), "api_key")


def claims_of(client: Client) -> dict[str, Any]:
    token = client.caller["Authorization"].removeprefix("Bearer ")
    return dict(jwt.decode(token, options={"verify_signature": False}))


def secret_key(live: Live) -> str:
    lines = (live.project.folder / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["SECRET_KEY"]


def unsigned(claims: dict[str, Any], **header: str) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def misclaimed(claims: dict[str, Any]) -> list[dict[str, Any]]:
    """Claims that the issuer itself might have signed, and that are not for here and now."""
    now = int(time.time())
    without = [{k: v for k, v in claims.items() if k != missing} for missing in ("exp", "aud")]
    return [
        *without,
        {**claims, "exp": now - 10},
        {**claims, "nbf": now + 60},
        {**claims, "iat": now + 60},
        {**claims, "iss": "https://somebody.example"},
        {**claims, "aud": "another service"},
    ]


def expect_refused(live: Live, token: str) -> None:
    answer = live.client.calling(bearer(token)).get(ITEMS).refused(401, "INVALID_TOKEN", ITEMS)
    assert answer.headers["www-authenticate"] == "Bearer"


MALFORMED = ["x", "a.b.c", "." * 3000, "x" * 60_000, unsigned({}, alg="none"), "[" * 50_000]


@pytest.mark.parametrize("auth", ["jwt_service", "oidc_service"])
def test_what_is_no_token_is_refused(request: pytest.FixtureRequest, auth: str) -> None:
    live: Live = request.getfixturevalue(auth)
    nested = base64.urlsafe_b64encode(b"[" * 40_000).decode().rstrip("=")
    for token in (*MALFORMED, f"{nested}.e30.", f"{nested}.{nested[:4000]}."):
        expect_refused(live, token)
    nobody = live.client.as_nobody()
    nobody.get(ITEMS).refused(401, "UNAUTHORIZED", ITEMS)
    nobody.get(ITEMS, {"Authorization": "Basic YTpi"}).refused(401, "UNAUTHORIZED", ITEMS)


@pytest.mark.parametrize("auth", ["jwt_service", "oidc_service"])
def test_a_megabyte_of_token_takes_nothing_down(request: pytest.FixtureRequest, auth: str) -> None:
    live: Live = request.getfixturevalue(auth)
    answer = live.client.calling(bearer("x" * 1024 * 1024)).get(ITEMS)
    # The server itself may refuse before there is a request.
    assert answer.status in {400, 401, 431}
    live.client.get(ITEMS).of(200)


def test_tokens_that_users_forge_are_refused(jwt_service: Live) -> None:
    claims, key = claims_of(jwt_service.client), secret_key(jwt_service)
    mine = SigningKey.new("RS256")
    for token in (
        unsigned(claims, alg="none", typ="JWT"),
        unsigned(claims, alg="None", typ="JWT"),
        unsigned(claims, alg="HS256", typ="JWT"),
        jwt.encode(claims, "of somebody else: " + "x" * 32, "HS256"),
        jwt.encode(claims, key, "HS384"),
        jwt.encode(claims, key, "HS512"),
        mine.sign(claims),
        *(jwt.encode(wrong, key, "HS256") for wrong in misclaimed(claims)),
    ):
        expect_refused(jwt_service, token)
    jwt_service.client.calling(bearer(jwt.encode(claims, key, "HS256"))).get(ITEMS).of(200)


@pytest.fixture
def provider(oidc_service: Live) -> IdentityProvider:
    assert isinstance(oidc_service.callers, OidcCallers)
    return oidc_service.callers.provider


def test_tokens_that_the_provider_did_not_sign_are_refused(
    oidc_service: Live, provider: IdentityProvider
) -> None:
    claims, (signing, *_) = claims_of(oidc_service.client), provider.keys
    stranger = SigningKey(signing.algorithm, SigningKey.new(signing.algorithm).private, signing.id)
    public = signing.private.public_key()
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        secret = public.public_bytes(Encoding.PEM, form)
        expect_refused(oidc_service, signed_with(secret, claims, kid=signing.id))
    for token in (
        unsigned(claims, alg="none", kid=signing.id),
        stranger.sign(claims),
        signing.sign(claims, kid="no-such-key"),
        jwt.encode(claims, signing.private, "PS256", {"kid": signing.id}),
        *(signing.sign(wrong) for wrong in misclaimed(claims)),
    ):
        expect_refused(oidc_service, token)
    oidc_service.client.calling(bearer(signing.sign(claims))).get(ITEMS).of(200)


def signed_with(secret: bytes, claims: dict[str, Any], **header: str) -> str:
    """As a shared secret, which the public half of a key must never be taken for."""
    hs256 = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    content = unsigned(claims, alg="HS256", **header).removesuffix(".")
    signature = base64.urlsafe_b64encode(hs256.sign(content.encode(), secret)).decode()
    return f"{content}.{signature.rstrip('=')}"


def test_a_header_names_no_key_of_its_own(oidc_service: Live, provider: IdentityProvider) -> None:
    mine = SigningKey.new("RS256")
    with IdentityProvider.running() as other:
        other.keys = [mine]
        for name in ("jku", "x5u"):
            headers = {name: f"{other.issuer}/keys"}
            expect_refused(oidc_service, mine.sign(claims_of(oidc_service.client), **headers))
        assert other.requests.total() == 0
    assert provider.requests.total() > 0


def test_a_key_that_is_not_configured_is_refused(api_key_service: Live) -> None:
    given = api_key_service.client.caller["X-API-Key"]
    others = callers_of(api_key_service.project)
    with others.prepared():
        foreign = others.introduce(Client("", 0)).caller["X-API-Key"]
    for key in (foreign, given[:-1], given + "x", given.swapcase(), "'; --", "x" * 60_000):
        client = api_key_service.client.calling({"X-API-Key": key})
        answer = client.get(ITEMS).refused(401, "INVALID_TOKEN", ITEMS)
        assert answer.headers["www-authenticate"] == "ApiKey"
    nobody = api_key_service.client.as_nobody()
    for headers in ({}, {"X-API-Key": ""}, bearer(given)):
        nobody.get(ITEMS, headers).refused(401, "UNAUTHORIZED", ITEMS)
    assert given not in api_key_service.log.read_text()


@pytest.mark.parametrize("auth", ["jwt_service", "oidc_service", "api_key_service"])
def test_a_request_id_cannot_split_a_header(request: pytest.FixtureRequest, auth: str) -> None:
    live: Live = request.getfixturevalue(auth)
    for given in ("a%0d%0aSet-Cookie: x=1", "a\tb", "a;b", '"', "x" * 129):
        answer = live.client.get(ITEMS, {"X-Request-ID": given}).of(200)
        assert answer.headers["x-request-id"] != given
        assert "set-cookie" not in answer.headers
