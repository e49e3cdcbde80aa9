"""The examples are dropped by changing one answer, on a project with a history."""

from pathlib import Path

import copier
import pytest

from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.stages import STAGES
from tests.support.rendered import MATRIX
from tests.support.repository import commit_all, git
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow

WITH_EXAMPLES = {str(row.answers["sqlalchemy"]): row for row in MATRIX if row.answers["examples"]}


def render(project: RenderedProject, checkout: Path) -> None:
    answers = {"project_name": "Order Service", **project.row.answers}
    copier.run_copy(str(checkout), project.folder, answers, defaults=True, quiet=True)
    commit_all(project.folder)


@pytest.mark.parametrize("full", WITH_EXAMPLES.values(), ids=WITH_EXAMPLES)
def test_without_its_examples_a_project_still_passes(
    full: Row, checkout: Path, workspace: Path, servers_for: ServersFor
) -> None:
    servers_for(full)
    project = RenderedProject(Row(f"dropped-{full.id}", full.answers), workspace)
    render(project, checkout)

    copier.run_update(
        project.folder,
        {"examples": False},
        vcs_ref=copier.VcsRef.CURRENT,
        defaults=True,
        overwrite=True,
        quiet=True,
    )

    assert not (project.folder / "app/items").exists()
    assert not list((project.folder / "tests").glob("*items*"))
    assert (project.folder / "migrations/versions/0003_items.py").is_file()
    assert "UU" not in git(project.folder, "status", "--porcelain")

    stages = {stage.name: stage.work for stage in STAGES}
    stages["install"](project)
    drop_tables(project)
    for name in ("lint", "types", "migrate", "test", "boot"):
        stages[name](project)


def drop_tables(project: RenderedProject) -> None:
    """What the message after an update says to do about changed tables."""
    with fresh_database(project) as url:
        for command in (
            ["upgrade", "head"],
            ["revision", "--autogenerate", "-m", "drop the examples"],
        ):
            project.call("alembic", *command, seconds=60, DATABASE_URL=url)
    (revision,) = (project.folder / "migrations/versions").glob("*drop_the_examples.py")
    assert "drop_table" in revision.read_text()
