"""Hostile uploads against a running service: huge, interrupted, without space to store them."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.verify.contract.files import upload
from generator.verify.rendered import RenderedProject
from tests.support.command import wait_for
from tests.support.live import Install, Live, run_on_fresh_database

pytestmark = pytest.mark.slow

FILES = "/api/v1/files"
MEBIBYTE = 1024 * 1024
LIMIT = 5 * MEBIBYTE
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0"
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
HEAD = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n"
)


@pytest.fixture(params=["async", "sync"])
def project(request: pytest.FixtureRequest, install: Install) -> RenderedProject:
    return install(sqlalchemy=request.param, database="sqlite", auth="none")


@pytest.fixture
def live(project: RenderedProject, tmp_path: Path) -> Iterator[Live]:
    with run_on_fresh_database(project, tmp_path) as live:
        yield live


def peak_memory(live: Live) -> int:
    """Return the peak resident memory of the process in bytes."""
    status = Path(f"/proc/{live.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def list_stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "uploads").rglob("*") if path.is_file()]


class StreamedForm:
    """The body of a form with a file of `size` bytes; `sent` counts the bytes of the file."""

    def __init__(self, size: int) -> None:
        self.remaining = size
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        yield HEAD + PNG
        chunk = b"\0" * (64 * 1024)
        while self.remaining > 0:
            yield chunk
            self.remaining -= len(chunk)
            self.sent += len(chunk)


def test_huge_chunked_upload_is_cut_off(live: Live, tmp_path: Path) -> None:
    upload(live.client, PNG, "image/png").require(201)
    before = peak_memory(live)
    body = StreamedForm(200 * MEBIBYTE)

    answer = live.client.send("POST", FILES, FORM, iter(body))
    answer.require_error(413, "PAYLOAD_TOO_LARGE")

    # The buffers of the kernel on both sides of the connection count as sent, too.
    assert body.sent < LIMIT + 16 * MEBIBYTE
    assert peak_memory(live) - before < 32 * MEBIBYTE
    assert len(list_stored(tmp_path)) == 1
    live.client.get("/health").require(200)


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 201), (LIMIT + 1, 413)])
def test_size_limit_is_exact(live: Live, tmp_path: Path, size: int, status: int) -> None:
    upload(live.client, PNG + b"\0" * (size - len(PNG)), "image/png").require(status)

    assert len(list_stored(tmp_path)) == (1 if status == 201 else 0)


def test_aborted_upload_is_deleted(live: Live, tmp_path: Path) -> None:
    with socket.create_connection((live.client.host, live.client.port)) as connection:
        connection.sendall(
            f"POST {FILES} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n".encode()
            + f"Content-Type: {FORM['Content-Type']}\r\n\r\n".encode()
            + HEAD
            + PNG
            + b"\0" * 2_000_000
        )
        time.sleep(0.3)

    wait_for(lambda: f'"POST {FILES} ' in live.log.read_text(), seconds=10)
    assert list_stored(tmp_path) == []
    assert '"level": "ERROR"' not in live.log.read_text()
    live.client.get("/health").require(200)


def test_full_disk_is_internal_error(project: RenderedProject, tmp_path: Path) -> None:
    """A partial file is deleted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        with run_on_fresh_database(project, tmp_path, UPLOAD_DIR=str(disk)) as live:
            answer = upload(live.client, PNG + b"\0" * (2 * MEBIBYTE), "image/png")
            answer.require_error(500, "INTERNAL_ERROR")
            assert list(disk.iterdir()) == []
            upload(live.client, PNG, "image/png").require(201)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_read_only_folder_is_internal_error(project: RenderedProject, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() == 0:
        mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("root can write to every folder, and has no right to mount here")
    else:
        disk.chmod(0o500)
    try:
        with run_on_fresh_database(project, tmp_path, UPLOAD_DIR=str(disk)) as live:
            upload(live.client, PNG, "image/png").require_error(500, "INTERNAL_ERROR")
            assert list(disk.iterdir()) == []
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", disk], check=True)
