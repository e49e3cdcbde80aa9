"""One row as a rendered project: its files, its environment, its programs."""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from generator.matrix import Row
from generator.options import Value
from generator.processes import environment, run

# Files that people and forges read: no stage depends on them.
_INERT = {".copier-answers.yml", ".gitattributes", ".gitignore", "LICENSE", "README.md"}
# What a lock depends on in the table `project`.
_LOCKED = ("name", "version", "requires-python", "dependencies", "optional-dependencies")


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

    @property
    def environment(self) -> Path:
        return self.workspace / "environments" / self.dependencies_key()

    @property
    def settings(self) -> dict[str, str]:
        """What the service's own .env says; its addresses tell which servers it needs."""
        lines = (self.folder / ".env").read_text(encoding="utf-8").splitlines()
        pairs = (line.partition("=") for line in lines if not line.startswith("#"))
        return {name: value for name, _, value in pairs}

    @property
    def answers(self) -> dict[str, Value]:
        """What the project has recorded: after an update or a switch not what the row says."""
        recorded = yaml.safe_load((self.folder / ".copier-answers.yml").read_text(encoding="utf-8"))
        return {name: it for name, it in recorded.items() if not name.startswith("_")}

    @property
    def has_worker(self) -> bool:
        """Whether its jobs are run by processes of their own."""
        return (self.folder / "app/worker.py").exists()

    def dependencies_key(self) -> str:
        """Equal for projects that lock to the same and may share an environment."""
        document = tomllib.loads((self.folder / "pyproject.toml").read_text())
        groups, uv = document.get("dependency-groups"), document.get("tool", {}).get("uv")
        locked = [document["project"].get(key) for key in _LOCKED]
        return _digest(json.dumps([locked, groups, uv]).encode())

    def source_key(self) -> str:
        """Equal for projects with the same Python, and the same tools to look at it."""
        brought = {"pyproject.toml", "uv.lock"}
        return self._files_key(lambda path: path.endswith(".py") or path in brought)

    def runtime_key(self) -> str:
        """Equal for projects with the same of everything that a running service can read."""
        return self._files_key(lambda path: path not in _INERT and not path.startswith(".git"))

    def _files_key(self, chosen: Callable[[str], bool]) -> str:
        read = ((path, _decisive(path, text)) for path, text in self.files.items() if chosen(path))
        return _digest(*(part for path, text in read for part in (path.encode(), text)))

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

    def call(
        self,
        program: str,
        *arguments: str,
        seconds: float,
        typed: str | None = None,
        **variables: str,
    ) -> str:
        """Run a program of the row's own environment."""
        return run(
            [self.program(program), *arguments],
            self.folder,
            variables=self.variables(**variables),
            seconds=seconds,
            typed=typed,
        )


def _decisive(path: str, text: bytes) -> bytes:
    """Without what decides nothing: the license for any tool, which random secret for a service."""
    if path == ".env":
        return re.sub(rb"(?m)^(\w+)=[0-9a-f]{64}$", rb"\1=", text)
    return re.sub(rb"(?m)^license.* = .*\n", b"", text)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
