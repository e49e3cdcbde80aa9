from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.jobs.models import Job
from app.pagination import Page
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
