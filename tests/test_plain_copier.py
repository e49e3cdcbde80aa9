"""Copier's own command on living projects, without a terminal and without trust."""

import re
import shutil
from pathlib import Path

from tests.conftest import git
from tests.edits import lost
from tests.living import (
    MARKER,
    THE_NEXT_AFTER,
    answers_of,
    commit,
    conflicts,
    make_project,
    run_copier,
    tag,
    version_of,
)
from tests.releases import NEXT, versions


def test_copier_updates_for_a_job_that_neither_answers_nor_trusts(
    history: Path, tmp_path: Path
) -> None:
    project = tmp_path / "service"
    edits = make_project(history, project, {}, versions()[0])

    done = run_copier(project, "update", "--defaults")

    assert done.returncode == 0, done.stderr
    assert version_of(project) == f"v{NEXT}"
    assert conflicts(project) == []
    assert lost(project, edits) == []
    assert "alembic revision --autogenerate" in done.stderr


def test_an_edit_of_the_very_lines_that_the_template_changes_ends_in_markers(
    history: Path, tmp_path: Path
) -> None:
    template = Path(shutil.copytree(history, tmp_path / "template"))
    project = tmp_path / "service"
    edits = make_project(template, project, {})
    (template_file,) = template.glob("template/app/main.py*")
    for file, line in ((template_file, "theirs"), (project / "app/main.py", "ours")):
        file.write_text(re.sub(r"\A.*", f'"""What is {line}."""', file.read_text()))
    tag(template, THE_NEXT_AFTER)
    commit(project, "Say what is ours")

    done = run_copier(project, "update", "--defaults")

    assert done.returncode == 0  # Copier says nothing: git and the markers do.
    assert version_of(project) == f"v{THE_NEXT_AFTER}"
    assert conflicts(project) == ["app/main.py"]
    assert "UU app/main.py" in git(project, "status", "--porcelain").splitlines()
    text = (project / "app/main.py").read_text()
    assert MARKER in text
    assert "What is ours." in text
    assert "What is theirs." in text
    assert lost(project, edits) == []


def test_copier_deletes_an_edited_file_that_new_answers_remove_without_a_word(
    history: Path, tmp_path: Path
) -> None:
    project = tmp_path / "service"
    make_project(history, project, {"examples": True})
    service = project / "app/items/service.py"
    service.write_text(f"{service.read_text()}\n\nOURS = 1\n")
    commit(project, "Ours")

    done = run_copier(
        project, "update", "--vcs-ref=:current:", "--defaults", "--data=examples=false"
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert not service.exists()
    assert "app/items/service.py" not in done.stdout + done.stderr
    assert conflicts(project) == []
    assert (project / "app/orders/routes.py").is_file()
    assert "OURS = 1" in git(project, "show", "HEAD:app/items/service.py")


def test_defaults_of_an_organisation_are_taken_and_then_remembered(
    history: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults:\n  license: MIT\n  database: postgresql\n  sqlalchemy: sync\n")
    project = tmp_path / "service"
    copy = ["copy", "--defaults", "--data=sqlalchemy=async", str(history), str(project)]

    done = run_copier(tmp_path, *copy, COPIER_SETTINGS_PATH=str(settings))

    assert done.returncode == 0, done.stderr
    wanted = {"license": "MIT", "database": "postgresql", "sqlalchemy": "async"}
    assert wanted.items() <= answers_of(project).items()
    git(project, "init", "--quiet")
    commit(project, "Start")
    settings.write_text("defaults:\n  license: none\n  database: sqlite\n")
    done = run_copier(project, "update", "--defaults", COPIER_SETTINGS_PATH=str(settings))
    assert done.returncode == 0, done.stderr
    assert git(project, "status", "--porcelain") == ""
