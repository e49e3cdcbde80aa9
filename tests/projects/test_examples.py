"""The examples are dropped from a project; the team's feature, copied from them, remains."""

import re
from pathlib import Path

import pytest

from generator.project.merge import MergeOptions
from generator.project.update import set_answers
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from tests.support.edits import below, insert, mount, write
from tests.support.history import CURRENT
from tests.support.projects import commit, list_conflicts, render_release
from tests.support.proofs import install, prove
from tests.support.rendered import MATRIX
from tests.support.repository import git
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow

SETTING = "    parts_webhook_url: ServiceUrl | None = None\n"


def most_different_row(auth: str, *others: Row) -> Row:
    """Return a row with the examples that shares the fewest answers with the others."""
    rows = [row for row in MATRIX if row.answers["examples"] and row.answers["auth"] == auth]
    return min(
        rows,
        key=lambda row: sum(
            row.answers.get(name) == value
            for other in others
            for name, value in other.answers.items()
        ),
    )


NONE = most_different_row("none")
JWT = most_different_row("jwt", NONE)


def rename(text: str) -> str:
    """Turn items into parts."""
    text = text.replace("webhook_url", "parts_webhook_url")
    for old, new in (("item", "part"), ("Item", "Part"), ("ITEM", "PART")):
        text = text.replace(old, new)
    return text


def copy_items(project: Path) -> None:
    """Copy the feature, its tests and its setting, and mount it."""
    for path in [*project.glob("app/items/*.py"), project / "tests/test_items.py"]:
        write(project / rename(str(path.relative_to(project))), rename(path.read_text()))
    insert(project / "app/settings.py", below("    # Your settings below."), SETTING)
    example = below("# Your settings below.", at_the_end=True)
    insert(project / ".env.example", example, "# PARTS_WEBHOOK_URL=\n")
    mount(project, "parts")


def create_revision(project: RenderedProject, message: str) -> str:
    """Let alembic write a revision for changed tables, and return its text."""
    with fresh_database(project) as url:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=url)
        command = ["revision", "--autogenerate", "-m", message]
        project.call("alembic", *command, seconds=60, DATABASE_URL=url)
    name = re.sub(r"\W", "_", message)
    (revision,) = (project.folder / "migrations/versions").glob(f"*_{name}.py")
    return revision.read_text()


@pytest.mark.parametrize("full", [NONE, JWT], ids=["none", "jwt"])
def test_copied_feature_outlives_examples(
    full: Row, history: Path, workspace: Path, servers_for: ServersFor
) -> None:
    servers_for(full)
    project = RenderedProject(Row(f"dropped-{full.id}", full.answers), workspace)
    render_release(history, project.folder, full.answers, CURRENT)
    git(project.folder, "init", "--quiet")
    copy_items(project.folder)
    install(project)
    # Renamed imports are in another order.
    project.call("ruff", "check", "--fix", seconds=60)
    project.call("ruff", "format", seconds=60)
    assert "create_table" in create_revision(project, "add parts")
    commit(project.folder, "Add parts")

    set_answers(project.folder, ["examples=false"], MergeOptions(accept_losses=True))

    assert list_conflicts(project.folder) == []
    assert not list(project.folder.glob("app/items/*.py"))
    assert not list(project.folder.glob("tests/*items*"))
    assert (project.folder / "migrations/versions/0003_items.py").is_file()
    install(project)
    revision = create_revision(project, "drop the examples")
    assert "items" in revision
    assert "parts" not in revision
    prove(project)
