"""An empty database for one stage of one row."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from generator.errors import CommandError
from generator.processes import run
from generator.project import Project
from generator.services import SERVICES

# What a row for PostgreSQL has installed anyway, whatever this machine has.
_EXECUTE = """
import os, sys, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
    connection.execute(sys.argv[1])
"""


@contextmanager
def fresh_database(project: Project) -> Iterator[str]:
    """Give the URL of an empty database of the kind that the service's own URL names.

    Raises UnavailableError where there is no server of that kind.
    """
    scheme = urlsplit(project.settings.get("DATABASE_URL", "")).scheme
    if scheme == "sqlite":
        with tempfile.TemporaryDirectory(prefix="database-", dir=project.workspace) as folder:
            yield f"sqlite:///{Path(folder).absolute()}/app.db"
    elif scheme == "postgresql":
        with _fresh_postgresql(project) as url:
            yield url
    else:
        raise CommandError(f"No server is known for databases such as {scheme}.")


@contextmanager
def _fresh_postgresql(project: Project) -> Iterator[str]:
    server, name = SERVICES.url("postgresql"), f"verify_{secrets.token_hex(8)}"
    _execute(project, server, f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    except BaseException:
        with suppress(CommandError):  # What went wrong before matters more.
            _drop(project, server, name)
        raise
    _drop(project, server, name)


def _drop(project: Project, server: str, name: str) -> None:
    """Also after Ctrl-C, since the server may be one that lives on."""
    _execute(project, server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _execute(project: Project, server: str, statement: str) -> None:
    command = [project.program("python"), "-c", _EXECUTE, statement]
    variables = project.variables(DATABASE_URL=server)
    run(command, project.folder, variables=variables, seconds=60, spared=True)
