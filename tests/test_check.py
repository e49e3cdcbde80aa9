"""`check` tells of releases, edits and what stands in the way, to people and to programs."""

import json
from pathlib import Path
from typing import Any

from tests.conftest import Command, Result
from tests.living import ANSWERS_FILE, THE_NEXT_AFTER, render, tag
from tests.updating import FIRST, NEWEST, Service, released

FIELDS = {
    "current", "latest", "behind", "clean", "at_risk", "conflicts", "drift", "problems",
}  # fmt: skip


def said(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    assert found.keys() == FIELDS
    return found


def as_rendered(history: Path, folder: Path, version: str) -> Service:
    """A project without a single edit."""
    render(history, folder, {}, version)
    fresh = Service(folder, history, [])
    fresh.git("init", "--quiet")
    fresh.commit("Start")
    return fresh


def test_a_fresh_project_of_the_newest_release_is_fine(
    command: Command, history: Path, tmp_path: Path
) -> None:
    fresh = as_rendered(history, tmp_path / "fresh", NEWEST.removeprefix("v"))

    found = said(done := command("check", fresh.folder, "--json"))

    assert done.returncode == 0, done.stderr
    assert found == {
        "current": NEWEST, "latest": NEWEST, "behind": False, "clean": True,
        "at_risk": [], "conflicts": [], "drift": [], "problems": [],
    }  # fmt: skip
    done = command("check", fresh.folder)
    assert done.returncode == 0
    assert "No newer release" in done.stdout


def test_a_newer_release_needs_a_person(command: Command, history: Path, tmp_path: Path) -> None:
    fresh = as_rendered(history, tmp_path / "fresh", FIRST.removeprefix("v"))
    before = fresh.everything()

    found = said(done := command("check", fresh.folder, "--json"))

    assert done.returncode == 3
    assert (found["current"], found["latest"]) == (FIRST, NEWEST)
    assert (found["behind"], found["clean"]) == (True, True)
    assert found["drift"] == []
    text = command("check", fresh.folder).stdout
    assert f"{NEWEST} is released: `fastapi-service update` would merge it cleanly." in text
    assert fresh.everything() == before


def test_edited_and_deleted_files_are_drift_and_what_is_owned_is_not(
    command: Command, newest: Service
) -> None:
    (newest.folder / ".env").write_text("DATABASE_URL=sqlite:///other.db\n")
    newest.write("app/orders/prices.py", "PRICE = 1\n")
    newest.commit()

    found = said(done := command("check", newest.folder, "--json"))

    assert done.returncode == 3
    drift = set(found["drift"])
    assert {"app/settings.py", "pyproject.toml", "tests/test_items.py"} <= drift
    assert not drift & {".env", "uv.lock", ANSWERS_FILE, "app/main.py"}
    assert not {path for path in drift if path.startswith(("app/orders", "migrations/versions"))}
    assert (found["behind"], found["clean"], found["problems"]) == (False, True, [])


def test_what_an_update_would_do_to_edits_is_foretold(
    command: Command, newest: Service, tmp_path: Path
) -> None:
    template = newest.own_template(tmp_path / "template")
    newest.edit("app/main.py", '"""', '"""Ours. ')
    newest.write("app/items/service.py", f"{newest.read('app/items/service.py')}\n\nOURS = 1\n")
    newest.commit()
    (file,) = template.glob("template/app/*items*/service.py*")
    file.unlink()
    released(template, "app/main.py", '"""', '"""Theirs. ')
    before = newest.everything()

    found = said(done := command("check", newest.folder, "--json"))

    assert done.returncode == 3
    assert found["latest"] == f"v{THE_NEXT_AFTER}"
    assert (found["behind"], found["clean"]) == (True, False)
    assert found["at_risk"] == ["app/items/service.py"]
    assert found["conflicts"] == ["app/main.py"]
    text = command("check", newest.folder).stdout
    assert "app/items/service.py: you edited it (1 line of yours), and it goes away" in text
    assert "markers in app/main.py" in text
    assert newest.everything() == before


def test_problems_are_listed_together_each_with_what_mends_it(
    command: Command, newest: Service
) -> None:
    newest.write("app/main.py", "<<<<<<< ours\nA = 1\n=======\nA = 2\n>>>>>>> theirs\n")

    found = said(done := command("check", newest.folder, "--json"))

    assert done.returncode == 3
    assert found["clean"] is False
    dirty, marked = found["problems"]
    assert "uncommitted" in dirty["what"]
    assert "git stash" in dirty["mend"]
    assert "markers" in marked["what"]
    assert "git grep" in marked["mend"]
    assert "app/main.py" in found["drift"]


def test_offline_a_local_template_is_compared_and_a_remote_one_is_not_asked(
    command: Command, newest: Service
) -> None:
    here = said(command("check", newest.folder, "--json", "--offline"))
    assert here["latest"] == NEWEST
    assert here["drift"]
    newest.edit(ANSWERS_FILE, str(newest.template), "https://127.0.0.1:9/template.git")
    newest.commit()

    found = said(done := command("check", newest.folder, "--json", "--offline"))

    assert done.returncode == 0, done.stderr
    assert (found["current"], found["latest"]) == (NEWEST, None)
    assert (found["behind"], found["clean"]) == (None, None)
    assert found["problems"] == []


def test_a_project_ahead_of_the_releases_is_not_behind(
    command: Command, newest: Service, tmp_path: Path
) -> None:
    template = newest.own_template(tmp_path / "template")
    (template / "template/plans.md").write_text("Not released.\n")
    tag(template, THE_NEXT_AFTER)
    newest.git("-C", str(template), "tag", "--delete", f"v{THE_NEXT_AFTER}")
    assert command("update", newest.folder, "--to", "HEAD").returncode == 0
    newest.commit("What is not released")

    found = said(command("check", newest.folder, "--json"))

    assert found["current"].startswith(f"{NEWEST}-1-g")
    assert (found["latest"], found["behind"]) == (found["current"], False)
    assert "nothing newer" in command("update", newest.folder).stdout
