"""What the tests share: a user of their own, the options, a clean checkout, the command."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy, copytree

import pytest
import uv

from generator.options import Option, parse_definition

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
def checkout(tmp_path_factory: pytest.TempPathFactory, own_user: None) -> Path:
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
