"""Figures beside the rates: start, memory, stalls during logins, pages of a million rows."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection

import psycopg

from benchmarks.contenders import ROOT, Contender, send, serve
from generator.project.serve import HOST
from generator.verify.rendered import RenderedProject

LOGINS_PER_SECOND = 20
PROBE_SECONDS = 3
ROUNDS = 5


def measure_extremes(
    project: RenderedProject,
    contenders: dict[str, Contender],
    url: str,
    token: str,
    paths: Mapping[str, str],
) -> dict[str, str]:
    """Measure start, memory, pages at the end of a million rows, and reads during logins."""
    ours, bare = contenders["ours"], contenders["bare"]
    figures = {}
    figures["resident memory of ours, MiB"] = f"{ours.memory():.0f}"
    figures["resident memory / bare FastAPI"] = f"{ours.memory() / bare.memory():.2f}"
    starts = {name: start_times(name, project, url) for name in ("ours", "bare")}
    figures["start to the first 200 of ours, s"] = f"{starts['ours']:.2f}"
    figures["start to the first 200 / bare FastAPI"] = f"{starts['ours'] / starts['bare']:.2f}"
    figures |= measure_logins(ours.port, paths["read"], token)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO items (id, name, created_at, updated_at)"
            " SELECT lpad(to_hex(n), 32, '0')::uuid, 'row ' || n, now(), now()"
            " FROM generate_series(1, 1000000) AS n"
        )
        connection.execute("VACUUM ANALYZE items")
    last = f"/api/v1/items?limit=20&cursor={25:032x}"
    first = "/api/v1/items?limit=20"
    taken: dict[str, list[float]] = {first: [], last: []}
    for _ in range(200):
        for path, seconds in taken.items():
            seconds.append(page_time(ours.port, path, token))
    ratio = statistics.median(taken[last]) / statistics.median(taken[first])
    figures["page at row 1,000,000 / first page"] = f"{ratio:.2f}"
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


def measure_logins(port: int, path: str, token: str) -> dict[str, str]:
    """Compare reads during logins with those without, in turn."""
    quiet, busy, stalls = [], [], []
    for _ in range(ROUNDS):
        quiet.append(percentile_99(probe(port, path, token)))
        with logging_in(port):
            busy.append(percentile_99(probe(port, path, token)))
            stalls.append(max(probe(port, "/health/live", token)))
    ratios = [after / before for before, after in zip(quiet, busy, strict=True)]
    name = f"during {LOGINS_PER_SECOND} logins a second"
    return {
        f"p99 of reads {name}, ms": f"{statistics.median(busy):.1f}",
        f"p99 of reads {name} / without": f"{statistics.median(ratios):.1f}",
        f"longest stall {name}, ms": f"{max(stalls):.0f}",
    }


def probe(port: int, path: str, token: str) -> list[float]:
    """Send a request every few milliseconds; return the milliseconds until the response."""
    connection = HTTPConnection(HOST, port, timeout=30)
    end = time.monotonic() + PROBE_SECONDS
    taken = []
    while time.monotonic() < end:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        connection.getresponse().read()
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(0.005)
    connection.close()
    return taken


def percentile_99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


@contextmanager
def logging_in(port: int) -> Iterator[None]:
    """Log in at a steady rate, from a process of its own: its threads would delay the probes."""
    seconds = 2 * PROBE_SECONDS + 2
    command = [sys.executable, "-m", "benchmarks.logins", port, LOGINS_PER_SECOND, seconds]
    process = subprocess.Popen([str(part) for part in command], cwd=ROOT, stdout=subprocess.DEVNULL)
    # The first logins are sent once Python has started.
    time.sleep(1)
    yield
    if process.wait() != 0:
        sys.exit("The logins failed.")
