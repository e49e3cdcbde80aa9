"""Liveness and readiness, answered without the connections that requests use."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Literal

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from anyio import CapacityLimiter, move_on_after, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from app import dialect
from app.orm import utc_now
from app.settings import Settings

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])

TIMEOUT_SECONDS = 2


class Dependencies(BaseModel):
    database: Literal["connected", "unreachable"] = "unreachable"
    migrations: Literal["current", "pending", "unknown"] = "unknown"


class Health(BaseModel):
    status: Literal["healthy", "unhealthy"]
    version: str
    timestamp: datetime
    dependencies: Dependencies


class HealthCheck:
    """Asks the database over a connection of its own: a full pool is not an illness."""

    def __init__(self, settings: Settings, migrations: Path, version: str) -> None:
        self.version = version
        self._engine = create_engine(
            settings.database_url.get_secret_value(),
            poolclass=NullPool,
            **dialect.engine_options(TIMEOUT_SECONDS),
        )
        scripts = ScriptDirectory(migrations)
        self._heads = set(scripts.get_heads())
        self._known = {script.revision for script in scripts.walk_revisions()}
        self._threads = CapacityLimiter(2)

    async def run(self) -> Health:
        found = Dependencies()
        with move_on_after(TIMEOUT_SECONDS):
            found = await to_thread.run_sync(
                self._ask_database, limiter=self._threads, abandon_on_cancel=True
            )
        return Health(
            status="healthy" if found.migrations == "current" else "unhealthy",
            version=self.version,
            timestamp=utc_now(),
            dependencies=found,
        )

    def _ask_database(self) -> Dependencies:
        try:
            with self._engine.connect() as connection:
                revisions = set(MigrationContext.configure(connection).get_current_heads())
        except SQLAlchemyError as error:
            logger.warning("the database is unreachable: %s", error)
            return Dependencies()
        # A revision that this code does not know is a newer one, which is being rolled out.
        pending = not self._heads <= revisions and revisions <= self._known
        return Dependencies(database="connected", migrations="pending" if pending else "current")


@router.head("/live", include_in_schema=False)
@router.get("/live")
async def live() -> dict[Literal["status"], Literal["alive"]]:
    """Answers while the process runs; touches nothing."""
    return {"status": "alive"}


@router.head("", include_in_schema=False)
@router.get("", responses={503: {"model": Health, "description": "Not ready for requests"}})
async def ready(request: Request, response: Response) -> Health:
    """Answers 503 while the database is away or waits for migrations."""
    check: HealthCheck = request.state.health
    health = await check.run()
    response.status_code = 200 if health.status == "healthy" else 503
    return health
