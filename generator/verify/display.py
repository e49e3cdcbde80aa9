"""Shows a run of `verify`: live on a terminal, one line per stage elsewhere, and a final table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from generator.verify.matrix.rows import Row
from generator.verify.pipeline import RowReport, StageReport, Watch
from generator.verify.stages import STAGES, Stage

_PLAIN_WIDTH = 160


class Display:
    """Shows a run; on stderr when stdout is for the report."""

    def __init__(self, stages: Sequence[Stage] = STAGES, *, on_stderr: bool) -> None:
        self.stages = stages
        console = Console(stderr=on_stderr, highlight=False)
        if not console.is_terminal:
            console = Console(stderr=on_stderr, highlight=False, width=_PLAIN_WIDTH)
        self.console = console

    @contextmanager
    def watching(self, total: int) -> Iterator[Watch]:
        """Yield the function that a run calls for each stage."""
        with self._live(total) if self.console.is_terminal else self._lines(total) as watch:
            yield watch

    @contextmanager
    def _lines(self, total: int) -> Iterator[Watch]:
        lock = Lock()
        finished = 0

        def watch(row: Row, stage: str, report: StageReport | None) -> None:
            nonlocal finished
            if report is None:
                return
            with lock:
                finished += self._ends_row(report)
                progress = f"[{finished}/{total}]"
                line = f"{progress} {row.id}  {stage} {_describe(report)}"
                self.console.print(line, markup=False)

        yield watch

    @contextmanager
    def _live(self, total: int) -> Iterator[Watch]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self.console) as progress:
            total_task = progress.add_task("rows", total=total)
            tasks = {}

            def watch(row: Row, stage: str, report: StageReport | None) -> None:
                if row.id not in tasks:
                    tasks[row.id] = progress.add_task(row.id, total=len(self.stages))
                task = tasks[row.id]
                if report is None:
                    progress.update(task, description=f"{escape(row.id)}  {stage}")
                else:
                    progress.advance(task)
                if report and self._ends_row(report):
                    progress.remove_task(task)
                    progress.advance(total_task)

            yield watch

    def show_summary(self, reports: Sequence[RowReport]) -> None:
        """Print seconds by row and stage, and each distinct failure with the command to repeat."""
        table = Table("row", *(stage.name for stage in self.stages), show_footer=True)
        seconds = {stage.name: 0.0 for stage in self.stages}
        for report in reports:
            cells = []
            for stage in report.stages:
                seconds[stage.name] += stage.seconds
                cells.append(_describe(stage).removeprefix("ok "))
            table.add_row(escape(report.row.id), *cells)
        table.columns[0].footer = "seconds"
        for column, spent in zip(table.columns[1:], seconds.values(), strict=True):
            column.footer = f"{spent:.1f}"
            column.justify = "right"
        self.console.print(table)
        failed = [report for report in reports if not report.ok]
        failures: dict[tuple[str, str], list[RowReport]] = {}
        for report in failed:
            stage = report.stages[-1]
            failures.setdefault((stage.name, stage.output), []).append(report)
        for (name, output), rows in failures.items():
            first, *others = rows
            self._print(f"\n{first.row.id} failed at {name}:\n{output}")
            self._print(f"Repeat it with: {first.repeat}")
            for other in others:
                self._print(f"Failed likewise: {other.row.id}")
        passed = len(reports) - len(failed)
        self.console.print(f"{passed} of {len(reports)} rows passed.")

    def _ends_row(self, report: StageReport) -> bool:
        return not report.ok or report.name == self.stages[-1].name

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)


def _describe(report: StageReport) -> str:
    if report.shared:
        return "ok shared"
    return f"{'ok' if report.ok else 'failed'} {report.seconds:.1f} s"
