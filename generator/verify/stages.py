"""The stages that prove a row, and the keys that tell when a stage would only repeat itself."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from generator.console import note
from generator.errors import CommandError
from generator.processes import ProgramError, run
from generator.project.serve import HOST, STOP_SECONDS, free_port, serving
from generator.template.rendering import render as render_project
from generator.uv import uv_program
from generator.verify import contract
from generator.verify.callers import Callers, callers_of
from generator.verify.contract.client import Client
from generator.verify.images.proof import prove_image
from generator.verify.locks import hold_any
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import (
    WORKER_STOP_SECONDS,
    fresh_broker,
    fresh_database,
    running_worker,
    terminate,
)

# Copier does not promise to be thread-safe.
_render_lock = threading.Lock()


@dataclass(frozen=True)
class Stage:
    """`work` returns its output; `key` is equal for rows with equal inputs, or None.

    `recall` restores the result of equal work.
    """

    name: str
    work: Callable[[RenderedProject], str]
    key: Callable[[RenderedProject], str | None]
    recall: Callable[[RenderedProject], None] = lambda _: None

    def run(self, project: RenderedProject) -> bool:
        """Do the work, unless equal work succeeded in this workspace; return True if it had.

        Threads and processes with equal inputs wait for the first one.
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


def render(project: RenderedProject) -> str:
    template = str(project.workspace / "template")
    with _render_lock:
        render_project(template, project.folder, dict(project.row.answers), ref=None, ask=False)
    return ""


def install(project: RenderedProject) -> str:
    """Lock and install. Rows with the same dependencies share the lock and the environment."""
    uv = uv_program()
    output = run([uv, "lock"], project.folder, variables=project.variables())
    sync = [uv, "sync", "--locked", "--no-install-project"]
    output += run(sync, project.folder, variables=project.variables(), seconds=600)
    _share_bytecode(project)
    shutil.copy(project.folder / "uv.lock", f"{project.environment}.lock")
    return output


def _share_bytecode(project: RenderedProject) -> None:
    """Link the `__pycache__` folders of all environments to one place.

    Nearly every row has other dependencies, but most packages are the same. uv links their files
    from its cache, with equal times, so Python accepts the bytecode that another row compiled.
    """
    shared = project.workspace / "bytecode"
    for packages in project.environment.glob("lib/python*/site-packages"):
        for folder in {module.parent for module in packages.rglob("*.py")}:
            target = shared / folder.relative_to(packages)
            target.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                (folder / "__pycache__").symlink_to(target)


def recall_lock(project: RenderedProject) -> None:
    shutil.copy(f"{project.environment}.lock", project.folder / "uv.lock")


def lint(project: RenderedProject) -> str:
    output = project.call("ruff", "check", seconds=60)
    return output + project.call("ruff", "format", "--check", seconds=60)


def types(project: RenderedProject) -> str:
    with _shared_path(project) as folder:
        python = f"--python-executable={folder / 'environment/bin/python'}"
        return project.call("mypy", python, seconds=300, MYPY_CACHE_DIR=str(folder / "cache"))


@contextmanager
def _shared_path(project: RenderedProject) -> Iterator[Path]:
    """Yield a folder with a link to the environment.

    mypy caches dependencies by path. With the same path, later rows take a quarter of the time.
    """
    caches = project.workspace / "types"
    caches.mkdir(exist_ok=True)
    with hold_any([caches / f"{number}.lock" for number in range(8)]) as lock:
        folder = lock.with_suffix("")
        folder.mkdir(exist_ok=True)
        link = folder / "environment"
        link.unlink(missing_ok=True)
        link.symlink_to(project.environment)
        yield folder


def migrate(project: RenderedProject) -> str:
    """Apply, check, revert and apply the migrations, on a database that is kept for `boot`."""
    steps = ("upgrade head", "check", "downgrade base", "upgrade head")
    # One process for all steps: starting alembic takes longer than the steps.
    script = "import sys\nfrom alembic.config import main\nfor s in sys.argv[1:]: main(s.split())"
    url = project.resources.enter_context(fresh_database(project))
    output = project.call("python", "-c", script, *steps, seconds=120, DATABASE_URL=url)
    project.migrated_database = url
    return output


def test(project: RenderedProject) -> str:
    with fresh_database(project) as url:
        return project.call("pytest", "-q", seconds=600, DATABASE_URL=url)


def boot(project: RenderedProject) -> str:
    """Run the real server and its worker, walk the contract, and stop them."""
    if project.migrated_database is None:  # An equal row was migrated, but has not been booted.
        migrate(project)
    log = project.folder.parent / "server.log"
    log.write_bytes(b"")
    callers = callers_of(project)
    with (
        project.resources,
        fresh_broker(project) as broker,
        callers.prepared() as caller_settings,
    ):
        settings = {"DATABASE_URL": str(project.migrated_database), **broker, **caller_settings}
        try:
            return _serve_and_walk(project, callers, settings, log)
        except (CommandError, OSError) as error:
            output = f"{log.read_text(errors='replace')}\n{error}"
            raise ProgramError(["fastapi", "run"], "failed", output) from error


def _serve_and_walk(
    project: RenderedProject, callers: Callers, settings: dict[str, str], log: Path
) -> str:
    port = free_port()
    command = [project.program("fastapi"), "run"]
    variables = project.variables(**settings)
    with (
        log.open("wb") as output,
        running_worker(project, variables, output.fileno()) as worker,
        serving(command, project.folder, port, variables, output.fileno()) as process,
    ):
        sentences = contract.walk(callers.introduce(Client(HOST, port), **settings))
        terminate("service", process, STOP_SECONDS)
        if worker:
            terminate("worker", worker, WORKER_STOP_SECONDS)
    return "\n".join(sentences)


STAGES = (
    Stage("render", render, lambda _: None),
    Stage("install", install, RenderedProject.dependencies_key, recall_lock),
    Stage("lint", lint, RenderedProject.source_key),
    Stage("types", types, RenderedProject.source_key),
    Stage("migrate", migrate, RenderedProject.runtime_key),
    Stage("test", test, RenderedProject.runtime_key),
    Stage("boot", boot, RenderedProject.runtime_key),
)


def image(project: RenderedProject) -> str:
    """Build and run the image, if the row has one, and print its measurements."""
    if not project.has_image:
        return ""
    measurements = prove_image(project)
    note(f"{project.row.id}: {measurements}")
    return measurements


STAGES_WITH_IMAGE = (*STAGES, Stage("image", image, RenderedProject.image_key))
