"""Copier's own command on existing projects, without a terminal and without trust."""

import shutil
from pathlib import Path

import pytest

from generator.processes import run
from tests.support.edits import list_lost
from tests.support.history import AFTER_LATEST, LATEST, release_change
from tests.support.projects import (
    MARKER,
    answers_of,
    commit,
    list_conflicts,
    make_project,
    run_copier,
    version_of,
)
from tests.support.repository import git

pytestmark = pytest.mark.slow


def test_next_commands(workspace: Path, tmp_path: Path) -> None:
    """The closing message leads to a repository, and to secrets that others cannot read."""
    result = run_copier(
        tmp_path, "copy", "--defaults", str(workspace / "template"), str(tmp_path / "service")
    )
    before, _, _ = result.stderr.partition("uv sync")
    _, _, commands = before.partition("Next:\n")
    run(["bash", "-euc", commands], tmp_path)

    assert (tmp_path / "service/.git").is_dir()
    assert (tmp_path / "service/.env").stat().st_mode & 0o777 == 0o600


def test_scheduled_update(small_history: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"
    edits = make_project(small_history, project, {})

    result = run_copier(project, "update", "--defaults")

    assert result.returncode == 0, result.stderr
    assert version_of(project) == f"v{LATEST}"
    assert list_conflicts(project) == []
    assert list_lost(project, edits) == []
    assert "alembic revision --autogenerate" in result.stderr


def test_overlapping_edits_get_markers(small_history: Path, tmp_path: Path) -> None:
    template = Path(shutil.copytree(small_history, tmp_path / "template"))
    project = tmp_path / "service"
    edits = make_project(template, project, {}, LATEST)
    first = (project / "app/orm.py").read_text().splitlines()[0]
    (project / "app/orm.py").write_text(
        (project / "app/orm.py").read_text().replace(first, "# Ours.", 1)
    )
    release_change(template, "app/orm.py", first, "# Theirs.")
    commit(project, "Ours")

    result = run_copier(project, "update", "--defaults")

    assert result.returncode == 0  # Copier says nothing: git and the markers do.
    assert version_of(project) == f"v{AFTER_LATEST}"
    assert list_conflicts(project) == ["app/orm.py"]
    assert "UU app/orm.py" in git(project, "status", "--porcelain").splitlines()
    text = (project / "app/orm.py").read_text()
    assert MARKER in text
    assert "# Ours.\n" in text
    assert "# Theirs.\n" in text
    assert list_lost(project, edits) == []


def test_copier_silently_deletes_edited_file(small_history: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"
    make_project(small_history, project, {"examples": True})
    service = project / "app/items/service.py"
    service.write_text(f"{service.read_text()}\n\nOURS = 1\n")
    commit(project, "Ours")

    result = run_copier(
        project, "update", "--vcs-ref=:current:", "--defaults", "--data=examples=false"
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    assert not service.exists()
    assert "app/items/service.py" not in result.stdout + result.stderr
    assert list_conflicts(project) == []
    assert (project / "app/orders/routes.py").is_file()
    assert "OURS = 1" in git(project, "show", "HEAD:app/items/service.py")


def test_organization_defaults_are_recorded(small_history: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults:\n  license: MIT\n  database: postgresql\n  sqlalchemy: sync\n")
    project = tmp_path / "service"
    copy = ["copy", "--defaults", "--data=sqlalchemy=async", str(small_history), str(project)]

    result = run_copier(tmp_path, *copy, COPIER_SETTINGS_PATH=str(settings))

    assert result.returncode == 0, result.stderr
    wanted = {"license": "MIT", "database": "postgresql", "sqlalchemy": "async"}
    assert wanted.items() <= answers_of(project).items()
    git(project, "init", "--quiet")
    commit(project, "Start")
    settings.write_text("defaults:\n  license: none\n  database: sqlite\n")
    result = run_copier(project, "update", "--defaults", COPIER_SETTINGS_PATH=str(settings))
    assert result.returncode == 0, result.stderr
    assert git(project, "status", "--porcelain") == ""
