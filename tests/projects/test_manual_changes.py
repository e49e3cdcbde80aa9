"""The steps that a new answer leaves to a team, for each value of each architecture option."""

import re

import pytest

from generator.project.manual_changes import find_manual_changes
from generator.template.options import ARCHITECTURE, Answers
from tests.support.rendered import MATRIX, OPTIONS
from tests.support.repository import ROOT

DEFINITION = (ROOT / "copier.yml").read_text()
STEPS = {
    "database=sqlite": "python -m app.copy_rows OLD_URL",
    "database=postgresql": "python -m app.copy_rows OLD_URL",
    "auth=jwt": "answers 401 without an access token of a user",
    "auth=oidc": "set OIDC_ISSUER and OIDC_AUDIENCE",
    "auth=api_key": "python -m app.auth mint NAME",
    "auth=none": "every route answers everyone",
    "background=background_tasks": "stop the workers and the broker",
    "background=celery": "start a broker",
    "celery_broker=redis": "restart the service and its workers",
    "celery_broker=rabbitmq": "restart the service and its workers",
}


def steps_of(name: str, answers: Answers) -> list[str]:
    changes = find_manual_changes(DEFINITION, [name], answers, {})
    assert {option for option, _ in changes} <= {name}
    return [step for _, step in changes]


@pytest.mark.parametrize("assignment", STEPS)
def test_steps_name_the_work(assignment: str) -> None:
    name, _, value = assignment.partition("=")
    row = next(row for row in MATRIX if row.answers.get(name) == value)

    assert STEPS[assignment] in " ".join(steps_of(name, dict(row.answers)))


def test_steps_are_phrases() -> None:
    names = [option.name for option in OPTIONS if option.kind == ARCHITECTURE]
    for row in MATRIX[::7]:
        for name in names:
            for step in steps_of(name, dict(row.answers)):
                assert re.fullmatch(r"[a-z].*[^.]", step), step
                assert "{" not in step
