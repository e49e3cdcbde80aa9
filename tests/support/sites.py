"""Cross-origin requests: pages of other sites in Chromium, and the responses they can read."""

import html
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, urlencode

from generator.project.serve import HOST
from generator.template.options import Option
from generator.verify.contract.client import JSON_TYPE, Headers
from generator.verify.rendered import RenderedProject
from tests.support.browser import visit
from tests.support.live import Live, install_row, run_on_fresh_database
from tests.support.rendered import row_with

ITEMS = "/api/v1/items"

# The options of `fetch`, with its `url`. An `untyped` body is sent without a content type.
Call = dict[str, Any]

# Makes the calls one after the other, and writes the readable part of each response.
PAGE = """<!doctype html><title>A page</title><pre id="responses"></pre><script>
async function call({url, untyped, ...request}) {
  if (untyped) request.body = new TextEncoder().encode(request.body);
  try {
    const answer = await fetch(url, request);
    const {type, status} = answer, headers = Object.fromEntries(answer.headers);
    return {type, status, headers, body: await answer.text()};
  } catch (error) {
    return null;
  }
}
(async () => {
  const responses = [];
  for (const request of JSON.parse(decodeURIComponent(location.hash.slice(1)))) {
    responses.push(await call(request));
  }
  document.getElementById("responses").textContent = JSON.stringify(responses);
})();
</script>"""


@dataclass(frozen=True)
class Response:
    """The part of a response that a page can read; `headers` are the exposed ones."""

    type: str
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def code(self) -> str | None:
        """The code in the error envelope, None for a success. Asserts the id of the request."""
        if self.status < 400:
            return None
        error: dict[str, str] = json.loads(self.body)["error"]
        assert error["request_id"] == self.headers.get("x-request-id")
        return error["code"]


# In place of a response: the browser blocked the request, or the page's access to the response.
BLOCKED = None


def summarize(responses: list[Response | None]) -> list[tuple[int, str | None] | None]:
    """Return status and code of each response."""
    return [(response.status, response.code) if response else BLOCKED for response in responses]


class _Pages(BaseHTTPRequestHandler):
    """Serve the page: `/sandboxed` without an origin, `/after/3` after 3 seconds."""

    def do_GET(self) -> None:
        _, name, seconds = f"{self.path}/".split("/")[:3]
        if name == "after":
            time.sleep(float(seconds))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if name == "sandboxed":
            self.send_header("Content-Security-Policy", "sandbox allow-scripts")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serve_page() -> Iterator[int]:
    """Serve the page and yield the port; each host name of this machine is another origin."""
    with ThreadingHTTPServer((HOST, 0), _Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@dataclass(frozen=True)
class CorsService:
    """A running service, an allowed origin and two foreign ones.

    One foreign origin differs from the allowed one in its port, the other in its host.
    """

    live: Live
    allowed: str
    foreign: tuple[str, str]

    def call(
        self, method: str, path: str, headers: Headers | None = None, **options: object
    ) -> Call:
        """Return a request for the page, without credentials."""
        url = f"http://{HOST}:{self.live.client.port}{path}"
        return {"url": url, "method": method, "headers": dict(headers or {}), **options}

    def form(self, path: str, **fields: str) -> Call:
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", path, content_type, body=urlencode(fields))

    def authenticated(
        self, method: str, path: str, value: object = None, **options: object
    ) -> Call:
        """Return a request with a token, and with JSON if there is a value: it has a preflight."""
        if value is None:
            return self.call(method, path, self.live.client.caller, **options)
        headers = {**self.live.client.caller, **JSON_TYPE}
        return self.call(method, path, headers, body=json.dumps(value), **options)

    def open_page(
        self, page: str, calls: list[Call], folder: Path
    ) -> tuple[list[Response | None], list[str]]:
        """Open the page in Chromium; return its responses, and the requests that were logged."""
        before = len(self._read_requests())
        document = visit(f"{page}#{quote(json.dumps(calls))}", folder).document
        match = re.search(r'<pre id="responses">(.+?)</pre>', document, re.DOTALL)
        assert match, f"The scripts of the page did not finish: {document}"
        responses = [
            response and Response(**response) for response in json.loads(html.unescape(match[1]))
        ]
        return responses, self._read_requests()[before:]

    @contextmanager
    def without_tables(self, *tables: str) -> Iterator[None]:
        """Rename tables of the database, so that requests that need them fail with a 500."""
        path = self.live.settings["DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as database:
            for name in tables:
                database.execute(f"ALTER TABLE {name} RENAME TO {name}_away")
            try:
                yield
            finally:
                for name in tables:
                    database.execute(f"ALTER TABLE {name}_away RENAME TO {name}")

    def _read_requests(self) -> list[str]:
        """Return method, route and status of each request; the route of a preflight is unmatched.

        The line of a request may follow its answer, but not the next answer. So send one more
        request, which is not logged.
        """
        self.live.client.get("/health/live").require(200)
        lines = (line for line in self.live.log.read_text().splitlines() if line.startswith("{"))
        return [entry["message"] for entry in map(json.loads, lines) if "route" in entry]


@contextmanager
def serve_cors(project: RenderedProject, folder: Path, **settings: str) -> Iterator[CorsService]:
    """Run the service with one allowed origin, and serve the page under all origins."""
    with serve_page() as port, serve_page() as other_port:
        allowed = _origin(port)
        foreign = (_origin(other_port), f"http://localhost:{port}")
        settings |= {"CORS_ORIGINS": json.dumps([allowed])}
        with run_on_fresh_database(project, folder, **settings) as live:
            yield CorsService(live, allowed, foreign)


def _origin(port: int) -> str:
    return f"http://{HOST}:{port}"


def install_with_origins(options: tuple[Option, ...], workspace: Path) -> RenderedProject:
    """Install a service with users and allowed origins."""
    answers = {"sqlalchemy": "async", "database": "sqlite", "auth": "jwt"}
    answers["cors_origins"] = '["https://app.example.com"]'
    return install_row(row_with(options, **answers), workspace)


def new_name() -> str:
    return f"item-{secrets.token_hex(8)}"


def create_item(live: Live) -> str:
    """Create an item and return its path."""
    answer = live.client.send_json("POST", ITEMS, {"name": new_name()})
    return answer.require(201).headers["location"]
