"""Real servers for `verify` and the tests: named by the environment, or started here."""

import os
import threading
from contextlib import ExitStack

from generator.errors import CommandError
from generator.verify.servers.local import LocalServer, UnavailableError
from generator.verify.servers.postgresql import PostgreSQL
from generator.verify.servers.rabbitmq import RabbitMQ
from generator.verify.servers.redis import Redis

__all__ = ["KINDS", "SERVERS", "LocalServer", "Servers", "UnavailableError", "variable"]

# By the answers that ask for them, with the scheme of their URLs.
KINDS: dict[str, tuple[type[LocalServer], str]] = {
    "postgresql": (PostgreSQL, "postgresql"),
    "redis": (Redis, "redis"),
    "rabbitmq": (RabbitMQ, "amqp"),
}


class Servers:
    """At most one server of each kind, started on first use and stopped by `close`."""

    def __init__(self) -> None:
        self._started: dict[str, LocalServer] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()

    def url(self, kind: str) -> str:
        """Return the URL of a server; raises UnavailableError with the command to install it."""
        server, scheme = KINDS[kind]
        named = os.environ.get(variable(kind))
        if named:
            if not named.startswith(f"{scheme}://"):
                raise CommandError(f"{variable(kind)} must begin with {scheme}://")
            return named
        with self._lock:
            if kind not in self._started:
                try:
                    self._started[kind] = self._stack.enter_context(server.running())
                except UnavailableError as error:
                    alternative = f"{variable(kind)} can name a running one"
                    raise UnavailableError(f"{error}, or {alternative}.") from error
            return self._started[kind].url

    def close(self) -> None:
        with self._lock:
            self._started.clear()
            self._stack.close()


# The servers of this process.
SERVERS = Servers()


def variable(kind: str) -> str:
    """Return the environment variable that names a server of this kind."""
    return f"TEST_{kind.upper()}_URL"
