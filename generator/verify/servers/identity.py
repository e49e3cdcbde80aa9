"""An identity provider for tests: signs tokens, and publishes the keys that verify them."""

import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from generator.project.serve import HOST
from generator.verify.servers.local import pick_port

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"

_LIFETIME_SECONDS = 600


@dataclass(frozen=True)
class SigningKey:
    """A key pair; `public` is the published half."""

    algorithm: str
    private: RSAPrivateKey | EllipticCurvePrivateKey
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def new(cls, algorithm: str) -> Self:
        """Generate a key for RS256 or ES256."""
        if algorithm == "ES256":
            return cls(algorithm, generate_private_key(SECP256R1()))
        return cls(algorithm, generate_rsa(65537, 2048))

    @property
    def public(self) -> dict[str, Any]:
        if isinstance(self.private, EllipticCurvePrivateKey):
            jwk = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            jwk = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**jwk, "kid": self.id, "alg": self.algorithm, "use": "sig"}

    def sign(self, claims: Mapping[str, object], **headers: str) -> str:
        return jwt.encode(
            dict(claims), self.private, self.algorithm, headers={"kid": self.id, **headers}
        )


class IdentityProvider:
    """A provider that keeps its port and its keys over restarts."""

    audience = "verify"

    def __init__(self, algorithm: str = "RS256") -> None:
        self.port = pick_port()
        # All are published; the first one signs.
        self.keys = [SigningKey.new(algorithm)]
        # Requests by path.
        self.requests: Counter[str] = Counter()
        self._server: ThreadingHTTPServer | None = None

    @classmethod
    @contextmanager
    def running(cls, algorithm: str = "RS256") -> Iterator[Self]:
        provider = cls(algorithm)
        provider.start()
        try:
            yield provider
        finally:
            provider.stop()

    @property
    def issuer(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        self._server = _Server(self)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections until the next start."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def rotate(self, algorithm: str = "RS256", *, keep: bool = False) -> None:
        """Sign with a new key; `keep` continues to publish the old ones."""
        self.keys = [SigningKey.new(algorithm), *(self.keys if keep else ())]

    def mint(self, **claims: object) -> str:
        """Sign a token of an ordinary user with changed claims; None omits a claim."""
        now = int(time.time())
        defaults = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "ada",
            "name": "Ada",
            "roles": [],
            "iat": now,
            "exp": now + _LIFETIME_SECONDS,
        }
        merged = {**defaults, **claims}
        return self.keys[0].sign(
            {name: value for name, value in merged.items() if value is not None}
        )

    def document(self, path: str) -> dict[str, Any] | None:
        """Return the document published at a path."""
        published: dict[str, dict[str, Any]] = {
            DISCOVERY: {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}{JWKS}",
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": sorted({k.algorithm for k in self.keys}),
            },
            JWKS: {"keys": [key.public for key in self.keys]},
        }
        return published.get(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, provider: IdentityProvider) -> None:
        self.provider = provider
        super().__init__((HOST, provider.port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.provider.requests[path] += 1
        document = self.server.provider.document(path)
        body = json.dumps(document).encode()
        self.send_response(200 if document else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""
