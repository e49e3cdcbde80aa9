"""A rendered service beside a service by the book, the raw driver, and bare FastAPI.

    uv run --group benchmarks python -m benchmarks.service [--rounds 5] [--seconds 5] [--write]

Needs wrk (Debian: `apt-get install wrk`) and two processors: the service runs on one, the load and
the database on the other. Each round runs every contender once, in turn; figures are medians, and
ratios are of figures of one run. `--write` stores table and plot in docs/.
"""

import json
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import psycopg
import uv
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from generator.processes import run, stop
from generator.project.serve import HOST, free_port
from generator.template.options import parse_definition
from generator.verify.matrix.rows import select_rows
from generator.verify.pipeline import prepare_workspace
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_database
from generator.verify.servers import SERVERS
from generator.verify.stages import STAGES

ROOT = Path(__file__).parents[1]
MODES = ("async", "sync")
DATABASES = ("postgresql", "sqlite")
CONNECTIONS = 32
POOL_SIZE = "5"  # the default of DATABASE_POOL_SIZE
SERVICE_CPU = "0"
LOAD_CPU = "1"
PASSWORD = "correct horse battery"  # noqa: S105 - of a user that exists for seconds
PDF = b"%PDF-1.4\n" + b"\0" * 100_000 + b"\n%%EOF\n"
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n" + PDF + b"\r\n--b--\r\n"
)

OPERATIONS = ("read", "list", "create", "upload", "enqueue")
# The routes of each contender. The tuned one is the textbook with a pool like ours.
RIVALS = {
    "ours": OPERATIONS,
    "textbook": OPERATIONS,
    "tuned": OPERATIONS,
    "floor": ("read",),
    "bare": ("read",),
}

# Aims of docs/decisions/0015, as ratios to the textbook's requests per second.
AIMS = {
    ("async", "read"): 1.6,
    ("async", "list"): 1.4,
    ("async", "create"): 1.1,
    ("sync", "read"): 1.4,
    ("sync", "list"): 1.2,
    ("sync", "create"): 1.1,
}


@dataclass(frozen=True)
class Sample:
    """One run of wrk."""

    per_second: float
    p50: float
    p99: float


@dataclass
class Contender:
    """A running service, and what was measured."""

    name: str
    port: int
    process: subprocess.Popen[str]
    seconds_to_start: float
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def median(self, operation: str, figure: str = "per_second") -> float:
        values: list[float] = [getattr(sample, figure) for sample in self.samples[operation]]
        return statistics.median(values)

    def memory(self) -> float:
        """Return the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(find(r"VmRSS:\s+(\d+)", status)) / 1024


def install(mode: str, database: str, workspace: Path) -> RenderedProject:
    """Render and install a service with users, and the libraries of its rivals."""
    options = parse_definition((ROOT / "copier.yml").read_text())
    answers = {"sqlalchemy": mode, "database": database, "auth": "jwt"}
    answers |= {"background": "background_tasks", "examples": "true"}
    row = select_rows(options, [f"{name}={value}" for name, value in answers.items()])[0]
    project = RenderedProject(row, workspace)
    for stage in STAGES[:2]:
        stage.run(project)
    python = str(project.program("python"))
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python]
    run([*command, "asyncpg", "psycopg_pool"], ROOT)
    return project


@contextmanager
def serve(name: str, project: RenderedProject, settings: dict[str, str]) -> Iterator[Contender]:
    """Run a contender on its processor until the block ends."""
    mode = project.answers["sqlalchemy"]
    modules = {
        "ours": "app.main",
        "bare": "benchmarks.rivals.bare",
        "tuned": f"benchmarks.rivals.textbook_{mode}",
    }
    module = modules.get(name, f"benchmarks.rivals.{name}_{mode}")
    if name == "tuned":
        settings = {**settings, "POOL_SIZE": POOL_SIZE}
    port = free_port()
    command = ["taskset", "--cpu-list", SERVICE_CPU, project.program("uvicorn"), f"{module}:app"]
    with (project.workspace / f"{name}.log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--host", HOST, "--port", str(port)],
            cwd=project.folder,
            env=project.variables(**settings, PYTHONPATH=f"{project.folder}:{ROOT}"),
            stdout=log,
            stderr=log,
            start_new_session=True,
            text=True,
        )
        try:
            while not answers(port):
                if process.poll() is not None:
                    sys.exit(f"{name} did not start: {log.name}")
                time.sleep(0.005)
            yield Contender(name, port, process, time.perf_counter() - began)
        finally:
            stop(process, 10)


def answers(port: int) -> bool:
    """Return whether the process serves requests; the rivals have no health check."""
    try:
        connection = HTTPConnection(HOST, port, timeout=5)
        connection.request("GET", "/health/live")
        return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()


def send(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> dict[str, str]:
    connection = HTTPConnection(HOST, port, timeout=30)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    if response.status >= HTTPStatus.BAD_REQUEST:
        sys.exit(f"{method} {path}: {response.status} {content!r}")
    document: dict[str, str] = json.loads(content)
    return document


def log_in(port: int) -> str:
    """Register a user of our service and return an access token, which the rivals accept."""
    email = f"{secrets.token_hex(4)}@example.com"
    credentials = json.dumps({"email": email, "password": PASSWORD}).encode()
    send(port, "POST", "/api/v1/users", credentials, {"Content-Type": "application/json"})
    form = urlencode({"username": email, "password": PASSWORD}).encode()
    return send(port, "POST", "/api/v1/auth/token", form, form_type())["access_token"]


def form_type() -> dict[str, str]:
    return {"Content-Type": "application/x-www-form-urlencoded"}


def write_scripts(folder: Path, token: str) -> None:
    """Write the requests of each operation as wrk reads them."""
    caller = f'wrk.headers["Authorization"] = "Bearer {token}"\n'
    json_type = 'wrk.headers["Content-Type"] = "application/json"\n'
    (folder / "form").write_bytes(FORM)
    scripts = {
        "read": "",
        "list": "",
        "enqueue": 'wrk.method = "POST"\n',
        "create": f"{json_type}local count, prefix = 0, ''\n"
        "function init(arguments) prefix = arguments[1] end\n"
        "function request()\n"
        "  count = count + 1\n"
        """  local body = '{"name": "' .. prefix .. count .. '", "description": "A lamp"}'\n"""
        '  return wrk.format("POST", nil, nil, body)\n'
        "end\n",
        "upload": 'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "multipart/form-data; boundary=b"\n'
        f'wrk.body = io.open("{folder / "form"}", "rb"):read("*a")\n',
    }
    for name, script in scripts.items():
        (folder / f"{name}.lua").write_text(caller + script)


def load(contender: Contender, operation: str, path: str, folder: Path, seconds: int) -> Sample:
    url = f"http://{HOST}:{contender.port}{path}"
    options = [f"--connections={CONNECTIONS}", f"--duration={seconds}", "--threads=1", "--latency"]
    command = ["taskset", "--cpu-list", LOAD_CPU, "wrk", *options]
    script = ["--script", str(folder / f"{operation}.lua")]
    output = run([*command, *script, url, "--", secrets.token_hex(6)], ROOT)
    if "Non-2xx" in output:
        sys.exit(f"{contender.name} failed to {operation}: {output}")
    return Sample(
        float(find(r"Requests/sec:\s+([\d.]+)", output)),
        milliseconds(output, "50%"),
        milliseconds(output, "99%"),
    )


def milliseconds(output: str, percentile: str) -> float:
    duration = find(rf"{percentile}\s+([\d.]+(?:us|ms|s))", output)
    value = duration.rstrip("mus")
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[duration.removeprefix(value)]


def find(pattern: str, text: str) -> str:
    """Return the group of the pattern; exits if a program prints something else."""
    match = re.search(pattern, text)
    return match[1] if match else sys.exit(f"{pattern} is not in: {text}")


def measure(
    project: RenderedProject, rounds: int, seconds: int, progress: Progress
) -> dict[str, Contender]:
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
        token = log_in(ours.port)
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
        if database == "postgresql":
            report_extremes(project, contenders, url, token)
    return contenders


EXTREMES: dict[str, dict[str, str]] = {}


def report_extremes(
    project: RenderedProject, contenders: dict[str, Contender], url: str, token: str
) -> None:
    """Measure start, memory, pages at the end of a million rows, and reads during logins."""
    ours, bare = contenders["ours"], contenders["bare"]
    figures = EXTREMES.setdefault(str(project.answers["sqlalchemy"]), {})
    figures["resident memory of ours, MiB"] = f"{ours.memory():.0f}"
    figures["resident memory / bare FastAPI"] = f"{ours.memory() / bare.memory():.2f}"
    starts = {name: start_times(name, project, url) for name in ("ours", "bare")}
    figures["start to the first 200 of ours, s"] = f"{starts['ours']:.2f}"
    figures["start to the first 200 / bare FastAPI"] = f"{starts['ours'] / starts['bare']:.2f}"
    quiet = probe(ours.port, token, 3)
    with logging_in(ours.port, 20):
        busy = probe(ours.port, token, 3)
    figures["p99 of reads during 20 logins a second / without"] = f"{busy[0] / quiet[0]:.1f}"
    figures["longest stall during 20 logins a second, ms"] = f"{busy[1]:.0f}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO items (id, name, created_at, updated_at)"
            " SELECT lpad(to_hex(n), 32, '0')::uuid, 'row ' || n, now(), now()"
            " FROM generate_series(1, 1000000) AS n"
        )
        connection.execute("VACUUM ANALYZE items")
    last = f"/api/v1/items?limit=20&cursor={25:032x}"
    pages = {
        path: statistics.median(page_time(ours.port, path, token) for _ in range(200))
        for path in ("/api/v1/items?limit=20", last)
    }
    figures["page at row 1,000,000 / first page"] = (
        f"{pages[last] / pages['/api/v1/items?limit=20']:.2f}"
    )


def start_times(name: str, project: RenderedProject, url: str) -> float:
    """Return the median of five starts; bare FastAPI imports the same libraries."""
    settings = {"DATABASE_URL": url, "SECRET_KEY": "x" * 32, "FASTAPI_ENV": "development"}
    taken = []
    for _ in range(5):
        with serve(name, project, settings) as contender:
            taken.append(contender.seconds_to_start)
    return statistics.median(taken)


def page_time(port: int, path: str, token: str) -> float:
    began = time.perf_counter()
    send(port, "GET", path, headers={"Authorization": f"Bearer {token}"})
    return time.perf_counter() - began


def probe(port: int, token: str, seconds: float) -> tuple[float, float]:
    """Call the service's loop every 10 ms; return p99 and maximum in milliseconds."""
    end = time.monotonic() + seconds
    taken = []
    while time.monotonic() < end:
        taken.append(page_time(port, "/health/live", token) * 1000)
        time.sleep(0.01)
    return statistics.quantiles(taken, n=100)[98], max(taken)


@contextmanager
def logging_in(port: int, per_second: int) -> Iterator[None]:
    """Log in with a wrong password for unknown users, at this rate."""
    ended = threading.Event()

    def attempt() -> None:
        name = f"{secrets.token_hex(8)}@example.com"
        form = urlencode({"username": name, "password": PASSWORD}).encode()
        connection = HTTPConnection(HOST, port, timeout=30)
        connection.request("POST", "/api/v1/auth/token", form, form_type())
        connection.getresponse().read()

    def repeat() -> None:
        while not ended.wait(1 / per_second):
            threading.Thread(target=attempt, daemon=True).start()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def tabulate(results: dict[tuple[str, str], dict[str, Contender]]) -> list[list[str]]:
    """Return the rows of the table of ratios."""
    rows = []
    for (mode, database), contenders in results.items():
        for operation in OPERATIONS:
            ours, textbook, tuned = (contenders[name] for name in ("ours", "textbook", "tuned"))
            floor = contenders.get("floor") if operation == "read" else None
            aim = AIMS.get((mode, operation)) if database == "postgresql" else None
            rows.append(
                [
                    f"{mode}, {database}",
                    operation,
                    *(f"{item.median(operation):.0f}" for item in (ours, textbook, tuned)),
                    ratio(ours, textbook, operation),
                    f"{aim}" if aim else "",
                    ratio(ours, tuned, operation),
                    ratio(ours, floor, operation) if floor else "",
                    *(
                        " / ".join(
                            f"{item.median(operation, figure):.0f}"
                            for item in (ours, textbook, tuned)
                        )
                        for figure in ("p50", "p99")
                    ),
                ]
            )
    return rows


def ratio(contender: Contender, other: Contender, operation: str) -> str:
    return f"{contender.median(operation) / other.median(operation):.2f}"


COLUMNS = (
    "service",
    "operation",
    "ours /s",
    "textbook /s",
    "tuned /s",
    "ratio",
    "aim",
    "to tuned",
    "to the floor",
    "p50 ms",
    "p99 ms",
)


def machine() -> str:
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    python = sys.version.split()[0]
    return f"{model[1] if model else 'unknown processor'}, 2 processors used, Python {python}"


def write_page(rows: list[list[str]], rounds: int, seconds: int) -> None:
    lines = [
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    modes = list(EXTREMES)
    extremes = [
        "| " + " | ".join(["figure", *modes]) + " |",
        "|" + "---|" * (len(modes) + 1),
        *(
            "| " + " | ".join([name, *(EXTREMES[mode][name] for mode in modes)]) + " |"
            for name in EXTREMES[modes[0]]
        ),
    ]
    page = (ROOT / "docs/performance.md").read_text()
    start, end = (
        "<!-- Generated by benchmarks/service.py: -->",
        "<!-- End of the generated part. -->",
    )
    before, rest = page.split(start)
    _, after = rest.split(end)
    today = time.strftime("%Y-%m-%d")
    measured = f"medians of {rounds} rounds of {seconds} s, {CONNECTIONS} connections"
    head = f"{today}, {machine()}; {measured}."
    body = "\n".join([head, "", *lines, "", *extremes])
    (ROOT / "docs/performance.md").write_text(f"{before}{start}\n{body}\n{end}{after}")


def plot(rows: list[list[str]]) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - its group is optional

    labels = [f"{row[1]}\n{row[0]}" for row in rows]
    ratios = [float(row[5]) for row in rows]
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(rows) + 1))
    axes.barh(labels, ratios, color="#2f6f9f")
    axes.axvline(1, color="#888888", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("requests per second, as a multiple of the textbook's")
    for number, ratio in enumerate(ratios):
        axes.text(ratio + 0.02, number, f"{ratio:.2f}", va="center", fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    for suffix in ("png", "svg"):
        figure.savefig(ROOT / f"docs/performance.{suffix}", dpi=120)


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
    console = Console(width=None if sys.stdout.isatty() else 160)
    results = {}
    with TemporaryDirectory() as name, Progress(console=console, transient=True) as progress:
        workspace = Path(name)
        prepare_workspace(ROOT, workspace)
        for mode in arguments.mode or MODES:
            for database in arguments.database or DATABASES:
                project = install(mode, database, workspace)
                results[mode, database] = measure(
                    project, arguments.rounds, arguments.seconds, progress
                )
        SERVERS.close()
    rows = tabulate(results)
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print_json(json.dumps(EXTREMES))
    if arguments.write:
        write_page(rows, arguments.rounds, arguments.seconds)
        plot(rows)


if __name__ == "__main__":
    main()
