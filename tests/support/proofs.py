"""Proofs for an updated or switched project: stages, migrations, kept rows."""

from generator.processes import ProgramError
from generator.verify.rendered import RenderedProject
from generator.verify.stages import STAGES

_STAGES = {stage.name: stage for stage in STAGES}
_ROWS = """
import os, sys, sqlalchemy
with sqlalchemy.create_engine(os.environ["DATABASE_URL"]).begin() as connection:
    result = connection.execute(sqlalchemy.text(sys.argv[1]))
    print(result.all() if result.returns_rows else "")
"""
_WRITE = (
    "INSERT INTO orders (id, note) VALUES ('0190a0a0a0a070a080a0a0a0a0a0a0a0', 'two lamps')",
    """INSERT INTO items (id, name, created_at, updated_at) VALUES
    ('0190a0a0a0a070a080a0a0a0a0a0a0a1', 'lamp', '2026-01-01 00:00:00', '2026-01-01 00:00:00')""",
)
_READ = "SELECT name, note FROM items, orders"


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


def write_rows(project: RenderedProject, url: str) -> None:
    """Insert rows into a table of the examples and one of the team."""
    for statement in _WRITE:
        execute(project, url, statement)


def rows_are_there(project: RenderedProject, url: str) -> bool:
    return execute(project, url, _READ) == "[('lamp', 'two lamps')]"


def execute(project: RenderedProject, url: str, statement: str) -> str:
    return project.call("python", "-c", _ROWS, statement, seconds=60, DATABASE_URL=url).strip()
