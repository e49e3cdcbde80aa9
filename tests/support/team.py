"""A team's project for tests of `update`, `set` and `check`."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from generator.processes import run
from generator.project.answers import ANSWERS_FILE
from generator.uv import lock, uv_program
from tests.support.edits import Edit
from tests.support.projects import commit, make_project
from tests.support.repository import git


@dataclass(frozen=True)
class TeamProject:
    """A project under git, with a lock and everything committed."""

    folder: Path
    template: Path
    edits: list[Edit]

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def edit(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text
        self.write(path, text.replace(old, new, 1))

    def commit(self, message: str = "Ours") -> None:
        commit(self.folder, message)

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)

    def commit_file(self, path: str, text: str) -> None:
        self.write(path, text)
        self.commit()

    def record(self, **changes: object) -> None:
        """Edit the answers file; None removes an answer."""
        recorded = yaml.safe_load(self.read(ANSWERS_FILE)) | changes
        kept = {name: value for name, value in recorded.items() if value is not None}
        self.commit_file(ANSWERS_FILE, yaml.safe_dump(kept))

    def state(self) -> dict[str, object]:
        """Return each file's bytes and mode, and the state of git."""
        state: dict[str, object] = {
            "status": self.git("status", "--porcelain"),
            "head": self.git("rev-parse", "HEAD"),
        }
        for path in sorted(self.folder.rglob("*")):
            if ".git" not in path.relative_to(self.folder).parts[:1]:
                content = path.read_bytes() if path.is_file() else path.is_symlink()
                state[str(path)] = (path.lstat().st_mode, content)
        return state

    @property
    def worktrees(self) -> int:
        return len(self.git("worktree", "list").splitlines())

    def copy(self, folder: Path) -> "TeamProject":
        return replace(self, folder=Path(shutil.copytree(self.folder, folder, symlinks=True)))

    def fork_template(self, folder: Path) -> Path:
        """Copy the template's repository for changes, and record the copy."""
        copy = Path(shutil.copytree(self.template, folder))
        self.edit(ANSWERS_FILE, str(self.template), str(copy))
        self.commit("Use our template")
        return copy


def make_team_project(history: Path, folder: Path, version: str) -> TeamProject:
    """Make a project without the edit that each update asks about: a deleted file."""
    edits = make_project(history, folder, {}, version, without=["a deleted example"])
    lock(folder)
    commit(folder, "Lock")
    return TeamProject(folder, history, edits)


def assert_locked(project: Path) -> None:
    """Assert that the lock fits the dependencies."""
    run([uv_program(), "lock", "--check"], project)
