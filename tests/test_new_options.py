"""An option that a release brings in leaves living projects as they are, not new ones."""

from pathlib import Path

import pytest

from tests.conftest import git
from tests.living import (
    ANSWERS_FILE,
    answers_of,
    commit,
    definition,
    make_project,
    render,
    run_copier,
    switch,
    update,
)
from tests.releases import unpack, versions

# The releases that did not ask yet.
BEFORE = ["0.1.0", "0.2.0"]


def test_later_releases_ask_who_may_call(tmp_path: Path) -> None:
    for version in versions():
        unpack(version, tmp_path / version)
        asked = {option.name for option in definition(tmp_path / version)}
        assert ("auth" in asked) == (version not in BEFORE), version


@pytest.mark.parametrize("version", BEFORE)
def test_a_living_project_does_not_get_authentication_by_an_update(
    version: str, history: Path, tmp_path: Path
) -> None:
    project = tmp_path / "service"
    make_project(history, project, {}, version)

    update(project)

    assert answers_of(project)["auth"] == "none"
    assert not (project / "app/auth.py").exists()
    commit(project, "Update")
    update(project)
    assert git(project, "status", "--porcelain") == ""

    switch(project, {"auth": "api_key"})
    assert answers_of(project)["auth"] == "api_key"


@pytest.mark.parametrize("answers", [{}, {"project_slug": "orders"}], ids=["defaults", "slug"])
def test_a_fresh_copy_has_authentication(
    answers: dict[str, str], history: Path, tmp_path: Path
) -> None:
    project = render(history, tmp_path / "service", answers)

    assert answers_of(project)["auth"] == "jwt"


def test_the_command_of_copier_agrees(history: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"

    done = run_copier(tmp_path, "copy", "-l", "-d=project_slug=x", str(history), str(project))

    assert done.returncode == 0, done.stderr
    assert "auth: jwt\n" in (project / ANSWERS_FILE).read_text()
