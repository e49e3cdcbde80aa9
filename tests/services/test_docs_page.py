"""The documentation page in a real browser."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from generator.project.serve import HOST
from tests.support.browser import visit
from tests.support.live import installed, running_on_a_fresh_database
from tests.support.rendered import MATRIX

pytestmark = pytest.mark.slow


@pytest.fixture
def service(workspace: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a running service with everything."""
    row = next(row for row in MATRIX if row.answers["examples"])
    with running_on_a_fresh_database(installed(row, workspace), tmp_path) as live:
        yield f"http://{HOST}:{live.client.port}"


def test_the_page_shows_the_operations_and_loads_nothing_from_another_host(
    service: str, tmp_path: Path
) -> None:
    seen = visit(f"{service}/docs", tmp_path)

    assert 'id="operations-items-create_item' in seen.document
    assert any(address.endswith(".js") for address in seen.addresses)
    assert seen.hosts == {HOST}


def test_a_page_that_loads_from_another_host_is_noticed(tmp_path: Path) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b'<script src="http://elsewhere.invalid/x.js"></script>')

    with ThreadingHTTPServer((HOST, 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        seen = visit(f"http://{HOST}:{server.server_port}/", tmp_path)
        server.shutdown()

    assert seen.hosts == {HOST, "elsewhere.invalid"}
