"""A place of its own at a broker, for one service at a time."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

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
    places = [f"/{number}" for number in range(RabbitMQ.HOSTS)] if numbered else [parts.path]
    digest = sha256(server.encode()).hexdigest()[:16]
    while True:
        for number, path in enumerate(places):
            lock = FileLock(Path(tempfile.gettempdir()) / f"broker-{digest}-{number}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            with lock:
                yield parts._replace(path=path).geturl()
                return
        time.sleep(0.1)
