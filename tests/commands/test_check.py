"""`check` reports releases, edits at risk and problems, to people and to programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from generator.project.answers import ANSWERS_FILE
from tests.support.command import Command, Result
from tests.support.history import AFTER_LATEST, CURRENT, FIRST, LATEST, NEXT, release_change, tag
from tests.support.projects import render_release
from tests.support.repository import template_files
from tests.support.team import TeamProject

pytestmark = pytest.mark.slow

FIELDS = {
    "project", "current", "latest", "behind", "clean", "at_risk", "conflicts", "drift", "releases",
    "problems",
}  # fmt: skip


def parse(result: Result) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(result.stdout)
    assert report.keys() == FIELDS
    return report


def as_rendered(small_history: Path, folder: Path, version: str) -> TeamProject:
    """Render a project without any edit."""
    render_release(small_history, folder, {}, version)
    fresh = TeamProject(folder, small_history, [])
    fresh.git("init", "--quiet")
    fresh.commit("Start")
    return fresh


def test_fresh_project_is_clean(command: Command, small_history: Path, tmp_path: Path) -> None:
    fresh = as_rendered(small_history, tmp_path / "fresh", LATEST)

    report = parse(result := command("check", fresh.folder, "--json"))

    assert result.returncode == 0, result.stderr
    assert report == {
        "project": str(fresh.folder), "current": f"v{LATEST}", "latest": f"v{LATEST}",
        "behind": False, "clean": True,
        "at_risk": [], "conflicts": [], "drift": [], "releases": [], "problems": [],
    }  # fmt: skip
    result = command("check", fresh.folder)
    assert result.returncode == 0
    assert "No newer release" in result.stdout


def test_newer_release_is_reported(command: Command, small_history: Path, tmp_path: Path) -> None:
    fresh = as_rendered(small_history, tmp_path / "fresh", FIRST)
    before = fresh.state()

    report = parse(result := command("check", fresh.folder, "--json"))

    assert result.returncode == 3
    assert (report["current"], report["latest"]) == (f"v{FIRST}", f"v{LATEST}")
    assert (report["behind"], report["clean"]) == (True, True)
    assert report["drift"] == []
    releases = {release["version"]: release["shows"] for release in report["releases"]}
    assert list(releases)[-2:] == [f"v{NEXT}", f"v{LATEST}"]
    assert releases[f"v{NEXT}"] == "- Comments everywhere."
    assert releases[f"v{LATEST}"] == "each file gets another comment."
    assert releases[f"v{CURRENT}"] == "The changelog does not say."
    text = command("check", fresh.folder).stdout
    assert f"    v{LATEST}: each file gets another comment.\n" in text
    assert f"    v{CURRENT}: The changelog does not say.\n" in text
    assert f"v{LATEST} is released: `fastapi-service update` would merge it cleanly." in text
    assert fresh.state() == before


def test_changed_files_are_drift(command: Command, newest: TeamProject) -> None:
    (newest.folder / ".env").write_text("DATABASE_URL=sqlite:///other.db\n")
    newest.write("app/orders/prices.py", "PRICE = 1\n")
    newest.commit()

    report = parse(result := command("check", newest.folder, "--json"))

    assert result.returncode == 3
    drift = set(report["drift"])
    assert {"app/settings.py", "pyproject.toml"} <= drift
    assert not drift & {".env", "uv.lock", ANSWERS_FILE, "app/orm.py"}
    assert not {path for path in drift if path.startswith(("app/orders", "migrations/versions"))}
    assert (report["behind"], report["clean"], report["problems"]) == (False, True, [])


def test_risks_of_update_are_predicted(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    template = newest.fork_template(tmp_path / "template")
    first = newest.read("app/orm.py").splitlines()[0]
    newest.edit("app/orm.py", first, "# Ours.")
    newest.write("tests/conftest.py", f"{newest.read('tests/conftest.py')}\n\nOURS = 1\n")
    newest.commit()
    (file,) = [file for name, file in template_files(template) if name == "tests/conftest.py"]
    file.unlink()
    release_change(template, "app/orm.py", first, "# Theirs.")
    before = newest.state()

    report = parse(result := command("check", newest.folder, "--json"))

    assert result.returncode == 3
    assert report["latest"] == f"v{AFTER_LATEST}"
    assert (report["behind"], report["clean"]) == (True, False)
    assert report["at_risk"] == ["tests/conftest.py"]
    assert report["conflicts"] == ["app/orm.py"]
    text = command("check", newest.folder).stdout
    assert "tests/conftest.py: you edited it (1 line of yours), and it would be deleted" in text
    assert "markers in app/orm.py" in text
    assert newest.state() == before


def test_problems_are_listed_with_fixes(command: Command, newest: TeamProject) -> None:
    newest.write("app/orm.py", "<<<<<<< ours\nA = 1\n=======\nA = 2\n>>>>>>> theirs\n")

    report = parse(result := command("check", newest.folder, "--json"))

    assert result.returncode == 3
    assert report["clean"] is False
    dirty, marked = report["problems"]
    assert "uncommitted" in dirty["message"]
    assert "git stash" in dirty["fix"]
    assert "markers" in marked["message"]
    assert "git grep" in marked["fix"]
    assert "app/orm.py" in report["drift"]


def test_imports_of_deleted_modules_are_problems(command: Command, newest: TeamProject) -> None:
    newest.git("rm", "--quiet", "-r", "app/items")
    newest.commit("Delete an example")

    report = parse(command("check", newest.folder, "--json"))

    assert report["clean"] is True
    (problem, *_) = report["problems"]
    assert problem["message"] == (
        "app/application.py: it imports app.items.routes, which you deleted"
    )
    result = command("set", "license=MIT", newest.folder, "--preview")
    assert result.returncode == 0
    assert "app/application.py: it imports app.items.routes, which you deleted" in result.stdout


def test_offline_skips_remote_template(command: Command, newest: TeamProject) -> None:
    here = parse(command("check", newest.folder, "--json", "--offline"))
    assert here["latest"] == f"v{LATEST}"
    assert here["drift"]
    newest.edit(ANSWERS_FILE, str(newest.template), "https://127.0.0.1:9/template.git")
    newest.commit()

    report = parse(result := command("check", newest.folder, "--json", "--offline"))

    assert result.returncode == 0, result.stderr
    assert (report["current"], report["latest"]) == (f"v{LATEST}", None)
    assert (report["behind"], report["clean"]) == (None, None)
    assert report["problems"] == []


def test_unreleased_revision_is_not_behind(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    template = newest.fork_template(tmp_path / "template")
    (template / "template/plans.md").write_text("Not released.\n")
    tag(template, AFTER_LATEST)
    newest.git("-C", str(template), "tag", "--delete", f"v{AFTER_LATEST}")
    assert command("update", newest.folder, "--to", "HEAD").returncode == 0
    newest.commit("An unreleased revision")

    report = parse(command("check", newest.folder, "--json"))

    assert report["current"].startswith(f"v{LATEST}-1-g")
    assert (report["latest"], report["behind"]) == (report["current"], False)
    assert "no newer release" in command("update", newest.folder).stdout
