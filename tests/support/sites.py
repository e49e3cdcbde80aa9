"""Pages of other sites: what they call from a browser, and what it lets them see of the answers."""

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
from tests.support.live import Live, installed, running_on_a_fresh_database
from tests.support.rendered import row_with

ITEMS = "/api/v1/items"

# A request as `fetch` takes it, with its `url`; a `nameless` body has no content type.
Call = dict[str, Any]

# Makes one call after the other, and writes down what it could see of each.
PAGE = """<!doctype html><title>A page</title><pre id="seen"></pre><script>
async function call({url, nameless, ...request}) {
  if (nameless) request.body = new TextEncoder().encode(request.body);
  try {
    const answer = await fetch(url, request);
    const {type, status} = answer, headers = Object.fromEntries(answer.headers);
    return {type, status, headers, body: await answer.text()};
  } catch (error) {
    return null;
  }
}
(async () => {
  const seen = [];
  for (const one of JSON.parse(decodeURIComponent(location.hash.slice(1)))) {
    seen.push(await call(one));
  }
  document.getElementById("seen").textContent = JSON.stringify(seen);
})();
</script>"""


@dataclass(frozen=True)
class Seen:
    """What a page could see of an answer; `headers` are all that it could read."""

    type: str
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def code(self) -> str | None:
        """The code in the envelope of an error, whose request id is also in a header."""
        if self.status < 400:
            return None
        error: dict[str, str] = json.loads(self.body)["error"]
        assert error["request_id"] == self.headers.get("x-request-id")
        return error["code"]


# What a page sees of a request that the browser refused, or of an answer that it kept to itself.
NOTHING = None


def answers(seen: list[Seen | None]) -> list[tuple[int, str | None] | None]:
    """Status and code of each."""
    return [(one.status, one.code) if one else NOTHING for one in seen]


class _Pages(BaseHTTPRequestHandler):
    """`/` is a page, `/sandboxed` the page without an origin, `/after/3` comes in 3 seconds."""

    def do_GET(self) -> None:
        _, place, seconds = f"{self.path}/".split("/")[:3]
        if place == "after":
            time.sleep(float(seconds))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if place == "sandboxed":
            self.send_header("Content-Security-Policy", "sandbox allow-scripts")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal of the tests."""


@contextmanager
def site() -> Iterator[int]:
    """Serve the page, and give the port: an origin under each name of this machine."""
    with ThreadingHTTPServer((HOST, 0), _Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@dataclass(frozen=True)
class Web:
    """A running service, an origin that may call it, and two that may not."""

    live: Live
    friend: str
    # One differs in its port, one in its host.
    strangers: tuple[str, str]

    def call(self, method: str, path: str, headers: Headers | None = None, **rest: object) -> Call:
        """A request as the page writes it: who calls and what is sent stand in the arguments."""
        url = f"http://{HOST}:{self.live.client.port}{path}"
        return {"url": url, "method": method, "headers": dict(headers or {}), **rest}

    def form(self, path: str, **fields: str) -> Call:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", path, kind, body=urlencode(fields))

    def by_caller(self, method: str, path: str, value: object = None, **rest: object) -> Call:
        """With a token, and with JSON where there is a value: the browser asks before it sends."""
        if value is None:
            return self.call(method, path, self.live.client.caller, **rest)
        headers = {**self.live.client.caller, **JSON_TYPE}
        return self.call(method, path, headers, body=json.dumps(value), **rest)

    def opened(
        self, page: str, calls: list[Call], folder: Path
    ) -> tuple[list[Seen | None], list[str]]:
        """Open the page in Chromium; give what it saw of its calls, and what the service logged."""
        before = len(self._logged())
        document = visit(f"{page}#{quote(json.dumps(calls))}", folder).document
        written = re.search(r'<pre id="seen">(.+?)</pre>', document, re.DOTALL)
        assert written, f"The page did not come to its end: {document}"
        seen = [one and Seen(**one) for one in json.loads(html.unescape(written[1]))]
        return seen, self._logged()[before:]

    @contextmanager
    def failing(self, *tables: str) -> Iterator[None]:
        """Let the service fail, and not because of the request, where it needs a table of these."""
        path = self.live.settings["DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as database:
            for name in tables:
                database.execute(f"ALTER TABLE {name} RENAME TO {name}_away")
            try:
                yield
            finally:
                for name in tables:
                    database.execute(f"ALTER TABLE {name}_away RENAME TO {name}")

    def _logged(self) -> list[str]:
        """Method, route and status of each request; that of a preflight is `unmatched`."""
        # A line may come after its answer, but not after the next one; this one has none.
        self.live.client.get("/health/live").of(200)
        lines = (line for line in self.live.log.read_text().splitlines() if line.startswith("{"))
        return [one["message"] for one in map(json.loads, lines) if "route" in one]


@contextmanager
def web_of(project: RenderedProject, folder: Path, **settings: str) -> Iterator[Web]:
    with site() as known, site() as unknown:
        friend, strangers = _origin(known), (_origin(unknown), f"http://localhost:{known}")
        settings |= {"CORS_ORIGINS": json.dumps([friend])}
        with running_on_a_fresh_database(project, folder, **settings) as live:
            yield Web(live, friend, strangers)


def _origin(port: int) -> str:
    return f"http://{HOST}:{port}"


def with_origins(options: tuple[Option, ...], workspace: Path) -> RenderedProject:
    """A project that knows users, and origins that may call it."""
    answers = {"sqlalchemy": "async", "database": "sqlite", "auth": "jwt"}
    answers["cors_origins"] = '["https://app.example.com"]'
    return installed(row_with(options, **answers), workspace)


def new_name() -> str:
    return f"item-{secrets.token_hex(8)}"


def new_item(live: Live) -> str:
    """The path of an item that was not there before."""
    answer = live.client.send_json("POST", ITEMS, {"name": new_name()})
    return answer.of(201).headers["location"]
