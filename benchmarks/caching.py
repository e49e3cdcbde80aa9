"""The cost of a 304 beside that of the whole response, for an item and the content of a file.

    python -m benchmarks.caching [ROUNDS]

Each round sends every request in turn, each over a new connection. Figures are the smallest of
all rounds, which other load disturbs least; the time of the processor is that of the service.
"""

import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.telemetry import processor_seconds
from generator.verify.contract.files import upload
from generator.verify.pipeline import prepare_workspace
from tests.support.live import Live, install_row, run_on_fresh_database
from tests.support.rendered import OPTIONS, row_with
from tests.support.repository import ROOT

REQUESTS = 200
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0" + b"\0" * 100_000


def create_paths(live: Live) -> dict[str, str]:
    """Create an item with a description of 500 characters, and a file of 100 KB."""
    fields = {"name": "Lamp", "description": "d" * 500}
    item = live.client.send_json("POST", "/api/v1/items", fields).require(201)
    file = upload(live.client, PNG, "image/png").require(201)
    return {"item": item.headers["location"], "file": f"{file.headers['location']}/content"}


def load(live: Live, path: str, headers: dict[str, str]) -> tuple[int, float, float]:
    """Return bytes of a response, and milliseconds and processor milliseconds per request."""
    before = processor_seconds(live)
    began = time.monotonic()
    for _ in range(REQUESTS):
        answer = live.client.get(path, headers)
    seconds = time.monotonic() - began
    processor = processor_seconds(live) - before
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
    return head + len(answer.body), 1000 * seconds / REQUESTS, 1000 * processor / REQUESTS


def main(rounds: int) -> None:
    row = row_with(OPTIONS, sqlalchemy="async", database="sqlite", auth="none")
    figures = defaultdict(list)
    with TemporaryDirectory() as temporary:
        workspace = Path(temporary)
        prepare_workspace(ROOT, workspace)
        with run_on_fresh_database(install_row(row, workspace), workspace) as live:
            paths = create_paths(live)
            for _ in track(range(rounds), "rounds"):
                for name, path in paths.items():
                    figures[name, 200].append(load(live, path, {}))
                    figures[name, 304].append(load(live, path, {"If-None-Match": "*"}))
    table = Table("resource", "status", "bytes", "ms", "processor ms", "ratio")
    for (name, status), values in figures.items():
        size, wall, processor = map(min, zip(*values, strict=True))
        whole = min(value[2] for value in figures[name, 200])
        cells = [f"{size:.0f}", f"{wall:.2f}", f"{processor:.2f}", f"{processor / whole:.2f}"]
        table.add_row(name, str(status), *cells)
    Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
