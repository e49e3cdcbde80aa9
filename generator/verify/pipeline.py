"""Takes rows through the stages, and reports each stage."""

import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from filelock import FileLock

from generator.errors import CommandError
from generator.processes import ProgramError, interrupt
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from generator.verify.stages import STAGES, Stage

_MAX_OUTPUT_LINES = 40


@dataclass(frozen=True)
class StageReport:
    """`shared` stages were proven by another row; `output` is empty unless the stage failed."""

    name: str
    ok: bool
    seconds: float
    shared: bool
    output: str


@dataclass(frozen=True)
class RowReport:
    """The stages of a row, up to the first that failed."""

    row: Row
    stages: tuple[StageReport, ...]

    @property
    def ok(self) -> bool:
        return all(stage.ok for stage in self.stages)

    @property
    def repeat(self) -> str:
        """The command that verifies this row again."""
        only = [f"--only {shlex.quote(assignment)}" for assignment in self.row.assignments]
        return " ".join(["fastapi-service verify", *only])

    def as_json(self) -> dict[str, object]:
        return {
            "answers": self.row.answers,
            "ok": self.ok,
            "stages": [asdict(stage) for stage in self.stages],
            "repeat": self.repeat,
        }


# Called when a stage of a row begins (None) and when it ends.
Watch = Callable[[Row, str, StageReport | None], None]


def prepare_workspace(tree: Path, workspace: Path) -> None:
    """Copy the template without its history, uncommitted changes included."""
    workspace.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace / "template.lock"):
        if (workspace / "template").exists():
            return
        definition = yaml.safe_load((tree / "copier.yml").read_text(encoding="utf-8"))
        subdirectory = definition.get("_subdirectory", ".")
        unfinished = workspace / "unfinished"
        shutil.copytree(tree / subdirectory, unfinished / subdirectory)
        shutil.copy(tree / "copier.yml", unfinished)
        unfinished.rename(workspace / "template")


def verify_row(
    row: Row,
    workspace: Path,
    watch: Watch = lambda *_: None,
    stages: Sequence[Stage] = STAGES,
) -> RowReport:
    """Take a row through the stages, up to the first that fails."""
    project = RenderedProject(row, workspace)
    reports: list[StageReport] = []
    try:
        for stage in stages:
            watch(row, stage.name, None)
            reports.append(_run_stage(stage, project))
            watch(row, stage.name, reports[-1])
            if not reports[-1].ok:
                break
    finally:
        with suppress(CommandError):  # The failed stage matters more.
            project.resources.close()
    return RowReport(row, tuple(reports))


def verify_rows(
    rows: Sequence[Row],
    workspace: Path,
    jobs: int,
    watch: Watch,
    stages: Sequence[Stage] = STAGES,
) -> list[RowReport]:
    """Verify `jobs` rows at a time; a failed row does not stop the others."""
    pool = ThreadPoolExecutor(jobs)
    try:
        running = [pool.submit(verify_row, row, workspace, watch, stages) for row in rows]
        for finished in as_completed(running):
            finished.result()
        return [future.result() for future in running]
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        interrupt()
        raise
    finally:
        pool.shutdown()


def _run_stage(stage: Stage, project: RenderedProject) -> StageReport:
    began = time.monotonic()
    shared = False
    ok = False
    output = ""
    try:
        shared = stage.run(project)
        ok = True
    except ProgramError as error:
        output = f"{error.output.rstrip()}\n{error}"
    except CommandError as error:
        output = str(error)
    except (OSError, ValueError) as error:
        output = f"{type(error).__name__}: {error}"
    last_lines = "\n".join(output.splitlines()[-_MAX_OUTPUT_LINES:])
    return StageReport(stage.name, ok, round(time.monotonic() - began, 3), shared, last_lines)
