"""`set` gives other answers to a living project, within its release and with the same guards."""

import json
import re
from pathlib import Path

import pytest

from generator.options import assignment
from tests.conftest import Command
from tests.edits import lost
from tests.living import (
    THE_NEXT_AFTER,
    answers_of,
    conflicts,
    differences,
    owned,
    switch,
    tag,
    tree,
    version_of,
)
from tests.test_new_refusals import assert_refused
from tests.updating import FIRST, NEWEST, Service, copied


def test_an_answer_is_changed_as_copier_changes_it_and_locked(
    command: Command, newest: Service, made: dict[str, Service], tmp_path: Path
) -> None:
    plain = copied(made[NEWEST], tmp_path / "plain")
    switch(plain.folder, {"background": "celery", "celery_broker": "rabbitmq"})

    done = command("set", "background=celery", "celery_broker=rabbitmq", newest.folder)

    assert done.returncode == 0, done.stderr
    assert "background=celery, celery_broker=rabbitmq" in done.stdout
    assert "alembic revision --autogenerate" in done.stdout
    assert lost(newest.folder, newest.edits) == []
    assert differences(tree(newest.folder), tree(plain.folder)) == []
    assert b'name = "celery"' in owned(newest.folder)["uv.lock"]
    assert newest.git("diff", "--cached", "--diff-filter=MD", "--name-only") == ""


def test_the_release_stays_even_if_there_is_a_newer_one(command: Command, service: Service) -> None:
    done = command("set", "license=MIT", "database=postgresql", service.folder)

    assert done.returncode == 0, done.stderr
    assert version_of(service.folder) == FIRST
    assert answers_of(service.folder)["license"] == "MIT"
    assert (service.folder / "LICENSE").is_file()
    assert lost(service.folder, service.edits) == []


@pytest.mark.parametrize("answer", ["database=sqlite", "cors_origins=[]", "examples=true"])
def test_an_answer_that_is_there_changes_nothing(
    command: Command, newest: Service, answer: str
) -> None:
    before = newest.everything()

    done = command("set", answer, newest.folder)

    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    assert newest.everything() == before


def test_an_answer_to_a_question_that_is_not_asked_is_refused(
    command: Command, newest: Service
) -> None:
    before = newest.everything()

    done = command("set", "celery_broker=rabbitmq", newest.folder)

    assert_refused(done, 2, "celery_broker", "fastapi-service options")
    assert newest.everything() == before


def test_edits_in_what_is_switched_off_are_named_and_nothing_is_touched(
    command: Command, newest: Service
) -> None:
    (newest.folder / "app/items/schemas.py").chmod(0o755)
    newest.commit()
    before = newest.everything()

    done = command("set", "examples=false", newest.folder)

    assert done.returncode == 3
    assert "app/items/routes.py" in done.stdout
    assert "app/items/schemas.py: you edited it, and it goes away" in done.stdout
    assert "app/items/service.py" not in done.stdout  # It is as it was rendered.
    assert "--accept-losses" in done.stderr
    assert newest.everything() == before

    done = command("set", "examples=false", newest.folder, "--accept-losses")
    assert done.returncode == 0, done.stderr
    assert not (newest.folder / "app/items").exists()
    assert (newest.folder / "app/orders/routes.py").is_file()


def test_overlapping_edits_end_in_markers_and_need_a_person(
    command: Command, newest: Service
) -> None:
    (line,) = re.findall(r"(?m)^.*create_async_engine\(.*$", newest.read("app/database.py"))
    newest.edit("app/database.py", line, f"{line}  # ours")
    newest.commit()

    preview = command("set", "sqlalchemy=sync", newest.folder, "--preview")
    done = command("set", "sqlalchemy=sync", newest.folder)

    for result in (preview, done):
        assert result.returncode == 3, result.stdout + result.stderr
        assert "app/database.py" in result.stderr
    assert conflicts(newest.folder) == ["app/database.py"]
    assert f"{line}  # ours" in newest.read("app/database.py")


def test_modules_that_use_a_session_are_left_to_the_team(command: Command, newest: Service) -> None:
    newest.write(
        "app/orders/service.py",
        "from app.database import SessionDep\n\n\n"
        "async def count(session: SessionDep) -> None:\n    await session.flush()\n",
    )
    newest.write("app/orders/prices.py", "PRICE = 1\n")
    newest.commit()

    done = command("set", "sqlalchemy=sync", newest.folder)

    assert done.returncode == 0, done.stderr
    (left,) = re.findall(r"(?s)Left to you.*?(?=`git -C)", done.stdout)
    assert "app/orders/service.py: 3 lines" in left
    assert "prices.py" not in left
    assert "app/items" not in left
    other = command("set", "license=MIT", newest.folder, "--preview")
    assert "Left to you" not in other.stdout


def test_a_new_option_of_a_release_waits_for_its_update(
    command: Command, service: Service, tmp_path: Path
) -> None:
    template = service.own_template(tmp_path / "template")
    tag(template, THE_NEXT_AFTER)

    assert_refused(command("set", "auth=jwt", service.folder), 2, "There is no option 'auth'")


def test_every_answer_that_options_shows_can_be_set(command: Command, newest: Service) -> None:
    options = json.loads(command("options", "--json").stdout)["options"]
    wanted = [
        assignment(option["name"], option["choices"][-1]["value"])
        for option in options
        if option["choices"]
    ]

    done = command("set", *wanted, newest.folder, "--preview")

    assert done.returncode == 0, done.stderr
    for answer in wanted:
        assert answer in done.stdout
