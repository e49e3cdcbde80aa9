"""`new` as a process: on a terminal, interrupted, and with a running service."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.command import no_process_mentions, running, silent_index, wait_for
from tests.support.repository import list_files

pytestmark = pytest.mark.slow


def test_settings_of_uv_and_git_are_ignored(checkout: Path, tmp_path: Path) -> None:
    variables = {
        "UV_FROZEN": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.file.allow",
        "GIT_CONFIG_VALUE_0": "never",
    }
    with running(checkout, tmp_path, "new", "shop", **variables) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert (tmp_path / "shop/uv.lock").is_file()


def test_nohup_is_respected() -> None:
    script = (
        "import signal, sys\nfrom generator.cli import run\nsys.argv[1:] = ['--version']\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    )
    command = ["nohup", sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "True"


def test_ctrl_c_in_render_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    with running(checkout, tmp_path, "new", "made/shop") as process:
        wait_for((tmp_path / "made/shop/app").exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert list_files(tmp_path) == []


def test_ctrl_c_in_lock_keeps_render(checkout: Path, tmp_path: Path) -> None:
    with (
        silent_index() as index,
        running(
            checkout, tmp_path, "new", "shop",
            UV_DEFAULT_INDEX=index, UV_CACHE_DIR=str(tmp_path / "cache"),
        ) as process,
    ):  # fmt: skip
        wait_for((tmp_path / "cache").exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "neither locked nor committed" in output
    assert (tmp_path / "shop/.copier-answers.yml").is_file()


def test_ctrl_c_in_commit_says_how_to_continue(checkout: Path, tmp_path: Path) -> None:
    """The user signs commits, and is asked for a passphrase."""
    program = tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexec sleep 60\n")
    program.chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[commit]\ngpgSign = true\n[gpg]\nprogram = {program}\n")
    with running(checkout, tmp_path, "new", "shop", GIT_CONFIG_GLOBAL=str(settings)) as process:
        wait_for((tmp_path / "started").exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "not committed: continue there" in output
    assert not (tmp_path / "shop/.git/index.lock").exists()


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_run_boots_until_stopped(
    checkout: Path, tmp_path: Path, stop: signal.Signals, code: int
) -> None:
    with running(checkout, tmp_path, "new", "shop", "--run") as process:
        assert process.stdout is not None
        port = 0
        for line in process.stdout:
            if address := re.search(r"http://127\.0\.0\.1:(\d+)/docs", line):
                port = int(address[1])
            if "Ctrl-C" in line:
                break
        assert port >= 8000
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/docs") as page:
            assert page.status == 200
        process.send_signal(stop)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == code, output
    assert "Traceback" not in output
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert no_process_mentions(tmp_path)


def test_terminal_is_asked(checkout: Path, tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "new", "shop"],
        cwd=tmp_path,
        env=os.environ | {"FASTAPI_SERVICE_TEMPLATE": str(checkout), "TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    while b"Name of the service" not in shown:
        shown += os.read(controller, 1024)
    os.write(controller, b"\x03")
    with suppress(OSError):
        while chunk := os.read(controller, 1024):
            shown += chunk
    assert process.wait(30) == 130
    assert b"Traceback" not in shown
    assert list_files(tmp_path) == []
    os.close(controller)
