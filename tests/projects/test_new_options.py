"""An option of a later release leaves existing projects as they are."""

from pathlib import Path

import pytest

from generator.project.answers import ANSWERS_FILE
from tests.support.history import CURRENT, LATEST, NEXT
from tests.support.projects import (
    answers_of,
    commit,
    make_project,
    render_release,
    run_copier,
    switch,
    update,
)
from tests.support.repository import git

pytestmark = pytest.mark.slow

CACHE = "app/cache.py"


@pytest.mark.parametrize("version", [CURRENT, NEXT])
def test_update_does_not_switch_it_on(version: str, small_history: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"
    make_project(small_history, project, {}, version)

    update(project)

    assert answers_of(project)["caching"] == "none"
    assert not (project / CACHE).exists()
    commit(project, "Update")
    update(project)
    assert git(project, "status", "--porcelain") == ""

    switch(project, {"caching": "memory"})
    assert answers_of(project)["caching"] == "memory"
    assert (project / CACHE).exists()


@pytest.mark.parametrize("answers", [{}, {"project_slug": "orders"}], ids=["defaults", "slug"])
def test_new_project_has_it(answers: dict[str, str], small_history: Path, tmp_path: Path) -> None:
    project = render_release(small_history, tmp_path / "service", answers, LATEST)

    assert answers_of(project)["caching"] == "memory"
    assert (project / CACHE).exists()


def test_copier_command_agrees(small_history: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"
    arguments = ["copy", "-l", "-d=project_slug=x", str(small_history), str(project)]

    result = run_copier(tmp_path, *arguments)

    assert result.returncode == 0, result.stderr
    assert "caching: memory\n" in (project / ANSWERS_FILE).read_text()


def test_renamed_question_keeps_its_answer(small_history: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"
    make_project(small_history, project, {"python_version": "3.12"}, CURRENT)

    update(project)

    assert answers_of(project)["ci_python"] == "3.12"
