"""The cost of telemetry in a running service, beside the same service without it.

    python -m benchmarks.telemetry [ROUNDS]

Each round loads every service for a second, in an order that rotates. Figures are medians over
rounds, and ratios are medians of the ratios within a round, so that other load of the machine
matters less. It matters least to the time of the processor per request. With OpenTelemetry, a tenth
of the traces is sampled, and sent to collectors that accept everything, are away, hang, fail, or
answer nonsense: with 60 rounds, each of these services is loaded for a minute.
"""

import os
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from rich.console import Console
from rich.progress import track
from rich.table import Table

from generator.template.options import find_option
from generator.verify.matrix.rows import Row
from generator.verify.pipeline import prepare_workspace
from tests.support.live import Live, install_row, run_on_fresh_database
from tests.support.rendered import OPTIONS, row_with
from tests.support.repository import ROOT

SECONDS = 1
CONNECTIONS = 4
REQUEST = b"GET /api/v1/items HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Figures:
    """Figures of one service, one for each round."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)


class Client(Thread):
    """Sends requests over one connection until the time has passed."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._port = port

    def run(self) -> None:
        end = time.monotonic() + SECONDS
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            while (began := time.monotonic()) < end:
                connection.sendall(REQUEST)
                answer = b""
                # An empty page; its last bytes end the response.
                while not answer.endswith(b'"next_cursor":null}'):
                    answer += connection.recv(65536)
                self.seconds.append(time.monotonic() - began)


class Collector(BaseHTTPRequestHandler):
    """Accepts everything."""

    protocol_version = "HTTP/1.1"
    status = 200
    content = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class FailingCollector(Collector):
    status = 500


class ConfusedCollector(Collector):
    content = b"nonsense"


class HangingCollector(Collector):
    def do_POST(self) -> None:
        time.sleep(60)


COLLECTORS: Mapping[str, type[Collector] | None] = {
    "accepts": Collector,
    "away": None,
    "hangs": HangingCollector,
    "answers 500": FailingCollector,
    "answers nonsense": ConfusedCollector,
}


@contextmanager
def run_collector(handler: type[Collector] | None) -> Iterator[dict[str, str]]:
    """Yield the settings of a service that uses the collector, or finds none."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler or Collector) as server:
        server.daemon_threads = True
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.1",
        }
        if handler is None:
            server.server_close()
            yield settings
            return
        Thread(target=server.serve_forever, daemon=True).start()
        yield settings
        server.shutdown()


def processor_seconds(live: Live) -> float:
    fields = Path(f"/proc/{live.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(live: Live, figures: Figures) -> None:
    before = processor_seconds(live)
    began = time.monotonic()
    clients = [Client(live.client.port) for _ in range(CONNECTIONS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = [value for client in clients for value in client.seconds]
    figures.rates.append(len(seconds) / (time.monotonic() - began))
    figures.costs.append((processor_seconds(live) - before) / len(seconds))
    figures.slowest.append(statistics.quantiles(seconds, n=100)[-1])


def compare(title: str, services: Mapping[str, Live], rounds: int) -> Table:
    """Load all services in turn, and compare them with the first."""
    figures = {name: Figures() for name in services}
    for live in services.values():
        load(live, Figures())
    names = list(services)
    for _ in track(range(rounds), title):
        for name in names:
            load(services[name], figures[name])
        names.append(names.pop(0))
    table = Table(title, "requests/s", "ratio", "processor ms/request", "ratio", "p99 ms", "ratio")
    first = next(iter(figures.values()))
    for name, figure in figures.items():
        table.add_row(
            name,
            f"{statistics.median(figure.rates):.0f}",
            median_ratio(figure.rates, first.rates),
            f"{1000 * statistics.median(figure.costs):.3f}",
            median_ratio(figure.costs, first.costs),
            f"{1000 * statistics.median(figure.slowest):.1f}",
            median_ratio(figure.slowest, first.slowest),
        )
    return table


def median_ratio(values: Sequence[float], base: Sequence[float]) -> str:
    """Return the median of the ratios within rounds."""
    ratios = [value / base_value for value, base_value in zip(values, base, strict=True)]
    return f"{statistics.median(ratios):.3f}"


def main(rounds: int) -> None:
    answers = row_with(OPTIONS, sqlalchemy="async", database="sqlite", auth="none").answers
    choices = [str(choice.value) for choice in find_option(OPTIONS, "telemetry").choices]
    with TemporaryDirectory() as temporary, ExitStack() as stack:
        workspace = Path(temporary)
        prepare_workspace(ROOT, workspace)

        def run(name: str, telemetry: str, collector: type[Collector] | None) -> Live:
            project = install_row(Row(name, {**answers, "telemetry": telemetry}), workspace)
            folder = workspace / f"run {name}"
            folder.mkdir()
            settings = stack.enter_context(run_collector(collector))
            return stack.enter_context(run_on_fresh_database(project, folder, **settings))

        services = {choice: run(choice, choice, Collector) for choice in choices}
        collectors = {
            name: run(name, "opentelemetry", handler) for name, handler in COLLECTORS.items()
        }
        tables = [
            compare("telemetry", services, rounds),
            compare("collector", collectors, rounds),
        ]
    for table in tables:
        Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
