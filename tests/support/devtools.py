"""Headless Chromium, driven over a pipe with the DevTools protocol."""

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.browser import QUIET, find_chromium

_SECONDS = 60


class Page:
    """A page of a browser. `requests` are the addresses that it asked for."""

    def __init__(self, reader: Any, writer: Any) -> None:  # noqa: ANN401 - pipes of bytes
        self._reader = reader
        self._writer = writer
        self._received = b""
        self._number = 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.errors: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method, and return its result."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        self._writer.write(json.dumps(message).encode() + b"\0")
        self._writer.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, url: str) -> None:
        """Open an address, and wait for the end of the page's own start."""
        self.load(url)
        self.wait("document.documentElement.dataset.ready === 'true'")

    def load(self, url: str) -> None:
        for address in ("about:blank", url):  # The same address with another hash loads nothing.
            self.call("Page.navigate", url=address)
            while self._read().get("method") != "Page.loadEventFired":
                pass

    def wait(self, condition: str) -> None:
        """Wait for a condition of the page."""
        poll = f"""new Promise((resolve, reject) => {{
            const end = Date.now() + 10000;
            const look = () => ({condition}) ? resolve(true)
              : Date.now() > end ? reject(new Error("never true")) : setTimeout(look, 20);
            look();
        }})"""
        self.evaluate(poll)

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the value of an expression; promises are awaited."""
        result = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key that writes no text."""
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39}
        codes |= {"ArrowDown": 40, "Home": 36, "End": 35}
        code = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="rawKeyDown", **code)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def resize(self, width: int, height: int, *, dark: bool) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, *, whole: bool = False) -> bytes:
        captured = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        return b64decode(captured["data"])

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            part = self._reader.read1()
            assert part, "Chromium ended."
            self._received += part
        data, _, rest = self._received.partition(b"\0")
        self._received = rest
        message: dict[str, Any] = json.loads(data)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        """Keep requests and errors of the page."""
        parameters = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(str(parameters["exceptionDetails"]))
            case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                self.errors.append(parameters["entry"]["text"])


@contextmanager
def open_browser(profile: Path) -> Iterator[Page]:
    """Start Chromium with a profile, and yield a page."""
    to_browser = os.pipe()
    from_browser = os.pipe()
    # Chromium reads descriptor 3 and writes descriptor 4.
    redirect = f'exec "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
    arguments = [*QUIET, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["bash", "-c", redirect, "bash", find_chromium(), *arguments],
        pass_fds=(to_browser[0], from_browser[1]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser[0])
    os.close(from_browser[1])
    with os.fdopen(to_browser[1], "wb") as writer, os.fdopen(from_browser[0], "rb") as reader:
        try:
            page = Page(reader, writer)
            yield page
            page.call("Browser.close")
        finally:
            try:
                process.wait(_SECONDS / 10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
