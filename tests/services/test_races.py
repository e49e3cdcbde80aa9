"""Requests that race each other on a running service."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from generator.verify.contract.accounts import Account, update_me
from generator.verify.contract.client import Answer
from generator.verify.contract.files import upload
from tests.support.command import wait_for
from tests.support.live import Install, Live, run_on_fresh_database
from tests.support.load import BURST_SIZE

pytestmark = pytest.mark.slow

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0" + b"\0" * 400_000


@pytest.fixture(scope="module", params=[("async", "postgresql"), ("sync", "sqlite")], ids="-".join)
def live(
    request: pytest.FixtureRequest, install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    mode, database = request.param
    project = install(sqlalchemy=mode, database=database, auth="jwt")
    with run_on_fresh_database(project, tmp_path_factory.mktemp("races")) as live:
        yield live


def test_content_is_whole_or_missing(live: Live) -> None:
    """Downloads run beside the deletion of their file."""
    statuses: Counter[int] = Counter()
    for _ in range(25):
        path = f"/api/v1/files/{upload(live.client, PNG, 'image/png').require(201).json['id']}"

        def send(number: int, path: str = path) -> Answer:
            if number == 4:
                return live.client.send("DELETE", path)
            return live.client.get(f"{path}/content")

        with ThreadPoolExecutor(8) as threads:
            for answer in threads.map(send, range(8)):
                statuses[answer.status] += 1
                if answer.status == 200:
                    assert answer.body == PNG
                elif answer.status != 204:
                    answer.require_error(404, "FILE_NOT_FOUND")

    assert statuses[204] == 25
    assert statuses[200]


def test_one_of_two_password_changes_succeeds(live: Live) -> None:
    for _ in range(6):
        account = Account.create(live.client)
        tokens = account.obtain_tokens(live.client)

        with ThreadPoolExecutor(2) as threads:
            changes = [
                threads.submit(
                    update_me,
                    live.client,
                    tokens,
                    password=password,
                    current_password=account.password,
                )
                for password in ("correct-horse-one", "correct-horse-two")
            ]

        assert sorted(change.result().status for change in changes) == [200, 403]


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_login_waits_for_a_password_change(install: Install, tmp_path: Path, mode: str) -> None:
    """Otherwise its session would outlive the change, which deletes those that it sees."""
    project = install(sqlalchemy=mode, database="postgresql", auth="jwt")
    blocked = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with (
        run_on_fresh_database(project, tmp_path) as live,
        psycopg.connect(live.settings["DATABASE_URL"], autocommit=True) as observer,
        ThreadPoolExecutor() as threads,
        psycopg.connect(live.settings["DATABASE_URL"]) as change,
    ):
        account = Account.create(live.client)
        change.execute("UPDATE users SET password_hash = 'another'")

        login = threads.submit(account.log_in, live.client)
        wait_for(lambda: observer.execute(blocked).fetchone() is not None, seconds=10)
        change.commit()

        assert login.result().status == 401


def test_health_withstands_a_burst(live: Live) -> None:
    with ThreadPoolExecutor(BURST_SIZE) as threads:
        answers = list(threads.map(lambda _: live.client.get("/health"), range(3 * BURST_SIZE)))

    assert Counter(answer.status for answer in answers) == {200: 3 * BURST_SIZE}
