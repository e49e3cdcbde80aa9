"""A switch to another runner keeps the queued jobs: the new runner runs them."""

from contextlib import closing
from pathlib import Path

import pytest

from generator.template.options import Option
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_broker, fresh_database
from tests.support.projects import commit, make_project, switch
from tests.support.proofs import execute, install
from tests.support.rendered import row_with
from tests.support.servers import ServersFor
from tests.support.supervised import SupervisedService

pytestmark = pytest.mark.slow

RUNNERS = [
    {"background": "background_tasks", "sqlalchemy": "async"},
    {"background": "celery", "celery_broker": "redis", "sqlalchemy": "async"},
]
# Queued jobs with different due times.
QUEUED = """INSERT INTO jobs (id, name, arguments, status, attempts, due_at, created_at) VALUES
('{id}', 'app.items.tasks.count_items', '{{}}', 'queued', 0, '{time}', '{time}')"""
TIMES = ["2026-01-01 00:00:00.000000", "2026-01-01 00:00:30.000000"]
IDS = ["0190a0a0a0a070a080a0a0a0a0a0a0a1", "0190a0a0a0a070a080a0a0a0a0a0a0a2"]


@pytest.mark.parametrize(("before", "after"), [RUNNERS, RUNNERS[::-1]], ids=["to celery", "back"])
def test_new_runner_runs_queued_jobs(  # noqa: PLR0913, PLR0917 - all are fixtures
    options: tuple[Option, ...],
    history: Path,
    workspace: Path,
    tmp_path: Path,
    servers_for: ServersFor,
    before: dict[str, str],
    after: dict[str, str],
) -> None:
    servers_for(Row("", {**before, **after}))
    row = row_with(options, auth="none", database="sqlite", **before)
    project = RenderedProject(Row(f"queued-{before['background']}", row.answers), workspace)
    make_project(history, project.folder, row.answers)
    install(project)
    commit(project.folder, "Lock")
    with fresh_database(project) as url:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=url)
        for job_id, time in zip(IDS, TIMES, strict=True):
            execute(project, url, QUEUED.format(id=job_id, time=time))

        switch(project.folder, dict(after))
        install(project)
        # The new runner needs this setting, which .env.example describes.
        with (project.folder / ".env").open("a") as file:
            file.write("BROKER_URL=redis://localhost:6379/0\n")
        with fresh_broker(project) as broker:
            settings = {"DATABASE_URL": url, **broker}
            project.call("alembic", "check", seconds=60, **settings)
            variables = project.variables(JOB_SWEEP_SECONDS="0.5", **settings)
            with closing(SupervisedService(project, variables, tmp_path / "probes")) as service:
                for job_id in IDS:
                    assert service.wait_for_job(job_id, 60)["result"] == {"items": 0}
