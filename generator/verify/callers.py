"""The callers of a rendered service: its settings for them, and their credentials.

An answer with the name of a class of callers selects it; without one they are anonymous.
"""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from generator.errors import CommandError
from generator.verify.contract.accounts import Account, bearer
from generator.verify.contract.client import Client, Headers
from generator.verify.rendered import RenderedProject
from generator.verify.servers.identity import IdentityProvider


class Callers:
    """Anonymous callers."""

    def __init__(self, project: RenderedProject) -> None:
        self.project = project

    @contextmanager
    def prepared(self) -> Iterator[dict[str, str]]:
        """Yield the settings that the service needs to authenticate these callers."""
        yield {}

    def introduce(self, client: Client, **_settings: str) -> Client:
        """Return a client with an ordinary caller's credentials, and access to an admin's."""
        return client


class ApiKeyCallers(Callers):
    """Programs with an API key."""

    key = ""

    @contextmanager
    def prepared(self) -> Iterator[dict[str, str]]:
        output = self.project.call("python", "-m", "app.auth", "mint", "verify", seconds=60)
        self.key, entry = _parse_minted(output)
        yield {"API_KEYS": entry}

    def introduce(self, client: Client, **_settings: str) -> Client:
        return client.with_caller({"X-API-Key": self.key})


class OidcCallers(Callers):
    """Users with tokens of an identity provider, which runs until the settings are released."""

    provider: IdentityProvider

    @contextmanager
    def prepared(self) -> Iterator[dict[str, str]]:
        with IdentityProvider.running() as self.provider:
            yield {
                "OIDC_ISSUER": self.provider.issuer,
                "OIDC_AUDIENCE": self.provider.audience,
            }

    def introduce(self, client: Client, **_settings: str) -> Client:
        def admin() -> Headers:
            return bearer(self.provider.mint(sub="grace", name="Grace", roles=["admin"]))

        return client.with_caller(bearer(self.provider.mint()), admin)


class RegisteredCallers(Callers):
    """Users of the service itself, registered and logged in while it runs."""

    def introduce(self, client: Client, **settings: str) -> Client:
        def admin() -> Headers:
            account = Account.new()
            command = ["-m", "app.users", "create-admin", account.email]
            stdin = f"{account.password}\n"
            self.project.call("python", *command, seconds=60, stdin=stdin, **settings)
            return account.obtain_tokens(client).headers

        return client.with_caller(Account.create(client).obtain_tokens(client).headers, admin)


_KINDS: dict[str, type[Callers]] = {
    "jwt": RegisteredCallers,
    "oidc": OidcCallers,
    "api_key": ApiKeyCallers,
}


def callers_of(project: RenderedProject) -> Callers:
    """Return the callers for the project's answers."""
    values = (value for value in project.answers.values() if isinstance(value, str))
    kind = next((_KINDS[value] for value in values if value in _KINDS), Callers)
    return kind(project)


def _parse_minted(output: str) -> tuple[str, str]:
    """Return the key and its entry: the entry holds the digest of the key."""
    entry = re.search(r"(?m)^\s*API_KEYS=(.+)$", output)
    if entry:
        value = "".join(shlex.split(entry[1])[:1])
        for key in output.split():
            if sha256(key.encode()).hexdigest() in value:
                return key, value
    raise CommandError(f"`app.auth mint` printed no key with its entry for API_KEYS: {output}")
