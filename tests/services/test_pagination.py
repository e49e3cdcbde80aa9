"""Pagination of ten thousand rows with concurrent writes."""

import threading
from pathlib import Path

import pytest

from generator.verify.contract.client import Client
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from tests.support.live import Install, run_service

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"
ROWS = 10_000

# Scripts for the service's own environment.
SEED = """
import sys
from datetime import UTC, datetime
from sqlalchemy import create_engine, insert
from uuid_utils.compat import uuid7
from app.items.models import Item

now = datetime.now(UTC)
rows = [
    {"id": uuid7(), "name": f"seeded {n}", "created_at": now, "updated_at": now}
    for n in range(int(sys.argv[2]))
]
with create_engine(sys.argv[1]).begin() as connection:
    connection.execute(insert(Item), rows)
"""
EXPLAIN = """
import sys
from sqlalchemy import create_engine, select, text
from uuid_utils.compat import uuid7
from app.items.models import Item
from app.pagination import Page

engine = create_engine(sys.argv[1])
with engine.begin() as connection:
    connection.execute(text("ANALYZE"))
    statement = Page(cursor=uuid7()).select(select(Item), Item.id)
    sql = statement.compile(engine, compile_kwargs={"literal_binds": True})
    prefix = "EXPLAIN QUERY PLAN" if engine.name == "sqlite" else "EXPLAIN"
    print(*connection.exec_driver_sql(f"{prefix} {sql}"), sep="\\n")
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, install: Install) -> RenderedProject:
    return install(sqlalchemy="async", database=request.param, auth="none")


def run_python(project: RenderedProject, script: str, *arguments: str) -> str:
    return project.call("python", "-c", script, *arguments, seconds=60, PYTHONPATH=".")


class Writer(threading.Thread):
    """Another client, which creates and deletes items."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.ended = threading.Event()
        self.rounds = 0

    def run(self) -> None:
        while not self.ended.is_set():
            item = {"name": f"written {self.rounds}"}
            created = self.client.send_json("POST", ITEMS, item).require(201)
            self.client.send("DELETE", created.headers["location"]).require(204)
            self.rounds += 1


def walk(client: Client) -> list[str]:
    """Return the names of all items, page by page."""
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"&cursor={cursor}" if cursor else ""
        page = client.get(f"{ITEMS}?limit=100{query}").require(200).json
        names += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    return names


def test_concurrent_writes_keep_pages_exact(project: RenderedProject, tmp_path: Path) -> None:
    """Each row is on exactly one page, and the query uses an index."""
    with (
        fresh_database(project) as url,
        run_service(project, tmp_path, url, {}, migrated=True) as live,
    ):
        run_python(project, SEED, url, str(ROWS))
        writer = Writer(live.client)
        writer.start()
        try:
            names = [name for name in walk(live.client) if name.startswith("seeded")]
        finally:
            writer.ended.set()
            writer.join()
        plan = run_python(project, EXPLAIN, url)

    assert names == [f"seeded {number}" for number in reversed(range(ROWS))]
    assert writer.rounds > 10
    assert "index" in plan.lower()
    assert "temp b-tree" not in plan.lower()
    assert "sort" not in plan.lower()
