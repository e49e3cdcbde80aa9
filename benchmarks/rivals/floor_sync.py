"""The floor of a read: FastAPI, PyJWT, the raw driver and one query."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, Request
from fastapi.security import OAuth2PasswordBearer
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

QUERY = "SELECT id, name, description, created_at, updated_at FROM items WHERE id = %s"


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Any], None]:
    settings = {"autocommit": True, "row_factory": dict_row}
    url = os.environ["DATABASE_URL"]
    with ConnectionPool(url, kwargs=settings, min_size=5, max_size=5) as pool:
        yield {"pool": pool}


app = FastAPI(lifespan=lifespan)
scheme = OAuth2PasswordBearer(tokenUrl="token")


@app.get("/api/v1/items/{item_id}")
def read_item(
    item_id: UUID, request: Request, token: Annotated[str, Depends(scheme)]
) -> dict[str, Any] | None:
    jwt.decode(token, os.environ["SECRET_KEY"], ["HS256"], options={"verify_aud": False})
    with request.state.pool.connection() as connection:
        return connection.execute(QUERY, [item_id]).fetchone()
