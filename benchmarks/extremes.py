"""Figures beside the rates: start, memory, stalls during logins, pages of a million rows."""

import secrets
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlencode

import psycopg

from benchmarks.contenders import Contender, send, serve
from benchmarks.load import PASSWORD, form_type
from generator.project.serve import HOST
from generator.verify.rendered import RenderedProject


def measure_extremes(
    project: RenderedProject, contenders: dict[str, Contender], url: str, token: str
) -> dict[str, str]:
    """Measure start, memory, pages at the end of a million rows, and reads during logins."""
    ours, bare = contenders["ours"], contenders["bare"]
    figures = {}
    figures["resident memory of ours, MiB"] = f"{ours.memory():.0f}"
    figures["resident memory / bare FastAPI"] = f"{ours.memory() / bare.memory():.2f}"
    starts = {name: start_times(name, project, url) for name in ("ours", "bare")}
    figures["start to the first 200 of ours, s"] = f"{starts['ours']:.2f}"
    figures["start to the first 200 / bare FastAPI"] = f"{starts['ours'] / starts['bare']:.2f}"
    quiet = probe(ours.port, token, 3)
    with logging_in(ours.port, 20):
        busy = probe(ours.port, token, 3)
    figures["p99 of reads during 20 logins a second / without"] = f"{busy[0] / quiet[0]:.1f}"
    figures["longest stall during 20 logins a second, ms"] = f"{busy[1]:.0f}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO items (id, name, created_at, updated_at)"
            " SELECT lpad(to_hex(n), 32, '0')::uuid, 'row ' || n, now(), now()"
            " FROM generate_series(1, 1000000) AS n"
        )
        connection.execute("VACUUM ANALYZE items")
    last = f"/api/v1/items?limit=20&cursor={25:032x}"
    pages = {
        path: statistics.median(page_time(ours.port, path, token) for _ in range(200))
        for path in ("/api/v1/items?limit=20", last)
    }
    figures["page at row 1,000,000 / first page"] = (
        f"{pages[last] / pages['/api/v1/items?limit=20']:.2f}"
    )
    return figures


def start_times(name: str, project: RenderedProject, url: str) -> float:
    """Return the median of five starts; bare FastAPI imports the same libraries."""
    settings = {"DATABASE_URL": url, "SECRET_KEY": "x" * 32, "FASTAPI_ENV": "development"}
    taken = []
    for _ in range(5):
        with serve(name, project, settings) as contender:
            taken.append(contender.seconds_to_start)
    return statistics.median(taken)


def page_time(port: int, path: str, token: str) -> float:
    began = time.perf_counter()
    send(port, "GET", path, headers={"Authorization": f"Bearer {token}"})
    return time.perf_counter() - began


def probe(port: int, token: str, seconds: float) -> tuple[float, float]:
    """Call the service's loop every 10 ms; return p99 and maximum in milliseconds."""
    end = time.monotonic() + seconds
    taken = []
    while time.monotonic() < end:
        taken.append(page_time(port, "/health/live", token) * 1000)
        time.sleep(0.01)
    return statistics.quantiles(taken, n=100)[98], max(taken)


@contextmanager
def logging_in(port: int, per_second: int) -> Iterator[None]:
    """Log in with a wrong password for unknown users, at this rate."""
    ended = threading.Event()

    def attempt() -> None:
        name = f"{secrets.token_hex(8)}@example.com"
        form = urlencode({"username": name, "password": PASSWORD}).encode()
        connection = HTTPConnection(HOST, port, timeout=30)
        connection.request("POST", "/api/v1/auth/token", form, form_type())
        connection.getresponse().read()

    def repeat() -> None:
        while not ended.wait(1 / per_second):
            threading.Thread(target=attempt, daemon=True).start()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
