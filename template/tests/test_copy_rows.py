from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, NullPool, create_engine

from app.copy_rows import CopyError, copy_rows
from app.settings import ROOT
from tests.databases import temporary_database
from tests.rows import insert_job, list_jobs


@pytest.fixture
def empty() -> Iterator[Engine]:
    """Another database, migrated and empty."""
    with temporary_database() as url:
        migrations = Config(toml_file=ROOT / "pyproject.toml", attributes={"database_url": url})
        command.upgrade(migrations, "head")
        yield create_engine(url, poolclass=NullPool)


def test_rows_are_copied(engine: Engine, empty: Engine) -> None:
    insert_job(engine, "tests.task", arguments={"number": 1})
    with engine.connect() as source, empty.begin() as target:
        counts = copy_rows(source, target)

    assert counts["jobs"] == 1
    (original,) = list_jobs(engine)
    (copy,) = list_jobs(empty)
    assert (copy.id, copy.arguments, copy.due_at) == (original.id, {"number": 1}, original.due_at)


def test_filled_database_is_refused(engine: Engine, empty: Engine) -> None:
    insert_job(engine, "tests.task")
    with (
        empty.connect() as source,
        engine.connect() as target,
        pytest.raises(CopyError, match="has rows in jobs"),
    ):
        copy_rows(source, target)
