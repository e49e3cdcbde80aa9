"""The processes and servers that a rendered service runs on: database, broker, worker."""

import secrets
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from generator.errors import CommandError
from generator.processes import start, stop
from generator.verify.locks import hold_any
from generator.verify.rendered import RenderedProject
from generator.verify.servers import KINDS, SERVERS
from generator.verify.servers.rabbitmq import RabbitMQ

WORKER_STOP_SECONDS = 30

_CLEAN_EXIT_CODES = {0, -signal.SIGTERM, 128 + signal.SIGTERM}


@contextmanager
def fresh_database(project: RenderedProject) -> Iterator[str]:
    """Yield the URL of an empty database of the kind that the service uses.

    Raises UnavailableError when there is no such server.
    """
    scheme = urlsplit(project.settings.get("DATABASE_URL", "")).scheme
    if scheme == "sqlite":
        with tempfile.TemporaryDirectory(prefix="database-", dir=project.workspace) as folder:
            yield f"sqlite:///{Path(folder).absolute()}/app.db"
    elif scheme == "postgresql":
        with _fresh_postgresql() as url:
            yield url
    else:
        raise CommandError(f"No server is known for databases such as {scheme}.")


@contextmanager
def fresh_broker(project: RenderedProject) -> Iterator[dict[str, str]]:
    """Yield the settings of an unshared broker, or none when the service has no broker.

    Raises UnavailableError when there is no such server.
    """
    scheme = urlsplit(project.settings.get("BROKER_URL", "")).scheme
    if not scheme:
        yield {}
        return
    (kind,) = [kind for kind, (_, kind_scheme) in KINDS.items() if kind_scheme == scheme]
    with _unshared_database(SERVERS.url(kind)) as url:
        yield {"BROKER_URL": url}


@contextmanager
def running_worker(
    project: RenderedProject, variables: Mapping[str, str], output: int
) -> Iterator[subprocess.Popen[str] | None]:
    """Run the worker, if the service has one. Does not wait until it is ready: jobs do."""
    if not project.has_worker:
        yield None
        return
    command = [project.program("celery"), "-A", "app.worker", "worker", "--concurrency", "2"]
    process = start(command, project.folder, variables, output)
    try:
        yield process
    finally:
        stop(process, WORKER_STOP_SECONDS)


def terminate(name: str, process: subprocess.Popen[str], seconds: float) -> None:
    """Send SIGTERM as a supervisor would, and check the exit code."""
    code = stop(process, seconds)
    if code == -signal.SIGKILL:
        raise CommandError(f"The {name} did not end within {seconds} s after SIGTERM.")
    if code not in _CLEAN_EXIT_CODES:
        raise CommandError(f"After SIGTERM the {name} ended with exit code {code}.")


@contextmanager
def _fresh_postgresql() -> Iterator[str]:
    server = SERVERS.url("postgresql")
    name = f"verify_{secrets.token_hex(8)}"
    _execute(server, SQL("CREATE DATABASE {}").format(Identifier(name)))
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    except BaseException:
        with suppress(CommandError):  # The first error matters more.
            _drop(server, name)
        raise
    _drop(server, name)


def _drop(server: str, name: str) -> None:
    statement = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    _execute(server, statement.format(Identifier(name)))


def _execute(server: str, statement: Composed) -> None:
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement)
    except psycopg.Error as error:
        raise CommandError(f"PostgreSQL failed: {' '.join(str(error).split())}") from error


@contextmanager
def _unshared_database(server: str) -> Iterator[str]:
    """Yield the URL of a numbered Redis database or RabbitMQ host that nothing else uses."""
    parts = urlsplit(server)
    numbered = parts.path.removeprefix("/").isdecimal()
    paths = [f"/{number}" for number in range(RabbitMQ.HOSTS)] if numbered else [parts.path]
    name = f"broker-{sha256(server.encode()).hexdigest()[:16]}"
    locks = {Path(tempfile.gettempdir()) / f"{name}-{i}.lock": path for i, path in enumerate(paths)}
    with hold_any(list(locks)) as lock:
        yield parts._replace(path=locks[lock]).geturl()
