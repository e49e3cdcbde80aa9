"""FastAPI without a database and without authentication, with the libraries of our service."""

from importlib import import_module
from importlib.util import find_spec
from uuid import UUID

from fastapi import FastAPI

for library in (
    "alembic.command",
    "alembic.runtime.migration",
    "alembic.script",
    "fastapi_offline",
    "httpx2",
    "jwt",
    "psycopg",
    "pwdlib.hashers.argon2",
    "pydantic_settings",
    "pythonjsonlogger.json",
    "sqlalchemy.orm",
    "uuid_utils.compat",
):
    import_module(library)
if find_spec("greenlet"):
    import_module("sqlalchemy.ext.asyncio")

app = FastAPI()


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "live"}


@app.get("/api/v1/items/{item_id}")
async def read_item(item_id: UUID) -> dict[str, str]:
    return {"id": str(item_id), "name": "Lamp"}
