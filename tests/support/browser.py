"""Headless Chromium, as a person's browser would load a page, and what it asked the network for."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

# Chromium's own traffic (updates, safe browsing) is switched off: what is left is the page's.
_QUIET = [
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
    """The page after its scripts ran, and the addresses that it made the browser load."""

    document: str
    addresses: frozenset[str]

    @property
    def hosts(self) -> set[str | None]:
        return {urlsplit(address).hostname for address in self.addresses}


def visit(url: str, folder: Path, *, milliseconds: int = 10_000) -> Visit:
    """Open a page and let its scripts run for `milliseconds` of the browser's own clock.

    Skips the test where Chromium is not installed, and fails it there with REQUIRE_SERVICES=1.
    """
    program = shutil.which("chromium")
    if program is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    log = folder / "net.json"
    arguments = [
        f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={log}",
        f"--virtual-time-budget={milliseconds}",
        "--dump-dom",
        url,
    ]
    done = subprocess.run(
        [program, *_QUIET, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return Visit(done.stdout, _addresses(json.loads(log.read_text()), url))


def _addresses(log: dict[str, object], page: str) -> frozenset[str]:
    """What the page loaded: each request that has the page's origin as its initiator, and it."""
    parts = urlsplit(page)
    origin = f"{parts.scheme}://{parts.netloc}"
    parameters = [event.get("params", {}) for event in log["events"]]  # type: ignore[attr-defined]
    return frozenset(
        found["url"]
        for found in parameters
        if "url" in found and (found.get("initiator") == origin or found["url"].startswith(origin))
    )
