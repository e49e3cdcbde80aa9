"""Who calls a rendered service: what it must be told of them before it starts, and how they call.

Named as the answers that ask for them; a service that asks for nobody is called by nobody.
"""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from generator.contract.accounts import Account, bearer
from generator.contract.client import Client, Headers
from generator.errors import CommandError
from generator.project import Project
from generator.services.identity import IdentityProvider


class Callers:
    """Those of a service that everybody may call."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @contextmanager
    def prepared(self) -> Iterator[dict[str, str]]:
        """Give the settings to start the service with; what they name is there until the end."""
        yield {}

    def introduce(self, client: Client, **_settings: str) -> Client:
        """The client of a running service as its ordinary caller, who also knows the admin."""
        return client


class Programs(Callers):
    """Clients with a key."""

    key = ""

    @contextmanager
    def prepared(self) -> Iterator[dict[str, str]]:
        printed = self.project.call("python", "-m", "app.auth", "mint", "verify", seconds=60)
        self.key, entry = _key_and_entry(printed)
        yield {"API_KEYS": entry}

    def introduce(self, client: Client, **_settings: str) -> Client:
        return client.calling({"X-API-Key": self.key})


class Colleagues(Callers):
    """People whom an identity provider knows."""

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

        return client.calling(bearer(self.provider.mint()), admin)


class Users(Callers):
    """People whom the service itself knows; they sign in when it runs, on its database."""

    def introduce(self, client: Client, **settings: str) -> Client:
        def admin() -> Headers:
            account = Account.new()
            command = ["-m", "app.users", "create-admin", account.email]
            typed = f"{account.password}\n"
            self.project.call("python", *command, seconds=60, typed=typed, **settings)
            return account.signed_in(client).headers

        return client.calling(Account.registered(client).signed_in(client).headers, admin)


_KINDS: dict[str, type[Callers]] = {"jwt": Users, "oidc": Colleagues, "api_key": Programs}


def callers_of(project: Project) -> Callers:
    """The callers that the project's own answers ask for."""
    asked = (value for value in project.answers.values() if isinstance(value, str))
    kind = next((_KINDS[value] for value in asked if value in _KINDS), Callers)
    return kind(project)


def _key_and_entry(printed: str) -> tuple[str, str]:
    """The key is the word whose digest the entry has, whatever else is said."""
    entry = re.search(r"(?m)^\s*API_KEYS=(.+)$", printed)
    if entry:
        value = "".join(shlex.split(entry[1])[:1])
        for key in printed.split():
            if sha256(key.encode()).hexdigest() in value:
                return key, value
    raise CommandError(f"This is no key with its entry for API_KEYS: {printed}")
