"""Jobs without HTTP: `python -m app.jobs` runs them, its commands manage them."""

import logging
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import anyio
import typer
from pydantic import TypeAdapter
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.application import create_app
from app.dialect import create_unpooled_engine
from app.jobs.models import Job
from app.jobs.runner import finish
from app.jobs.schemas import JobDetails
from app.jobs.workers import run_workers
from app.logs import configure_logging
from app.orm import utc_now
from app.settings import Settings, load_settings
from app.state import AppState

logger = logging.getLogger("app.jobs")

DEFAULT_CONCURRENCY = 4
TIMEOUT_SECONDS = 10

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def parse_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        sys.exit(f"{text!r} is not the id of a job: `python -m app.jobs list` shows ids.")


JobId = Annotated[UUID, typer.Argument(metavar="ID", parser=parse_id)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Status = Annotated[
    Literal["queued", "running", "succeeded", "failed"] | None,
    typer.Option(help="Only jobs with this status."),
]
Limit = Annotated[int, typer.Option(min=1, help="Maximum number of jobs.")]


@cli.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Run jobs until SIGTERM, JOB_CONCURRENCY at a time. The commands manage jobs instead."""
    if context.invoked_subcommand is None:
        configure_logging()
        anyio.run(run_until_signal, load_settings())
    else:
        # Standard output is for results.
        configure_logging(sys.stderr)


@cli.command("list")
def list_jobs(*, status: Status = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List jobs, newest first."""
    statement = select(Job).order_by(Job.created_at.desc()).limit(limit)
    with transaction() as session:
        jobs = session.scalars(statement.where(Job.status == status) if status else statement)
        print_jobs([JobDetails.model_validate(job) for job in jobs], as_json=as_json)


@cli.command()
def show(job_id: JobId, *, as_json: AsJson = False) -> None:
    """Show everything about a job."""
    with transaction() as session:
        job = JobDetails.model_validate(find_job(session, job_id))
    if as_json:
        typer.echo(job.model_dump_json(indent=2))
    else:
        print_table([[name, value] for name, value in job.model_dump(mode="json").items()])


@cli.command()
def retry(job_id: JobId, *, as_json: AsJson = False) -> None:
    """Queue a failed job for one more attempt."""
    values = {"status": "queued", "due_at": utc_now(), "finished_at": None}
    change_job(job_id, "failed", "retried", values, as_json=as_json)


@cli.command()
def cancel(job_id: JobId, *, as_json: AsJson = False) -> None:
    """Let a queued job fail without another attempt."""
    values = finish("failed", "Cancelled by an operator.")
    change_job(job_id, "queued", "cancelled", values, as_json=as_json)


async def run_until_signal(settings: Settings) -> None:
    # The resources of the service, but not the workers that it may run itself.
    service = create_app(settings.model_copy(update={"job_concurrency": 0}))
    count = settings.job_concurrency or DEFAULT_CONCURRENCY
    async with (
        service.router.lifespan_context(service) as state,
        run_workers(cast("AppState", state), count),
    ):
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            logger.info("running jobs", extra={"concurrency": count})
            await anext(signals)


@contextmanager
def transaction() -> Generator[Session, None, None]:
    engine = create_unpooled_engine(load_settings().database_url, TIMEOUT_SECONDS)
    try:
        with Session(engine) as session, session.begin():
            yield session
    except DBAPIError as error:
        sys.exit(f"The database is unreachable or not migrated: {error.orig}")


def find_job(session: Session, job_id: UUID) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        sys.exit(f"Job {job_id} does not exist.")
    return job


def change_job(
    job_id: UUID, status: str, change: str, values: dict[str, Any], *, as_json: bool
) -> None:
    """Change a job that has this status; exit if it has another one."""
    statement = update(Job).where(Job.id == job_id, Job.status == status).values(values)
    with transaction() as session:
        changed = session.scalar(statement.returning(Job))
        if changed is None:
            current = find_job(session, job_id).status
            sys.exit(f"Job {job_id} is {current}: only {status} jobs can be {change}.")
        job = JobDetails.model_validate(changed)
    logger.info("job %s", change, extra={"job": str(job_id), "task": job.name})
    print_jobs([job], as_json=as_json)


def print_jobs(jobs: Sequence[JobDetails], *, as_json: bool) -> None:
    if as_json:
        typer.echo(TypeAdapter(Sequence[JobDetails]).dump_json(jobs, indent=2))
        return
    columns = ["id", "name", "status", "attempts", "created_at", "due_at", "error"]
    rows = [job.model_dump(mode="json") for job in jobs]
    print_table([columns, *([row[column] for column in columns] for row in rows)])


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns, without a limit on the width of a line."""
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


if __name__ == "__main__":
    cli()
