"""Pages in a browser follow a job: by WebSocket, and by EventSource."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.project.serve import HOST
from generator.template.options import Option
from tests.support.command import wait_for
from tests.support.live import install_row
from tests.support.rendered import row_with
from tests.support.sites import Call, CorsService, run_page, serve_cors

pytestmark = pytest.mark.slow

JOBS = "/api/v1/jobs"
REPORTS = "/api/v1/items/reports"


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


def to_socket(service: CorsService, path: str, **options: object) -> Call:
    return {"socket": f"ws://{HOST}:{service.live.client.port}{path}", **options}


@pytest.mark.parametrize("service", ["jwt"], indirect=True)
def test_page_opens_socket(service: CorsService, tmp_path: Path) -> None:
    path = run_job(service)
    unknown = path.replace(path.split("/")[-2], "0" * 32)
    caller = dict(service.live.client.caller)
    calls = [
        to_socket(service, path, first=caller),
        to_socket(service, unknown, first=caller),
        to_socket(service, path, first={"Authorization": "Bearer nonsense"}),
    ]

    # A page for each: Chromium's virtual time starves the second socket of a page.
    followed, missing, refused = (run_page(service.allowed, [call], tmp_path)[0] for call in calls)
    (foreign,) = run_page(service.foreign[0], calls[:1], tmp_path)

    job = service.live.client.get(path.removesuffix("/events")).json
    assert followed == {"code": 1000, "reason": "", "messages": [job]}
    assert (missing["code"], missing["reason"]) == (4404, "JOB_NOT_FOUND")
    assert (refused["code"], refused["reason"]) == (4401, "INVALID_TOKEN")
    assert foreign == {"code": 4403, "reason": "FORBIDDEN", "messages": []}


@pytest.mark.parametrize("service", ["none"], indirect=True)
def test_page_listens_to_events(service: CorsService, tmp_path: Path) -> None:
    path = run_job(service)
    calls: list[Call] = [{"source": service.call("GET", path)["url"]}]

    allowed = run_page(service.allowed, calls, tmp_path)
    foreign = run_page(service.foreign[0], calls, tmp_path)

    job = service.live.client.get(path.removesuffix("/events")).json
    assert allowed == [{"failed": False, "messages": [job]}]
    assert foreign == [{"failed": True, "messages": []}]
