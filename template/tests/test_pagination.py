from typing import Literal
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.jobs.models import Job
from app.pagination import Limit, Order, Page
from tests.rows import insert_job


def read_page(engine: Engine, page: Page) -> tuple[list[UUID], UUID | None]:
    with Session(engine) as session:
        jobs, last = page.split(session.scalars(page.select(select(Job), Job.id)).all())
        return [job.id for job in jobs], last and last.id


def test_pages_contain_every_row_once(engine: Engine) -> None:
    expected = sorted((insert_job(engine, "task") for _ in range(5)), reverse=True)

    seen: list[UUID] = []
    page = Page(limit=2)
    for _ in range(3):
        ids, cursor = read_page(engine, page)
        seen += ids
        page = Page(limit=2, cursor=cursor)

    assert seen == expected
    assert cursor is None


def test_full_page_can_be_the_last(engine: Engine) -> None:
    insert_job(engine, "task")

    assert read_page(engine, Page(limit=1))[1] is None


BY_NAME = Order(
    {"name": Job.name, "id": Job.id}, TypeAdapter(tuple[Literal["name", "-name"], str, UUID])
)


@pytest.mark.parametrize("sort", ["name", "-name"])
def test_sorted_pages_contain_every_row_once(engine: Engine, sort: str) -> None:
    expected = sorted((name, insert_job(engine, name)) for name in "babab")

    seen: list[tuple[str, UUID]] = []
    cursor: str | None = None
    for _ in range(3):
        with Session(engine) as session:
            statement = BY_NAME.select(select(Job), sort, cursor, limit=2)
            jobs, last = Limit(limit=2).split(session.scalars(statement).all())
            seen += [(job.name, job.id) for job in jobs]
            cursor = last and BY_NAME.encode_cursor(sort, last)

    assert seen == (expected[::-1] if sort == "-name" else expected)
    assert cursor is None


def test_foreign_cursor_is_refused(engine: Engine) -> None:
    insert_job(engine, "task")
    with Session(engine) as session:
        cursor = BY_NAME.encode_cursor("name", session.scalars(select(Job)).one())

    assert BY_NAME.decode_cursor("name", cursor)[0] == "task"
    with pytest.raises(ValueError, match="another sort"):
        BY_NAME.decode_cursor("-name", cursor)
    with pytest.raises(ValidationError):
        BY_NAME.decode_cursor("name", cursor[:-4])
