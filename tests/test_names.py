"""A name is text: whatever it holds, the project of that name works like any other."""

from pathlib import Path

import pytest

from generator.matrix import Row
from generator.verify import verify_row
from tests.rendered import MATRIX

NAMES = {
    "quotes": """It's "quoted" 'twice' \\ and `ticked`""",
    "jinja": "{{ project_slug }} {% if x %} {# no #} ${{ y }}",
    "emoji": "🚀 Bestellungen für Zoë & <Söhne>",
    "sixty": "x\\" * 29 + "'\"",
    "without_letters": "数据",
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_project_of_any_name_passes_every_stage(kind: str, workspace: Path) -> None:
    """Each name with another architecture."""
    row = MATRIX[list(NAMES).index(kind) % len(MATRIX)]
    answers = {"project_name": NAMES[kind], "description": f"{NAMES[kind]}: {NAMES[kind]}"}
    report = verify_row(Row(f"named_{kind}", {**row.answers, **answers}), workspace)

    assert report.ok, report.stages[-1].output


def test_the_longest_name_has_sixty_characters() -> None:
    assert len(NAMES["sixty"]) == 60
