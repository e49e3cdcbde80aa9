"""The floor of a read: FastAPI, PyJWT, the raw driver and one query."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import jwt
from fastapi import Depends, FastAPI, Request
from fastapi.security import OAuth2PasswordBearer

QUERY = "SELECT id, name, description, created_at, updated_at FROM items WHERE id = $1"


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Any], None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=5) as pool:
        yield {"pool": pool}


app = FastAPI(lifespan=lifespan)
scheme = OAuth2PasswordBearer(tokenUrl="token")


@app.get("/api/v1/items/{item_id}")
async def read_item(
    item_id: UUID, request: Request, token: Annotated[str, Depends(scheme)]
) -> dict[str, Any]:
    jwt.decode(token, os.environ["SECRET_KEY"], ["HS256"], options={"verify_aud": False})
    return dict(await request.state.pool.fetchrow(QUERY, item_id))
