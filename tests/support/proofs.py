"""Proofs for an updated or switched project: stages, migrations, kept rows."""

import json

from generator.processes import ProgramError
from generator.verify.rendered import RenderedProject
from generator.verify.stages import STAGES

_STAGES = {stage.name: stage for stage in STAGES}
_SQL = """
import os, sys, sqlalchemy
with sqlalchemy.create_engine(os.environ["DATABASE_URL"]).begin() as connection:
    result = connection.execute(sqlalchemy.text(sys.argv[1]))
    print(result.all() if result.returns_rows else "")
"""
# Inserts a row into each table, with values for the columns that need one, and counts all rows.
_ROWS = """
import datetime, json, os, sys, uuid, sqlalchemy

def make(column):
    kind = column.type.python_type
    if kind is uuid.UUID:
        return uuid.uuid4()
    if kind is datetime.datetime:
        return datetime.datetime(2026, 1, 1)
    if kind is str:  # SQLite stores UUIDs as text.
        return uuid.uuid4().hex[: column.type.length]
    return {} if isinstance(column.type, sqlalchemy.JSON) else kind()

with sqlalchemy.create_engine(os.environ["DATABASE_URL"]).begin() as connection:
    metadata = sqlalchemy.MetaData()
    metadata.reflect(connection)
    tables = [table for table in metadata.sorted_tables if table.name != "alembic_version"]
    rows = {}
    for table in tables if sys.argv[1:] == ["write"] else ():
        row = {column.name: make(column) for column in table.columns if not column.nullable}
        for key in table.foreign_keys:
            row[key.parent.name] = rows[key.column.table.name][key.column.name]
        connection.execute(table.insert(), row)
        rows[table.name] = row
    count = sqlalchemy.select(sqlalchemy.func.count())
    print(json.dumps({t.name: connection.scalar(count.select_from(t)) for t in tables}))
"""


def install(project: RenderedProject) -> None:
    """Lock and install. Projects with the same dependencies share the environment."""
    _STAGES["install"].run(RenderedProject(project.row, project.workspace))


def follow_the_message(project: RenderedProject, url: str) -> None:
    """Run the commands that copier prints after an update."""

    def alembic(*arguments: str) -> None:
        project.call("alembic", *arguments, seconds=60, DATABASE_URL=url)

    alembic("upgrade", "head")
    try:
        alembic("check")
    except ProgramError as error:
        if "New upgrade operations detected" not in error.output:
            raise
        alembic("revision", "--autogenerate", "-m", "update")
        alembic("upgrade", "head")


def prove(project: RenderedProject) -> None:
    """Run the stages of a new row."""
    with project.resources:
        for name in ("lint", "types", "migrate", "test", "boot"):
            _STAGES[name].work(project)


def write_rows(project: RenderedProject, url: str) -> dict[str, int]:
    """Insert a row into each table, and return the numbers of rows by table."""
    return _run_on_rows(project, url, "write")


def count_rows(project: RenderedProject, url: str) -> dict[str, int]:
    """Return the number of rows of each table."""
    return _run_on_rows(project, url, "count")


def execute(project: RenderedProject, url: str, statement: str) -> str:
    return project.call("python", "-c", _SQL, statement, seconds=60, DATABASE_URL=url).strip()


def _run_on_rows(project: RenderedProject, url: str, action: str) -> dict[str, int]:
    output = project.call("python", "-c", _ROWS, action, seconds=60, DATABASE_URL=url)
    counts: dict[str, int] = json.loads(output)
    return counts
