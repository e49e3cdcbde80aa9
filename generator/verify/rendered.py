"""A row rendered as a project: its files, its environment, its programs."""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from generator.processes import environment, run
from generator.project.answers import read_recorded_values
from generator.template.options import Answers
from generator.verify.matrix.rows import Row

# Files and folders that no running service reads.
_INERT = (
    ".copier-answers.yml",
    ".devcontainer/",
    ".dockerignore",
    ".editorconfig",
    ".git",
    ".pre-commit-config.yaml",
    "AGENTS.md",
    "CLAUDE.md",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "compose.yaml",
    "deploy/",
    "docs/",
    "renovate.json",
)
# The context of a Dockerfile, apart from the lock.
_CONTEXT = (".dockerignore", "Dockerfile", "app/", "migrations/", "pyproject.toml")
# Keys of the table `project` that determine the lock.
_LOCKED_KEYS = ("name", "version", "requires-python", "dependencies", "optional-dependencies")


@dataclass(eq=False)
class RenderedProject:
    """A row rendered into a workspace, which all rows share."""

    row: Row
    workspace: Path
    # Closed after the last stage.
    resources: ExitStack = field(default_factory=ExitStack)
    # Left by the stage `migrate` for the stage `boot`.
    migrated_database: str | None = None

    @property
    def folder(self) -> Path:
        """The project. Its name is the same in every row, so that equal answers render equally."""
        return self.workspace / "rows" / self.row.id / "service"

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The files by path, read before any stage leaves its traces."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    @property
    def environment(self) -> Path:
        return self.workspace / "environments" / self.dependencies_key()

    @property
    def settings(self) -> dict[str, str]:
        """The variables of .env; their URLs name the servers that the service needs."""
        lines = (self.folder / ".env").read_text(encoding="utf-8").splitlines()
        pairs = (line.partition("=") for line in lines if not line.startswith("#"))
        return {name: value for name, _, value in pairs}

    @property
    def answers(self) -> Answers:
        """The recorded answers. After an update they differ from the row's."""
        return read_recorded_values(self.folder)

    @property
    def has_worker(self) -> bool:
        """True when jobs run in worker processes."""
        return (self.folder / "app/worker.py").exists()

    def dependencies_key(self) -> str:
        """Equal for projects that can share a lock and an environment."""
        document = tomllib.loads((self.folder / "pyproject.toml").read_text())
        groups = document.get("dependency-groups")
        uv = document.get("tool", {}).get("uv")
        locked = [document["project"].get(key) for key in _LOCKED_KEYS]
        return _digest(json.dumps([locked, groups, uv]).encode())

    def source_key(self) -> str:
        """Equal for projects with the same Python files and the same tools."""
        other_inputs = {"pyproject.toml", "uv.lock"}
        return self._files_key(lambda path: path.endswith(".py") or path in other_inputs)

    def runtime_key(self) -> str:
        """Equal for projects with the same files that a running service can read."""
        return self._files_key(lambda path: not path.startswith(_INERT))

    def image_key(self) -> str:
        """Equal for projects with the same image."""
        return self._files_key(lambda path: path.startswith(_CONTEXT))

    @property
    def has_image(self) -> bool:
        return (self.folder / "Dockerfile").exists()

    def program(self, name: str) -> str:
        return str(self.environment / "bin" / name)

    def variables(self, **changes: str) -> dict[str, str]:
        """Return environment variables with the project's programs first on PATH."""
        path = os.pathsep.join([str(self.environment / "bin"), os.environ.get("PATH", os.defpath)])
        return environment(
            PATH=path,
            VIRTUAL_ENV=str(self.environment),
            UV_PROJECT_ENVIRONMENT=str(self.environment),
            **changes,
        )

    def call(
        self,
        program: str,
        *arguments: str,
        seconds: float,
        stdin: str | None = None,
        **variables: str,
    ) -> str:
        """Run a program of the project's environment and return its output."""
        return run(
            [self.program(program), *arguments],
            self.folder,
            variables=self.variables(**variables),
            seconds=seconds,
            stdin=stdin,
        )

    def _files_key(self, selected: Callable[[str], bool]) -> str:
        files = ((path, _normalize(path, text)) for path, text in self.files.items())
        return _digest(
            *(part for path, text in files if selected(path) for part in (path.encode(), text))
        )


def _normalize(path: str, text: bytes) -> bytes:
    """Drop text that affects no stage: the license, and random secrets."""
    if path == ".env":
        return re.sub(rb"[0-9a-f]{64}", b"", text)
    return re.sub(rb"(?m)^license.* = .*\n", b"", text)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
