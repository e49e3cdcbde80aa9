"""The shared fixtures. Those of servers are in `tests.support.servers`."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import uv
from filelock import FileLock
from pytest_copie.plugin import Copie

from generator.template.options import Option, Value
from generator.verify.matrix.rows import Row
from generator.verify.pipeline import prepare_workspace
from generator.verify.rendered import RenderedProject
from generator.verify.servers import KINDS
from tests.support.command import Command, Result, no_process_mentions, run_in_process
from tests.support.history import FIRST, LATEST, build_history, is_small
from tests.support.live import Install, install_row
from tests.support.rendered import MATRIX, OPTIONS, Render, row_with
from tests.support.repository import ROOT, commit_all, copy_template, git
from tests.support.team import TeamProject, make_team_project

pytest_plugins = ["tests.support.servers", "tests.support.summary"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "row" in metafunc.fixturenames:
        metafunc.parametrize("row", MATRIX, ids=[row.id for row in MATRIX])


@pytest.fixture(scope="session", autouse=True)
def own_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the settings of the user who runs the tests, apart from the cache of uv."""
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


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a folder for temporary files that other users can enter; it must end empty."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)
        assert [path for path in Path(name).iterdir() if not path.match("uv-*.lock")] == []
        assert no_process_mentions(Path(name))


# --------------------------------------------------------------------------- template and command


@pytest.fixture(scope="session")
def options() -> tuple[Option, ...]:
    return OPTIONS


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

    def run(*arguments: str | Path, **variables: str) -> Result:
        variables = {"FASTAPI_SERVICE_TEMPLATE": str(checkout), **variables}
        return run_in_process(tmp_path, [str(argument) for argument in arguments], variables)

    return run


# ----------------------------------------------------------------------------------------- renders


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the temporary folder of all processes that run tests."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the template without its history, which takes half the time of a render."""
    return copy_template(tmp_path_factory.mktemp("template") / "template")


@pytest.fixture(scope="session")
def render(copie_session: Copie, template: Path, shared: Path) -> Render:
    """Render a row once for all processes; the folder must not be changed."""

    def render(row: Row, **answers: Value) -> Path:
        data = {"project_name": "Order Service", **row.answers, **answers}
        folder = shared / "renders" / sha256(json.dumps(data).encode()).hexdigest()[:16]
        folder.parent.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                result = copie_session.copy(extra_answers=data, template_dir=template)
                if result.project_dir is None:
                    raise AssertionError(data) from result.exception
                Path(result.project_dir).rename(folder)
        return folder

    return render


@pytest.fixture(scope="session")
def workspace(shared: Path) -> Path:
    """Share one workspace of `verify` between all processes that run tests."""
    folder = shared / "workspace"
    prepare_workspace(ROOT, folder)
    return folder


@pytest.fixture(scope="session")
def install(request: pytest.FixtureRequest, workspace: Path) -> Install:
    """Return a function that installs the first row with these answers.

    It starts the servers that the answers name, or skips the test.
    """

    def install_first(**answers: str) -> RenderedProject:
        for answer in answers.values():
            if answer in KINDS:
                request.getfixturevalue(answer)
        return install_row(row_with(OPTIONS, **answers), workspace)

    return install_first


# ------------------------------------------------------------------------------- existing projects


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the template's repository, with all releases."""
    return build_history(tmp_path_factory.mktemp("history") / "template")


@pytest.fixture(scope="session")
def small_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with a part of the template, for tests of the command."""
    return build_history(tmp_path_factory.mktemp("small") / "template", is_small)


@pytest.fixture(scope="session")
def first_project(small_history: Path, tmp_path_factory: pytest.TempPathFactory) -> TeamProject:
    """A project of the first release, which no test changes."""
    return make_team_project(small_history, tmp_path_factory.mktemp("first") / "service", FIRST)


@pytest.fixture(scope="session")
def latest_project(small_history: Path, tmp_path_factory: pytest.TempPathFactory) -> TeamProject:
    """A project of the latest release, which no test changes."""
    return make_team_project(small_history, tmp_path_factory.mktemp("latest") / "service", LATEST)


@pytest.fixture
def outdated(first_project: TeamProject, tmp_path: Path) -> TeamProject:
    """Copy a project of the first release."""
    return first_project.copy(tmp_path / "service")


@pytest.fixture
def newest(latest_project: TeamProject, tmp_path: Path) -> TeamProject:
    """Copy a project of the latest release."""
    return latest_project.copy(tmp_path / "service")
