"""Liveness and readiness, answered without the connections that requests use."""

import logging
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from anyio import CapacityLimiter, move_on_after, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from app.orm import utc_now
from app.settings import Settings

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])

TIMEOUT_SECONDS = 2


class Dependencies(BaseModel):
    database: Literal["connected", "unreachable"]
    migrations: Literal["current", "pending", "unknown"]


class Health(BaseModel):
    status: Literal["healthy", "unhealthy"]
    version: str
    timestamp: datetime
    dependencies: Dependencies


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class HealthCheck:
    """Asks the database over a connection of its own: a full pool is not an illness."""

    def __init__(self, settings: Settings, migrations: Path, version: str) -> None:
        self.version = version
        self._url = make_url(settings.database_url.get_secret_value())
        self._scripts = ScriptDirectory(migrations)
        self._threads = CapacityLimiter(2)

    async def run(self) -> Health:
        found = Dependencies(database="unreachable", migrations="unknown")
        with move_on_after(TIMEOUT_SECONDS):
            found = await to_thread.run_sync(
                self._ask_database, limiter=self._threads, abandon_on_cancel=True
            )
        healthy = found.database == "connected" and found.migrations == "current"
        return Health(
            status="healthy" if healthy else "unhealthy",
            version=self.version,
            timestamp=utc_now(),
            dependencies=found,
        )

    def _ask_database(self) -> Dependencies:
        try:
            with self._engine.connect() as connection:
                revisions = set(MigrationContext.configure(connection).get_current_heads())
        except SQLAlchemyError as error:
            logger.warning("health: the database is unreachable: %s", error)
            return Dependencies(database="unreachable", migrations="unknown")
        pending = bool(self._heads - revisions) and revisions <= self._revisions
        return Dependencies(database="connected", migrations="pending" if pending else "current")

    @cached_property
    def _engine(self) -> Engine:
        return create_engine(
            self._url, poolclass=NullPool, connect_args={"timeout": TIMEOUT_SECONDS}
        )

    @cached_property
    def _heads(self) -> set[str]:
        return set(self._scripts.get_heads())

    @cached_property
    def _revisions(self) -> set[str]:
        """All that this code knows: a database with another one is ahead of it, not behind."""
        return {script.revision for script in self._scripts.walk_revisions()}


@router.head("/live", include_in_schema=False)
@router.get("/live")
async def live() -> Alive:
    """Answers while the process runs; touches nothing."""
    return Alive()


@router.head("", include_in_schema=False)
@router.get("", responses={503: {"model": Health, "description": "Not ready for requests"}})
async def ready(request: Request, response: Response) -> Health:
    """Answers 503 while the database is away or waits for migrations."""
    check: HealthCheck = request.state.health
    health = await check.run()
    response.status_code = 200 if health.status == "healthy" else 503
    return health
