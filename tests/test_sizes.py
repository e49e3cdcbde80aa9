"""The service stays small, and its template readable."""

from pathlib import Path

import pytest

from generator.matrix import Row
from tests import sizes
from tests.rendered import MATRIX, Render

SMALLEST = [row for row in MATRIX if row.answers["examples"] is False]
TEMPLATE = sizes.template_files()


@pytest.mark.parametrize("core", SMALLEST, ids=[row.id for row in SMALLEST])
def test_the_core_is_small(core: Row, render: Render) -> None:
    added = sum(
        lines.get(str(core.answers.get(option)), 0) for option, lines in sizes.ADDED_LINES.items()
    )
    assert sizes.service_lines(render(core)) <= sizes.CORE_LINES + added


def test_no_file_is_long(row: Row, render: Render) -> None:
    project = render(row)
    for path in project.rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= sizes.FILE_LINES, path.relative_to(project)


def test_python_has_little_jinja() -> None:
    assert sum(map(sizes.tag_lines, TEMPLATE.values())) <= sizes.TAG_LINES


@pytest.mark.parametrize("name", TEMPLATE)
def test_a_file_has_little_jinja_and_plain(name: str) -> None:
    assert sizes.tag_lines(TEMPLATE[name]) <= sizes.TAG_LINES_IN_A_FILE
    assert sizes.deepest_tag(TEMPLATE[name]) <= 1
    assert sizes.misplaced_prefixes(TEMPLATE[name]) == []


# ------------------------------------------------------------------------------ how it is counted


def test_code_is_counted_without_comments_and_empty_lines() -> None:
    assert sizes.code_lines('"""Docstring."""\n\n# comment\n  # comment\nx = 1  # counted\n') == 2


def test_tests_are_not_counted(tmp_path: Path) -> None:
    for name in ("app/a.py", "app/tests.py", "migrations/env.py", "tests/t.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    assert list(sizes.service_files(tmp_path)) == [
        "app/a.py",
        "app/tests.py",
        "migrations/env.py",
    ]


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("x", 0),
        ("{% if a %}x{% endif %}{% if b %}y{% else %}z{% endif %}", 1),
        ("{% if a %}\n{%- for b in c %}\n{% endfor %}\n{% endif %}", 2),
    ],
)
def test_nesting_is_seen(text: str, depth: int) -> None:
    assert sizes.deepest_tag(text) == depth


@pytest.mark.parametrize(
    "line",
    [
        "{{ async_ }}def f():",
        "{{ async_ }}with f():",
        "{{ async_ }}for x in y:",
        "x = {{ await_ }}f(1)",
        "x = ({{ await_ }}session.scalars(query)).all()",
        "x = {{ await_ }}a.b[0](1)",
    ],
)
def test_a_prefix_in_its_place_is_allowed(line: str) -> None:
    assert sizes.misplaced_prefixes(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "{{ async_ }}x",
        "x = {{ await_ }}y",
        "{{ async_ }}f()",
        "{{ await_ }}def f():",
        "{{ await_ }}1",
    ],
)
def test_a_prefix_elsewhere_is_seen(line: str) -> None:
    assert sizes.misplaced_prefixes(line) == [line]
