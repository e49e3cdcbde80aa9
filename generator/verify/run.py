"""`fastapi-service verify`: selects rows, verifies them, and writes the report."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from generator import console
from generator.errors import UsageError
from generator.template.options import parse_definition
from generator.template.source import open_template
from generator.verify.display import Display
from generator.verify.images.buildah import Buildah
from generator.verify.matrix.rows import select_rows
from generator.verify.pipeline import prepare_workspace, verify_rows
from generator.verify.servers import SERVERS
from generator.verify.stages import STAGES, STAGES_WITH_IMAGE


def verify_template(  # noqa: PLR0913 - one parameter per option of the command
    template: str | None,
    only: Sequence[str],
    jobs: int,
    keep: Path | None,
    report: str | None,
    *,
    images: bool = False,
) -> bool:
    """Verify rows and write the report; return True when all passed."""
    stages = STAGES_WITH_IMAGE if images else STAGES
    if images:
        Buildah.require()
    if report and report != "-":
        _require_writable(Path(report).absolute())
    began = time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    display = Display(stages, on_stderr=report == "-")
    with open_template(template) as source, _workspace(keep) as workspace, closing(SERVERS):
        rows = select_rows(parse_definition(source.definition()), only)
        prepare_workspace(source.tree, workspace)
        with display.watching(len(rows)) as watch:
            reports = verify_rows(rows, workspace, jobs, watch, stages)
        origin = {"source": source.location, "version": source.version}
    display.show_summary(reports)
    if report:
        seconds = round(time.monotonic() - began, 1)
        listed = [row.as_json() for row in reports]
        console.write_json(
            {"template": origin, "started": started, "seconds": seconds, "rows": listed}, report
        )
    return all(row.ok for row in reports)


def _require_writable(report: Path) -> None:
    """Refuse a report that could not be written after the run."""
    if not os.access(report if report.exists() else report.parent, os.W_OK) or report.is_dir():
        raise UsageError(f"{report} cannot be written: choose another --report.")


@contextmanager
def _workspace(keep: Path | None) -> Iterator[Path]:
    """Yield an empty folder: the requested one, or a temporary one."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="fastapi-service-verify-") as folder:
            yield Path(folder)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is not an empty folder: choose a new one.")
    yield keep.resolve()
