"""Migrations of running projects: killed at each statement, and started by several replicas."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from tests.support.live import Install

pytestmark = pytest.mark.slow

# Upgrades an empty database in a child process that kills itself after statement 1, then 2, and so
# on; each time another child repeats the upgrade. Prints the number of statements.
KILL_AT_EACH_STATEMENT = """
import os, signal, sys
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, inspect, make_url, text
from sqlalchemy.engine import Engine
import app.application

def run(action, kill_at=0):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    count = 0
    @event.listens_for(Engine, "after_cursor_execute")
    def kill(*_):
        nonlocal count
        count += 1
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
    code = 1
    try:
        action(Config(toml_file="pyproject.toml"))
        code = 0
    finally:
        os._exit(code)

def drop_tables():
    engine = create_engine(make_url(os.environ["DATABASE_URL"]))
    if engine.dialect.name == "sqlite":
        if os.path.exists(engine.url.database):
            os.remove(engine.url.database)
    else:
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()

def upgrade(config):
    command.upgrade(config, "head")

statements = 0
while True:
    drop_tables()
    if run(upgrade, statements + 1) == 0:
        break
    statements += 1
    if run(upgrade) or run(command.check):
        sys.exit(f"not repeatable after statement {statements}")
print("killed after each of", statements)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, install: Install) -> RenderedProject:
    return install(database=request.param, auth="jwt", background="background_tasks")


@pytest.fixture
def url(project: RenderedProject) -> Iterator[str]:
    with fresh_database(project) as url:
        yield url


def test_killed_upgrade_is_repeated(project: RenderedProject, url: str) -> None:
    output = project.call("python", "-c", KILL_AT_EACH_STATEMENT, seconds=300, DATABASE_URL=url)

    assert int(output.rpartition("killed after each of")[2]) >= 15


def test_replicas_migrate_once(project: RenderedProject, url: str) -> None:
    def upgrade(_: int) -> str:
        return project.call("alembic", "upgrade", "head", seconds=120, DATABASE_URL=url)

    with ThreadPoolExecutor(3) as pool:
        outputs = list(pool.map(upgrade, range(3)))

    assert sum("Running upgrade" in output for output in outputs) == 1, outputs
    project.call("alembic", "check", seconds=60, DATABASE_URL=url)
