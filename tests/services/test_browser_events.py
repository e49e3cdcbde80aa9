"""Pages in a browser follow a job: by WebSocket, and by EventSource."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.project.serve import HOST
from generator.template.options import Option
from tests.support.command import wait_for
from tests.support.devtools import Page, open_browser
from tests.support.live import install_row
from tests.support.rendered import row_with
from tests.support.sites import CorsService, serve_cors

pytestmark = pytest.mark.slow

JOBS = "/api/v1/jobs"
REPORTS = "/api/v1/items/reports"

# Resolves with the code, the reason and the messages of a WebSocket connection.
FOLLOW = """(url, first) => new Promise(resolve => {
  const messages = [], connection = new WebSocket(url);
  connection.onopen = () => connection.send(JSON.stringify(first));
  connection.onmessage = ({data}) => messages.push(JSON.parse(data));
  connection.onclose = ({code, reason}) => resolve({code, reason, messages});
})"""
# Resolves at the end of the job, or when the connection fails.
LISTEN = """url => new Promise(resolve => {
  const messages = [], events = new EventSource(url);
  const end = result => { events.close(); resolve({...result, messages}); };
  events.onerror = () => end({failed: true});
  events.onmessage = ({data}) => {
    messages.push(JSON.parse(data));
    if (messages.at(-1).finished_at) end({failed: false});
  };
})"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with open_browser(tmp_path / "profile") as page:
        yield page


@pytest.fixture
def service(
    request: pytest.FixtureRequest, options: tuple[Option, ...], workspace: Path, tmp_path: Path
) -> Iterator[CorsService]:
    """A service with the authentication that the test names."""
    answers = {"auth": request.param, "database": "sqlite", "background": "background_tasks"}
    answers["cors_origins"] = '["https://app.example.com"]'
    with serve_cors(install_row(row_with(options, **answers), workspace), tmp_path) as service:
        yield service


def run_job(service: CorsService) -> str:
    """Run a job to its end and return the path of its events."""
    client = service.live.client
    path = f"{JOBS}/{client.send('POST', REPORTS).require(202).json['id']}"
    wait_for(lambda: bool(client.get(path).require(200).json["finished_at"]), 20)
    return f"{path}/events"


def run(page: Page, address: str, function: str, *arguments: object) -> Any:  # noqa: ANN401 - JSON
    """Open a page of the address, and return the result of a function there."""
    page.load(address)
    return page.evaluate(f"({function})({json.dumps(arguments)[1:-1]})")


@pytest.mark.parametrize("service", ["jwt"], indirect=True)
def test_page_opens_socket(service: CorsService, page: Page) -> None:
    path = run_job(service)
    caller = dict(service.live.client.caller)
    url = f"ws://{HOST}:{service.live.client.port}{path}"
    unknown = url.replace(path.split("/")[-2], "0" * 32)

    followed = run(page, service.allowed, FOLLOW, url, caller)
    missing = run(page, service.allowed, FOLLOW, unknown, caller)
    refused = run(page, service.allowed, FOLLOW, url, {"Authorization": "Bearer nonsense"})
    foreign = run(page, service.foreign[0], FOLLOW, url, caller)

    job = service.live.client.get(path.removesuffix("/events")).json
    assert followed == {"code": 1000, "reason": "", "messages": [job]}
    assert (missing["code"], missing["reason"]) == (4404, "JOB_NOT_FOUND")
    assert (refused["code"], refused["reason"]) == (4401, "INVALID_TOKEN")
    assert foreign == {"code": 4403, "reason": "FORBIDDEN", "messages": []}


@pytest.mark.parametrize("service", ["none"], indirect=True)
def test_page_listens_to_events(service: CorsService, page: Page) -> None:
    path = run_job(service)
    url = service.call("GET", path)["url"]

    allowed = run(page, service.allowed, LISTEN, url)
    foreign = run(page, service.foreign[0], LISTEN, url)

    job = service.live.client.get(path.removesuffix("/events")).json
    assert allowed == {"failed": False, "messages": [job]}
    assert foreign == {"failed": True, "messages": []}
