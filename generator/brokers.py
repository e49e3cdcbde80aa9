"""A place of its own at a broker, for one service at a time."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from generator.locks import free_lock
from generator.project import Project
from generator.services import KINDS, SERVICES
from generator.services.rabbitmq import RabbitMQ


@contextmanager
def own_broker(project: Project) -> Iterator[dict[str, str]]:
    """Give the settings that name a broker where the service needs one, and none elsewhere.

    What an earlier service left there are ids of jobs that nobody knows. Raises UnavailableError
    where there is no server of that kind.
    """
    scheme = urlsplit(project.settings.get("BROKER_URL", "")).scheme
    if not scheme:
        yield {}
        return
    (kind,) = [kind for kind, (_, its_scheme) in KINDS.items() if its_scheme == scheme]
    with _own_place(SERVICES.url(kind)) as url:
        yield {"BROKER_URL": url}


@contextmanager
def _own_place(server: str) -> Iterator[str]:
    """Who is named by a number has numbered neighbours; any other name is a place of its own."""
    parts = urlsplit(server)
    numbered = parts.path.removeprefix("/").isdecimal()
    paths = [f"/{number}" for number in range(RabbitMQ.HOSTS)] if numbered else [parts.path]
    name = f"broker-{sha256(server.encode()).hexdigest()[:16]}"
    locks = {Path(tempfile.gettempdir()) / f"{name}-{i}.lock": path for i, path in enumerate(paths)}
    with free_lock(list(locks)) as lock:
        yield parts._replace(path=locks[lock]).geturl()
