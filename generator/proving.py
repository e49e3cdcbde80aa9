"""`fastapi-service verify`: the rows that were asked for, what is shown meanwhile, the report."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from generator import console
from generator.errors import UsageError
from generator.matrix import selected
from generator.options import parse_definition
from generator.progress import Display
from generator.services import SERVICES
from generator.source import opened
from generator.verify import prepare, verify_rows


def prove(
    template: str | None, only: Sequence[str], jobs: int, keep: Path | None, report: str | None
) -> bool:
    """Verify rows and write the report; return whether all of them passed."""
    if report not in {None, "-"} and not Path(str(report)).absolute().parent.is_dir():
        raise UsageError(f"There is no folder for {report}: choose another --report.")
    began, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    display = Display(on_stderr=report == "-")
    with opened(template) as source, _workspace(keep) as workspace, closing(SERVICES):
        rows = selected(parse_definition(source.definition()), only)
        prepare(source.tree, workspace)
        with display.watching(len(rows)) as watch:
            reports = verify_rows(rows, workspace, jobs, watch)
        about = {"source": source.location, "version": source.version}
    display.summary(reports)
    if report:
        seconds = round(time.monotonic() - began, 1)
        found = [row.as_json() for row in reports]
        console.write_json(
            {"template": about, "started": started, "seconds": seconds, "rows": found}, report
        )
    return all(row.ok for row in reports)


@contextmanager
def _workspace(keep: Path | None) -> Iterator[Path]:
    """Give an empty folder, which goes away in the end unless it was asked for."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="fastapi-service-verify-") as folder:
            yield Path(folder)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is not an empty folder: choose a new one.")
    yield keep.resolve()
