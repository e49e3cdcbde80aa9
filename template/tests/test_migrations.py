from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command, op
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import inspect, make_url

from app.dialect import create_migration_engine
from app.settings import ROOT
from tests.databases import UNREACHABLE_URL, temporary_database


def configure(database_url: str) -> Config:
    return Config(toml_file=ROOT / "pyproject.toml", attributes={"database_url": database_url})


def test_migrations_match_the_models(database_url: str) -> None:
    command.check(configure(database_url))


def test_migrations_can_be_reverted() -> None:
    with temporary_database() as url:
        migrations = configure(url)
        command.upgrade(migrations, "head")
        command.downgrade(migrations, "base")

        command.upgrade(migrations, "head")


def test_failed_upgrade_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_database() as url:
        migrations = configure(url)
        with monkeypatch.context() as patch:
            patch.setattr(op, "create_index", None)
            with pytest.raises(TypeError):
                command.upgrade(migrations, "head")
        assert inspect(create_migration_engine(make_url(url))).get_table_names() == []

        command.upgrade(migrations, "head")


def test_unreachable_database_is_named() -> None:
    with pytest.raises(CommandError, match="The database is unreachable") as error:
        command.upgrade(configure(UNREACHABLE_URL), "head")

    # SQLAlchemy appends the statement and a link to its documentation.
    assert "sqlalche.me" not in str(error.value)


def test_upgrades_wait_for_each_other() -> None:
    with temporary_database() as url, ThreadPoolExecutor() as pool:
        with create_migration_engine(make_url(url)).begin():
            upgrade = pool.submit(command.upgrade, configure(url), "head")
            with pytest.raises(TimeoutError):
                upgrade.result(0.2)

        upgrade.result(30)
