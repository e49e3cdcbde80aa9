"""A rendered service beside a service by the book, the raw driver, and bare FastAPI.

    uv run --group benchmarks python -m benchmarks.service [--rounds 5] [--seconds 5] [--write]

Needs wrk (Debian: `apt-get install wrk`) and two processors: the service runs on one, the load and
the database on the other. Each round runs every contender once, in turn; figures are medians, and
ratios are of figures of one run. `--write` stores table and plot in docs/.
"""

import json
import os
import secrets
import shutil
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.contenders import LOAD_CPU, ROOT, Contender, install, send, serve
from benchmarks.extremes import measure_extremes
from benchmarks.load import load, log_in, register, write_scripts
from benchmarks.report import COLUMNS, plot, tabulate, write_page
from generator.verify.pipeline import prepare_workspace
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.servers import SERVERS

MODES = ("async", "sync")
DATABASES = ("postgresql", "sqlite")

OPERATIONS = ("read", "list", "create", "upload", "enqueue")
# The routes of each contender. The tuned one is the textbook with a pool like ours.
RIVALS = {
    "ours": OPERATIONS,
    "textbook": OPERATIONS,
    "tuned": OPERATIONS,
    "floor": ("read",),
    "bare": ("read",),
}


def measure(
    project: RenderedProject, rounds: int, seconds: int, progress: Progress
) -> tuple[dict[str, Contender], dict[str, str]]:
    """Run all contenders of a mode and a database side by side, one under load at a time."""
    database = project.answers["database"]
    names = list(RIVALS) if database == "postgresql" else ["ours", "textbook", "tuned"]
    folder = project.workspace / "load"
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(project))
        settings = {"DATABASE_URL": url, "SECRET_KEY": secrets.token_hex(32)}
        settings |= {"UPLOAD_DIR": str(folder), "FASTAPI_ENV": "development"}
        settings |= {"ACCESS_TOKEN_MINUTES": "600", "JOB_SWEEP_SECONDS": "3600"}
        project.call("alembic", "upgrade", "head", seconds=60, **settings)
        contenders = {name: stack.enter_context(serve(name, project, settings)) for name in names}
        ours = contenders["ours"]
        token = log_in(ours.port, register(ours.port))
        write_scripts(folder, token)
        caller = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for number in range(30):
            body = json.dumps({"name": f"Lamp {number}", "description": "A lamp. " * 5}).encode()
            item = send(ours.port, "POST", "/api/v1/items", body, caller)
        paths = {
            "read": f"/api/v1/items/{item['id']}",
            "list": "/api/v1/items?limit=20",
            "create": "/api/v1/items",
            "upload": "/api/v1/files",
            "enqueue": "/api/v1/items/reports",
        }
        runs = [
            (operation, contender)
            for operation in OPERATIONS
            for contender in contenders.values()
            if operation in RIVALS[contender.name]
        ]
        title = f"{project.answers['sqlalchemy']}, {database}"
        for _ in progress.track(range(rounds), description=title):
            for operation, contender in runs:
                sample = load(contender, operation, paths[operation], folder, seconds)
                contender.samples.setdefault(operation, []).append(sample)
        extremes = {}
        if database == "postgresql":
            extremes = measure_extremes(project, contenders, url, token, paths)
    return contenders, extremes


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--write", action="store_true", help="store table and plot in docs/")
    arguments = parser.parse_args()
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed (Debian: apt-get install wrk util-linux)")
    # Child processes inherit it; `serve` sets another one.
    os.sched_setaffinity(0, {LOAD_CPU})
    console = Console(width=None if sys.stdout.isatty() else 160)
    results = {}
    extremes = {}
    with TemporaryDirectory() as name, Progress(console=console, transient=True) as progress:
        workspace = Path(name)
        prepare_workspace(ROOT, workspace)
        for mode in arguments.mode or MODES:
            for database in arguments.database or DATABASES:
                project = install(mode, database, workspace)
                results[mode, database], found = measure(
                    project, arguments.rounds, arguments.seconds, progress
                )
                if found:
                    extremes[mode] = found
        SERVERS.close()
    rows = tabulate(results)
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print_json(json.dumps(extremes))
    if arguments.write:
        write_page(rows, extremes, arguments.rounds, arguments.seconds)
        plot(rows)


if __name__ == "__main__":
    main()
