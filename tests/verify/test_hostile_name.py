"""A project with a hostile name passes every stage."""

from pathlib import Path

import pytest

from generator.verify.matrix.rows import Row
from generator.verify.pipeline import verify_row
from tests.support.rendered import MATRIX

pytestmark = pytest.mark.slow

NAME = """🚀 "Zoë's" <{{ x }}> {% if y %} {# z #} ${{ a }} \\ 数据 `b` 'c'"""


def test_hostile_name_passes_every_stage(workspace: Path) -> None:
    """The name has quotes, Jinja, markup, a backslash, an emoji and non-ASCII letters."""
    answers = {"project_name": NAME, "description": f"{NAME}: {NAME}"}
    report = verify_row(Row("hostile-name", {**MATRIX[0].answers, **answers}), workspace)

    assert report.ok, report.stages[-1].output


def test_name_is_as_long_as_allowed() -> None:
    assert 55 <= len(NAME) <= 60
