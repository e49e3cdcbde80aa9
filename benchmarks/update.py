"""The cost of `update`, `set` and `check` beside copier alone, on projects of the first release.

    python -m benchmarks.update [ROUNDS]

Each round runs every way once, in turn; ratios are of the medians of whole processes. The commands
do more than copier: they look for edits that would be lost, and lock. Copier's user has to lock
after an update with other dependencies, so that is a row of its own. README.md has the medians.
"""

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import uv
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.support.history import FIRST, build_history
from tests.support.projects import commit, make_project

PROGRAMS = Path(sys.executable).parent
COPIER = [str(PROGRAMS / "copier"), "update", "--defaults", "--quiet"]
SERVICE = str(PROGRAMS / "fastapi-service")
LOCK = [uv.find_uv_bin(), "lock", "--quiet"]

# `check` ends with 3 and `copier check-update` with 2 for a newer release.
EXPECTED = {0, 2, 3}

# Changes, and the ways to make them. Ratios are to the first way.
WAYS = {
    "to the newest release": {
        "copier update": [COPIER],
        "copier update; uv lock": [COPIER, LOCK],
        "update": [[SERVICE, "update"]],
        "update --preview": [[SERVICE, "update", "--preview"]],
        "update --preview; update": [[SERVICE, "update", "--preview"], [SERVICE, "update"]],
    },
    "license=MIT": {
        "copier update": [[*COPIER, "--vcs-ref=:current:", "--data=license=MIT"]],
        "set": [[SERVICE, "set", "license=MIT"]],
        "set --preview": [[SERVICE, "set", "license=MIT", "--preview"]],
    },
    "check of outdated projects": {
        "copier check-update": [[str(PROGRAMS / "copier"), "check-update", "--quiet"]],
        "check": [[SERVICE, "check"]],
        "check of ten": [[SERVICE, "check", *[f"../ten/{number}" for number in range(10)]]],
    },
}


def main(rounds: int) -> None:
    """Print medians in seconds, and their ratios to copier alone."""
    with TemporaryDirectory() as name:
        project = make(Path(name))
        for number in range(10):
            shutil.copytree(project, Path(name) / "ten" / str(number), symlinks=True)
        for change, ways in WAYS.items():
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            for _ in track(range(rounds), change, transient=True):
                for way, commands in ways.items():
                    seconds[way].append(measure(commands, project, Path(name) / "copy"))
            medians = {way: statistics.median(taken) for way, taken in seconds.items()}
            show(f"{change}, medians of {rounds} rounds", medians)


def measure(commands: list[list[str]], project: Path, copy: Path) -> float:
    shutil.copytree(project, copy, symlinks=True)
    began = time.perf_counter()
    for command in commands:
        result = subprocess.run(command, cwd=copy, check=False, capture_output=True, text=True)
        if result.returncode not in EXPECTED:
            sys.exit(f"{command} failed: {result.stderr}")
    taken = time.perf_counter() - began
    shutil.rmtree(copy)
    return taken


def make(folder: Path) -> Path:
    """Make a project of the first release, with a team's edits and a lock."""
    template = build_history(folder / "template")
    project = folder / "service"
    make_project(template, project, {}, FIRST)
    subprocess.run(LOCK, cwd=project, check=True)
    commit(project, "Lock")
    return project


def show(title: str, medians: dict[str, float]) -> None:
    first = next(iter(medians.values()))
    table = Table("way", title=title, title_justify="left")
    table.add_column("seconds", justify="right")
    table.add_column("ratio", justify="right")
    for way, median in medians.items():
        table.add_row(way, f"{median:.2f}", f"{median / first:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
