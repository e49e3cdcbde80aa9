"""`update` merges a release, and leaves one uncommitted diff."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator.project.answers import ANSWERS_FILE
from tests.support.command import Command, assert_refused
from tests.support.edits import list_lost
from tests.support.history import ADDED, FIRST, LATEST, NEXT
from tests.support.projects import (
    answers_of,
    commit,
    differences,
    merged_files,
    owned_files,
    update,
    version_of,
)
from tests.support.repository import git
from tests.support.team import TeamProject, assert_locked

pytestmark = pytest.mark.slow


def test_update_equals_copier(command: Command, outdated: TeamProject, tmp_path: Path) -> None:
    plain = outdated.copy(tmp_path / "plain")
    update(plain.folder)

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stderr
    assert differences(merged_files(outdated.folder), merged_files(plain.folder)) == []
    assert list_lost(outdated.folder, outdated.edits) == []
    assert version_of(outdated.folder) == f"v{LATEST}"
    # The command locks new dependencies; copier leaves that to its user.
    ours = owned_files(outdated.folder) | {"uv.lock": b""}
    assert ours == owned_files(plain.folder) | {"uv.lock": b""}
    assert_locked(outdated.folder)


def test_changed_dependencies_are_locked(
    command: Command, outdated: TeamProject, tmp_path: Path
) -> None:
    template = outdated.fork_template(tmp_path / "template")
    (project,) = (template / "template").glob("pyproject.toml*")
    text = project.read_text()
    project.write_text(
        text.replace("dependencies = [\n", 'dependencies = [\n    "iniconfig",\n', 1)
    )
    commit(template, "Depend on another package")
    git(template, "tag", "v1003.0.0")
    lock = outdated.read("uv.lock")

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stderr
    assert outdated.read("uv.lock") != lock
    assert_locked(outdated.folder)


def test_update_leaves_one_diff(command: Command, outdated: TeamProject) -> None:
    before = outdated.state()

    result = command("update", outdated.folder)

    assert f"v{FIRST} -> v{LATEST}" in result.stdout
    assert "caching=none, " in result.stdout
    assert "ci_python=3.13" in result.stdout
    *_, check, migrate, test = result.stdout.splitlines()
    assert "alembic check" in check
    assert "alembic revision --autogenerate" in migrate
    assert "alembic upgrade head" in migrate
    assert "pytest" in test
    assert outdated.git("diff", "--cached", "--diff-filter=MD", "--name-only") == ""
    changed = outdated.git("diff", "--name-only").splitlines()
    assert {ADDED, "app/application.py", ANSWERS_FILE} <= set(changed)
    (undo,) = [line for line in result.stdout.splitlines() if "undoes it" in line]
    subprocess.run(undo.split("`")[1], check=True, shell=True)  # noqa: S602 - pasted by the user
    assert outdated.state() == before


def test_latest_project_is_left_alone(command: Command, newest: TeamProject) -> None:
    before = newest.state()

    result = command("update", newest.folder)

    assert result.returncode == 0, result.stderr
    assert "no newer release" in result.stdout
    assert newest.state() == before


def test_update_to_named_revision(command: Command, outdated: TeamProject) -> None:
    result = command("update", outdated.folder, "--to", f"v{NEXT}")

    assert result.returncode == 0, result.stderr
    assert version_of(outdated.folder) == f"v{NEXT}"
    assert "caching" not in answers_of(outdated.folder)


def test_preview_changes_nothing(command: Command, outdated: TeamProject) -> None:
    before = outdated.state()

    result = command("update", outdated.folder, "--preview")

    assert result.returncode == 0, result.stderr
    assert f"+++ b/{ADDED}" in result.stdout
    assert "What your update will show:\n" in result.stdout
    assert f"    v{LATEST}: each file gets another comment.\n" in result.stdout
    assert "Nothing was changed" in result.stdout
    assert outdated.state() == before
    assert outdated.worktrees == 1


def test_ignored_file_is_kept(command: Command, outdated: TeamProject) -> None:
    outdated.write(".gitignore", f"{outdated.read('.gitignore')}{ADDED}\n")
    outdated.commit()
    outdated.write(ADDED, "OURS = 1\n")
    variables = outdated.read(".env")

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stderr
    assert f"{ADDED} is left as it was, since git ignores it\n" in result.stdout
    assert outdated.read(ADDED) == "OURS = 1\n"
    assert outdated.read(".env") == variables


SETTINGS = {
    "status.showUntrackedFiles": "no",
    "apply.whitespace": "error",
    "merge.conflictStyle": "diff3",
    "diff.noprefix": "true",
    "color.ui": "always",
    "commit.gpgSign": "true",
}


def test_git_settings_lose_no_edit(command: Command, outdated: TeamProject) -> None:
    outdated.edit("README.md", "\n## ", "\nOurs, with a space at the end: \n\n## ")
    outdated.commit()
    hooks = outdated.folder / ".git/hooks"
    for hook in ("pre-commit", "post-checkout", "post-index-change"):
        (hooks / hook).write_text("#!/bin/sh\ntouch the-hook-was-here\nexit 1\n")
        (hooks / hook).chmod(0o755)
    for name, value in (SETTINGS | {"core.hooksPath": str(hooks)}).items():
        outdated.git("config", name, value)

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stderr
    assert list_lost(outdated.folder, outdated.edits) == []
    assert "Ours, with a space at the end: \n" in outdated.read("README.md")
    assert not (outdated.folder / "the-hook-was-here").exists()


def test_git_environment_is_ignored(checkout: Path, outdated: TeamProject, tmp_path: Path) -> None:
    """Git aliases run commands with these variables."""
    git(tmp_path, "init", "--quiet", "other")
    other = str(tmp_path / "other/.git")
    variables = {
        "FASTAPI_SERVICE_TEMPLATE": str(checkout),
        "GIT_DIR": other,
        "GIT_WORK_TREE": str(tmp_path),
        "GIT_INDEX_FILE": f"{other}/index",
        "GIT_TRACE": "1",
    }

    result = subprocess.run(
        [sys.executable, "-m", "generator", "update", str(outdated.folder)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert version_of(outdated.folder) == f"v{LATEST}"


def test_monorepo_project_is_updated_alone(
    command: Command, outdated: TeamProject, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    shutil.rmtree(outdated.folder / ".git")
    shutil.copytree(outdated.folder, repository / "services/orders")
    (repository / "library").mkdir()
    (repository / "library/one.py").write_text("ONE = 1\n")
    git(repository, "init", "--quiet")
    commit(repository, "Everything")
    (repository / "library/one.py").write_text("ONE = 2\n")
    (repository / "library/two.py").write_text("TWO = 2\n")
    git(repository, "add", "library/one.py")

    result = command("update", repository / "services/orders")

    assert result.returncode == 0, result.stderr
    assert list_lost(repository / "services/orders", outdated.edits) == []
    assert version_of(repository / "services/orders") == f"v{LATEST}"
    status = git(repository, "status", "--porcelain").splitlines()
    assert [line for line in status if "services/orders" not in line] == [
        "M  library/one.py",
        "?? library/two.py",
    ]


def test_moved_template_is_recorded(
    command: Command, outdated: TeamProject, tmp_path: Path
) -> None:
    moved = f"git+file://{shutil.copytree(outdated.template, tmp_path / 'moved')}"
    outdated.edit(ANSWERS_FILE, str(outdated.template), "https://ada:secret@gone.example/template")
    outdated.commit("An address from the past")
    refused = command("update", outdated.folder)
    assert_refused(refused, 1, "--from")
    assert "secret" not in refused.stderr

    result = command("update", outdated.folder, "--from", moved)

    assert result.returncode == 0, result.stderr
    assert f"_src_path: {moved}\n" in outdated.read(ANSWERS_FILE)
    assert version_of(outdated.folder) == f"v{LATEST}"
    assert list_lost(outdated.folder, outdated.edits) == []
    outdated.commit("Update")
    assert command("update", outdated.folder).returncode == 0


def test_moved_template_without_release(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    moved = shutil.copytree(newest.template, tmp_path / "moved")

    result = command("update", newest.folder, "--from", moved)

    assert result.returncode == 0, result.stderr
    assert newest.git("diff", "--name-only") == ANSWERS_FILE
    assert f"_src_path: {moved}\n" in newest.read(ANSWERS_FILE)
    assert answers_of(newest.folder)["auth"] == "jwt"
