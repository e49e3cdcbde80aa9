"""`check` of many projects: finds them, compares them in parallel, and prints a table."""

import os
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from generator.console import show_pairs, show_table, step
from generator.errors import CommandError, Problem, UsageError
from generator.project.answers import ANSWERS_FILE, read_answers
from generator.project.checking.compare import check
from generator.project.checking.report import CheckReport
from generator.project.origin import Fetched
from generator.project.releases import TITLE
from generator.template.addresses import holds_credentials, is_remote
from generator.template.source import Source, open_template

_DEPTH = 4


def find_projects(paths: Iterable[Path]) -> list[Path]:
    """Return the projects that the paths name.

    A path is a project, a folder with projects, or a file that lists paths, one per line. Raises
    UsageError for anything else.
    """
    return list(dict.fromkeys(project for path in paths for project in _expand(path)))


def is_fleet(paths: Sequence[Path]) -> bool:
    """Return True when the paths name projects indirectly, or several of them."""
    return len(paths) > 1 or find_projects(paths) != list(paths)


def check_fleet(projects: Sequence[Path], *, offline: bool) -> list[CheckReport]:
    """Check projects in as many processes as there are processors; fetch each template once."""
    with (
        step(f"Checking {len(projects)} projects"),
        _fetching(projects, offline=offline) as fetched,
    ):
        count = min(len(projects), os.cpu_count() or 1)
        # Ctrl-C reaches the main process only; projects being checked are completed.
        context = get_context("spawn")
        with ProcessPoolExecutor(count, context, _ignore_interrupts) as pool:
            try:
                return list(pool.map(partial(_check, offline=offline, fetched=fetched), projects))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def show_fleet(reports: Sequence[CheckReport]) -> None:
    """Print a table of the projects, and below it everything that needs attention."""
    table = Table(title=f"{len(reports)} projects", title_justify="left")
    for heading in ("project", "release", "latest", "update", "changed files", "problems"):
        table.add_column(heading, overflow="fold")
    names = shorten_paths(reports)
    for report, name in zip(reports, names, strict=True):
        cells = (report.current or "?", report.latest or "?", describe_update(report))
        count = len(report.listed_problems)
        drift = describe_drift(report)
        table.add_row(escape(name), *map(escape, cells), drift, str(count) if count else "none")
    show_table(table)
    for report, name in zip(reports, names, strict=True):
        details = [
            *((risk.path, risk.reason) for risk in report.at_risk),
            *((path, "an update would leave conflict markers") for path in report.conflicts),
            *((problem.message, problem.fix) for problem in report.listed_problems),
            *((obstacle.message, obstacle.fix) for obstacle in report.obstacles),
        ]
        if details:
            show_pairs(name, details)
    shows = {release.version: release.shows for report in reports for release in report.releases}
    if shows:
        show_pairs(TITLE, shows.items())


def combine_exit_codes(reports: Sequence[CheckReport]) -> int:
    """Return 1 when no project could be compared, 3 when one needs attention, 0 otherwise."""
    codes = {report.exit_code for report in reports}
    return codes.pop() if len(codes) == 1 else 3


def describe_update(report: CheckReport) -> str:
    if report.problems:
        return "blocked"
    if report.behind is None:
        return "unknown"
    if not report.behind:
        return "up to date"
    counts = [
        f"{len(report.conflicts)} in conflict" if report.conflicts else "",
        f"{len({risk.path for risk in report.at_risk})} at risk" if report.at_risk else "",
    ]
    return ", ".join(filter(None, counts)) or "clean"


def describe_drift(report: CheckReport) -> str:
    counts = Counter(drift.kind for drift in report.drift)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"


def shorten_paths(reports: Sequence[CheckReport]) -> list[str]:
    """Return the folders of the projects, below the folder that contains them all."""
    common = Path(os.path.commonpath([report.project.parent for report in reports]))
    return [str(report.project.relative_to(common)) for report in reports]


def _expand(path: Path) -> list[Path]:
    if path.is_file():
        return [project for entry in _read_list(path) for project in _expand(entry)]
    if not path.is_dir():
        raise UsageError(f"{path} does not exist: name projects, folders or a file of paths.")
    if (path / ANSWERS_FILE).is_file():
        return [path]
    return sorted(_walk(path, _DEPTH)) or [path]


def _read_list(path: Path) -> list[Path]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no list of projects: it is not UTF-8.") from error
    entries = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    listed = [(path.parent / Path(entry).expanduser()).resolve() for entry in entries]
    for entry in listed:
        if not entry.is_dir():
            raise UsageError(f"{path} lists {entry}, which is not a folder.")
    if not listed:
        raise UsageError(f"{path} lists no project.")
    return listed


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """Find projects below a folder. Hidden folders and links are left out."""
    with suppress(PermissionError):
        for child in folder.iterdir():
            if child.name.startswith(".") or child.is_symlink() or not child.is_dir():
                continue
            if (child / ANSWERS_FILE).is_file():
                yield child
            elif depth > 1:
                yield from _walk(child, depth - 1)


@contextmanager
def _fetching(projects: Iterable[Path], *, offline: bool) -> Iterator[Fetched]:
    """Fetch each remote template once. Projects report those that cannot be fetched."""
    fetched: dict[str, Source] = {}
    with ExitStack() as stack:
        for project in projects:
            with suppress(CommandError, OSError):
                address = read_answers(project).source
                wanted = not offline and is_remote(address) and not holds_credentials(address)
                if wanted and address not in fetched:
                    fetched[address] = stack.enter_context(open_template(address))
        yield fetched


def _check(project: Path, *, offline: bool, fetched: Fetched) -> CheckReport:
    """Check a project in another process. A failure concerns this project alone."""
    try:
        return check(project, offline=offline, fetched=fetched)
    except Exception as error:  # noqa: BLE001 - a defect of ours is one sentence, too
        message = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        problem = Problem(message, f"`fastapi-service check {project}` repeats it")
        return CheckReport(project, problems=[problem])


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
