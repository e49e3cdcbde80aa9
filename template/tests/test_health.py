from pathlib import Path

import anyio
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import NullPool, create_engine, text

from app.application import create_app
from app.health import HealthCheck
from app.settings import Settings
from tests.databases import AWAY, temporary_database

REVISION = """
revision = {revision!r}
down_revision = {down_revision!r}
branch_labels = None
depends_on = None
"""


def with_database(settings: Settings, url: str) -> Settings:
    return settings.model_validate({**settings.model_dump(), "database_url": url})


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Migrations of which `second` is the newest."""
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    for revision, down_revision in (("first", None), ("second", "first")):
        content = REVISION.format(revision=revision, down_revision=down_revision)
        (versions / f"{revision}.py").write_text(content)
    return versions.parent


def test_a_ready_service_is_healthy(client: TestClient) -> None:
    response = client.get("/health")

    assert response.status_code == 200
    health = response.json()
    assert health.keys() == {"status", "version", "timestamp", "dependencies"}
    assert health["status"] == "healthy"
    assert health["timestamp"].endswith("Z")
    found = health["dependencies"]
    assert (found["database"], found["migrations"]) == ("connected", "current")


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_health_answers_to_head(client: TestClient, path: str) -> None:
    response = client.head(path)

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("revision", "migrations", "status"),
    [
        (None, "pending", "unhealthy"),
        ("first", "pending", "unhealthy"),
        ("second", "current", "healthy"),
        # The database of a newer release, which is being rolled out.
        ("third", "current", "healthy"),
    ],
)
def test_a_database_behind_the_code_is_unhealthy(
    settings: Settings,
    chain: Path,
    revision: str | None,
    migrations: str,
    status: str,
) -> None:
    with temporary_database() as url:
        with create_engine(url, poolclass=NullPool).begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
            if revision:
                connection.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": revision})
        health = anyio.run(HealthCheck(with_database(settings, url), chain, "1.0").run)

    assert (health.dependencies.migrations, health.status) == (migrations, status)


def test_without_a_database_the_service_lives_and_is_not_ready(settings: Settings) -> None:
    away = with_database(settings, AWAY)
    with TestClient(create_app(away)) as client:
        response = client.get("/health")
        alive = client.get("/health/live")

    assert response.status_code == 503
    found = response.json()["dependencies"]
    assert (found["database"], found["migrations"]) == ("unreachable", "unknown")
    assert alive.status_code == 200
