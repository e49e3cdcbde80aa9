"""Headless Chromium: the document of a page after its scripts ran, and its requests."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

# Switch off Chromium's own traffic (updates, safe browsing), which is in the log of requests, too.
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@dataclass(frozen=True)
class Visit:
    """A page after its scripts ran, and the addresses that it loaded."""

    document: str
    addresses: frozenset[str]

    @property
    def hosts(self) -> set[str | None]:
        return {urlsplit(address).hostname for address in self.addresses}


def find_chromium() -> str:
    """Return Chromium. Without it the test is skipped; with REQUIRE_SERVICES=1 it fails."""
    program = shutil.which("chromium")
    if program is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


def visit(url: str, folder: Path, *, milliseconds: int = 10_000) -> Visit:
    """Open a page and run its scripts for `milliseconds` of virtual time."""
    log = folder / "net.json"
    arguments = [
        f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={log}",
        f"--virtual-time-budget={milliseconds}",
        "--dump-dom",
        url,
    ]
    result = subprocess.run(
        [find_chromium(), *QUIET, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return Visit(result.stdout, _addresses(json.loads(log.read_text()), url))


def _addresses(log: dict[str, object], page: str) -> frozenset[str]:
    """Return the page's own URL, and the requests that its origin initiated."""
    parts = urlsplit(page)
    origin = f"{parts.scheme}://{parts.netloc}"
    parameters = [event.get("params", {}) for event in log["events"]]  # type: ignore[attr-defined]
    return frozenset(
        request["url"]
        for request in parameters
        if "url" in request
        and (request.get("initiator") == origin or request["url"].startswith(origin))
    )
