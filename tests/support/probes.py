"""A feature with jobs for tests: they succeed, fail or kill their process, and log their starts."""

from pathlib import Path

from tests.support.edits import mount, write

_TASKS = '''{imports}
from pathlib import Path

from sqlalchemy import text

from app.jobs.tasks import JobContext, task


def log_start(context: JobContext) -> None:
    """Write to a file, which a rollback of the attempt does not undo."""
    with Path(os.environ["PROBES"]).open("a") as file:
        file.write(f"started {{context.job.id}} {{context.job.request_id}}\\n")


@task
{async_}def work(context: JobContext, *, seconds: float) -> str:
    log_start(context)
    insert = text("INSERT INTO effects (job) VALUES (:job)").bindparams(job=str(context.job.id))
    if seconds < 1:
        {await_}context.session.execute(insert)
    {sleep}(seconds)
    if seconds >= 1:
        {await_}context.session.execute(insert)
    return "done"


@task
{async_}def fail(context: JobContext) -> None:
    log_start(context)
    raise ValueError("the secret is 4711")


@task
{async_}def kill(context: JobContext) -> None:
    log_start(context)
    {sleep}(0.3)  # The request that enqueued the job gets its answer first.
    os.kill(os.getpid(), 9)


@task
{async_}def cancel(context: JobContext) -> None:
    raise {cancelled}


@task
{async_}def forget(context: JobContext) -> None:
    log_start(context)
'''

_ROUTES = """from fastapi import APIRouter

from app.database import SessionDep
from app.jobs.models import Job
from app.jobs.schemas import JobRead
from app.jobs.service import enqueue
from app.probes import tasks

router = APIRouter(prefix="/probes")


@router.post("/run/{{seconds}}", status_code=202, response_model=JobRead)
{async_}def work(seconds: float, session: SessionDep) -> Job:
    return enqueue(session, tasks.work, seconds=seconds)


@router.post("/fail", status_code=202, response_model=JobRead)
{async_}def fail(session: SessionDep) -> Job:
    return enqueue(session, tasks.fail)


@router.post("/kill", status_code=202, response_model=JobRead)
{async_}def kill(session: SessionDep) -> Job:
    return enqueue(session, tasks.kill)


@router.post("/cancel", status_code=202, response_model=JobRead)
{async_}def cancel(session: SessionDep) -> Job:
    return enqueue(session, tasks.cancel)


@router.post("/forget", status_code=202, response_model=JobRead)
{async_}def forget(session: SessionDep) -> Job:
    job = enqueue(session, tasks.forget)
    job.name = "app.probes.tasks.forgotten"
    return job


@router.post("/roll-back")
{async_}def roll_back(session: SessionDep) -> None:
    enqueue(session, tasks.work, seconds=0)
    {await_}session.flush()
    raise RuntimeError
"""


def add_probes(project: Path, mode: str) -> None:
    """Add the feature to a rendered service. The variable PROBES names the log of starts."""
    asynchronous = mode == "async"
    words = {
        "async_": "async " if asynchronous else "",
        "await_": "await " if asynchronous else "",
        "sleep": "await asyncio.sleep" if asynchronous else "time.sleep",
        "cancelled": "asyncio.CancelledError" if asynchronous else "RuntimeError",
        "imports": "import asyncio\nimport os" if asynchronous else "import os\nimport time",
    }
    folder = project / "app/probes"
    write(folder / "__init__.py", "")
    write(folder / "tasks.py", _TASKS.format(**words))
    write(folder / "routes.py", _ROUTES.format(**words))
    mount(project, "probes")
