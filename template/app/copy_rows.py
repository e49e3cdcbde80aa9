"""Copies all rows of another database into the empty one of the service.

`python -m app.copy_rows URL`: both databases are migrated, and no service uses them. One
transaction: either every row is copied, or none.
"""

import sys

from sqlalchemy import Connection, NullPool, Table, create_engine, func, insert, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError

import app.application  # noqa: F401  # imports every feature and thus every table
from app.orm import Base
from app.settings import load_settings

ROWS_AT_A_TIME = 1000


class CopyError(Exception):
    """The databases do not fit."""


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Copy every table, referenced ones first; return the number of rows by table."""
    tables = Base.metadata.sorted_tables
    if _read_revisions(source) != _read_revisions(target):
        raise CopyError("The databases are at different revisions: migrate both.")
    if filled := [table.name for table in tables if _count(target, table)]:
        raise CopyError(f"The database of the service has rows in {', '.join(filled)}.")
    counts = {}
    for table in tables:
        rows = source.execution_options(stream_results=True).execute(select(table)).mappings()
        for part in rows.partitions(ROWS_AT_A_TIME):
            target.execute(insert(table), [dict(row) for row in part])
        counts[table.name] = _count(target, table)
        if counts[table.name] != _count(source, table):
            raise CopyError(f"{table.name} has changed during the copy: stop its service.")
    return counts


def _read_revisions(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def main(url: str) -> None:
    """Copy, and print the number of rows of each table."""
    target_url = load_settings().database_url.get_secret_value()
    try:
        source = create_engine(url, poolclass=NullPool, hide_parameters=True)
        target = create_engine(target_url, poolclass=NullPool, hide_parameters=True)
        with source.connect() as reading, target.begin() as writing:
            counts = copy_rows(reading, writing)
    except (ArgumentError, ImportError, CopyError) as error:
        sys.exit(str(error))
    except DBAPIError as error:
        sys.exit(f"A database is unreachable or not migrated: {error.orig}")
    for name, count in counts.items():
        sys.stdout.write(f"{name}: {count}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m app.copy_rows URL")
    main(sys.argv[1])
