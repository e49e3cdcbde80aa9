"""`update` applies the whole result or nothing, and overwrites no file that git does not track."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.uv import lock
from tests.support.command import Command, assert_refused
from tests.support.edits import list_lost
from tests.support.history import ADDED, ADDED_CLIENT, ADDED_FOLDER, release_change
from tests.support.projects import commit
from tests.support.repository import git
from tests.support.team import TeamProject, assert_locked

pytestmark = pytest.mark.slow


def ignored_by_folder(outdated: TeamProject) -> str:
    outdated.write(f"{ADDED_FOLDER}/.gitignore", "*\n")
    outdated.write(ADDED, "OURS = 1\n")
    return ADDED


def ignored_by_hidden_change(outdated: TeamProject) -> str:
    outdated.git("update-index", "--skip-worktree", ".gitignore")
    outdated.write(".gitignore", f"{outdated.read('.gitignore')}{ADDED_CLIENT}\n")
    outdated.write(ADDED_CLIENT, "OURS = 1\n")
    return ADDED_CLIENT


def file_in_place_of_folder(outdated: TeamProject) -> str:
    outdated.git("update-index", "--skip-worktree", ".gitignore")
    outdated.write(".gitignore", f"{outdated.read('.gitignore')}{ADDED_FOLDER}\n")
    outdated.write(ADDED_FOLDER, "OURS = 1\n")
    return ADDED_FOLDER


def hidden_edit(outdated: TeamProject) -> str:
    outdated.git("update-index", "--assume-unchanged", "app/settings.py")
    outdated.write("app/settings.py", f"{outdated.read('app/settings.py')}# OURS = 1\n")
    return "app/settings.py"


UNTRACKED: list[Callable[[TeamProject], str]] = [
    ignored_by_folder,
    ignored_by_hidden_change,
    file_in_place_of_folder,
    hidden_edit,
]


@pytest.mark.parametrize("put", UNTRACKED, ids=lambda put: put.__name__)
def test_untracked_content_is_kept(
    command: Command, outdated: TeamProject, put: Callable[[TeamProject], str]
) -> None:
    path = put(outdated)
    before = outdated.state()

    result = command("update", outdated.folder)

    assert_refused(result, 1, path, "nothing was changed")
    assert outdated.state() == before
    assert "OURS = 1" in outdated.read(path)
    if put is hidden_edit:
        assert "--no-assume-unchanged" in result.stderr
        assert "h app/settings.py" in outdated.git("ls-files", "-v").splitlines()


def fail_writing(outdated: TeamProject, folder: Path, *, times: int) -> None:
    """Let git fail while it writes the project's files, the given number of times."""
    script = folder / "smudge"
    counter = folder / "failures"
    script.write_text(
        f'#!/bin/sh\nif [ "$PWD" = "{outdated.folder}" ] && '
        f'[ "$(wc -l < {counter})" -lt {times} ]; then echo >> {counter}; exit 1; fi\nexec cat\n'
    )
    script.chmod(0o755)
    counter.touch()
    (outdated.folder / ".git/info/attributes").write_text("app/orm.py filter=failing\n")
    outdated.git("config", "filter.failing.smudge", str(script))
    outdated.git("config", "filter.failing.clean", "cat")
    outdated.git("config", "filter.failing.required", "true")


def test_failed_write_is_undone(command: Command, outdated: TeamProject, tmp_path: Path) -> None:
    fail_writing(outdated, tmp_path, times=1)
    before = outdated.state()

    result = command("update", outdated.folder)

    assert_refused(result, 1, "nothing was changed")
    assert outdated.state() == before


def test_failed_undo_prints_command(
    command: Command, outdated: TeamProject, tmp_path: Path
) -> None:
    fail_writing(outdated, tmp_path, times=2)
    before = outdated.state()

    result = command("update", outdated.folder)

    assert_refused(result, 1, "could not be restored")
    (undo,) = re.findall(r"`(git -C .*? restore .*?)`", result.stderr)
    subprocess.run(undo, cwd=tmp_path, shell=True, check=True)  # noqa: S602 - pasted by the user
    assert outdated.state() == before


def test_unwritten_index_prints_undo(
    command: Command, outdated: TeamProject, tmp_path: Path
) -> None:
    before = outdated.state()
    git_program = shutil.which("git")
    wrapper = tmp_path / "bin/git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\n[ "$1" = reset ] && exit 128\nexec {git_program} "$@"\n')
    wrapper.chmod(0o755)

    result = command("update", outdated.folder, PATH=f"{wrapper.parent}:{os.environ['PATH']}")

    assert result.returncode == 1
    (undo,) = re.findall(r"`(git -C .*? restore .*?)` takes it back", result.stderr)
    subprocess.run(undo, cwd=tmp_path, shell=True, check=True)  # noqa: S602 - pasted by the user
    outdated.git("clean", "--force", "-d", "--quiet")
    assert outdated.state() == before


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_env_that_is_no_file_is_kept(
    command: Command, outdated: TeamProject, tmp_path: Path, kind: str
) -> None:
    (outdated.folder / ".env").unlink()
    if kind == "folder":
        (outdated.folder / ".env").mkdir()
    else:
        (outdated.folder / ".env").symlink_to(tmp_path / "secrets")

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stderr
    edits = [edit for edit in outdated.edits if ".env" not in edit.name]
    assert list_lost(outdated.folder, edits) == []
    assert not (tmp_path / "secrets").exists()
    assert list((outdated.folder / ".env").glob("*")) == []


def test_new_ignored_file_is_named(command: Command, outdated: TeamProject) -> None:
    (outdated.folder / ".git/info/exclude").write_text("*_client.py\n")

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stderr
    assert f"{ADDED_CLIENT} is new, and git ignores it: `git add --force`" in result.stdout
    assert (outdated.folder / ADDED_CLIENT).is_file()


def add_dependency(outdated: TeamProject, folder: Path) -> None:
    template = outdated.fork_template(folder / "template")
    old = "dependencies = [\n"
    release_change(template, "pyproject.toml", old, f'{old}    "iniconfig",\n')


def test_ignored_lock_is_updated(command: Command, outdated: TeamProject, tmp_path: Path) -> None:
    add_dependency(outdated, tmp_path)
    outdated.git("rm", "--quiet", "--cached", "uv.lock")
    outdated.write(".gitignore", f"{outdated.read('.gitignore')}uv.lock\n")
    outdated.commit()

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stderr
    assert_locked(outdated.folder)


def test_workspace_lock_is_updated(command: Command, outdated: TeamProject, tmp_path: Path) -> None:
    add_dependency(outdated, tmp_path)
    repository = tmp_path / "repository"
    member = repository / "services/the orders"
    shutil.rmtree(outdated.folder / ".git")
    shutil.copytree(outdated.folder, member)
    (member / "uv.lock").unlink()
    (repository / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["services/*"]\n')
    lock(repository)
    git(repository, "init", "--quiet")
    commit(repository, "Everything")
    (repository / "notes.md").write_text("Not yet.\n")
    before = git(repository, "status", "--porcelain")

    result = command("update", member)

    assert result.returncode == 0, result.stderr
    assert "Outside of the project: uv.lock" in result.stdout
    assert " M uv.lock" in git(repository, "status", "--porcelain").splitlines()
    (undo,) = re.findall(r"`(git -C .*? restore .*?)`", result.stdout)
    subprocess.run(undo, cwd=tmp_path, shell=True, check=True)  # noqa: S602 - pasted by the user
    assert git(repository, "status", "--porcelain") == before
