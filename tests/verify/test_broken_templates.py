"""A template broken on purpose fails `verify` at the stage that must detect it."""

from pathlib import Path

import pytest

from generator.verify.pipeline import prepare_workspace, verify_row
from generator.verify.rendered import RenderedProject
from tests.support.mutations import Mutation, append_text, replace_text
from tests.support.rendered import MATRIX
from tests.support.repository import copy_template

pytestmark = pytest.mark.slow

FIRST = MATRIX[0]
ITEMS = "{% if examples %}items{% endif %}"


def without_tests(mutation: Mutation) -> Mutation:
    """Replace the tests by one that passes: only the running service shows the mutation."""

    def edit(template: Path) -> None:
        mutation(template)
        for test in (template / "tests").glob("*test_*"):
            test.unlink()
        (template / "tests/test_nothing.py").write_text("def test_nothing() -> None:\n    pass\n")

    return edit


WRONG_STATUS = replace_text(f"app/{ITEMS}/routes.py.jinja", "status_code=201", "status_code=200")
FAILS_ON_SHUTDOWN = replace_text(
    "app/{% if telemetry != 'prometheus' %}main.py{% endif %}",
    "from app.application",
    "import signal\nimport sys\n\nfrom app.application",
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n",
)

BROKEN: dict[str, tuple[str, Mutation, str]] = {
    "a typo in a template": ("render", append_text("app/settings.py.jinja", "{{ typo }}"), "typo"),
    "a missing dependency": (
        "install",
        append_text("pyproject.toml.jinja", '[tool.uv.sources]\nfastapi = { path = "gone" }\n'),
        "gone",
    ),
    "an unformatted file": ("lint", append_text("app/orm.py", "\n\nLIMIT=1\n"), "reformat"),
    "an unused import": ("lint", append_text("app/orm.py", "import os\n"), "F401"),
    "a wrong type": (
        "types",
        append_text("app/errors.py.jinja", '\n\nLIMIT: int = "1"\n'),
        "Incompatible",
    ),
    "a column without a migration": (
        "migrate",
        append_text(f"app/{ITEMS}/models.py", "    color: Mapped[str | None]\n"),
        "color",
    ),
    "a wrong status": ("test", WRONG_STATUS, "201"),
    "an untested wrong status": (
        "boot",
        without_tests(WRONG_STATUS),
        "Broken: POST /items returns 201",
    ),
    "a server that fails on shutdown": ("boot", without_tests(FAILS_ON_SHUTDOWN), "exit code 3"),
}  # fmt: skip


def make_workspace(folder: Path, workspace: Path, tree: Path) -> Path:
    """Make a workspace for another template, linked to the proofs of the shared one."""
    prepare_workspace(tree, folder)
    for name in ("environments", "proven", "types"):
        (workspace / name).mkdir(exist_ok=True)
        (folder / name).symlink_to(workspace / name)
    return folder


@pytest.mark.parametrize(("stage", "mutation", "evidence"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_template_fails_at_stage(
    workspace: Path, tmp_path: Path, stage: str, mutation: Mutation, evidence: str
) -> None:
    tree = copy_template(tmp_path / "template")
    mutation(tree / "template")
    report = verify_row(FIRST, make_workspace(tmp_path / "broken", workspace, tree))
    assert not report.ok
    assert report.stages[-1].name == stage, report.stages[-1].output
    assert evidence in report.stages[-1].output
    assert len(report.stages[-1].output.splitlines()) <= 40


def test_proven_stages_are_shared(workspace: Path, tmp_path: Path) -> None:
    tree = copy_template(tmp_path / "template")
    assert verify_row(FIRST, make_workspace(tmp_path / "once", workspace, tree)).ok
    report = verify_row(FIRST, make_workspace(tmp_path / "again", workspace, tree))
    assert report.ok
    assert [stage.name for stage in report.stages if not stage.shared] == ["render"]

    # An equal row that was migrated but not booted leaves no database for this one.
    third = make_workspace(tmp_path / "third", workspace, tree)
    key = RenderedProject(FIRST, tmp_path / "again").runtime_key()
    (third / "proven" / f"boot-{key}").unlink()
    report = verify_row(FIRST, third)
    assert report.ok, report.stages[-1].output
    assert [stage.name for stage in report.stages if not stage.shared] == ["render", "boot"]


def test_failure_is_not_shared(workspace: Path, tmp_path: Path) -> None:
    tree = copy_template(tmp_path / "template")
    BROKEN["an unformatted file"][1](tree / "template")
    broken = make_workspace(tmp_path / "broken", workspace, tree)
    for _ in range(2):
        report = verify_row(FIRST, broken)
        assert not report.ok
        assert not report.stages[-1].shared
