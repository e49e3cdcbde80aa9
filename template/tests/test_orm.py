from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from app.dialect import create_unpooled_engine
from app.errors import Conflict
from app.jobs.models import Job, JobRunner
from app.orm import raising_on_conflict, utc_now
from app.settings import Settings
from tests.rows import insert_job, list_jobs


class JobExists(Conflict):
    code = "JOB_EXISTS"


def flush(session: Session) -> None:
    with raising_on_conflict(JobExists):
        session.flush()


def test_violation_raises_the_conflict(engine: Engine) -> None:
    job_id = insert_job(engine, "task")

    with Session(engine) as session:
        session.add(Job(id=job_id, name="task", arguments={}))
        with pytest.raises(JobExists):
            flush(session)


def test_other_errors_are_not_conflicts(engine: Engine) -> None:
    with Session(engine) as session:
        session.add(Job(name=None, arguments={}))
        with pytest.raises(IntegrityError):
            flush(session)


def test_commands_write_in_a_transaction(engine: Engine, settings: Settings) -> None:
    unpooled = create_unpooled_engine(settings.database_url, 5)
    with unpooled.connect() as connection:
        # It is not committed.
        connection.execute(insert(Job).values(name="task", arguments={}))

    assert list_jobs(engine) == []


def test_times_are_stored_in_utc(engine: Engine) -> None:
    now = utc_now()
    with Session(engine) as session, session.begin():
        session.add(JobRunner(id=uuid4(), last_seen_at=now.astimezone()))
    with Session(engine) as session:
        (stored,) = session.scalars(select(JobRunner.last_seen_at))

    assert (stored, stored.tzinfo) == (now, UTC)


def test_naive_times_are_refused(engine: Engine) -> None:
    with Session(engine) as session:
        session.add(JobRunner(id=uuid4(), last_seen_at=datetime(2026, 1, 1)))  # noqa: DTZ001
        with pytest.raises(StatementError, match="naive"):
            session.flush()
