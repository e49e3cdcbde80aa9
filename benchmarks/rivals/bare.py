"""FastAPI without a database and without authentication, with the libraries of our service."""

from uuid import UUID

import httpx2  # noqa: F401
import jwt  # noqa: F401
import psycopg  # noqa: F401
import pydantic_settings  # noqa: F401
import uuid_utils.compat  # noqa: F401
from fastapi import FastAPI

app = FastAPI()


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "live"}


@app.get("/api/v1/items/{item_id}")
async def read_item(item_id: UUID) -> dict[str, str]:
    return {"id": str(item_id), "name": "Lamp"}
