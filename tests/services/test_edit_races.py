"""Two editors of an item, each with If-Match: no change is lost."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generator.verify.contract.client import JSON_TYPE, Answer
from tests.support.live import Install, Live, run_on_fresh_database

pytestmark = pytest.mark.slow

ITEMS = "/api/v1/items"
RACES = 500


@pytest.fixture(params=[("async", "postgresql"), ("sync", "sqlite")], ids="-".join)
def live(request: pytest.FixtureRequest, install: Install, tmp_path: Path) -> Iterator[Live]:
    mode, database = request.param
    project = install(sqlalchemy=mode, database=database, auth="jwt")
    with run_on_fresh_database(project, tmp_path) as live:
        yield live


def test_one_of_two_editors_succeeds(live: Live) -> None:
    """Both editors read the same version; in every tenth race one of them deletes the item."""
    refused: Counter[int] = Counter()
    item = ""

    def send(method: str, text: str, etag: str) -> Answer:
        body = json.dumps({"description": text}).encode() if method == "PATCH" else None
        return live.client.send(method, item, {**JSON_TYPE, "If-Match": etag}, body)

    with ThreadPoolExecutor(2) as editors:
        for race in range(RACES):
            if race % 10 == 0:
                created = live.client.send_json("POST", ITEMS, {"name": f"Item {race}"})
                item = created.require(201).headers["location"]
                etag = created.headers["etag"]
            second = "DELETE" if race % 10 == 9 else "PATCH"
            answers = list(editors.map(send, ("PATCH", second), ("first", "second"), (etag, etag)))
            answers.sort(key=lambda answer: answer.status)
            winner, loser = answers
            refused[loser.status] += 1

            assert winner.status in {200, 204}
            now = live.client.get(item)
            if winner.status == 204:
                now.require(404)
            else:
                assert now.json == winner.json
                etag = now.headers["etag"]

    assert refused[412] + refused[404] == RACES
    assert refused[404] <= RACES / 10, "only a deleted item is not found"
