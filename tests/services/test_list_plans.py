"""Filters and orders of the list of items use indexes, on a database with a collation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from tests.support.live import Install, run_service

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"
ROWS = 20_000

# Every filter selects all rows, so that its own bound is far from the cursor.
CREATED_FROM = {"created_from": "2026-01-01T00:00:00Z"}
CREATED_BEFORE = {"created_before": "2026-02-01T00:00:00Z"}
PREFIX = {"name_prefix": "row "}
FILTERS: dict[str, list[dict[str, str]]] = {
    "created_at": [{}, CREATED_FROM, CREATED_BEFORE, CREATED_FROM | CREATED_BEFORE],
    "name": [{}, PREFIX],
}
# One range of an index.
RANGES = [
    {"sort": sign + column} | chosen
    for column, filters in FILTERS.items()
    for chosen in filters
    for sign in ("", "-")
]
DEFAULTS = [{}, CREATED_FROM | CREATED_BEFORE, PREFIX]
# A filter on another column than the order's.
CROSSED = [{"sort": "-created_at", "name_prefix": "row 000"}, {"sort": "name"} | CREATED_FROM]

# Runs in the service's own environment. Prints for each query, on the first page and after nine
# tenths of the rows, the plan and the work: pages of PostgreSQL, or steps of SQLite.
EXPLAIN = """
import json, sys
from datetime import UTC, datetime, timedelta
from sqlalchemy import create_engine, event, insert, text
from uuid_utils.compat import uuid7
from app.items.listing import ItemQuery
from app.items.models import Item

url = sys.argv[1]
count = int(sys.argv[2])
queries = json.loads(sys.argv[3])
begin = datetime(2026, 1, 1, tzinfo=UTC)
times = [begin + timedelta(seconds=n // 2) for n in range(count)]
rows = [
    {"id": uuid7(), "name": f"row {n:08}", "created_at": time, "updated_at": time}
    for n, time in enumerate(times)
]
engine = create_engine(url)
executed = []

@event.listens_for(engine, "before_cursor_execute")
def remember(_connection, _cursor, statement, parameters, *_):
    executed.append((statement, parameters))

def examine_sqlite(connection, statement):
    steps = []
    driver = connection.connection.driver_connection
    driver.set_progress_handler(lambda: steps.append(1), 1)
    connection.execute(statement).all()
    driver.set_progress_handler(None, 1)
    sql, parameters = executed[-1]
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).all()
    return {"plan": str(plan), "work": len(steps)}

def examine_postgresql(connection, statement):
    connection.execute(statement).all()
    sql, parameters = executed[-1]
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
    plan = connection.exec_driver_sql(explain, parameters).scalar()[0]["Plan"]
    return {"plan": str(plan), "work": plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]}

with engine.begin() as connection:
    connection.execute(insert(Item), rows)
    connection.execute(text("ANALYZE"))
    for parameters in queries:
        first = ItemQuery.model_validate(parameters)
        is_descending = (first.chosen_sort or "-id").startswith("-")
        last = Item(**rows[count // 10 if is_descending else count * 9 // 10])
        deep = ItemQuery.model_validate(parameters | {"cursor": first.encode_cursor(last)})
        examine = globals()["examine_" + engine.name]
        print(json.dumps([examine(connection, query.select()) for query in (first, deep)]))
"""


class Page(NamedTuple):
    plan: str
    work: int


@contextmanager
def collated_database(project: RenderedProject) -> Iterator[str]:
    """Yield a database that sorts text by a language. The servers of the tests sort by bytes."""
    with fresh_database(project) as url:
        if url.startswith("postgresql"):
            server = urlsplit(url)._replace(path="/postgres").geturl()
            name = Identifier(urlsplit(url).path.removeprefix("/"))
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(SQL("DROP DATABASE {}").format(name))
                statement = (
                    "CREATE DATABASE {} TEMPLATE template0"
                    " ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
                )
                connection.execute(SQL(statement).format(name))
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, install: Install) -> RenderedProject:
    return install(database=request.param, auth="none")


def explain(project: RenderedProject, queries: Sequence[Mapping[str, str]]) -> list[list[Page]]:
    """Return the first page and a late one of each query."""
    with collated_database(project) as url:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=url)
        script = ("-c", EXPLAIN, url, str(ROWS), json.dumps(queries))
        output = project.call("python", *script, seconds=120, PYTHONPATH=".")
    return [[Page(**page) for page in json.loads(line)] for line in output.splitlines()]


def test_pages_are_ranges_of_an_index(project: RenderedProject) -> None:
    """No page sorts or skips rows, and a late one costs what the first does."""
    queries = [*DEFAULTS, *RANGES]
    for query, (first, late) in zip(queries, explain(project, queries), strict=True):
        for page in (first, late):
            assert "index" in page.plan.lower(), (query, page)
            for word in ("seq scan", "sort", "temp b-tree", "filter"):
                assert word not in page.plan.lower(), (query, page)
        assert late.work <= 2 * first.work + 10, (query, first, late)


def test_names_sort_by_bytes(project: RenderedProject, tmp_path: Path) -> None:
    """The collation of the database would find other names, and sort them differently."""
    names = ["Lamp", "Lb", "lamp", "lb", "lämp", "l\U0001f4a1"]
    with (
        collated_database(project) as url,
        run_service(project, tmp_path, url, {}) as live,
    ):
        for name in reversed(names):
            live.client.send_json("POST", ITEMS, {"name": name}).require(201)
        found = {
            query: [item["name"] for item in live.client.get(f"{ITEMS}?{query}").json["items"]]
            for query in ("sort=name", "sort=-name", "name_prefix=l", "name_prefix=L")
        }

    assert list(found.values()) == [names, names[::-1], names[2:], names[:2]]


def test_other_filters_use_an_index(project: RenderedProject) -> None:
    """A filter on another column than the order's reads an index, and perhaps sorts the matches."""
    for query, pages in zip(CROSSED, explain(project, CROSSED), strict=True):
        for page in pages:
            assert "index" in page.plan.lower(), (query, page)
            assert "seq scan" not in page.plan.lower(), (query, page)
