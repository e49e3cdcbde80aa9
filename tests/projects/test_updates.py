"""Projects of every release, edited by their teams, are updated to the latest one."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from generator.template.options import Option, parse_definition
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from tests.support.edits import VERSIONS, list_heads, list_lost
from tests.support.history import ADDED, CURRENT, FIRST, LATEST, NEXT
from tests.support.projects import (
    answers_of,
    commit,
    covering_rows,
    differences,
    list_conflicts,
    make_project,
    merged_files,
    owned_files,
    render_expected,
    update,
    version_of,
)
from tests.support.proofs import count_rows, follow_the_message, install, prove, write_rows
from tests.support.releases import is_in_tree, unpack, versions
from tests.support.rendered import OPTIONS
from tests.support.repository import git
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow


def read_options(version: str) -> tuple[Option, ...]:
    if version == CURRENT:
        return OPTIONS
    with TemporaryDirectory() as folder:
        unpack(version, Path(folder))
        return parse_definition((Path(folder) / "copier.yml").read_text())


# The working tree is a start of its own if it differs from the newest release.
RELEASED = versions()
VERSIONS_TO_START = RELEASED if RELEASED and is_in_tree(RELEASED[-1]) else [*RELEASED, CURRENT]
STARTS = [
    pytest.param(version, row, id=f"{version}-{row.id}")
    for version in VERSIONS_TO_START
    for row in covering_rows(read_options(version))
]


@pytest.mark.parametrize(("version", "start"), STARTS)
def test_update_keeps_every_edit(version: str, start: Row, history: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"
    edits = make_project(history, project, start.answers, version)
    answers = answers_of(project)
    answers["ci_python"] = answers.pop("python_version")
    own = owned_files(project)

    update(project)

    assert list_conflicts(project) == []
    assert list_lost(project, edits) == []
    assert owned_files(project) == own
    assert list_heads(project) == ["orders"]
    assert version_of(project) == f"v{LATEST}"
    assert answers.items() <= answers_of(project).items()
    expected = tmp_path / "expected"
    assert render_expected(history, expected, answers_of(project), edits) == edits
    assert differences(merged_files(project), merged_files(expected)) == []

    commit(project, "Update")
    update(project)
    assert git(project, "status", "--porcelain") == ""


def test_update_across_each_release(history: Path, tmp_path: Path) -> None:
    """Step by step gives the same as all at once."""
    start = covering_rows(read_options(FIRST))[0]
    project = tmp_path / "service"
    edits = make_project(history, project, start.answers, FIRST)

    for version in (*versions()[1:], CURRENT, NEXT, LATEST):
        if version != FIRST:
            update(project, version)
            assert list_conflicts(project) == [], version
            assert list_lost(project, edits) == [], version
            assert (project / ADDED).exists() == (version in {NEXT, LATEST})
            commit(project, f"Update to {version}")

    expected = tmp_path / "expected"
    assert render_expected(history, expected, answers_of(project), edits) == edits
    assert differences(merged_files(project), merged_files(expected)) == []


def test_updated_project_passes_all_stages(
    history: Path, workspace: Path, servers_for: ServersFor
) -> None:
    """A rich row with examples, rows in its tables, and a revision of the team on top."""
    starts = covering_rows(read_options(FIRST))
    start = next(row for row in starts if row.answers["examples"])
    servers_for(start)
    project = RenderedProject(Row(f"updated-{start.id}", start.answers), workspace)
    edits = make_project(history, project.folder, start.answers, FIRST)
    install(project)
    commit(project.folder, "Lock")
    own = owned_files(project.folder)
    with fresh_database(project) as url:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=url)
        rows = write_rows(project, url)

        update(project.folder)
        assert "uv.lock" in own
        assert owned_files(project.folder) == own
        assert list_lost(project.folder, edits) == []
        install(project)
        follow_the_message(project, url)

        assert {"items", "jobs", "orders"} <= rows.keys()
        assert count_rows(project, url) == rows
    (revision,) = (project.folder / VERSIONS).glob("*_update.py")
    assert 'down_revision = "orders"' in revision.read_text()
    assert "color" in revision.read_text()
    # The same text with any database, so that a later switch finds the right index.
    assert """postgresql_ops={"name": 'COLLATE "C"'}""" in revision.read_text()
    assert len(list_heads(project.folder)) == 1
    prove(project)
