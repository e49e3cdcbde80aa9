from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config

from app.settings import ROOT
from tests.databases import temporary_database


@pytest.fixture
def migrations() -> Iterator[Config]:
    with temporary_database() as url:
        yield Config(toml_file=ROOT / "pyproject.toml", attributes={"database_url": url})


def test_migrations_match_the_models(migrations: Config) -> None:
    command.upgrade(migrations, "head")

    command.check(migrations)


def test_migrations_can_be_reverted(migrations: Config) -> None:
    command.upgrade(migrations, "head")
    command.downgrade(migrations, "base")

    command.upgrade(migrations, "head")
