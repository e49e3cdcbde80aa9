import json
import logging
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from app.settings import ROOT


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128])
def test_valid_id_is_kept(client: TestClient, given: str) -> None:
    response = client.get("/nowhere", headers={"X-Request-ID": given})

    assert response.headers["X-Request-ID"] == given
    assert response.json()["error"]["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "é", "a;b"])
def test_invalid_id_is_replaced(client: TestClient, given: str) -> None:
    response = client.get("/nowhere", headers={b"X-Request-ID": given.encode()})

    assert response.headers["X-Request-ID"] not in {given, ""}


def test_requests_are_logged_by_route_template(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="app.logs")

    client.get("/health/live")
    client.get("/nowhere/secret")

    requests = [record for record in caplog.records if hasattr(record, "route")]
    assert [(r.levelname, r.method, r.route, r.status) for r in requests] == [  # type: ignore[attr-defined]
        ("DEBUG", "GET", "/health/live", 200),
        ("INFO", "GET", "unmatched", 404),
    ]
    assert all(record.duration_ms >= 0 for record in requests)  # type: ignore[attr-defined]


def test_log_lines_are_json() -> None:
    program = (
        "import logging; from app.logs import configure_logging; configure_logging();"
        "logging.getLogger('shop').warning('two\\nlines')"
    )

    process = subprocess.run(  # noqa: S603  # a constant program
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )

    line = json.loads(process.stdout)
    assert line.keys() == {"time", "level", "logger", "message", "request_id"}
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "shop", "two\nlines")
