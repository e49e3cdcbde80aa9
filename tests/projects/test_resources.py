"""Added resources pass the stages, and outlive updates and new answers.

`RESOURCES=all` tests them in each combination of the architecture.
"""

import os
from pathlib import Path

import pytest

from generator.errors import NeedsAttentionError, Problem
from generator.project.merge import MergeOptions
from generator.project.resources.add import add_resource
from generator.project.update import set_answers
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.stages import STAGES
from tests.support.history import CURRENT
from tests.support.projects import commit, list_conflicts, render_release, update
from tests.support.proofs import install
from tests.support.rendered import MATRIX, OPTIONS, row_with
from tests.support.repository import git
from tests.support.resources import add_three
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow

STAGE = {stage.name: stage for stage in STAGES}
TESTS = ("customers", "invoices", "order_lines")
# With these callers, rows are theirs; otherwise everyone's.
OWNERS = {"oidc", "api_key"}
OPEN = row_with(OPTIONS, sqlalchemy="async", database="postgresql", auth="jwt")
OWNED = row_with(OPTIONS, sqlalchemy="sync", database="sqlite", auth="oidc", background="celery")
SWITCHED = row_with(
    OPTIONS,
    sqlalchemy="async",
    database="postgresql",
    auth="api_key",
    background="background_tasks",
)


def list_architectures() -> list[Row]:
    """Return a row of each combination of the architecture."""
    names = [option.name for option in OPTIONS if option.kind == "architecture"]
    rows = {str([row.answers.get(name) for name in names]): row for row in MATRIX}
    return list(rows.values())


CHOSEN = list_architectures() if os.environ.get("RESOURCES") == "all" else [OPEN, OWNED]


def prove(project: RenderedProject, *stages: str) -> None:
    """Run the stages, and the tests of the resources."""
    with project.resources:
        for name in stages:
            STAGE[name].work(project)
        with fresh_database(project) as url:
            paths = [f"tests/test_{name}.py" for name in TESTS]
            project.call("pytest", "-q", *paths, seconds=300, DATABASE_URL=url)


def read_resources(project: Path) -> dict[str, bytes]:
    """Return the files that `add resource` wrote, and all revisions."""
    paths = [*project.glob("migrations/versions/*.py"), *project.glob(".resources.yml")]
    for name in TESTS:
        paths += [*project.glob(f"app/{name}/*.py"), project / f"tests/test_{name}.py"]
        paths.append(project / f"tests/{name.removesuffix('s')}_rows.py")
    return {str(path.relative_to(project)): path.read_bytes() for path in sorted(paths)}


@pytest.mark.parametrize("chosen", CHOSEN, ids=lambda row: row.id)
def test_resources_pass_the_stages(chosen: Row, workspace: Path, servers_for: ServersFor) -> None:
    servers_for(chosen)
    project = RenderedProject(Row(f"resources-{chosen.id}", chosen.answers), workspace)
    STAGE["render"].work(project)
    add_three(project.folder, owned=chosen.answers["auth"] in OWNERS)
    install(project)

    prove(project, "lint", "types", "migrate")


def test_resources_outlive_switch_and_update(
    history: Path, workspace: Path, tmp_path: Path, servers_for: ServersFor
) -> None:
    servers_for(SWITCHED)
    project = RenderedProject(Row(f"switched-{SWITCHED.id}", SWITCHED.answers), workspace)
    folder = project.folder
    render_release(history, folder, SWITCHED.answers, CURRENT)
    git(folder, "init", "--quiet", "--initial-branch=main")
    add_three(folder, owned=True)
    commit(folder, "Add resources")
    written = read_resources(folder)

    set_answers(folder, ["sqlalchemy=sync"], MergeOptions())
    expected = tmp_path / "expected"
    render_release(history, expected, {**SWITCHED.answers, "sqlalchemy": "sync"}, CURRENT)
    add_three(expected, owned=True)
    assert read_resources(folder) == read_resources(expected)
    install(project)
    prove(project, "migrate")
    commit(folder, "Switch")

    set_answers(folder, ["sqlalchemy=async"], MergeOptions())
    commit(folder, "Switch back")
    assert read_resources(folder) == written

    update(folder)
    assert list_conflicts(folder) == []
    assert read_resources(folder) == written


def test_edits_of_resources_are_merged(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "service"
    render_release(history, folder, SWITCHED.answers, CURRENT)
    git(folder, "init", "--quiet", "--initial-branch=main")
    add_three(folder, owned=True)
    service = folder / "app/invoices/service.py"
    service.write_text(service.read_text() + "\n\nasync def count(session: Session) -> None: ...\n")
    other = folder / "app/customers/service.py"
    other.write_text(other.read_text().replace("session.flush()", "session.flush(None)"))
    (folder / "app/order_lines/service.py").unlink()
    commit(folder, "Edit the resources")

    with pytest.raises(NeedsAttentionError, match=r"overlap in app/customers/service\.py:"):
        set_answers(folder, ["sqlalchemy=sync"], MergeOptions())

    assert list_conflicts(folder) == ["app/customers/service.py"]
    assert "\n    session.flush()\n" in service.read_text()
    assert "async def count(" in service.read_text()
    assert "    await session.flush(None)\n=======\n    session.flush()\n" in other.read_text()
    assert not (folder / "app/order_lines/service.py").exists()
    assert "app/invoices/service.py: 1 line to look at" in capsys.readouterr().out


def test_times_require_an_update_of_older_projects(history: Path, tmp_path: Path) -> None:
    folder = render_release(history, tmp_path / "service", OPEN.answers, "0.8.0")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Start")

    with pytest.raises(Problem, match=r"app/schemas\.py has no Time,.* `fastapi-service update`"):
        add_resource(folder, "alarm", ["at:datetime"], plural=None, owned=False)
    assert git(folder, "status", "--porcelain") == ""
    add_resource(folder, "lamp", ["name:text"], plural=None, owned=False)
    commit(folder, "Add lamps")

    update(folder, CURRENT)
    add_resource(folder, "alarm", ["at:datetime"], plural=None, owned=False)
    schemas = (folder / "app/alarms/schemas.py").read_text()
    assert "from app.schemas import RequestBody, Time\n" in schemas
