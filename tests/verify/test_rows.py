"""Each row passes each stage, and `verify` reports failures."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.verify.matrix.rows import Row
from generator.verify.pipeline import RowReport, verify_row
from generator.verify.stages import STAGES
from tests.support.command import Command, no_process_mentions, running, wait_for
from tests.support.rendered import MATRIX
from tests.support.repository import commit_all, copy_template
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow

NAMES = [stage.name for stage in STAGES]
FIRST = MATRIX[0]


def test_row_passes_every_stage(
    row: Row,
    workspace: Path,
    servers_for: ServersFor,
    record_property: Callable[[str, object], None],
) -> None:
    servers_for(row)
    report = verify_row(row, workspace)
    for stage in report.stages:
        record_property("seconds", (f"stage {stage.name} of the rows", stage.seconds))
    last = report.stages[-1]
    assert report.ok, f"{last.name}\n{last.output}\n{report.repeat}"
    assert [stage.name for stage in report.stages] == NAMES


def test_failure_is_reported(command: Command, tmp_path: Path) -> None:
    tree = copy_template(tmp_path / "template")
    commit_all(tree)
    with (tree / "template/app/orm.py").open("a") as file:
        file.write("LIMIT=1\n")  # Uncommitted changes are verified, too.
    only = [word for assignment in FIRST.assignments for word in ("--only", assignment)]
    result = command("verify", "--template", tree, *only, "--report", "-", "--keep", "kept")
    assert result.returncode == 1, result.stderr
    assert_is_report(json.loads(result.stdout), tree)
    repeat = RowReport(FIRST, ()).repeat
    assert f"{FIRST.id} failed at lint" in result.stderr
    assert f"Repeat it with: {repeat}" in result.stderr
    assert "Traceback" not in result.stderr
    assert f"[1/1] {FIRST.id}  lint failed" in result.stderr
    assert (tmp_path / "kept/rows" / FIRST.id / "service/pyproject.toml").is_file()


def assert_is_report(report: dict[str, Any], tree: Path) -> None:
    assert list(report) == ["template", "started", "seconds", "rows"]
    assert report["template"]["source"] == str(tree)
    (row,) = report["rows"]
    assert list(row) == ["answers", "ok", "stages", "repeat"]
    assert row["answers"] == FIRST.answers
    assert row["ok"] is False
    assert [stage["name"] for stage in row["stages"]] == NAMES[:3]
    for stage in row["stages"]:
        assert list(stage) == ["name", "ok", "seconds", "shared", "output"]
    assert "reformat" in row["stages"][-1]["output"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "nonsense=1"],
        ["--only", f"{next(iter(FIRST.answers))}=nonsense"],
        ["--only", "nonsense"],
        ["--report", "nowhere/report.json"],
        ["--report", "occupied"],
        ["-j", "0"],
        ["--keep", "occupied"],
    ],
)
def test_bad_usage_is_2(command: Command, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "occupied").mkdir()
    (tmp_path / "occupied/file").touch()
    result = command("verify", *arguments)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "occupied"]


def test_ctrl_c_cleans_up(checkout: Path, tmp_path: Path) -> None:
    with running(checkout, tmp_path, "verify", "-j", "2", TMPDIR=str(tmp_path)) as process:
        wait_for(lambda: any(tmp_path.glob("*/environments/*/bin/ruff")))
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert no_process_mentions(tmp_path)
    remaining = [path for path in tmp_path.iterdir() if not path.match("uv-*.lock")]
    assert remaining == []
