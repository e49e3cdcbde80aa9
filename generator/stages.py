"""The stages of one row: what each does, and which of the project's files it depends on."""

import hashlib
import json
import os
import shutil
import signal
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock

from generator import contract
from generator.contract.client import Client
from generator.databases import fresh_database
from generator.errors import CommandError
from generator.matrix import Row
from generator.new import render as render_project
from generator.processes import ProgramError, environment, run, stop, uv_program
from generator.server import HOST, STOP_SECONDS, free_port, serving

# Files that people and forges read: no stage depends on them.
_INERT = {".copier-answers.yml", ".gitattributes", ".gitignore", "LICENSE", "README.md"}
# What a lock depends on in the table `project`.
_LOCKED = ("name", "version", "requires-python", "dependencies", "optional-dependencies")
_EXIT_CODES = {0, -signal.SIGTERM, 128 + signal.SIGTERM}


@dataclass(frozen=True)
class Project:
    """One row rendered into a workspace, which it shares with the other rows."""

    row: Row
    workspace: Path

    @property
    def folder(self) -> Path:
        """The same last name in every row, so that equal answers render equal files."""
        return self.workspace / "rows" / self.row.id / "service"

    @cached_property
    def files(self) -> dict[str, bytes]:
        """What was rendered and locked, by path; read before any stage leaves its traces."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    @cached_property
    def dependencies_key(self) -> str:
        """Equal for projects that lock to the same and may share an environment."""
        document = tomllib.loads((self.folder / "pyproject.toml").read_text())
        groups, uv = document.get("dependency-groups"), document.get("tool", {}).get("uv")
        locked = [document["project"].get(key) for key in _LOCKED]
        return _digest(json.dumps([locked, groups, uv]).encode())

    @property
    def environment(self) -> Path:
        return self.workspace / "environments" / self.dependencies_key

    def program(self, name: str) -> str:
        return str(self.environment / "bin" / name)

    def variables(self, **changes: str) -> dict[str, str]:
        """Environment variables with the row's programs first."""
        path = os.pathsep.join([str(self.environment / "bin"), os.environ.get("PATH", os.defpath)])
        return environment(
            PATH=path,
            VIRTUAL_ENV=str(self.environment),
            UV_PROJECT_ENVIRONMENT=str(self.environment),
            **changes,
        )

    def call(self, program: str, *arguments: str, seconds: float, **variables: str) -> str:
        """Run a program of the row's own environment."""
        command = [self.program(program), *arguments]
        return run(command, self.folder, variables=self.variables(**variables), seconds=seconds)


@dataclass(frozen=True)
class Stage:
    """`work` returns what there is to read; `key` is equal when the work would be the same."""

    name: str
    work: Callable[[Project], str]
    key: Callable[[Project], str | None]
    recall: Callable[[Project], None] = lambda _: None


def render(project: Project) -> str:
    # Copier changes the working directory of the process now and then.
    with FileLock(project.workspace / "render.lock"):
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
    cache = f"{project.environment}.mypy"  # Mostly about dependencies, so worth sharing.
    with FileLock(f"{cache}.lock"):
        return project.call("mypy", seconds=300, MYPY_CACHE_DIR=cache)


def migrate(project: Project) -> str:
    steps = (["upgrade", "head"], ["check"], ["downgrade", "base"], ["upgrade", "head"])
    with fresh_database(_database_url(project), project.workspace) as url:
        return "".join(
            project.call("alembic", *step, seconds=60, DATABASE_URL=url) for step in steps
        )


def test(project: Project) -> str:
    with fresh_database(_database_url(project), project.workspace) as url:
        return project.call("pytest", "-q", seconds=600, DATABASE_URL=url)


def boot(project: Project) -> str:
    """Run the real server, walk the HTTP contract, and end it as a supervisor would."""
    log = project.folder.parent / "server.log"
    with fresh_database(_database_url(project), project.workspace) as url:
        project.call("alembic", "upgrade", "head", seconds=60, DATABASE_URL=url)
        try:
            return _serve(project, url, log)
        except (CommandError, OSError) as error:
            printed = f"{log.read_text(errors='replace')}\n{error}"
            raise ProgramError(["fastapi", "run"], "broke off", printed) from error


def _serve(project: Project, url: str, log: Path) -> str:
    port = free_port()
    command = [project.program("fastapi"), "run"]
    variables = project.variables(DATABASE_URL=url)
    with (
        log.open("wb") as output,
        serving(command, project.folder, port, variables, output.fileno()) as process,
    ):
        sentences = contract.walk(Client(HOST, port))
        code = stop(process, STOP_SECONDS)
    if code == -signal.SIGKILL:
        raise CommandError(f"The service did not end within {STOP_SECONDS} s after SIGTERM.")
    if code not in _EXIT_CODES:
        raise CommandError(f"After SIGTERM the service ended with exit code {code}.")
    return "\n".join(sentences)


def _database_url(project: Project) -> str:
    """The address that the service itself names; it tells the kind of database."""
    for line in (project.folder / ".env").read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "DATABASE_URL":
            return value
    raise CommandError("The rendered .env has no DATABASE_URL.")


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _files_key(project: Project, chosen: Callable[[str], bool]) -> str:
    parts = [part for path, text in project.files.items() if chosen(path)
             for part in (path.encode(), text)]  # fmt: skip
    return _digest(*parts)


def _source_key(project: Project) -> str:
    """Python and what configures and brings the tools."""
    brought = {"pyproject.toml", "uv.lock"}
    return _files_key(project, lambda path: path.endswith(".py") or path in brought)


def _runtime_key(project: Project) -> str:
    """Everything that a running service can read."""
    return _files_key(project, lambda path: path not in _INERT and not path.startswith(".git"))


STAGES = (
    Stage("render", render, lambda _: None),
    Stage("install", install, lambda project: project.dependencies_key, recall_lock),
    Stage("lint", lint, _source_key),
    Stage("types", types, _source_key),
    Stage("migrate", migrate, _runtime_key),
    Stage("test", test, _runtime_key),
    Stage("boot", boot, _runtime_key),
)
