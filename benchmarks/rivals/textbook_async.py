"""The asynchronous service as FastAPI's and SQLAlchemy's documentation show it."""

import logging
import os
import shutil
from collections.abc import AsyncGenerator
from hashlib import file_digest
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import jwt
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, UploadFile
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.rivals.models import (
    FileRead,
    Item,
    ItemCreate,
    ItemPage,
    ItemRead,
    StoredFile,
    User,
)

url = make_url(os.environ["DATABASE_URL"])
if url.drivername == "sqlite":
    url = url.set(drivername="sqlite+aiosqlite")
pool: dict[str, int] = {}
if size := os.environ.get("POOL_SIZE"):
    pool = {"pool_size": int(size), "max_overflow": 0}
engine = create_async_engine(url, **pool)
sessions = async_sessionmaker(engine, expire_on_commit=False)
logger = logging.getLogger(__name__)
app = FastAPI()
scheme = OAuth2PasswordBearer(tokenUrl="token")


async def get_session() -> AsyncGenerator[AsyncSession, None]:
    async with sessions.begin() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


async def get_current_user(token: Annotated[str, Depends(scheme)], session: SessionDep) -> User:
    try:
        claims = jwt.decode(
            token, os.environ["SECRET_KEY"], algorithms=["HS256"], options={"verify_aud": False}
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    user = await session.get(User, UUID(claims["sub"]))
    if user is None or not user.is_active:
        raise HTTPException(401)
    return user


UserDep = Annotated[User, Depends(get_current_user)]


@app.get("/api/v1/items")
async def list_items(session: SessionDep, _: UserDep, limit: int = 20) -> ItemPage:
    items = await session.scalars(select(Item).order_by(Item.id.desc()).limit(limit))
    return ItemPage(items=[ItemRead.model_validate(item) for item in items])


@app.get("/api/v1/items/{item_id}")
async def read_item(item_id: UUID, session: SessionDep, _: UserDep) -> ItemRead:
    item = await session.get(Item, item_id)
    if item is None:
        raise HTTPException(404)
    return ItemRead.model_validate(item)


@app.post("/api/v1/items", status_code=201)
async def create_item(body: ItemCreate, session: SessionDep, _: UserDep) -> ItemRead:
    item = Item(**body.model_dump())
    session.add(item)
    await session.flush()
    return ItemRead.model_validate(item)


@app.post("/api/v1/files", status_code=201)
async def create_file(file: UploadFile, session: SessionDep, _: UserDep) -> FileRead:
    path = Path(os.environ["UPLOAD_DIR"]) / uuid4().hex
    with path.open("wb") as target:
        shutil.copyfileobj(file.file, target)
    file.file.seek(0)
    stored = StoredFile(
        filename=file.filename,
        content_type=file.content_type,
        size=file.size,
        sha256=file_digest(file.file, "sha256").hexdigest(),
    )
    session.add(stored)
    await session.flush()
    return FileRead.model_validate(stored)


def report() -> None:
    logger.info("A report.")


@app.post("/api/v1/items/reports", status_code=202)
async def create_report(tasks: BackgroundTasks, _: UserDep) -> dict[str, str]:
    tasks.add_task(report)
    return {"status": "queued"}
