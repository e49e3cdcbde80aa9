"""Uploads that attack, against a running service: what it reads, remembers and leaves behind."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.template.options import Option
from generator.verify.contract.client import Answer
from generator.verify.contract.files import upload
from generator.verify.rendered import RenderedProject
from tests.support.command import wait_for
from tests.support.live import Live, installed, running_on_a_fresh_database
from tests.support.rendered import row_with

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
def project(
    request: pytest.FixtureRequest, options: tuple[Option, ...], workspace: Path
) -> RenderedProject:
    row = row_with(options, sqlalchemy=request.param, database="sqlite", auth="none")
    return installed(row, workspace)


@pytest.fixture
def live(project: RenderedProject, tmp_path: Path) -> Iterator[Live]:
    with running_on_a_fresh_database(project, tmp_path) as live:
        yield live


def memory(live: Live) -> int:
    """Bytes of memory that the process has held at most so far."""
    status = Path(f"/proc/{live.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "uploads").rglob("*") if path.is_file()]


class Endless:
    """The body of a form whose file never ends, or ends after `size` bytes; counts what is read."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        yield HEAD + PNG
        chunk = b"\0" * (64 * 1024)
        while self.left > 0:
            yield chunk
            self.left -= len(chunk)
            self.sent += len(chunk)


def refused_by_size(live: Live, body: Endless) -> Answer:
    answer: Answer = live.client.send("POST", FILES, FORM, iter(body))
    return answer.refused(413, "PAYLOAD_TOO_LARGE")


def test_a_huge_upload_without_a_length_is_cut_off(live: Live, tmp_path: Path) -> None:
    upload(live.client, PNG, "image/png").of(201)
    before = memory(live)
    body = Endless(200 * MEBIBYTE)

    refused_by_size(live, body)

    # What the kernel holds on both sides of the connection counts as sent, too.
    assert body.sent < LIMIT + 16 * MEBIBYTE
    assert memory(live) - before < 32 * MEBIBYTE
    assert len(stored(tmp_path)) == 1
    live.client.get("/health").of(200)


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 201), (LIMIT + 1, 413)])
def test_the_limit_is_exact(live: Live, tmp_path: Path, size: int, status: int) -> None:
    upload(live.client, PNG + b"\0" * (size - len(PNG)), "image/png").of(status)

    assert len(stored(tmp_path)) == (1 if status == 201 else 0)


def test_a_client_that_goes_away_leaves_nothing(live: Live, tmp_path: Path) -> None:
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
    assert stored(tmp_path) == []
    assert '"level": "ERROR"' not in live.log.read_text()
    live.client.get("/health").of(200)


def test_a_full_disk_is_one_error_and_nothing_half_written(
    project: RenderedProject, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        with running_on_a_fresh_database(project, tmp_path, UPLOAD_DIR=str(disk)) as live:
            big = upload(live.client, PNG + b"\0" * (2 * MEBIBYTE), "image/png")
            big.refused(500, "INTERNAL_ERROR")
            assert list(disk.iterdir()) == []
            upload(live.client, PNG, "image/png").of(201)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_read_only_folder_is_one_error(project: RenderedProject, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() == 0:
        mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("root may write anywhere, and may not mount here")
    else:
        disk.chmod(0o500)
    try:
        with running_on_a_fresh_database(project, tmp_path, UPLOAD_DIR=str(disk)) as live:
            upload(live.client, PNG, "image/png").refused(500, "INTERNAL_ERROR")
            assert list(disk.iterdir()) == []
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", disk], check=True)
