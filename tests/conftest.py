"""What the tests share: a user of their own, the options, a clean checkout, the command."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copy, copytree

import pytest
import uv

from generator.options import Option, parse_definition
from generator.verify import prepare

pytest_plugins = ["tests.living", "tests.rendered", "tests.servers", "tests.updating"]

ROOT = Path(__file__).parent.parent

Result = subprocess.CompletedProcess[str]
Command = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def own_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings of whoever runs the tests out of them; the cache of uv stays theirs."""
    cache = subprocess.run(
        [uv.find_uv_bin(), "cache", "dir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    home = tmp_path_factory.mktemp("home")
    settings = home / "settings.yml"
    settings.write_text("{}\n")
    (home / "gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("XDG_", "GIT_AUTHOR", "GIT_COMMITTER", "UV_PROJECT", "VIRTUAL_")):
                patch.delenv(name)
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.delenv("FASTAPI_SERVICE_TEMPLATE", raising=False)
        patch.setenv("HOME", str(home))
        patch.setenv("UV_CACHE_DIR", cache)
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        yield


@pytest.fixture(scope="session")
def options() -> tuple[Option, ...]:
    return parse_definition((ROOT / "copier.yml").read_text())


def git(directory: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    return subprocess.run(
        ["git", *arguments], cwd=directory, capture_output=True, text=True, check=True
    ).stdout.strip()


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def copy_template(directory: Path) -> Path:
    """Copy the template as it stands, uncommitted changes included."""
    directory.mkdir(parents=True)
    copy(ROOT / "copier.yml", directory)
    copytree(ROOT / "template", directory / "template")
    return directory


def commit_all(directory: Path) -> None:
    git(directory, "init", "--quiet", "--initial-branch=main")
    git(directory, "add", "--all", "--force")
    git(directory, "commit", "--quiet", "--message=Template")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a clean checkout of the template with one release."""
    directory = copy_template(tmp_path_factory.mktemp("checkout") / "template")
    commit_all(directory)
    git(directory, "tag", "v0.1.0")
    return directory


@pytest.fixture
def command(checkout: Path, tmp_path: Path) -> Command:
    """Run `fastapi-service` in an empty folder, on the clean checkout, without a terminal."""

    def run(*arguments: str | Path, **environment: str) -> Result:
        return subprocess.run(
            [sys.executable, "-m", "generator", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"FASTAPI_SERVICE_TEMPLATE": str(checkout)} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@contextmanager
def running(
    checkout: Path, folder: Path, *arguments: str, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Start the command in the background, and let nothing of its group outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", *arguments],
        cwd=folder,
        env=os.environ | {"FASTAPI_SERVICE_TEMPLATE": str(checkout)} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


def no_process_mentions(folder: Path) -> bool:
    """Whether no process on this machine was started from or for the folder."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if str(folder).encode() in command or (process / "cwd").readlink().is_relative_to(
                folder
            ):
                return False
    return True


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Share one workspace of `verify` between all processes that run tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "workspace"
    prepare(ROOT, folder)
    return folder


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for temporary files, which other users reach; nothing may be left there."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)
        assert [path for path in Path(name).iterdir() if not path.match("uv-*.lock")] == []
        assert no_process_mentions(Path(name))
