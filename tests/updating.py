"""Projects for the commands `update`, `set` and `check`, and what must not change in them."""

import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import uv
import yaml

from tests.conftest import git
from tests.edits import Edit
from tests.living import ANSWERS_FILE, THE_NEXT_AFTER, commit, make_project, tag
from tests.releases import NEXT, versions
from tests.update_rules import files

FIRST, NEWEST = f"v{versions()[0]}", f"v{NEXT}"


@dataclass(frozen=True)
class Service:
    """A team's project under git, with a lock and everything committed."""

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
        """Edit the answers by hand, as nobody should; None takes one away."""
        known = yaml.safe_load(self.read(ANSWERS_FILE)) | changes
        left = {name: value for name, value in known.items() if value is not None}
        self.commit_file(ANSWERS_FILE, yaml.safe_dump(left))

    def everything(self) -> dict[str, object]:
        """Every byte of the working tree, who may run it, and what git thinks of it."""
        status, head = self.git("status", "--porcelain"), self.git("rev-parse", "HEAD")
        found: dict[str, object] = {"": (status, head)}
        for path in sorted(self.folder.rglob("*")):
            if ".git" not in path.relative_to(self.folder).parts[:1]:
                content = path.read_bytes() if path.is_file() else path.is_symlink()
                found[str(path)] = (path.lstat().st_mode, content)
        return found

    @property
    def worktrees(self) -> int:
        return len(self.git("worktree", "list").splitlines())

    def own_template(self, folder: Path) -> Path:
        """A copy of the template's repository that the test may change, recorded and committed."""
        copy = Path(shutil.copytree(self.template, folder))
        self.edit(".copier-answers.yml", str(self.template), str(copy))
        self.commit("A template of our own")
        return copy


@pytest.fixture(scope="session")
def made(history: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """A project of the first release and one of the newest, which nobody changes."""
    found = {}
    for version in (FIRST, NEWEST):
        project = tmp_path_factory.mktemp("made") / "service"
        edits = make_project(history, project, {}, version.removeprefix("v"))
        subprocess.run([uv.find_uv_bin(), "lock", "--quiet"], cwd=project, check=True)
        commit(project, "Lock")
        found[version] = Service(project, history, edits)
    return found


def copied(original: Service, folder: Path) -> Service:
    return replace(original, folder=Path(shutil.copytree(original.folder, folder, symlinks=True)))


@pytest.fixture
def service(made: dict[str, Service], tmp_path: Path) -> Service:
    """Made from the first release."""
    return copied(made[FIRST], tmp_path / "service")


@pytest.fixture
def newest(made: dict[str, Service], tmp_path: Path) -> Service:
    """Made from the newest release."""
    return copied(made[NEWEST], tmp_path / "service")


def released(template: Path, path: str, old: str, new: str) -> None:
    """Change one file of the template, and release that."""
    (file,) = [file for name, file in files(template) if name == path]
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    tag(template, THE_NEXT_AFTER)
