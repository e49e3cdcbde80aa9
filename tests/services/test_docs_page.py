"""The documentation page in a real browser."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from generator.project.serve import HOST
from tests.support.browser import visit
from tests.support.live import install_row, run_on_fresh_database
from tests.support.rendered import MATRIX

pytestmark = pytest.mark.slow


@pytest.fixture
def service(workspace: Path, tmp_path: Path) -> Iterator[str]:
    """Run a service with the examples, and yield its URL."""
    row = next(row for row in MATRIX if row.answers["examples"])
    with run_on_fresh_database(install_row(row, workspace), tmp_path) as live:
        yield f"http://{HOST}:{live.client.port}"


def test_docs_load_from_own_host(service: str, tmp_path: Path) -> None:
    page = visit(f"{service}/docs", tmp_path)

    assert 'id="operations-items-create_item' in page.document
    assert any(address.endswith(".js") for address in page.addresses)
    assert page.hosts == {HOST}


def test_other_hosts_are_detected(tmp_path: Path) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b'<script src="http://elsewhere.invalid/x.js"></script>')

    with ThreadingHTTPServer((HOST, 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = visit(f"http://{HOST}:{server.server_port}/", tmp_path)
        server.shutdown()

    assert page.hosts == {HOST, "elsewhere.invalid"}
