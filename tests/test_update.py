"""`update` brings what is new, tells before it would lose an edit, and leaves one diff."""

import shutil
import subprocess
from pathlib import Path

from tests.conftest import Command, git
from tests.edits import lost
from tests.living import (
    ANSWERS_FILE,
    answers_of,
    commit,
    differences,
    owned,
    tree,
    update,
    version_of,
)
from tests.test_new_refusals import assert_refused
from tests.updating import FIRST, NEWEST, Service, copied


def test_a_clean_update_is_what_copier_makes_of_it_with_a_new_lock(
    command: Command, service: Service, made: dict[str, Service], tmp_path: Path
) -> None:
    plain = copied(made[FIRST], tmp_path / "plain")
    update(plain.folder)

    done = command("update", service.folder)

    assert done.returncode == 0, done.stderr
    assert differences(tree(service.folder), tree(plain.folder)) == []
    assert lost(service.folder, service.edits) == []
    assert version_of(service.folder) == NEWEST
    own = owned(service.folder)
    assert own.pop("uv.lock") != owned(plain.folder).pop("uv.lock")
    assert own.items() <= owned(plain.folder).items()
    subprocess.run(["uv", "lock", "--check"], cwd=service.folder, check=True, capture_output=True)


def test_a_clean_update_leaves_one_diff_and_says_what_to_run(
    command: Command, service: Service
) -> None:
    before = service.everything()

    done = command("update", service.folder)

    assert f"{FIRST} -> {NEWEST}" in done.stdout
    assert "auth=none, background=background_tasks" in done.stdout
    *_, check, migrate, test = done.stdout.splitlines()
    assert "alembic check" in check
    assert "alembic revision --autogenerate" in migrate
    assert "alembic upgrade head" in migrate
    assert "pytest" in test
    assert service.git("diff", "--cached", "--diff-filter=MD", "--name-only") == ""
    shown = service.git("diff", "--name-only").splitlines()
    assert {"app/jobs/service.py", "app/application.py", "uv.lock"} <= set(shown)
    (take_back,) = [line for line in done.stdout.splitlines() if "takes it back" in line]
    subprocess.run(take_back.split("`")[1], check=True, shell=True)  # noqa: S602 - as it is pasted
    assert service.everything() == before


def test_a_project_of_the_newest_release_has_nothing_to_do(
    command: Command, newest: Service
) -> None:
    before = newest.everything()

    done = command("update", newest.folder)

    assert done.returncode == 0, done.stderr
    assert "nothing newer was released" in done.stdout
    assert newest.everything() == before


def test_an_update_goes_to_the_revision_that_is_named(command: Command, service: Service) -> None:
    done = command("update", service.folder, "--to", "v0.3.0")

    assert done.returncode == 0, done.stderr
    assert version_of(service.folder) == "v0.3.0"
    assert not (service.folder / "app/jobs").exists()


def test_a_preview_shows_the_diff_and_touches_nothing(command: Command, service: Service) -> None:
    before = service.everything()

    done = command("update", service.folder, "--preview")

    assert done.returncode == 0, done.stderr
    assert "+++ b/app/jobs/service.py" in done.stdout
    assert "Nothing was touched" in done.stdout
    assert service.everything() == before
    assert service.worktrees == 1


def test_files_that_git_ignores_stay_as_they_are(command: Command, service: Service) -> None:
    service.write(".gitignore", f"{service.read('.gitignore')}app/jobs/models.py\n")
    service.commit()
    service.write("app/jobs/models.py", "OURS = 1\n")
    environment = service.read(".env")

    done = command("update", service.folder)

    assert done.returncode == 0, done.stderr
    assert "app/jobs/models.py is left as it was, since git ignores it\n" in done.stdout
    assert service.read("app/jobs/models.py") == "OURS = 1\n"
    assert service.read(".env") == environment


SETTINGS = {
    "status.showUntrackedFiles": "no",
    "apply.whitespace": "error",
    "merge.conflictStyle": "diff3",
    "diff.noprefix": "true",
    "color.ui": "always",
    "commit.gpgSign": "true",
    "core.hooksPath": "hooks",
}


def test_settings_and_hooks_of_the_team_cost_no_edit(command: Command, service: Service) -> None:
    service.edit("README.md", "\n## ", "\nOurs, with a space at the end: \n\n## ")
    service.commit()
    hooks = service.folder / ".git/hooks"
    for hook in ("pre-commit", "post-checkout", "post-index-change"):
        (hooks / hook).write_text("#!/bin/sh\ntouch the-hook-was-here\nexit 1\n")
        (hooks / hook).chmod(0o755)
    for name, value in (SETTINGS | {"core.hooksPath": str(hooks)}).items():
        service.git("config", name, value)

    done = command("update", service.folder)

    assert done.returncode == 0, done.stderr
    assert lost(service.folder, service.edits) == []
    assert "Ours, with a space at the end: \n" in service.read("README.md")
    assert not (service.folder / "the-hook-was-here").exists()


def test_a_project_in_a_larger_repository_is_updated_alone(
    command: Command, service: Service, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    shutil.rmtree(service.folder / ".git")
    shutil.copytree(service.folder, whole / "services/orders")
    (whole / "library").mkdir()
    (whole / "library/one.py").write_text("ONE = 1\n")
    git(whole, "init", "--quiet")
    commit(whole, "Everything")
    (whole / "library/one.py").write_text("ONE = 2\n")
    (whole / "library/two.py").write_text("TWO = 2\n")
    git(whole, "add", "library/one.py")

    done = command("update", whole / "services/orders")

    assert done.returncode == 0, done.stderr
    assert lost(whole / "services/orders", service.edits) == []
    assert version_of(whole / "services/orders") == NEWEST
    status = git(whole, "status", "--porcelain").splitlines()
    assert [line for line in status if "services/orders" not in line] == [
        "M  library/one.py",
        "?? library/two.py",
    ]


def test_a_template_that_moved_is_named_once(
    command: Command, service: Service, tmp_path: Path
) -> None:
    moved = f"git+file://{shutil.copytree(service.template, tmp_path / 'moved')}"
    service.edit(ANSWERS_FILE, str(service.template), "https://ada:secret@gone.example/template")
    service.commit("It was there once")
    gone = command("update", service.folder)
    assert_refused(gone, 1, "--from")
    assert "secret" not in gone.stderr

    done = command("update", service.folder, "--from", moved)

    assert done.returncode == 0, done.stderr
    assert f"_src_path: {moved}\n" in service.read(ANSWERS_FILE)
    assert version_of(service.folder) == NEWEST
    assert lost(service.folder, service.edits) == []
    service.commit("Update")
    assert command("update", service.folder).returncode == 0


def test_a_template_that_moved_is_remembered_without_a_newer_release(
    command: Command, newest: Service, tmp_path: Path
) -> None:
    moved = shutil.copytree(newest.template, tmp_path / "moved")

    done = command("update", newest.folder, "--from", moved)

    assert done.returncode == 0, done.stderr
    assert newest.git("diff", "--name-only") == ANSWERS_FILE
    assert f"_src_path: {moved}\n" in newest.read(ANSWERS_FILE)
    assert answers_of(newest.folder)["auth"] == "jwt"
