"""The sizes of rendered services are reported; the Jinja in Python files is limited."""

import ast
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.verify.matrix.rows import Row
from tests.support.rendered import MATRIX, Render
from tests.support.repository import ROOT

TAG_LINES = 100
TAG_LINES_IN_A_FILE = 15
LONG_FILE = 250

# Folders of a service, with the option that brings them; everything else is the core.
PARTS = {
    "app/jobs/": "jobs",
    "app/worker.py": "celery",
    "app/users/": "users",
    "app/auth.py": "auth",
    "app/items/": "examples",
    "app/files/": "examples",
}

_TAG = re.compile(r"\{%-?\s*(\w+)")
_OPENING = {"if", "for", "macro", "call", "filter", "block", "raw", "with"}
# Prefixes of the asynchronous mode, with the code that may follow them.
_PREFIX = re.compile(r"\{\{ (async_|await_) \}\}")
_ALLOWED = {
    "async_": re.compile(r"(def|with|for) "),
    "await_": re.compile(r"\(*[\w.]+(\[[^\]]*\])?\("),
}


def count_statements(text: str) -> int:
    """Count statements without docstrings: a size that no formatting changes."""
    return sum(
        isinstance(node, ast.stmt)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in ast.walk(ast.parse(text))
    )


def measure(project: Path) -> Counter[str]:
    """Return the statements of a rendered service by part, without tests and migrations."""
    sizes: Counter[str] = Counter()
    for path in (project / "app").rglob("*.py"):
        name = str(path.relative_to(project))
        part = next((part for prefix, part in PARTS.items() if name.startswith(prefix)), "core")
        sizes[part] += count_statements(path.read_text())
    return sizes


def template_files() -> dict[str, str]:
    """Return the Python of the template by path; file names may hold conditions."""
    root = ROOT / "template"
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.name.removesuffix(".jinja").removesuffix("{% endif %}").endswith(".py")
    }


def count_tag_lines(text: str) -> int:
    """Count lines with a tag, or with an inline condition."""
    return sum(bool(re.search(r"\{%|\{\{[^}]* if [^}]*\}\}", line)) for line in text.splitlines())


def deepest_tag(text: str) -> int:
    """Return the number of blocks that are open at once: 1 when none is nested."""
    depth = 0
    deepest = 0
    for tag in _TAG.findall(text):
        depth += (tag in _OPENING) - tag.startswith("end")
        deepest = max(deepest, depth)
    return deepest


def misplaced_prefixes(text: str) -> list[str]:
    """Return lines where a prefix does not stand before `def`, `with`, `for` or a call."""
    return [
        line.strip()
        for line in text.splitlines()
        for match in _PREFIX.finditer(line)
        if not _ALLOWED[match[1]].match(line, match.end())
    ]


TEMPLATE = template_files()


def largest_row(**answers: object) -> Row:
    return next(row for row in MATRIX if answers.items() <= row.answers.items())


@pytest.mark.parametrize("auth", ["none", "jwt", "oidc", "api_key"])
@pytest.mark.parametrize("background", ["background_tasks", "celery"])
def test_sizes_are_reported(
    auth: str, background: str, render: Render, record_property: Callable[[str, object], None]
) -> None:
    project = render(largest_row(auth=auth, background=background))
    sizes = measure(project)
    parts = ", ".join(f"{part} {size}" for part, size in sorted(sizes.items()))
    record_property("report", f"statements with {auth}, {background}: {parts}")
    long_files = [
        str(path.relative_to(project))
        for path in project.rglob("*.py")
        if len(path.read_text().splitlines()) > LONG_FILE
    ]
    for name in long_files:
        record_property("report", f"more than {LONG_FILE} lines: {name}")

    assert sizes["core"] > 0


def test_python_has_few_tags(record_property: Callable[[str, object], None]) -> None:
    total = sum(map(count_tag_lines, TEMPLATE.values()))
    record_property("report", f"lines of Python with Jinja tags: {total} of {TAG_LINES}")

    assert total <= TAG_LINES, (
        "CONTRIBUTING.md (Caps) says how to stay below, or raise it in a fork"
    )


@pytest.mark.parametrize("name", TEMPLATE)
def test_file_has_few_plain_tags(name: str) -> None:
    assert count_tag_lines(TEMPLATE[name]) <= TAG_LINES_IN_A_FILE, "see CONTRIBUTING.md (Caps)"
    assert deepest_tag(TEMPLATE[name]) <= 1
    assert misplaced_prefixes(TEMPLATE[name]) == []


# -------------------------------------------------------------------------------------- counting


def test_statements_are_counted() -> None:
    code = '"""Docstring."""\n\n# comment\nclass A:\n    """Docstring."""\n\n    x = 1  # counted\n'
    assert count_statements(code) == 2


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("x", 0),
        ("{% if a %}x{% endif %}{% if b %}y{% else %}z{% endif %}", 1),
        ("{% if a %}\n{%- for b in c %}\n{% endfor %}\n{% endif %}", 2),
    ],
)
def test_nesting_is_measured(text: str, depth: int) -> None:
    assert deepest_tag(text) == depth


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
def test_prefix_is_accepted(line: str) -> None:
    assert misplaced_prefixes(line) == []


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
def test_misplaced_prefix_is_found(line: str) -> None:
    assert misplaced_prefixes(line) == [line]


def test_inline_conditions_are_counted() -> None:
    assert count_tag_lines("x = {{ 'a' if b else '' }}\ny = {{ await_ }}f()\n{% if c %}\n") == 2
