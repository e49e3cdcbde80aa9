"""A receiver decodes what services send with OTLP, and fails in the ways of collectors."""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from generator.processes import start, stop
from generator.project.serve import HOST, free_port
from generator.template.options import Option
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_broker, fresh_database, running_worker
from tests.support.command import wait_for
from tests.support.live import Live, install_row, run_service
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow

QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "500"}
SMALL_QUEUE = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "200",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50",
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
}
# The exporter's timeout: a request that waits for a hanging collector takes as long.
EXPORT_SECONDS = 10
JOB = "run app.items.tasks.announce_item"
ROUTE = "POST /api/v1/items"
METRICS = {
    "db.client.connection.count",
    "http.server.request.duration",
    "jobs.oldest_due",
    "jobs.waiting",
}
# The requests of `send_secrets`. Health checks are not measured.
REQUESTS = {
    ("POST", "/api/v1/items", "201"): 1,
    ("POST", "/api/v1/items", "409"): 1,
    ("GET", "unmatched", "404"): 1,
}

# Every place in which a client, or the service, has a secret.
SECRETS = {
    place: f"planted-{place}"
    for place in ("query", "header", "token", "baggage", "state", "host", "name", "value", "hook")
}


@dataclass
class Span:
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: Mapping[str, str]
    resource: Mapping[str, str]


class Receiver(ThreadingHTTPServer):
    """A collector, and the receiver of webhooks."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.url = f"http://{HOST}:{self.server_port}"
        self.mode = "accept"
        self.bodies: list[tuple[str, bytes]] = []
        self.hooks: list[Mapping[str, str]] = []
        self.ending = Event()

    def sent(self) -> bytes:
        return b"".join(body for _, body in self.bodies)

    def spans(self) -> list[Span]:
        return [
            Span(
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                _read(span.attributes),
                _read(resource.resource.attributes),
            )
            for path, body in self.bodies
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> Mapping[str, Metric]:
        """Return the last export of each metric by name."""
        return {
            metric.name: metric
            for path, body in list(self.bodies)
            if path == "/v1/metrics"
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def requests(self) -> Mapping[tuple[str, str, str], int]:
        """Return how many requests were measured by method, route and status."""
        counts = {}
        for point in self.metrics()["http.server.request.duration"].histogram.data_points:
            values = _read(point.attributes)
            names = ("http.request.method", "http.route", "http.response.status_code")
            method, route, status = (values[name] for name in names)
            counts[method, route, status] = point.count
        return counts


def _read(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {
        item.key: str(getattr(item.value, item.value.WhichOneof("value") or "string_value"))
        for item in attributes
    }


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    answers: ClassVar = {"accept": (200, b""), "error": (500, b""), "nonsense": (200, b"\0\xff<")}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.startswith("/v1/"):
            self.server.hooks.append(dict(self.headers))
            self._answer(200, b"")
        elif self.server.mode == "hang":
            self.server.ending.wait(60)
        else:
            self.server.bodies.append((self.path, body))
            self._answer(*self.answers[self.server.mode])

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.ending.set()
        server.shutdown()
        thread.join()


def install(options: tuple[Option, ...], workspace: Path, **answers: str) -> RenderedProject:
    answers = {"auth": "none", **answers}
    row = row_with(options, **answers)
    name = f"opentelemetry-{answers['sqlalchemy']}"
    return install_row(Row(name, {**row.answers, "telemetry": "opentelemetry"}), workspace)


LOCAL = {"sqlalchemy": "async", "database": "sqlite", "background": "background_tasks"}
SERVED = {
    "sqlalchemy": "sync",
    "database": "postgresql",
    "background": "celery",
    "celery_broker": "redis",
}


@contextmanager
def run_jobs(live: Live, runner: str, folder: Path) -> Iterator[None]:
    """Run a process for the jobs of a service, unless it runs them itself."""
    variables = live.project.variables(**live.settings)
    with (folder / "worker.log").open("wb") as output, ExitStack() as stack:
        if runner == "celery":
            stack.enter_context(running_worker(live.project, variables, output.fileno()))
        elif runner == "app.jobs":
            command = [live.project.program("python"), "-m", "app.jobs"]
            process = start(command, live.project.folder, variables, output.fileno())
            stack.callback(stop, process, 15)
        yield


@pytest.mark.parametrize("runner", ["service", "app.jobs", "celery"])
def test_request_and_job_are_one_trace(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path, receiver: Receiver, runner: str
) -> None:
    project = install(options, workspace, **(SERVED if runner == "celery" else LOCAL))
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "WEBHOOK_URL": f"{receiver.url}/hook?token={SECRETS['hook']}",
        "JOB_SWEEP_SECONDS": "0.2",
        "JOB_CONCURRENCY": "1" if runner == "service" else "0",
        **QUICK,
    }
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(project))
        settings |= stack.enter_context(fresh_broker(project))
        live = stack.enter_context(run_service(project, tmp_path, url, settings))
        stack.enter_context(run_jobs(live, runner, tmp_path))
        send_secrets(live)
        wait_for(lambda: any(span.name == JOB for span in receiver.spans()), 30)
        wait_for(lambda: len(receiver.metrics()) >= 4, 30)
    spans = receiver.spans()

    (job,) = [span for span in spans if span.name == JOB]
    (request,) = [span for span in spans if span.span_id == job.parent_id]
    assert request.name == ROUTE
    assert request.attributes["http.response.status_code"] == "201"
    trace = [span for span in spans if span.trace_id == request.trace_id]
    inside = {parent.name: texts_below(trace, parent) for parent in (request, job)}
    assert any(text.startswith("INSERT INTO items") for text in inside[ROUTE])
    assert any("FROM items" in text for text in inside[JOB])
    (outbound,) = [span for span in trace if span.attributes.get("server.address") == HOST]
    assert outbound.parent_id == job.span_id
    assert outbound.attributes["http.response.status_code"] == "200"
    (hook,) = receiver.hooks
    assert hook["traceparent"].startswith(f"00-{request.trace_id}-{outbound.span_id}-")
    assert job.resource["service.name"] == "service"
    assert job.resource["service.version"] == "0.1.0"
    assert receiver.metrics().keys() == METRICS
    assert receiver.metrics()["http.server.request.duration"].unit == "s"
    assert receiver.requests() == REQUESTS
    assert {line["trace_id"] for line in lines_of(tmp_path, "job succeeded")} == {request.trace_id}
    assert request.trace_id in {line["trace_id"] for line in lines_of(tmp_path, "POST ")}
    found = {place for place, secret in SECRETS.items() if secret.encode() in receiver.sent()}
    assert found == set()


def send_secrets(live: Live) -> None:
    """Create an item, whose announcement calls another service, and let a second one fail."""
    headers = {
        "Host": f"{SECRETS['host']}.example",
        "X-Secret": SECRETS["header"],
        "Authorization": f"Bearer {SECRETS['token']}",
        "Baggage": f"a={SECRETS['baggage']}",
        "Tracestate": f"a={SECRETS['state']}",
        "Traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
    }
    client = live.client.with_caller(headers)
    path = f"/api/v1/items?token={SECRETS['query']}"
    item = {"name": SECRETS["name"], "description": SECRETS["value"]}
    client.send_json("POST", path, item).require(201)
    # PostgreSQL quotes the value in the message of its exception.
    client.send_json("POST", path, item).require(409)
    client.get(f"/{SECRETS['query']}").require(404)


def texts_below(spans: list[Span], parent: Span) -> list[str]:
    return [
        span.attributes["db.query.text"]
        for span in spans
        if span.parent_id == parent.span_id and "db.query.text" in span.attributes
    ]


def lines_of(folder: Path, message: str) -> list[dict[str, Any]]:
    """Return the lines of the logs that begin with the message."""
    texts = [text for path in folder.glob("*.log") for text in path.read_text().splitlines()]
    lines = [json.loads(text) for text in texts if text.startswith("{")]
    return [line for line in lines if line["message"].startswith(message)]


def resident_bytes(live: Live) -> int:
    status = Path(f"/proc/{live.process.pid}/status").read_text()
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(kilobytes) * 1024


def slowest_request(live: Live, count: int) -> float:
    """Send requests; each must succeed."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        live.client.get("/api/v1/items").require(200)
        times.append(time.monotonic() - began)
    return max(times)


def test_broken_collector_costs_nothing(
    options: tuple[Option, ...],
    workspace: Path,
    tmp_path: Path,
    receiver: Receiver,
    record_property: Callable[[str, object], None],
) -> None:
    project = install(options, workspace, **LOCAL)
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, **SMALL_QUEUE}
    with (
        fresh_database(project) as url,
        run_service(project, tmp_path, url, settings) as live,
    ):
        slowest = {}
        for mode in ("accept", "error", "nonsense", "hang"):
            receiver.mode = mode
            slowest[mode] = slowest_request(live, 50)
        before = resident_bytes(live)
        # Each request has two spans at least, and the queue holds 200.
        slowest["full"] = slowest_request(live, 400)
        growth = resident_bytes(live) - before
        began = time.monotonic()
        live.end(5)
        seconds = time.monotonic() - began
    text = ", ".join(f"{mode} {1000 * value:.0f} ms" for mode, value in slowest.items())
    record_property("report", f"slowest of requests: {text}; shutdown {seconds:.1f} s")

    assert max(slowest.values()) < EXPORT_SECONDS / 2
    assert lines_of(tmp_path, "Queue full, dropping")
    assert growth < 10 * 2**20
    assert seconds < 5


def test_unreachable_collector_costs_nothing(
    options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> None:
    project = install(options, workspace, **LOCAL)
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{free_port()}", **QUICK}
    with (
        fresh_database(project) as url,
        run_service(project, tmp_path, url, settings) as live,
    ):
        assert slowest_request(live, 50) < EXPORT_SECONDS / 2
        began = time.monotonic()
        live.end(5)
        assert time.monotonic() - began < 5
    assert lines_of(tmp_path, "Transient error")
