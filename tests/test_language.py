"""The language of the repository and of rendered services, counted and limited.

The same counts in httpx, copier, polar and the full-stack template of FastAPI: 0.6 to 2.5
clause-words per 1,000 words, 0 to 3 % comments in place of docstrings, 0 to 1.7 tuple assignments
per 1,000 lines.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from tests.support.rendered import MATRIX, Render
from tests.support.repository import ROOT, git

CLAUSE_WORDS = re.compile(
    r"\b(what|who|whom|whose|whoever|whatever|whether|those that)\b", re.IGNORECASE
)
ANCHORS = "0.6 to 2.5, 0 to 3 %, 0 to 1.7"

MAX_CLAUSE_WORDS = 5
MAX_COMMENTED_DEFINITIONS = 0.05
MAX_TUPLE_ASSIGNMENTS = 2

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class Counts:
    """Counts of one text, or of many. `hits` are the sentences and lines that counted."""

    words: int = 0
    clause_words: int = 0
    definitions: int = 0
    commented_definitions: int = 0
    lines: int = 0
    tuple_assignments: int = 0
    hits: list[str] = field(default_factory=list)

    def add(self, other: Self) -> None:
        self.words += other.words
        self.clause_words += other.clause_words
        self.definitions += other.definitions
        self.commented_definitions += other.commented_definitions
        self.lines += other.lines
        self.tuple_assignments += other.tuple_assignments
        self.hits += other.hits

    def add_prose(self, text: str) -> None:
        self.words += len(re.findall(r"[A-Za-z'-]+", text))
        self.clause_words += len(CLAUSE_WORDS.findall(text))
        if CLAUSE_WORDS.search(text):
            self.hits.append(text)

    @property
    def clause_words_per_thousand(self) -> float:
        return 1000 * self.clause_words / max(self.words, 1)

    @property
    def commented_share(self) -> float:
        return self.commented_definitions / max(self.definitions, 1)

    @property
    def tuple_assignments_per_thousand(self) -> float:
        return 1000 * self.tuple_assignments / max(self.lines, 1)

    def __str__(self) -> str:
        return (
            f"{self.clause_words_per_thousand:.1f} clause-words per 1,000 words, "
            f"{self.commented_share:.0%} comments in place of docstrings, "
            f"{self.tuple_assignments_per_thousand:.1f} tuple assignments per 1,000 lines "
            f"(others: {ANCHORS})"
        )


def count_python(text: str) -> Counts:
    """Count comments, docstrings and string constants of three words or more as prose."""
    counts = Counts(lines=len(text.splitlines()))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            counts.add_prose(token.string)
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if len(node.value.split()) > 2:
                counts.add_prose(node.value)
        elif isinstance(node, Definition):
            first_line = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            is_commented = bool(
                re.match(r"\s*# \w", lines[first_line - 2] if first_line > 1 else "")
            )
            has_docstring = ast.get_docstring(node) is not None
            counts.definitions += is_commented or has_docstring
            if is_commented and not has_docstring:
                counts.commented_definitions += 1
                counts.hits.append(lines[first_line - 2])
        elif is_tuple_assignment(node):
            counts.tuple_assignments += 1
            counts.hits.append(ast.unparse(node))
    return counts


def is_tuple_assignment(node: ast.AST) -> bool:
    """Return True for `a, b = 1, 2`; a swap and the values of one call are no such assignment."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
        return False
    targets = [target for target in node.targets if isinstance(target, ast.Tuple)]
    return any(
        {ast.unparse(item) for item in target.elts}
        != {ast.unparse(item) for item in node.value.elts}
        for target in targets
    )


def count_markdown(text: str) -> Counts:
    """Count the lines outside of code blocks."""
    counts = Counts()
    for number, block in enumerate(text.split("\n```")):
        if number % 2 == 0:
            for line in block.splitlines():
                counts.add_prose(line)
    return counts


def count_lines(text: str) -> Counts:
    """Count every line of a file of settings as prose."""
    counts = Counts()
    for line in text.splitlines():
        counts.add_prose(line)
    return counts


COUNTERS: dict[str, Callable[[str], Counts]] = {
    ".py": count_python,
    ".md": count_markdown,
    ".yml": count_lines,
    ".example": count_lines,
}


def count_files(folder: Path, names: Iterable[str]) -> Counts:
    total = Counts()
    for name in names:
        path = folder / name
        if counter := COUNTERS.get(path.suffix):
            total.add(counter(path.read_text()))
    return total


def tracked(*folders: str) -> list[str]:
    return git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", *folders).split("\n")


def rendered_texts(render: Render) -> Iterator[tuple[str, str]]:
    """Yield the suffix and text of each distinct file of the rows, since most are in many rows."""
    yield ".yml", (ROOT / "copier.yml").read_text()
    seen = set()
    for row in MATRIX:
        for path in sorted(render(row).rglob("*")):
            if path.is_file() and path.suffix in COUNTERS:
                text = path.read_text()
                if text not in seen:
                    seen.add(text)
                    yield path.suffix, text


def check(name: str, counts: Counts, record_property: Callable[[str, object], None]) -> None:
    record_property("report", f"language of {name}: {counts}")
    assert counts.words > 1000, name
    assert counts.clause_words_per_thousand <= MAX_CLAUSE_WORDS, counts.hits
    assert counts.commented_share <= MAX_COMMENTED_DEFINITIONS, counts.hits
    assert counts.tuple_assignments_per_thousand <= MAX_TUPLE_ASSIGNMENTS, counts.hits


@pytest.mark.parametrize("name", ["generator", "tests"])
def test_folder_reads_well(name: str, record_property: Callable[[str, object], None]) -> None:
    check(name, count_files(ROOT, tracked(name)), record_property)


def test_documents_read_well(record_property: Callable[[str, object], None]) -> None:
    check("documents", count_files(ROOT, tracked("*.md", ".github")), record_property)


def test_renders_read_well(render: Render, record_property: Callable[[str, object], None]) -> None:
    total = Counts()
    for suffix, text in rendered_texts(render):
        total.add(COUNTERS[suffix](text))
    check("template", total, record_property)


# -------------------------------------------------------------------------------------- counting


def test_prose_of_python_is_counted() -> None:
    counts = count_python('"""Says who calls."""\n\nx = "two words"  # What it is.\n')

    assert (counts.words, counts.clause_words) == (6, 2)


def test_comment_in_place_of_docstring_is_counted() -> None:
    counts = count_python("# Adds.\n@cache\ndef f(): ...\n\n\ndef g():\n    '''Add.'''\n")

    assert counts.commented_share == 0.5


@pytest.mark.parametrize(
    ("line", "count"),
    [("a, b = 1, 2", 1), ("a, b = b, a", 0), ("a, b = f()", 0), ("a = 1, 2", 0)],
)
def test_tuple_assignments_are_counted(line: str, count: int) -> None:
    assert count_python(f"{line}\n").tuple_assignments == count


def test_code_in_markdown_is_not_counted() -> None:
    assert count_markdown("One.\n\n```sh\nwho am i\n```\n\nTwo three.\n").words == 3
