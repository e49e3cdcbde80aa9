"""Every option is switched on living projects, from each of its values to another and back."""

import shutil
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from generator.databases import fresh_database
from generator.matrix import Row
from generator.options import COMPUTED, Value, assignment, parse_definition
from generator.project import Project
from generator.questionnaire import ARCHITECTURE, IDENTITY
from tests.conftest import ROOT
from tests.edits import EDITS, heads, lost
from tests.living import (
    ANSWERS_FILE,
    answers_of,
    commit,
    conflicts,
    differences,
    make_project,
    owned,
    rendered_anew,
    switch,
    tree,
)
from tests.proofs import follow_the_message, install, prove, rows_are_there, write_rows
from tests.rendered import MATRIX, Render
from tests.servers import ServersFor
from tests.update_rules import files

OPTIONS = parse_definition((ROOT / "copier.yml").read_text())


class Switch(NamedTuple):
    """Another value for an option of a project that was made with these answers."""

    start: Row
    option: str
    value: Value

    @property
    def answers(self) -> dict[str, Value]:
        return {**self.start.answers, self.option: self.value}

    def __str__(self) -> str:
        values = (self.start.answers[self.option], self.value)
        return "-to-".join(assignment(self.option, value) for value in values)


def switches(option: str) -> list[Switch]:
    """From each value to the next, the last to the first; on simple rows and on rich ones."""
    rows = [
        row
        for row in MATRIX
        if option in row.answers and (row.answers["examples"] or option == "examples")
    ]
    values: list[Value] = []
    for row in rows:
        if row.answers[option] not in values:
            values.append(row.answers[option])
    found = []
    for number, value in enumerate(values):
        matching = [row for row in rows if row.answers[option] == value]
        following = values[(number + 1) % len(values)]
        found.append(Switch(matching[-(number % 2)], option, following))
    return found


SWITCHES = [
    switch
    for option in OPTIONS
    if option.kind not in {COMPUTED, IDENTITY}
    for switch in switches(option.name)
]


@pytest.mark.parametrize("change", SWITCHES, ids=str)
def test_a_switch_changes_what_it_must_and_can_be_taken_back(
    change: Switch, history: Path, tmp_path: Path
) -> None:
    project = tmp_path / "service"
    edits = make_project(history, project, change.start.answers)
    first, own = tree(project), owned(project)

    switch(project, {change.option: change.value})

    anew = tmp_path / "anew"
    kept = rendered_anew(history, anew, answers_of(project), edits)
    assert answers_of(project)[change.option] == change.value
    assert conflicts(project) == []
    assert lost(project, kept) == []
    assert differences(tree(project), tree(anew)) == []
    assert owned(project) == own
    assert heads(project) == ["orders"]
    if change.option == "examples":
        return  # What was edited there is gone, which another test records.

    assert kept == edits == list(EDITS)
    commit(project, "Switch")
    switch(project, change.start.answers)
    assert conflicts(project) == []
    assert differences(tree(project), first) == []
    assert owned(project) == own


def test_what_is_added_at_the_end_of_a_file_stands_below_a_line_that_no_option_changes(
    render: Render, template: Path
) -> None:
    """Files apart that are chosen as a whole, and those that nobody adds to."""
    written = Counter(name for name, _ in files(template))
    whole = {name for name, times in written.items() if times > 1} | {"LICENSE", ANSWERS_FILE}
    ends: dict[str, set[str]] = {}
    for row in MATRIX:
        for path in render(row).rglob("*"):
            if path.is_file() and (last := path.read_text().splitlines()[-1:]):
                ends.setdefault(str(path.relative_to(render(row))), set()).update(last)

    assert ends
    assert [name for name in ends if len(ends[name]) > 1 and name not in whole | {".env"}] == []


# Back to the first value: from rows that are soon installed and tested, and from none to all.
ONE_OF_EACH = [switches(option.name)[-1] for option in OPTIONS if option.kind == ARCHITECTURE]


@pytest.mark.parametrize("change", ONE_OF_EACH, ids=str)
def test_a_switched_project_passes_what_a_fresh_one_passes_and_keeps_its_rows(
    change: Switch, history: Path, workspace: Path, tmp_path: Path, servers_for: ServersFor
) -> None:
    servers_for(change.start)
    servers_for(Row(change.start.id, change.answers))
    project = Project(Row(f"switched-{change.option}", change.start.answers), workspace)
    edits = make_project(history, project.folder, change.start.answers)
    install(project)
    commit(project.folder, "Lock")
    anew = tmp_path / "anew"
    rendered_anew(history, anew, change.answers, edits)
    stays = kind_of_database(anew) == kind_of_database(project.folder)

    with fresh_database(project) if stays else nullcontext() as kept:
        if kept:
            project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=kept)
            write_rows(project, kept)

        switch(project.folder, {change.option: change.value})
        shutil.copy(anew / ".env", project.folder)  # What .env.example now explains.
        install(project)

        if kept:
            follow_the_message(project, kept)
            assert rows_are_there(project, kept)
    if not stays:
        with fresh_database(project) as url:
            follow_the_message(project, url)
    prove(project)


def kind_of_database(folder: Path) -> str:
    lines = (folder / ".env").read_text().splitlines()
    (url,) = [line.removeprefix("DATABASE_URL=") for line in lines if "DATABASE_URL=" in line]
    return urlsplit(url).scheme
