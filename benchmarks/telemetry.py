"""The cost of telemetry in a running service, beside the same service without it.

    python -m benchmarks.telemetry [ROUNDS]

Each round loads every service in turn. Requests per second are medians over rounds; the time of the
processor per request depends less on other load of the machine. With OpenTelemetry, a tenth of the
traces is sampled, and sent to a collector that accepts everything.
"""

import os
import socket
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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

SECONDS = 2
CONNECTIONS = 4
REQUEST = b"GET /api/v1/items HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Client(Thread):
    """Sends requests over one connection until the time has passed."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.count = 0
        self._port = port

    def run(self) -> None:
        end = time.monotonic() + SECONDS
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            while time.monotonic() < end:
                connection.sendall(REQUEST)
                answer = b""
                # An empty page; its last bytes end the response.
                while not answer.endswith(b'"next_cursor":null}'):
                    answer += connection.recv(65536)
                self.count += 1


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def run_collector() -> Iterator[dict[str, str]]:
    """Yield the settings of a service that uses the collector."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.1",
        }
        server.shutdown()


def processor_seconds(live: Live) -> float:
    fields = Path(f"/proc/{live.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(live: Live) -> tuple[float, float]:
    """Return requests per second, and seconds of the processor per request."""
    before = processor_seconds(live)
    began = time.monotonic()
    clients = [Client(live.client.port) for _ in range(CONNECTIONS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    count = sum(client.count for client in clients)
    return count / (time.monotonic() - began), (processor_seconds(live) - before) / count


def main(rounds: int) -> None:
    answers = row_with(OPTIONS, sqlalchemy="async", database="sqlite", auth="none").answers
    choices = [str(choice.value) for choice in find_option(OPTIONS, "telemetry").choices]
    rates = defaultdict(list)
    costs = defaultdict(list)
    with TemporaryDirectory() as temporary, ExitStack() as stack:
        workspace = Path(temporary)
        prepare_workspace(ROOT, workspace)
        settings = stack.enter_context(run_collector())
        services = {}
        for choice in choices:
            row = Row(f"telemetry-{choice}", {**answers, "telemetry": choice})
            project = install_row(row, workspace)
            folder = workspace / f"run-{choice}"
            folder.mkdir()
            services[choice] = stack.enter_context(
                run_on_fresh_database(project, folder, **settings)
            )
            load(services[choice])
        for _ in track(range(rounds), "rounds"):
            for choice, live in services.items():
                rate, cost = load(live)
                rates[choice].append(rate)
                costs[choice].append(cost)
    table = Table("telemetry", "requests/s", "ratio", "processor ms/request", "ratio")
    for choice in choices:
        rate, cost = statistics.median(rates[choice]), statistics.median(costs[choice])
        table.add_row(
            choice,
            f"{rate:.0f}",
            f"{rate / statistics.median(rates['none']):.3f}",
            f"{1000 * cost:.3f}",
            f"{cost / statistics.median(costs['none']):.3f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
