"""An empty database for one stage of one row."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.errors import CommandError


@contextmanager
def fresh_database(named: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database of the kind that a service's own URL names."""
    scheme = named.partition(":")[0]
    if scheme != "sqlite":
        raise CommandError(f"No server is known for databases such as {scheme}.")
    with tempfile.TemporaryDirectory(prefix="database-", dir=folder) as place:
        yield f"sqlite:///{Path(place).absolute()}/app.db"
