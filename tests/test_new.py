"""`new` makes a project that is complete and under git, or changes nothing and says why."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from generator.options import Option
from tests.conftest import (
    Command,
    Result,
    commit_all,
    copy_template,
    git,
    no_process_mentions,
    running,
    wait_for,
)

NO_NETWORK = {"UV_OFFLINE": "1", "UV_CACHE_DIR": "empty-cache"}


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def assert_refused(result: Result, code: int, *words: str) -> None:
    """One sentence on stderr that has the words, nothing on stdout, no traceback."""
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if not line.endswith("...")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    for word in words:
        assert word in lines[0]


# ------------------------------------------------------------------------------------ a project


def test_a_project_is_rendered_locked_and_committed(command: Command, tmp_path: Path) -> None:
    result = command("new", "shop")
    assert result.returncode == 0, result.stderr
    project = tmp_path / "shop"
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-list", "--count", "HEAD") == "1"
    assert git(project, "branch", "--show-current") == "main"
    tracked = git(project, "ls-files").splitlines()
    assert {"uv.lock", ".copier-answers.yml"} <= set(tracked)
    assert ".env" not in tracked
    assert (project / ".env").is_file()
    assert f"cd {project}" in result.stdout


def test_a_project_records_where_it_can_be_updated_from(
    command: Command, checkout: Path, tmp_path: Path
) -> None:
    relative = os.path.relpath(checkout, tmp_path)
    assert command("new", "shop", "--template", relative).returncode == 0
    answers = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    assert answers["_src_path"] == str(checkout)
    assert answers["_commit"] == "v0.1.0"


def test_without_a_terminal_the_defaults_are_taken_and_printed(
    command: Command, tmp_path: Path
) -> None:
    result = command("new", "shop")
    recorded = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    for name in recorded:
        assert name.startswith("_") or f"{name}=" in result.stdout


def test_the_last_of_two_answers_wins(command: Command, tmp_path: Path) -> None:
    name = "{{ 7 * 7 }} 'shop'"
    result = command("new", "shop", "-d", "project_name=a", "-d", f"project_name={name}")
    assert result.returncode == 0, result.stderr
    recorded = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    assert recorded["project_name"] == name


def test_the_current_folder_can_become_the_project(command: Command, tmp_path: Path) -> None:
    assert command("new", ".").returncode == 0
    assert (tmp_path / ".git").is_dir()


def test_an_old_release_can_be_rendered(command: Command, tmp_path: Path) -> None:
    template = released_twice(tmp_path / "template")
    result = command("new", "shop", "--template", template, "--ref", "v0.1.0")
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "shop/second.txt").exists()


def test_a_git_url_gives_the_latest_release(command: Command, tmp_path: Path) -> None:
    template = released_twice(tmp_path / "template")
    (template / "template/third.txt").touch()
    commit_all(template)
    result = command("new", "shop", "--template", f"git+file://{template}")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "shop/second.txt").exists()
    assert not (tmp_path / "shop/third.txt").exists()
    answers = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    assert answers["_commit"] == "v0.2.0"
    assert answers["_src_path"] == f"git+file://{template}"


def released_twice(folder: Path) -> Path:
    template = copy_template(folder)
    for tag, name in (("v0.1.0", "first.txt"), ("v0.2.0", "second.txt")):
        (template / "template" / name).touch()
        commit_all(template)
        git(template, "tag", tag)
    return template


def test_inside_a_work_tree_no_repository_is_made(command: Command, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    result = command("new", "services/shop")
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "services/shop/.git").exists()
    assert (tmp_path / "services/shop/uv.lock").is_file()
    assert f"Rendered into the repository {tmp_path}" in result.stdout
    assert git(tmp_path, "status", "--porcelain") == "?? services/"


def test_who_is_unknown_to_git_can_commit(command: Command, tmp_path: Path) -> None:
    result = command("new", "shop", GIT_CONFIG_GLOBAL="/dev/null")
    assert result.returncode == 0, result.stderr
    assert git(tmp_path / "shop", "log", "--format=%an") == "fastapi-service"


# ------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("databse=sqlite", ["'databse'", "did you mean 'database'", "fastapi-service options"]),
        ("nonsense=1", ["'nonsense'", "fastapi-service options"]),
        ("database", ["name=value"]),
        ("database=oracle", ["database", "oracle"]),
        ("examples=maybe", ["examples", "maybe", "true or false"]),
        ('cors_origins=["*"]', ["cors_origins", "*"]),
        ("cors_origins=https://a.example", ["cors_origins", "list"]),
        ("cors_origins=[", ["cors_origins", "YAML"]),
        ("project_name=fastapi", ["project_slug", "fastapi"]),
        ("project_name=a\nb", ["project_name", "control character"]),
        ("project_name=\x07bell", ["project_name", "control character"]),
        (f"project_name={'x' * 61}", ["project_name", "60"]),
        (f"description={'x' * 301}", ["description", "300"]),
        ("project_name=", ["project_name", "empty"]),
    ],
)
def test_a_bad_answer_writes_nothing(
    command: Command, tmp_path: Path, answer: str, words: list[str]
) -> None:
    assert_refused(command("new", "made/shop", "-d", answer), 2, *words)
    assert contents(tmp_path) == []


def test_a_computed_answer_is_refused(
    command: Command, tmp_path: Path, options: tuple[Option, ...]
) -> None:
    computed = next(option.name for option in options if option.computed)
    assert_refused(command("new", "shop", "-d", f"{computed}=x"), 2, computed, "computed")
    assert contents(tmp_path) == []


def test_a_bad_answer_leaves_an_empty_folder_empty(command: Command, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert_refused(command("new", "shop", "-d", 'cors_origins=["*"]'), 2)
    assert contents(tmp_path) == ["shop"]


def test_a_folder_with_files_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/mine").write_text("kept")
    assert_refused(command("new", "shop"), 2, "not empty")
    assert contents(tmp_path) == ["shop", "shop/mine"]


@pytest.mark.parametrize("destination", ["file", "file/shop"])
def test_a_file_is_refused(command: Command, tmp_path: Path, destination: str) -> None:
    (tmp_path / "file").write_text("kept")
    assert_refused(command("new", destination), 2, "is a file")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("inside", [".", "shop", "template/shop"])
def test_the_template_is_no_destination(command: Command, checkout: Path, inside: str) -> None:
    assert_refused(command("new", checkout / inside), 2, "inside the template")
    assert git(checkout, "status", "--porcelain") == ""


def test_a_dirty_template_is_refused_unless_allowed(command: Command, tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    commit_all(template)
    (template / "template/draft.txt").touch()
    assert_refused(command("new", "shop", "--template", template), 1, "--allow-dirty", "updated")
    assert not (tmp_path / "shop").exists()
    result = command("new", "shop", "--template", template, "--allow-dirty")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "shop/draft.txt").exists()


def test_a_template_without_history_is_refused(command: Command, tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    assert_refused(command("new", "shop", "--template", template), 1, "not a git repository")
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("missing", 1),
        ("git+file:///missing/template", 1),
        ("https://ada:secret@forge.example/template.git", 2),
        ("https://secret@forge.example/template.git", 2),
        ("git+https://forge.example/template?token=secret", 2),
    ],
)
def test_a_bad_template_is_refused(
    command: Command, tmp_path: Path, source: str, code: int
) -> None:
    result = command("new", "shop", "--template", source)
    assert_refused(result, code, "template")
    assert "secret" not in result.stderr
    assert contents(tmp_path) == []


def test_an_unknown_revision_is_refused(command: Command, tmp_path: Path) -> None:
    assert_refused(command("new", "shop", "--ref", "v9"), 1, "v9")
    assert contents(tmp_path) == []


@pytest.mark.parametrize("arguments", [["new"], ["new", "a", "b"], ["new", "a", "--nonsense"]])
def test_bad_usage_is_2(command: Command, arguments: list[str], tmp_path: Path) -> None:
    result = command(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert contents(tmp_path) == []


# -------------------------------------------------------------------------- what may be missing


def test_without_git_nothing_is_written(command: Command, tmp_path: Path) -> None:
    assert_refused(command("new", "shop", PATH="/nowhere"), 1, "git is not installed")
    assert contents(tmp_path) == []


def test_without_network_the_project_is_kept(command: Command, tmp_path: Path) -> None:
    result = command("new", "shop", **NO_NETWORK)
    assert_refused(result, 1, "uv lock", str(tmp_path / "shop"))
    project = tmp_path / "shop"
    assert git(project, "status", "--porcelain") == ""
    assert "uv.lock" not in git(project, "ls-files").splitlines()
    assert "pyproject.toml" in git(project, "ls-files").splitlines()


# ------------------------------------------------------------------------------------- interrupt


def test_ctrl_c_while_rendering_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    with running(checkout, tmp_path, "new", "made/shop") as process:
        wait_for((tmp_path / "made/shop/app").exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert contents(tmp_path) == []


@contextmanager
def silent_index() -> Iterator[str]:
    """Offer a package index that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def test_ctrl_c_while_locking_keeps_the_complete_render(checkout: Path, tmp_path: Path) -> None:
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


# --------------------------------------------------------------------------------------- to run


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_run_boots_the_service_until_it_is_stopped(
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


def test_on_a_terminal_the_questions_are_asked(checkout: Path, tmp_path: Path) -> None:
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
    assert contents(tmp_path) == []
    os.close(controller)


def test_the_installed_command_is_the_module() -> None:
    script = Path(sys.executable).parent / "fastapi-service"
    result = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", result.stdout)
