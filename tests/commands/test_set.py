"""`set` merges new answers into a project, at its release and with the guards of `update`."""

import json
import re
import shutil
from pathlib import Path

import pytest

from generator.template.options import format_assignment
from tests.support.command import Command, assert_refused
from tests.support.edits import list_lost
from tests.support.history import AFTER_LATEST, FIRST, tag
from tests.support.projects import (
    answers_of,
    commit,
    differences,
    list_conflicts,
    merged_files,
    owned_files,
    switch,
    version_of,
)
from tests.support.repository import git
from tests.support.team import TeamProject

pytestmark = pytest.mark.slow


def test_set_equals_copier_with_new_lock(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    (newest.folder / "deploy.txt").write_text("image: registry.invalid/shop\n")
    newest.git("add", "deploy.txt")
    newest.git("commit", "--quiet", "--message=Deploy")
    plain = newest.copy(tmp_path / "plain")
    switch(plain.folder, {"background": "celery", "celery_broker": "rabbitmq"})

    result = command("set", "background=celery", "celery_broker=rabbitmq", newest.folder)

    assert result.returncode == 0, result.stderr
    assert "background=celery, celery_broker=rabbitmq" in result.stdout
    assert "Names to fill in:\n    deploy.txt:1: image: registry.invalid/shop" in result.stdout
    assert "alembic revision --autogenerate" in result.stdout
    assert list_lost(newest.folder, newest.edits) == []
    assert differences(merged_files(newest.folder), merged_files(plain.folder)) == []
    assert b'name = "celery"' in owned_files(newest.folder)["uv.lock"]
    assert newest.git("diff", "--cached", "--diff-filter=MD", "--name-only") == ""


def test_release_stays(command: Command, outdated: TeamProject) -> None:
    result = command("set", "license=MIT", "database=postgresql", outdated.folder)

    assert result.returncode == 0, result.stderr
    assert version_of(outdated.folder) == f"v{FIRST}"
    assert answers_of(outdated.folder)["license"] == "MIT"
    assert (outdated.folder / "LICENSE").is_file()
    assert list_lost(outdated.folder, outdated.edits) == []


@pytest.mark.parametrize("answer", ["database=sqlite", "cors_origins=[]", "examples=true"])
def test_same_answer_changes_nothing(command: Command, newest: TeamProject, answer: str) -> None:
    before = newest.state()

    result = command("set", answer, newest.folder)

    assert result.returncode == 0, result.stderr
    assert "nothing to do" in result.stdout
    assert newest.state() == before


def test_unasked_question_is_refused(command: Command, newest: TeamProject) -> None:
    before = newest.state()

    result = command("set", "celery_broker=rabbitmq", newest.folder)

    assert_refused(result, 2, "celery_broker", "fastapi-service options")
    assert newest.state() == before


def test_answer_without_effect_is_refused(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    """Forges read no pipeline in a folder of a larger repository."""
    shutil.rmtree(newest.folder / ".git")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "Everything")

    result = command("set", "ci=gitlab", newest.folder)

    assert_refused(result, 2, "ci=gitlab has no effect", "at the root of a repository only")
    assert git(tmp_path, "status", "--porcelain") == ""
    assert command("set", "ci=none", newest.folder, "--preview").returncode == 0


def test_edits_in_dropped_feature_are_named(command: Command, newest: TeamProject) -> None:
    (newest.folder / "app/items/schemas.py").chmod(0o755)
    newest.commit()
    before = newest.state()

    result = command("set", "examples=false", newest.folder)

    assert result.returncode == 3
    assert "app/items/routes.py" in result.stdout
    assert "app/items/schemas.py: you edited it, and it would be deleted" in result.stdout
    assert "app/items/service.py" not in result.stdout  # It is as it was rendered.
    assert "--accept-losses" in result.stderr
    assert newest.state() == before

    result = command("set", "examples=false", newest.folder, "--accept-losses")
    assert result.returncode == 0, result.stderr
    assert not (newest.folder / "app/items").exists()
    assert (newest.folder / "app/orders/routes.py").is_file()


def test_broken_imports_are_named(command: Command, newest: TeamProject) -> None:
    newest.write("app/orders/service.py", "from app.items.schemas import ItemCreate\n")
    newest.write("app/orders/money.py", "from pwdlib import PasswordHash\n")
    newest.commit()
    before = newest.state()

    result = command("set", "examples=false", "auth=none", newest.folder)

    assert result.returncode == 3
    assert (
        "app/orders/service.py: it imports app.items.schemas, which would be deleted"
        in result.stdout
    )
    assert (
        "app/orders/money.py: it imports pwdlib, which pyproject.toml would no longer require"
        in result.stdout
    )
    assert "app/orders/money.py" in result.stderr
    assert newest.state() == before


def test_overlapping_edits_get_markers(command: Command, newest: TeamProject) -> None:
    (line,) = re.findall(r"(?m)^.*create_async_engine\(.*$", newest.read("app/database.py"))
    newest.edit("app/database.py", line, f"{line}  # ours")
    newest.commit()

    results = [
        command("set", "sqlalchemy=sync", newest.folder, *options)
        for options in (["--preview"], [])
    ]

    for result in results:
        assert result.returncode == 3, result.stdout + result.stderr
        assert "app/database.py" in result.stderr
    assert list_conflicts(newest.folder) == ["app/database.py"]
    assert f"{line}  # ours" in newest.read("app/database.py")


def test_modules_with_sessions_are_listed(command: Command, newest: TeamProject) -> None:
    newest.write(
        "app/orders/service.py",
        "from app.database import SessionDep\n\n\n"
        "async def count(session: SessionDep) -> None:\n    await session.flush()\n",
    )
    newest.write("app/orders/prices.py", "PRICE = 1\n")
    newest.commit()

    result = command("set", "sqlalchemy=sync", newest.folder)

    assert result.returncode == 0, result.stderr
    (left,) = re.findall(r"(?s)Left to do.*?(?=`git -C)", result.stdout)
    assert "app/orders/service.py: 3 lines to look at: uses a session" in left
    assert "prices.py" not in left
    assert "app/items" not in left
    other = command("set", "license=MIT", newest.folder, "--preview")
    assert "Left to do" not in other.stdout


def test_work_that_is_left_is_listed(command: Command, newest: TeamProject) -> None:
    newest.write("tests/test_orders.py", "def test(client):\n    client.get('/api/v1/orders')\n")
    newest.commit()
    answers = [
        "database=postgresql",
        "auth=none",
        "background=celery",
        "cors_origins=[https://a.b]",
    ]

    result = command("set", *answers, newest.folder, "--preview")

    assert result.returncode == 0, result.stderr
    (left,) = re.findall(r"(?s)Left to do:.*", result.stdout)
    for words in (
        "database: set DATABASE_URL",
        "auth: restrict access",
        "tests/test_orders.py: 1 line to look at: calls the API in a test",
        "background: start a broker",
        "cors_origins: change CORS_ORIGINS",
        "gone: SECRET_KEY (.env has it)",
        "missing in .env: BROKER_URL",
    ):
        assert words in left
    (secret,) = re.findall(r"(?m)^SECRET_KEY=(.+)", newest.read(".env"))
    assert secret not in result.stdout


def test_option_of_later_release_is_unknown(
    command: Command, outdated: TeamProject, tmp_path: Path
) -> None:
    template = outdated.fork_template(tmp_path / "template")
    tag(template, AFTER_LATEST)

    result = command("set", "caching=memory", outdated.folder)

    assert_refused(result, 2, "There is no option 'caching'")


def test_every_listed_answer_can_be_set(command: Command, newest: TeamProject) -> None:
    options = json.loads(command("options", "--json", "--template", newest.template).stdout)[
        "options"
    ]
    answers = [
        format_assignment(option["name"], option["choices"][-1]["value"])
        for option in options
        if option["choices"]
    ]

    result = command("set", *answers, newest.folder, "--preview")

    assert result.returncode == 0, result.stderr
    for answer in answers:
        assert answer in result.stdout
