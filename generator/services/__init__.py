"""Real servers for `verify` and the tests: named by the environment, or started here."""

import os
import threading
from contextlib import ExitStack

from generator.errors import CommandError
from generator.services.local import LocalServer, UnavailableError
from generator.services.postgresql import PostgreSQL
from generator.services.rabbitmq import RabbitMQ
from generator.services.redis import Redis

__all__ = ["KINDS", "SERVICES", "LocalServer", "Services", "UnavailableError", "variable"]

# Named as the answers that ask for them, with the scheme of their addresses.
KINDS: dict[str, tuple[type[LocalServer], str]] = {
    "postgresql": (PostgreSQL, "postgresql"),
    "redis": (Redis, "redis"),
    "rabbitmq": (RabbitMQ, "amqp"),
}


class Services:
    """At most one server of each kind, started when it is first asked for, stopped at the end."""

    def __init__(self) -> None:
        self._started: dict[str, LocalServer] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()

    def url(self, kind: str) -> str:
        """Address of a server of this kind; raises UnavailableError with how to get one."""
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
                    other = f"{variable(kind)} can name one that runs already"
                    raise UnavailableError(f"{error}, or {other}.") from error
            return self._started[kind].url

    def close(self) -> None:
        with self._lock:
            self._started.clear()
            self._stack.close()


# Those of this process.
SERVICES = Services()


def variable(kind: str) -> str:
    """The variable of the environment that names a server of this kind."""
    return f"TEST_{kind.upper()}_URL"
