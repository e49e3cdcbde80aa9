"""A template broken on purpose fails `verify` at the stage that must notice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.verify import prepare, verify_row
from tests.conftest import copy_template
from tests.rendered import MATRIX

FIRST = MATRIX[0]
ITEMS = "{% if examples %}items{% endif %}"
Break = Callable[[Path], None]


def append(path: str, text: str) -> Break:
    def edit(template: Path) -> None:
        with (template / path).open("a") as file:
            file.write(text)

    return edit


def replace(path: str, old: str, new: str, end: str = "") -> Break:
    def edit(template: Path) -> None:
        text = (template / path).read_text()
        assert old in text
        (template / path).write_text(text.replace(old, new) + end)

    return edit


def without_tests(break_it: Break) -> Break:
    """Leave a test that passes: then only the running service can tell."""

    def edit(template: Path) -> None:
        break_it(template)
        for test in (template / "tests").glob("*test_*"):
            test.unlink()
        (template / "tests/test_nothing.py").write_text("def test_nothing() -> None:\n    pass\n")

    return edit


WRONG_STATUS = replace(f"app/{ITEMS}/routes.py.jinja", "status_code=201", "status_code=200")
FAILS_AT_ITS_END = replace(
    "app/main.py",
    "from app.application",
    "import signal\nimport sys\n\nfrom app.application",
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n",
)

BROKEN: dict[str, tuple[str, Break, str]] = {
    "a typo in a template": ("render", append("app/settings.py.jinja", "{{ typo }}"), "typo"),
    "a dependency that does not exist": (
        "install",
        append("pyproject.toml.jinja", '[tool.uv.sources]\nfastapi = { path = "gone" }\n'),
        "gone",
    ),
    "an unformatted file": ("lint", append("app/errors.py", "\n\nLIMIT=1\n"), "reformat"),
    "an unused import": ("lint", append("app/main.py", "import os\n"), "F401"),
    "a wrong type": ("types", append("app/errors.py", '\n\nLIMIT: int = "1"\n'), "Incompatible"),
    "a column without a migration": (
        "migrate",
        append(f"app/{ITEMS}/models.py", "    color: Mapped[str | None]\n"),
        "color",
    ),
    "a wrong status": ("test", WRONG_STATUS, "201"),
    "a wrong status that no test notices": (
        "boot",
        without_tests(WRONG_STATUS),
        "Broken: POST /items is 201",
    ),
    "a server that fails at its end": ("boot", FAILS_AT_ITS_END, "exit code 3"),
}  # fmt: skip


def borrowing_workspace(folder: Path, workspace: Path, tree: Path) -> Path:
    """A workspace with a template of its own and what the shared one has proven."""
    prepare(tree, folder)
    for name in ("environments", "proven"):
        (workspace / name).mkdir(exist_ok=True)
        (folder / name).symlink_to(workspace / name)
    return folder


@pytest.mark.parametrize(("stage", "break_it", "evidence"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_template_fails_at_the_right_stage(
    workspace: Path, tmp_path: Path, stage: str, break_it: Break, evidence: str
) -> None:
    tree = copy_template(tmp_path / "template")
    break_it(tree / "template")
    report = verify_row(FIRST, borrowing_workspace(tmp_path / "broken", workspace, tree))
    assert not report.ok
    assert report.stages[-1].name == stage, report.stages[-1].output
    assert evidence in report.stages[-1].output
    assert len(report.stages[-1].output.splitlines()) <= 40


def test_what_was_proven_is_not_done_again(workspace: Path, tmp_path: Path) -> None:
    tree = copy_template(tmp_path / "template")
    assert verify_row(FIRST, borrowing_workspace(tmp_path / "once", workspace, tree)).ok
    report = verify_row(FIRST, borrowing_workspace(tmp_path / "again", workspace, tree))
    assert report.ok
    assert [stage.name for stage in report.stages if not stage.shared] == ["render"]


def test_a_failure_is_not_shared(workspace: Path, tmp_path: Path) -> None:
    tree = copy_template(tmp_path / "template")
    BROKEN["an unformatted file"][1](tree / "template")
    broken = borrowing_workspace(tmp_path / "broken", workspace, tree)
    for _ in range(2):
        report = verify_row(FIRST, broken)
        assert not report.ok
        assert not report.stages[-1].shared
