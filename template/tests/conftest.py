from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, NullPool, create_engine

from app.application import ROOT, create_app
from app.orm import Base
from app.settings import Settings
from tests.databases import temporary_database


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A database of the tests' own, made by the migrations as in production."""
    with temporary_database() as url:
        migrations = Config(toml_file=ROOT / "pyproject.toml", attributes={"database_url": url})
        command.upgrade(migrations, "head")
        yield url


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url, poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def _empty_tables(engine: Engine) -> Iterator[None]:
    yield
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person or the machine that runs the tests change nothing."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings.model_validate(
        {"fastapi_env": "development", "database_url": database_url},
    )


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client
