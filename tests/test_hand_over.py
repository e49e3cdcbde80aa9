"""A project takes the whole result of an update, or nothing: nothing in its way is overwritten."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Command, git
from tests.edits import lost
from tests.living import commit, version_of
from tests.test_new_refusals import assert_refused
from tests.updating import NEWEST, Service

OURS = "app/http_client.py"


def ignored_by_its_folder(service: Service) -> str:
    service.write("app/jobs/.gitignore", "*\n")
    service.write("app/jobs/service.py", "OURS = 1\n")
    return "app/jobs/service.py"


def ignored_by_a_change_that_git_does_not_see(service: Service) -> str:
    service.git("update-index", "--skip-worktree", ".gitignore")
    service.write(".gitignore", f"{service.read('.gitignore')}{OURS}\n")
    service.write(OURS, "OURS = 1\n")
    return OURS


def a_file_where_a_folder_comes(service: Service) -> str:
    service.git("update-index", "--skip-worktree", ".gitignore")
    service.write(".gitignore", f"{service.read('.gitignore')}app/jobs\n")
    service.write("app/jobs", "OURS = 1\n")
    return "app/jobs"


def an_edit_that_git_does_not_see(service: Service) -> str:
    service.git("update-index", "--assume-unchanged", "app/settings.py")
    service.write("app/settings.py", f"{service.read('app/settings.py')}# OURS = 1\n")
    return "app/settings.py"


IN_THE_WAY: list[Callable[[Service], str]] = [
    ignored_by_its_folder,
    ignored_by_a_change_that_git_does_not_see,
    a_file_where_a_folder_comes,
    an_edit_that_git_does_not_see,
]


@pytest.mark.parametrize("put", IN_THE_WAY, ids=lambda put: put.__name__)
def test_what_git_does_not_know_is_not_overwritten(
    command: Command, service: Service, put: Callable[[Service], str]
) -> None:
    path = put(service)
    before = service.everything()

    done = command("update", service.folder)

    assert_refused(done, 1, path, "nothing was touched")
    assert service.everything() == before
    assert "OURS = 1" in service.read(path)
    if put is an_edit_that_git_does_not_see:
        assert "--no-assume-unchanged" in done.stderr
        assert "h app/settings.py" in service.git("ls-files", "-v").splitlines()


def failing(service: Service, folder: Path, *, times: int) -> None:
    """Let git fail in the midst of writing the project's files, so many times."""
    script = folder / "smudge"
    counter = folder / "failures"
    script.write_text(
        f'#!/bin/sh\nif [ "$PWD" = "{service.folder}" ] && '
        f'[ "$(wc -l < {counter})" -lt {times} ]; then echo >> {counter}; exit 1; fi\nexec cat\n'
    )
    script.chmod(0o755)
    counter.touch()
    (service.folder / ".git/info/attributes").write_text("app/orm.py filter=failing\n")
    service.git("config", "filter.failing.smudge", str(script))
    service.git("config", "filter.failing.clean", "cat")
    service.git("config", "filter.failing.required", "true")


def test_what_cannot_be_written_is_taken_back(
    command: Command, service: Service, tmp_path: Path
) -> None:
    failing(service, tmp_path, times=1)
    before = service.everything()

    done = command("update", service.folder)

    assert_refused(done, 1, "nothing was touched")
    assert service.everything() == before


def test_what_cannot_be_taken_back_is_said_with_the_command_that_does(
    command: Command, service: Service, tmp_path: Path
) -> None:
    failing(service, tmp_path, times=2)
    before = service.everything()

    done = command("update", service.folder)

    assert_refused(done, 1, "could not be taken back")
    (take_back,) = re.findall(r"`(git -C .*? restore .*?)`", done.stderr)
    subprocess.run(take_back, cwd=tmp_path, shell=True, check=True)  # noqa: S602 - as it is pasted
    assert service.everything() == before


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_an_environment_of_another_kind_stays(
    command: Command, service: Service, tmp_path: Path, kind: str
) -> None:
    (service.folder / ".env").unlink()
    if kind == "folder":
        (service.folder / ".env").mkdir()
    else:
        (service.folder / ".env").symlink_to(tmp_path / "secrets")

    done = command("update", service.folder)

    assert done.returncode == 0, done.stderr
    assert lost(service.folder, [edit for edit in service.edits if ".env" not in edit.name]) == []
    assert not (tmp_path / "secrets").exists()
    assert list((service.folder / ".env").glob("*")) == []


def test_new_files_that_git_ignores_are_named(command: Command, service: Service) -> None:
    (service.folder / ".git/info/exclude").write_text("*_client.py\n")

    done = command("update", service.folder)

    assert done.returncode == 0, done.stderr
    assert f"{OURS} is new, and git ignores it: `git add --force`" in done.stdout
    assert (service.folder / OURS).is_file()


def test_a_lock_that_git_ignores_is_locked_anew(command: Command, service: Service) -> None:
    service.git("rm", "--quiet", "--cached", "uv.lock")
    service.write(".gitignore", f"{service.read('.gitignore')}uv.lock\n")
    service.commit()

    done = command("update", service.folder)

    assert done.returncode == 0, done.stderr
    subprocess.run(["uv", "lock", "--check"], cwd=service.folder, check=True, capture_output=True)


def test_the_lock_of_a_workspace_comes_along_and_is_taken_back_too(
    command: Command, service: Service, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    member = whole / "services/the orders"
    shutil.rmtree(service.folder / ".git")
    shutil.copytree(service.folder, member)
    (member / "uv.lock").unlink()
    (whole / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["services/*"]\n')
    subprocess.run(["uv", "lock", "--quiet"], cwd=whole, check=True)
    git(whole, "init", "--quiet")
    commit(whole, "Everything")
    (whole / "notes.md").write_text("Not yet.\n")
    before = git(whole, "status", "--porcelain")

    done = command("update", member)

    assert done.returncode == 0, done.stderr
    assert "Outside of the project: uv.lock" in done.stdout
    assert " M uv.lock" in git(whole, "status", "--porcelain").splitlines()
    (take_back,) = re.findall(r"`(git -C .*? restore .*?)`", done.stdout)
    subprocess.run(take_back, cwd=tmp_path, shell=True, check=True)  # noqa: S602 - as it is pasted
    assert git(whole, "status", "--porcelain") == before


def test_an_alias_of_git_that_names_a_repository_confuses_nothing(
    command: Command, service: Service, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "other")
    other = str(tmp_path / "other/.git")

    done = command(
        "update", service.folder,
        GIT_DIR=other, GIT_WORK_TREE=str(tmp_path), GIT_INDEX_FILE=f"{other}/index", GIT_TRACE="1",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert version_of(service.folder) == NEWEST
