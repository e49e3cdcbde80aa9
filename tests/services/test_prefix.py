"""A service below a path prefix, behind a proxy that strips it, by a client and by a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode, urlsplit

import pytest

from generator.project.serve import HOST
from generator.template.options import Option
from generator.verify.contract.client import Answer, Client, Headers
from generator.verify.contract.files import upload
from generator.verify.runtime import fresh_database
from tests.support.browser import visit
from tests.support.live import install_row, run_service
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow

PREFIX = "/svc"
PDF = b"%PDF-1.4\n" + b"\0" * 3_000_000 + b"\n%%EOF\n"
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding"}


class PrefixedClient(Client):
    """Sends every request below the prefix."""

    def send(
        self,
        method: str,
        path: str,
        headers: Headers | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        return super().send(method, f"{PREFIX}{path.removeprefix(PREFIX)}", headers, body)


@contextmanager
def strip_prefix(port: int) -> Iterator[int]:
    """Run a proxy that forwards the paths below the prefix, without it; yield its port."""

    class Proxy(BaseHTTPRequestHandler):
        def forward(self) -> None:
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            length = int(self.headers.get("Content-Length", 0))
            connection = HTTPConnection(HOST, port, timeout=30)
            path = self.path.removeprefix(PREFIX)
            connection.request(self.command, path, self.rfile.read(length), dict(self.headers))
            response = connection.getresponse()
            body = response.read()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in HOP_HEADERS:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = do_PUT = forward  # noqa: N815

    with ThreadingHTTPServer((HOST, 0), Proxy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def proxy(
    options: tuple[Option, ...], workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """Run a service with users below the prefix, and yield a client of its proxy."""
    project = install_row(row_with(options, database="sqlite", auth="jwt"), workspace)
    folder = tmp_path_factory.mktemp("prefix")
    with (
        fresh_database(project) as url,
        run_service(project, folder, url, {}, "--root-path", PREFIX) as live,
        strip_prefix(live.client.port) as port,
    ):
        yield PrefixedClient(HOST, port).with_caller(live.client.caller)


def test_responses_name_the_prefix(proxy: Client) -> None:
    created = upload(proxy, PDF, "application/pdf")
    created.require(201)
    location = created.headers["location"]
    assert location.startswith(f"{PREFIX}/api/v1/files/")
    content = proxy.get(f"{location}/content")
    content.require(200)
    assert content.body == PDF

    refused = proxy.send("PUT", location)
    refused.require_error(405, "METHOD_NOT_ALLOWED")
    assert refused.headers["allow"] == "DELETE, GET"
    assert refused.json["error"]["path"] == location


def test_documented_login_works(proxy: Client) -> None:
    schema = proxy.get("/openapi.json").json
    (scheme,) = schema["components"]["securitySchemes"].values()
    token_url = urlsplit(scheme["flows"]["password"]["tokenUrl"]).path
    form = urlencode({"username": "no@example.com", "password": "not the password"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = proxy.anonymous().send("POST", token_url, headers, form)

    answer.require_error(401, "INVALID_CREDENTIALS")


def test_docs_load_below_the_prefix(proxy: Client, tmp_path: Path) -> None:
    page = visit(f"http://{HOST}:{proxy.port}{PREFIX}/docs", tmp_path)

    # Chromium logs the origin itself, too, without a request.
    paths = {urlsplit(address).path for address in page.addresses} - {"/"}
    assert 'id="operations-items-create_item' in page.document
    assert f"{PREFIX}/openapi.json" in paths
    assert all(path.startswith(f"{PREFIX}/") for path in paths), paths
