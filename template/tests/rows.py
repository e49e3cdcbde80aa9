"""Job rows, written and read without the service."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from app.jobs.models import Job
from app.orm import utc_now


def insert_job(engine: Engine, name: str, **values: Any) -> UUID:
    job_id = uuid4()
    job = {"id": job_id, "name": name, "arguments": {}, "status": "queued", "due_at": utc_now()}
    with engine.begin() as connection:
        connection.execute(insert(Job).values(job | values))
    return job_id


def list_jobs(engine: Engine) -> list[Job]:
    with Session(engine) as session:
        return list(session.scalars(select(Job).order_by(Job.id)))
