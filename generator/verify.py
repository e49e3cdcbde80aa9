"""`fastapi-service verify`: every row through every stage, each distinct piece of work once."""

import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from filelock import FileLock

from generator.errors import CommandError
from generator.matrix import Row
from generator.processes import ProgramError, interrupt
from generator.project import Project
from generator.stages import STAGES, Stage

_LAST_LINES = 40


@dataclass(frozen=True)
class StageReport:
    """How a stage went; `output` is empty unless it failed."""

    name: str
    ok: bool
    seconds: float
    shared: bool
    output: str


@dataclass(frozen=True)
class RowReport:
    """The stages of a row up to the first that failed."""

    row: Row
    stages: tuple[StageReport, ...]

    @property
    def ok(self) -> bool:
        return all(stage.ok for stage in self.stages)

    @property
    def repeat(self) -> str:
        """The command that repeats exactly this row."""
        only = [f"--only {shlex.quote(assignment)}" for assignment in self.row.assignments]
        return " ".join(["fastapi-service verify", *only])

    def as_json(self) -> dict[str, object]:
        return {
            "answers": self.row.answers,
            "ok": self.ok,
            "stages": [asdict(stage) for stage in self.stages],
            "repeat": self.repeat,
        }


# Told when a stage of a row begins (None) and how it went.
Watch = Callable[[Row, str, StageReport | None], None]


def prepare(tree: Path, workspace: Path) -> None:
    """Copy the template as it lies there, without its history: what is rendered is what is seen."""
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


def verify_rows(rows: Sequence[Row], workspace: Path, jobs: int, watch: Watch) -> list[RowReport]:
    """Take rows through the stages, `jobs` at a time; a failed row does not stop the others."""
    pool = ThreadPoolExecutor(jobs)
    try:
        running = [pool.submit(verify_row, row, workspace, watch) for row in rows]
        for finished in as_completed(running):
            finished.result()
        return [future.result() for future in running]
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        interrupt()
        raise
    finally:
        pool.shutdown()


def verify_row(row: Row, workspace: Path, watch: Watch = lambda *_: None) -> RowReport:
    """Take one row through the stages, up to the first that fails."""
    project = Project(row, workspace)
    reports: list[StageReport] = []
    for stage in STAGES:
        watch(row, stage.name, None)
        reports.append(_report(stage, project))
        watch(row, stage.name, reports[-1])
        if not reports[-1].ok:
            break
    return RowReport(row, tuple(reports))


def _report(stage: Stage, project: Project) -> StageReport:
    began = time.monotonic()
    shared, output = False, ""
    try:
        shared = stage.take(project)
        ok = True
    except ProgramError as error:
        ok, output = False, f"{error.output.rstrip()}\n{error}"
    except CommandError as error:
        ok, output = False, str(error)
    except (OSError, ValueError) as error:
        ok, output = False, f"{type(error).__name__}: {error}"
    last = "\n".join(output.splitlines()[-_LAST_LINES:])
    return StageReport(stage.name, ok, round(time.monotonic() - began, 3), shared, last)
