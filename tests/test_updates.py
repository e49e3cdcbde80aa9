"""Projects made from any release, edited by their teams, are updated to the working tree."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from generator.databases import fresh_database
from generator.matrix import Row
from generator.project import Project
from tests.conftest import git
from tests.edits import VERSIONS, heads, lost
from tests.living import (
    THE_NEXT_AFTER,
    answers_of,
    commit,
    conflicts,
    covering,
    definition,
    differences,
    make_project,
    owned,
    rendered_anew,
    tag,
    tree,
    update,
    version_of,
)
from tests.proofs import follow_the_message, install, prove, rows_are_there, write_rows
from tests.releases import NEXT, unpack, versions
from tests.servers import ServersFor


def rows_of(version: str) -> list[Row]:
    with TemporaryDirectory() as folder:
        unpack(version, Path(folder))
        return covering(definition(Path(folder)))


RELEASES = {version: rows_of(version) for version in versions()}
EVERY_RELEASE = [
    pytest.param(version, row, id=f"{version}-{row.id}")
    for version, rows in RELEASES.items()
    for row in rows
]


@pytest.mark.parametrize(("version", "start"), EVERY_RELEASE)
def test_an_update_brings_what_is_new_and_keeps_every_edit(
    version: str, start: Row, history: Path, tmp_path: Path
) -> None:
    project = tmp_path / "service"
    edits = make_project(history, project, start.answers, version)
    answers, own = answers_of(project), owned(project)

    update(project)

    assert conflicts(project) == []
    assert lost(project, edits) == []
    assert owned(project) == own
    assert heads(project) == ["orders"]
    assert version_of(project) == f"v{NEXT}"
    assert answers.items() <= answers_of(project).items()
    anew = tmp_path / "anew"
    assert rendered_anew(history, anew, answers_of(project), edits) == edits
    assert differences(tree(project), tree(anew)) == []

    commit(project, "Update")
    update(project)
    assert git(project, "status", "--porcelain") == ""


# The longest way, on the defaults and on what differs most from them.
FURTHEST = [pytest.param(row, id=row.id) for row in RELEASES[versions()[0]][:2]]


@pytest.mark.parametrize("start", FURTHEST)
def test_an_updated_project_passes_what_a_fresh_one_passes(
    start: Row, history: Path, workspace: Path, servers_for: ServersFor
) -> None:
    project = Project(Row(f"updated-{start.id}", start.answers), workspace)
    make_project(history, project.folder, start.answers, versions()[0])
    install(project)
    commit(project.folder, "Lock")
    own = owned(project.folder)

    update(project.folder)

    assert "uv.lock" in own
    assert owned(project.folder) == own
    servers_for(Row(start.id, answers_of(project.folder)))
    install(project)
    with fresh_database(project) as url:
        follow_the_message(project, url)
    prove(project)


def test_tables_that_an_update_changes_are_migrated_as_the_message_says(
    history: Path, workspace: Path, tmp_path: Path
) -> None:
    template = Path(shutil.copytree(history, tmp_path / "template"))
    project = Project(Row("changed-tables", {"database": "sqlite", "examples": True}), workspace)
    edits = make_project(template, project.folder, project.row.answers)
    (models,) = template.glob("template/app/*items*/models.py")
    models.write_text(f"{models.read_text()}    colour: Mapped[str | None]\n")
    revision = '"""Colours."""\n\nrevision = "0999"\ndown_revision = "0003_items"\n'
    (template / "template" / VERSIONS / "0999_colours.py").write_text(revision)
    tag(template, THE_NEXT_AFTER)
    install(project)
    commit(project.folder, "Lock")
    with fresh_database(project) as url:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=url)
        write_rows(project, url)

        update(project.folder)
        assert lost(project.folder, edits) == []
        follow_the_message(project, url)

        assert rows_are_there(project, url)
        project.call("alembic", "check", seconds=60, DATABASE_URL=url)
    (added,) = (project.folder / VERSIONS).glob("*_update.py")
    assert 'down_revision = "orders"' in added.read_text()
    assert len(heads(project.folder)) == 1
