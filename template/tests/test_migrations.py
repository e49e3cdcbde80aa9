from alembic import command
from alembic.config import Config

from app.settings import ROOT
from tests.databases import temporary_database


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
