from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import NullPool, create_engine, text

from app.application import create_app
from app.health import Health, HealthCheck
from app.settings import Settings
from tests.databases import UNREACHABLE_URL, temporary_database
from tests.settings import replace

REVISION = """
revision = {revision!r}
down_revision = {down_revision!r}
branch_labels = None
depends_on = None
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A folder of migrations, of which `second` is the newest."""
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    for revision, down_revision in (("first", None), ("second", "first")):
        content = REVISION.format(revision=revision, down_revision=down_revision)
        (versions / f"{revision}.py").write_text(content)
    return versions.parent


@pytest.fixture(scope="module")
def empty_database_url() -> Iterator[str]:
    with temporary_database() as url:
        yield url


def test_running_service_is_healthy(client: TestClient) -> None:
    response = client.get("/health")

    assert response.status_code == 200
    health = response.json()
    assert health.keys() == {"status", "version", "timestamp", "dependencies"}
    assert health["status"] == "healthy"
    assert health["timestamp"].endswith("Z")
    dependencies = health["dependencies"]
    assert (dependencies["database"], dependencies["migrations"]) == ("connected", "current")
    assert dependencies["jobs"] == {"waiting": 0, "oldest_due_seconds": 0}


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_head_is_supported(client: TestClient, path: str) -> None:
    response = client.head(path)

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("revision", "migration_status", "status"),
    [
        (None, "pending", "unhealthy"),
        ("first", "pending", "unhealthy"),
        ("second", "current", "healthy"),
        # A newer release is being rolled out.
        ("third", "current", "healthy"),
    ],
)
def test_pending_migrations_are_unhealthy(
    settings: Settings,
    migrations: Path,
    empty_database_url: str,
    revision: str | None,
    migration_status: str,
    status: str,
) -> None:
    with create_engine(empty_database_url, poolclass=NullPool).begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        if revision:
            connection.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": revision})
    check = HealthCheck(replace(settings, database_url=empty_database_url), migrations, "1.0")
    health = anyio.run(check.run)

    assert (health.dependencies.migrations, health.status) == (migration_status, status)


def test_callers_share_a_check(settings: Settings, migrations: Path) -> None:
    check = HealthCheck(settings, migrations, "1.0")
    results: list[Health] = []

    async def collect() -> None:
        results.append(await check.run())

    async def run_many() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(collect)

    anyio.run(run_many)

    assert len(results) == 50
    assert len({result.timestamp for result in results}) == 1


def test_unreachable_database_is_unhealthy(settings: Settings) -> None:
    settings = replace(settings, database_url=UNREACHABLE_URL)
    with TestClient(create_app(settings)) as client:
        response = client.get("/health")
        live = client.get("/health/live")

    assert response.status_code == 503
    dependencies = response.json()["dependencies"]
    assert (dependencies["database"], dependencies["migrations"]) == ("unreachable", "unknown")
    assert "jobs" not in dependencies
    assert live.status_code == 200
