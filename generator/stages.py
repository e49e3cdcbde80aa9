"""The stages of one row: what each does, and when it would only do the same again."""

import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from generator import contract
from generator.brokers import own_broker
from generator.callers import Callers, callers_of
from generator.contract.client import Client
from generator.databases import fresh_database
from generator.errors import CommandError
from generator.locks import free_lock
from generator.processes import ProgramError, run, stop, uv_program
from generator.project import Project
from generator.rendering import render as render_project
from generator.server import HOST, STOP_SECONDS, free_port, serving
from generator.worker import WORKER_STOP_SECONDS, working

# Copier does not promise that two threads may render at once.
_rendering = threading.Lock()

_EXIT_CODES = {0, -signal.SIGTERM, 128 + signal.SIGTERM}


@dataclass(frozen=True)
class Stage:
    """`work` returns what there is to read; `key` is equal when the work would be the same."""

    name: str
    work: Callable[[Project], str]
    key: Callable[[Project], str | None]
    recall: Callable[[Project], None] = lambda _: None

    def take(self, project: Project) -> bool:
        """Do the work unless a row in this workspace did the same; return whether it had.

        Threads and processes wait here for the one that is at the same work.
        """
        key = self.key(project)
        if key is None:
            self.work(project)
            return False
        proof = project.workspace / "proven" / f"{self.name}-{key}"
        proof.parent.mkdir(exist_ok=True)
        with FileLock(f"{proof}.lock"):
            if proof.exists():
                self.recall(project)
                return True
            self.work(project)
            proof.touch()
            return False


def render(project: Project) -> str:
    with _rendering:
        template = str(project.workspace / "template")
        render_project(template, project.folder, dict(project.row.answers), ref=None, ask=False)
    return ""


def install(project: Project) -> str:
    """Lock and install, keeping the lock for rows with the same dependencies."""
    uv = uv_program()
    output = run([uv, "lock"], project.folder, variables=project.variables(), seconds=300)
    sync = [uv, "sync", "--locked", "--no-install-project"]
    output += run(sync, project.folder, variables=project.variables(), seconds=600)
    shutil.copy(project.folder / "uv.lock", f"{project.environment}.lock")
    return output


def recall_lock(project: Project) -> None:
    shutil.copy(f"{project.environment}.lock", project.folder / "uv.lock")


def lint(project: Project) -> str:
    output = project.call("ruff", "check", seconds=60)
    return output + project.call("ruff", "format", "--check", seconds=60)


def types(project: Project) -> str:
    with _same_place_for_all(project) as place:
        python = f"--python-executable={place / 'environment/bin/python'}"
        return project.call("mypy", python, seconds=300, MYPY_CACHE_DIR=str(place / "cache"))


@contextmanager
def _same_place_for_all(project: Project) -> Iterator[Path]:
    """What mypy knows of dependencies it knows by their paths, which are the same here.

    Rows that come after the first are so looked at in a quarter of the time.
    """
    with free_lock([project.workspace / f"types-{number}.lock" for number in range(8)]) as lock:
        place = lock.with_suffix("")
        place.mkdir(exist_ok=True)
        link = place / "environment"
        link.unlink(missing_ok=True)
        link.symlink_to(project.environment)
        yield place


def migrate(project: Project) -> str:
    steps = ("upgrade head", "check", "downgrade base", "upgrade head")
    # The command's own entry, in one process: to start it takes longer than all the steps.
    script = "import sys\nfrom alembic.config import main\nfor it in sys.argv[1:]: main(it.split())"
    with fresh_database(project) as url:
        return project.call("python", "-c", script, *steps, seconds=120, DATABASE_URL=url)


def test(project: Project) -> str:
    with fresh_database(project) as url:
        return project.call("pytest", "-q", seconds=600, DATABASE_URL=url)


def boot(project: Project) -> str:
    """Run the real server, and its worker if it has one, walk the contract, and end them."""
    log = project.folder.parent / "server.log"
    callers = callers_of(project)
    with (
        fresh_database(project) as url,
        own_broker(project) as broker,
        callers.prepared() as asked_for,
    ):
        settings = {"DATABASE_URL": url, **broker, **asked_for}
        project.call("alembic", "upgrade", "head", seconds=60, **settings)
        try:
            return _serve(project, callers, settings, log)
        except (CommandError, OSError) as error:
            printed = f"{log.read_text(errors='replace')}\n{error}"
            raise ProgramError(["fastapi", "run"], "broke off", printed) from error


def _serve(project: Project, callers: Callers, settings: dict[str, str], log: Path) -> str:
    port = free_port()
    command = [project.program("fastapi"), "run"]
    variables = project.variables(**settings)
    with (
        log.open("wb") as output,
        working(project, variables, output.fileno()) as worker,
        serving(command, project.folder, port, variables, output.fileno()) as process,
    ):
        sentences = contract.walk(callers.introduce(Client(HOST, port), **settings))
        _end("service", process, STOP_SECONDS)
        if worker:
            _end("worker", worker, WORKER_STOP_SECONDS)
    return "\n".join(sentences)


def _end(name: str, process: subprocess.Popen[str], seconds: float) -> None:
    """As a supervisor would."""
    code = stop(process, seconds)
    if code == -signal.SIGKILL:
        raise CommandError(f"The {name} did not end within {seconds} s after SIGTERM.")
    if code not in _EXIT_CODES:
        raise CommandError(f"After SIGTERM the {name} ended with exit code {code}.")


STAGES = (
    Stage("render", render, lambda _: None),
    Stage("install", install, Project.dependencies_key, recall_lock),
    Stage("lint", lint, Project.source_key),
    Stage("types", types, Project.source_key),
    Stage("migrate", migrate, Project.runtime_key),
    Stage("test", test, Project.runtime_key),
    Stage("boot", boot, Project.runtime_key),
)
