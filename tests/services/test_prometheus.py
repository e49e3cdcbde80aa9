"""A real Prometheus scrapes two services under load, and answers queries about them."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from generator.project.serve import HOST, free_port
from generator.template.options import Option
from generator.verify.contract.client import Client, ContractError
from tests.support.command import wait_for
from tests.support.live import Live, install_row, run_on_fresh_database
from tests.support.rendered import row_with
from tests.support.servers import skip_missing

pytestmark = pytest.mark.slow

TOKEN = "the-token"  # noqa: S105
PATHS = int(os.environ.get("RANDOM_PATHS", "500"))
RULES = Path("monitoring/alerts.yml")

_CONFIGURATION = """
global:
  scrape_interval: 1s
rule_files: [{rules}]
scrape_configs:
  - job_name: service
    authorization:
      credentials: {token}
    static_configs:
      - targets: {targets}
"""

_RULE_TESTS = """
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: service_info{version="1"}
        values: 1x20
      - series: http_request_duration_seconds_count{status="500"}
        values: 0+10x20
      - series: http_request_duration_seconds_count{status="200"}
        values: 0+90x20
      - series: jobs_oldest_due_seconds{instance="a"}
        values: 0x5 200x15
      - series: jobs_oldest_due_seconds{instance="b"}
        values: 0x20
    promql_expr_test:
      - expr: count by (alertname) (ALERTS{alertstate="firing"})
        eval_time: 15m
        exp_samples:
          - labels: '{alertname="JobsAreLate"}'
            value: 1
          - labels: '{alertname="RequestsFail"}'
            value: 1
"""


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        skip_missing(f"{name} is not installed")
    assert path
    return path


@dataclass
class Prometheus:
    client: Client

    def query(self, expression: str) -> dict[str, float]:
        """Return values by the label that the expression groups by, or by the empty string."""
        answer = self.client.get(f"/api/v1/query?query={quote(expression)}").require(200)
        results = answer.json["data"]["result"]
        return {next(iter(r["metric"].values()), ""): float(r["value"][1]) for r in results}

    def is_ready(self) -> bool:
        try:
            return self.client.get("/-/ready").status == 200
        except ContractError:
            return False


@pytest.fixture(scope="module")
def services(
    options: tuple[Option, ...], workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Live, Live]]:
    row = row_with(options, telemetry="prometheus", auth="none", database="sqlite")
    project = install_row(row, workspace)
    settings = {"METRICS_TOKEN": TOKEN, "FASTAPI_ENV": "production", "JOB_CONCURRENCY": "0"}
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                run_on_fresh_database(project, tmp_path_factory.mktemp("service"), **settings)
            )
            for _ in range(2)
        )
        yield first, second


@pytest.fixture(scope="module")
def prometheus(
    services: tuple[Live, Live], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    targets = json.dumps([f"{HOST}:{service.client.port}" for service in services])
    configuration = folder / "prometheus.yml"
    rules = services[0].project.folder / RULES
    text = _CONFIGURATION.format(targets=targets, token=TOKEN, rules=rules)
    configuration.write_text(text)
    port = free_port()
    command = [
        program("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={HOST}:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    prometheus = Prometheus(Client(HOST, port))
    try:
        wait_for(prometheus.is_ready)
        yield prometheus
    finally:
        process.terminate()
        process.wait(10)


def test_prometheus_answers_queries(services: tuple[Live, Live], prometheus: Prometheus) -> None:
    end = time.monotonic() + 8

    def load(service: Live) -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            service.client.get("/api/v1/items").require(200)
            service.client.send_json("POST", "/api/v1/items", {"name": f"item {number}"})
            service.client.get("/no-such-route").require(404)

    # JOB_CONCURRENCY=0, and no other process: the job waits.
    services[0].client.send("POST", "/api/v1/items/reports").require(202)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(load, services))
    count = "http_request_duration_seconds_count"
    bucket = "http_request_duration_seconds_bucket"
    rates = prometheus.query(f"sum by (route) (rate({count}[6s]))")
    quantiles = prometheus.query(
        f"histogram_quantile(0.99, sum by (route, le) (rate({bucket}[6s])))"
    )
    errors = prometheus.query(f'sum(rate({count}{{status=~"4.."}}[6s])) / sum(rate({count}[6s]))')

    assert prometheus.query("sum(up)") == {"": 2}
    assert rates["/api/v1/items"] > 1
    assert 0 < quantiles["/api/v1/items"] < 10
    assert 0.1 < errors[""] < 0.5
    assert prometheus.query("max(jobs_waiting)") == {"": 1}
    assert prometheus.query("max(jobs_oldest_due_seconds)")[""] > 5
    assert prometheus.query("count(service_info)") == {"": 2}


def test_clients_add_no_series(services: tuple[Live, Live]) -> None:
    service = services[0]
    metrics = service.client.with_caller({"Authorization": f"Bearer {TOKEN}"})

    def send(number: int) -> None:
        service.client.get(f"/random-{number}/path?query={number}").require(404)
        if number % 10 == 0:
            service.client.get(f"/api/v1/items/random-{number}").require(422)
            service.client.send("PROPFIND", f"/api/v1/items?{number}").require(405)

    def series() -> set[str]:
        lines = metrics.get("/metrics").require(200).text.splitlines()
        return {line.rpartition(" ")[0] for line in lines}

    send(0)
    series()  # adds the ones of /metrics
    before = series()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(send, range(1, PATHS)))

    assert series() == before
    assert not any("random" in name for name in series())


def test_metrics_require_token(services: tuple[Live, Live]) -> None:
    anonymous = services[0].client.anonymous()
    answer = anonymous.get("/metrics").require_error(401, "UNAUTHORIZED")

    assert answer.headers["www-authenticate"] == "Bearer"


def test_alerts_fire(services: tuple[Live, Live], tmp_path: Path) -> None:
    project = services[0].project.folder
    shutil.copy(project / RULES, tmp_path / "alerts.yml")
    (tmp_path / "tests.yml").write_text(_RULE_TESTS)
    for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "tests.yml"]):
        promtool = [program("promtool"), *arguments]
        subprocess.run(promtool, cwd=tmp_path, check=True)


def test_dashboard_has_data(services: tuple[Live, Live], prometheus: Prometheus) -> None:
    """Every expression of the dashboard is valid, and finds series."""
    dashboard = json.loads((services[0].project.folder / "monitoring/dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    # No job has finished, and no request has failed.
    with_data = [text for text in expressions if "jobs_finished" not in text and "5.." not in text]

    def find_empty() -> list[str]:
        services[0].client.get("/api/v1/items").require(200)
        texts = [text.replace("$__rate_interval", "1m") for text in with_data]
        return [text for text in texts if not prometheus.query(text)]

    assert len(with_data) > 5
    wait_for(lambda: not find_empty(), 20)
