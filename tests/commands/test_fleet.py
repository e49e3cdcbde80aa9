"""`check` of many projects: finding them, the table, JSON, the page and the policy."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from generator.project.checking.fleet import find_projects
from tests.support.command import Command, Result, assert_refused
from tests.support.history import FIRST, LATEST
from tests.support.repository import git
from tests.support.team import TeamProject

pytestmark = pytest.mark.slow

BEHIND = "be<hind"


@pytest.fixture(scope="module")
def fleet(
    first_project: TeamProject,
    latest_project: TeamProject,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Make clones: one behind, one with changed files, one that is not under git, a monorepo."""
    folder = tmp_path_factory.mktemp("clones")
    first_project.copy(folder / BEHIND)
    edited = latest_project.copy(folder / "edited")
    edited.git("rm", "--quiet", "LICENSE", "app/errors.py", "--ignore-unmatch")
    edited.git("mv", "app/http_client.py", "app/client.py")
    edited.edit("README.md", "#", "# Our")
    edited.commit()
    shutil.rmtree(latest_project.copy(folder / "loose").folder / ".git")
    latest_project.copy(folder / "mono/services/shop")
    shutil.rmtree(folder / "mono/services/shop/.git")
    git(folder / "mono", "init", "--quiet")
    git(folder / "mono", "add", "--all")
    git(folder / "mono", "commit", "--quiet", "--message=Everything")
    (folder / "notes").mkdir()
    (folder / "list.txt").write_text(f"# Ours\n\n{BEHIND}\nmono/services/shop\n")
    return folder


@pytest.fixture(scope="module")
def names() -> list[str]:
    return [BEHIND, "edited", "loose", "mono/services/shop"]


def projects_of(result: Result) -> dict[str, dict[str, Any]]:
    document = json.loads(result.stdout)
    assert document.keys() == {"projects"}
    return {Path(project["project"]).name: project for project in document["projects"]}


def test_projects_are_found(fleet: Path, names: list[str]) -> None:
    every = [fleet / name for name in names]

    assert find_projects([fleet]) == every
    assert find_projects([fleet / "list.txt"]) == [every[0], every[3]]
    assert find_projects([fleet / "mono", fleet / "edited"]) == [every[3], every[1]]
    assert find_projects([fleet / "edited", fleet / "edited"]) == [every[1]]


def test_json_has_every_project(command: Command, fleet: Path, tmp_path: Path) -> None:
    result = command("check", fleet, "--json", "--html", tmp_path / "page.html")

    assert result.returncode == 3, result.stderr
    projects = projects_of(result)
    assert projects.keys() == {BEHIND, "edited", "loose", "shop"}
    assert projects[BEHIND]["project"] == str(fleet / BEHIND)
    assert projects[BEHIND]["behind"] is True
    assert (projects[BEHIND]["current"], projects[BEHIND]["latest"]) == (f"v{FIRST}", f"v{LATEST}")
    assert projects["edited"]["behind"] is False
    assert {"app/errors.py", "app/http_client.py", "README.md"} <= set(projects["edited"]["drift"])
    assert "not under git" in projects["loose"]["problems"][0]["message"]
    assert projects["shop"]["problems"] == []

    page = (tmp_path / "page.html").read_text()
    for text in ("be&lt;hind", "app/http_client.py -&gt; app/client.py", "not under git"):
        assert text in page
    assert "each file gets another comment." in page
    assert "<script" not in page
    assert BEHIND not in page


def test_table_lists_projects(command: Command, fleet: Path) -> None:
    result = command("check", fleet / "edited", fleet / "loose")

    assert result.returncode == 3, result.stderr
    assert "2 projects" in result.stdout
    # A narrow terminal wraps the cells.
    assert f"v{LATEST}" in result.stdout
    assert "1 deleted" in result.stdout
    assert "renamed" in result.stdout
    assert "not under git" in result.stdout


def test_one_project_is_an_object(command: Command, fleet: Path) -> None:
    report = json.loads(command("check", fleet / "loose", "--json").stdout)
    assert report["project"] == str(fleet / "loose")

    listed = command("check", fleet / "mono", "--json")
    assert projects_of(listed).keys() == {"shop"}


POLICIES = {
    "old release": ('oldest_release: "1001.0"', {BEHIND, "loose"}, "is older than 1001.0"),
    "forbidden answer": (
        "forbidden_answers: {auth: [none, jwt]}",
        {BEHIND, "loose", "shop"},
        "forbids auth=jwt",
    ),
    "kept": ('oldest_release: "0.1"\nforbidden_answers: {auth: [oidc]}', {"loose"}, "cannot be"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_policy_decides(command: Command, fleet: Path, tmp_path: Path, name: str) -> None:
    text, expected, message = POLICIES[name]
    (tmp_path / "policy.yml").write_text(text)

    paths = [fleet / "list.txt", fleet / "loose"]
    result = command("check", *paths, "--json", "--policy", tmp_path / "policy.yml")

    assert result.returncode == 3, result.stderr
    violations = {
        name
        for name, project in projects_of(result).items()
        if any(str(tmp_path / "policy.yml") in entry["message"] for entry in project["problems"])
    }
    assert violations == expected
    assert message in result.stdout


def test_kept_policy_allows_older_release(command: Command, fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text('oldest_release: "0.6.0"')

    result = command("check", fleet / BEHIND, "--policy", tmp_path / "policy.yml")

    assert result.returncode == 0, result.stdout
    assert "is released" in result.stdout


BAD_POLICIES = {
    "oldest: 1.0": "is a mapping of oldest_release, forbidden_answers",
    "[": "cannot be read",
    "oldest_release: 1.10": 'in quotes, such as "0.6.0", not 1.1',
    "oldest_release: newest": "not 'newest'",
    "forbidden_answers: [auth]": "maps options to lists",
    "forbidden_answers: {auht: [none]}": "no such option",
    "forbidden_answers: {auth: [nobody]}": "'nobody' is not a value of 'auth'",
}


@pytest.mark.parametrize("text", BAD_POLICIES)
def test_bad_policy_is_refused(command: Command, fleet: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.yml").write_text(text)

    result = command("check", fleet / "mono/services/shop", "--policy", tmp_path / "policy.yml")

    assert_refused(result, 2, BAD_POLICIES[text])


@pytest.mark.parametrize("text", ["missing\n", "# none\n"])
def test_bad_list_is_refused(command: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "list.txt").write_text(text)

    assert_refused(command("check", tmp_path / "list.txt"), 2, str(tmp_path / "list.txt"), "lists")


def test_missing_path_is_refused(command: Command, fleet: Path, tmp_path: Path) -> None:
    result = command("check", fleet / "loose", tmp_path / "missing")

    assert_refused(result, 2, "does not exist")
