"""Every option is switched on existing projects, through all of its values."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from generator.processes import ProgramError
from generator.project.answers import ANSWERS_FILE
from generator.template.conditions import find_variables
from generator.template.options import ARCHITECTURE, COMPUTED, IDENTITY, Option, Value
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from tests.support.edits import EDITS, insert, list_heads, list_lost
from tests.support.history import CURRENT
from tests.support.projects import (
    answers_of,
    commit,
    differences,
    list_conflicts,
    make_project,
    merged_files,
    owned_files,
    render_expected,
    switch,
)
from tests.support.proofs import count_rows, follow_the_message, install, prove, write_rows
from tests.support.rendered import MATRIX, OPTIONS, Render
from tests.support.repository import git, template_files
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow

POSTGRESQL: dict[str, Value] = {"database": "postgresql"}
SWITCHABLE = [option for option in OPTIONS if option.kind not in {COMPUTED, IDENTITY}]
WITH_EXAMPLES = [row for row in MATRIX if row.answers["examples"]]


def list_values(option: Option) -> tuple[Row, list[Value]]:
    """Return a rich row with the option, and its values, beginning with the row's.

    Two values are enough for an add-on: it is one line in a few files. Questions that are not asked
    for each value have their defaults, since their answers are lost on the way.
    """
    dependents = [other for other in OPTIONS if option.name in find_variables(str(other.when))]
    rows = [
        row
        for row in WITH_EXAMPLES
        if option.name in row.answers
        and all(row.answers.get(item.name, item.default) == item.default for item in dependents)
    ]
    start = rows[-1]
    values = [start.answers[option.name]]
    for row in MATRIX:
        if option.name in row.answers and row.answers[option.name] not in values:
            values.append(row.answers[option.name])
    return start, values if option.kind == ARCHITECTURE else values[:2]


@pytest.mark.parametrize("option", SWITCHABLE, ids=lambda option: option.name)
def test_switch_through_all_values(option: Option, history: Path, tmp_path: Path) -> None:
    """Each value is switched to the next, and the last one back to the first."""
    start, values = list_values(option)
    project = tmp_path / "service"
    edits = make_project(history, project, start.answers)
    first = merged_files(project)
    own = owned_files(project)

    for number, value in enumerate([*values[1:], values[0]]):
        switch(project, {option.name: value})

        expected = tmp_path / f"expected-{number}"
        kept = render_expected(history, expected, answers_of(project), edits, CURRENT)
        assert answers_of(project)[option.name] == value
        assert list_conflicts(project) == []
        assert list_lost(project, kept) == []
        assert differences(merged_files(project), merged_files(expected)) == []
        assert owned_files(project) == own
        assert list_heads(project) == ["orders"]
        if option.name == "examples":
            return  # Edits of the examples are deleted with them.
        assert kept == edits == list(EDITS)
        commit(project, f"Switch to {value}")

    assert differences(merged_files(project), first) == []


def test_files_end_with_constant_lines(render: Render, template: Path) -> None:
    """A team adds at the end of a file, below a line that no option changes."""
    counts = Counter(name for name, _ in template_files(template))
    whole = {name for name, count in counts.items() if count > 1} | {"LICENSE", ANSWERS_FILE}
    endings: dict[str, set[str]] = {}
    for row in MATRIX:
        project = render(row)
        for path in project.rglob("*"):
            if path.is_file() and (last := path.read_text().splitlines()[-1:]):
                endings.setdefault(str(path.relative_to(project)), set()).update(last)

    assert endings
    varied = [name for name, lines in endings.items() if len(lines) > 1]
    assert [name for name in varied if name not in whole | {".env"}] == []


def most_different(row: Row, rows: Sequence[Row]) -> Row:
    """Return the row that differs in most architecture options."""
    names = [option.name for option in OPTIONS if option.kind == ARCHITECTURE]
    return max(
        rows, key=lambda other: sum(other.answers.get(n) != row.answers.get(n) for n in names)
    )


SAME_DATABASE = [
    row for row in WITH_EXAMPLES if row.answers["database"] == MATRIX[0].answers["database"]
]


def test_switched_project_passes_all_stages(
    history: Path, workspace: Path, tmp_path: Path, servers_for: ServersFor
) -> None:
    """Every option but the database changes at once, and rows survive."""
    start = MATRIX[0]
    target = most_different(start, SAME_DATABASE)
    servers_for(target)
    project = RenderedProject(Row(f"switched-{start.id}", start.answers), workspace)
    edits = make_project(history, project.folder, start.answers)
    install(project)
    commit(project.folder, "Lock")
    expected = tmp_path / "expected"
    render_expected(history, expected, target.answers, edits, CURRENT)

    with fresh_database(project) as url:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=url)
        rows = write_rows(project, url)

        switch(project.folder, target.answers)
        shutil.copy(expected / ".env", project.folder)  # The user edits it as the message says.
        install(project)

        follow_the_message(project, url)
        counts = count_rows(project, url)
        assert {"items", "jobs", "orders"} <= counts.keys()
        assert all(count == rows.get(name, 0) for name, count in counts.items())
    prove(project)


def test_rows_cross_databases(history: Path, workspace: Path, servers_for: ServersFor) -> None:
    """The way of docs/switching.md, with a row in each table, those of the team included."""
    start = MATRIX[0]
    servers_for(Row("crossed", {**start.answers, **POSTGRESQL}))
    project = RenderedProject(Row(f"crossing-{start.id}", start.answers), workspace)
    make_project(history, project.folder, start.answers)
    install(project)
    commit(project.folder, "Lock")
    with fresh_database(project) as old:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=old)
        rows = write_rows(project, old)
        switch(project.folder, POSTGRESQL)
        insert(project.folder / ".env", r"\Z", "DATABASE_URL=postgresql://127.0.0.1/app\n")
        install(project)
        with fresh_database(project) as new:
            project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=new)

            copy = ("python", "-m", "app.copy_rows", old)
            output = project.call(*copy, seconds=60, DATABASE_URL=new)

            assert {"items", "jobs", "orders", "users"} <= rows.keys()
            assert count_rows(project, new) == rows
            assert sorted(output.split("\n")[:-1]) == sorted(f"{name}: 1" for name in rows)
            with pytest.raises(ProgramError, match="has rows in"):
                project.call(*copy, seconds=60, DATABASE_URL=new)
    assert git(project.folder, "check-ignore", "app.db", "app.db-wal") == "app.db\napp.db-wal"
