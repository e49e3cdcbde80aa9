"""`update` brings what is new, tells before it would lose an edit, and leaves one diff."""

import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Command, git, running, wait_for
from tests.edits import lost
from tests.living import (
    ANSWERS_FILE,
    THE_NEXT_AFTER,
    answers_of,
    commit,
    conflicts,
    differences,
    owned,
    tag,
    tree,
    update,
    version_of,
)
from tests.test_new_process import silent_index
from tests.test_new_refusals import assert_refused
from tests.update_rules import files
from tests.updating import FIRST, NEWEST, Service, copied, released

EXAMPLE = "app/items/service.py"


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


def test_overlapping_edits_are_applied_with_markers_and_need_a_person(
    command: Command, newest: Service, tmp_path: Path
) -> None:
    template = newest.own_template(tmp_path / "template")
    first = newest.read("app/main.py").splitlines()[0]
    newest.edit("app/main.py", first, '"""What is ours."""')
    newest.commit()
    released(template, "app/main.py", first, '"""What is theirs."""')

    done = command("update", newest.folder)

    assert done.returncode == 3, done.stdout + done.stderr
    assert "app/main.py" in done.stderr
    assert conflicts(newest.folder) == ["app/main.py"]
    assert "UU app/main.py" in newest.git("status", "--porcelain").splitlines()
    assert {"What is ours.", "What is theirs."} <= set(newest.read("app/main.py").split('"""'))
    assert version_of(newest.folder) == f"v{THE_NEXT_AFTER}"
    assert "git diff --check" in done.stdout
    newest.git("checkout", "--theirs", "app/main.py")
    newest.commit("Theirs is better")
    assert command("check", newest.folder).returncode == 3  # The edits of the team, as before.


LOSSES: list[tuple[str, Callable[[Path], object]]] = [
    ("removed", Path.unlink),
    ("renamed", lambda file: file.rename(file.with_name("prices.py"))),
]


@pytest.mark.parametrize(("how", "change"), LOSSES)
def test_an_edited_file_that_a_release_gives_up_is_named_and_nothing_is_touched(
    command: Command, newest: Service, tmp_path: Path, how: str, change: Callable[[Path], object]
) -> None:
    template = newest.own_template(tmp_path / "template")
    newest.write(EXAMPLE, f"{newest.read(EXAMPLE)}\n\nOURS = 1\n")
    newest.commit()
    (file,) = [file for name, file in files(template) if name == EXAMPLE]
    change(file)
    tag(template, THE_NEXT_AFTER)
    before = newest.everything()

    for arguments in ([], ["--preview"]):
        done = command("update", newest.folder, *arguments)
        assert done.returncode == 3, how
        assert EXAMPLE in done.stdout
        assert "1 line of yours" in done.stdout
        assert "--accept-losses" in done.stderr
        assert newest.everything() == before

    done = command("update", newest.folder, "--accept-losses")
    assert done.returncode == 0, done.stderr
    assert EXAMPLE in done.stdout
    assert not (newest.folder / EXAMPLE).exists()
    assert "OURS = 1" in newest.git("show", f"HEAD:{EXAMPLE}")


def test_a_line_that_copier_cannot_carry_over_is_named(
    command: Command, newest: Service, tmp_path: Path
) -> None:
    template = newest.own_template(tmp_path / "template")
    path = newest.folder / EXAMPLE
    path.write_bytes(path.read_bytes() + b"\n# Caf\xe9\n")
    newest.commit()
    first = newest.read("app/items/schemas.py").splitlines()[0]
    released(template, "app/items/schemas.py", first, f"{first}\n# New.")
    before = newest.everything()

    done = command("update", newest.folder)

    assert done.returncode == 3, done.stdout
    assert EXAMPLE in done.stdout
    assert newest.everything() == before


def test_what_the_team_renamed_is_theirs(command: Command, service: Service) -> None:
    service.git("mv", EXAMPLE, "app/items/ours.py")
    service.write("app/items/ours.py", f"{service.read('app/items/ours.py')}\n\nOURS = 1\n")
    service.commit()

    done = command("update", service.folder)

    assert done.returncode == 0, done.stderr
    assert "OURS = 1" in service.read("app/items/ours.py")
    assert not (service.folder / EXAMPLE).exists()


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


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    service: Service, checkout: Path, temporary: Path
) -> None:
    with running(checkout, service.folder, "update") as process:
        wait_for(lambda: any(temporary.glob("copier*new_copy*/app")))
        service.write("app/jobs/service.py", "# ours\n")
        before = service.everything()
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 1, output
    assert "app/jobs/service.py would be overwritten" in output
    assert "nothing was touched" in output
    assert service.everything() == before


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


# ------------------------------------------------------------------------- what may go wrong


def test_without_network_the_change_is_kept_and_the_lock_as_it_was(
    command: Command, service: Service
) -> None:
    lock = service.read("uv.lock")

    done = command("update", service.folder, UV_OFFLINE="1", UV_CACHE_DIR="empty-cache")

    assert done.returncode == 1
    assert "uv.lock is as it was" in done.stderr
    assert "lock` in" in done.stderr
    assert version_of(service.folder) == NEWEST
    assert service.read("uv.lock") == lock


# What is there in the midst of a render without edits, and of a merge.
MOMENTS = ["fastapi-service-*/copier*clone*/template", "copier*new_copy*/app"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_while_copier_works_touches_nothing(
    service: Service, checkout: Path, temporary: Path, moment: str
) -> None:
    before = service.everything()
    with running(checkout, service.folder, "update") as process:
        wait_for(lambda: any(temporary.glob(moment)))
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert service.everything() == before
    assert service.worktrees == 1


def test_ctrl_c_while_uv_locks_touches_nothing(
    service: Service, checkout: Path, tmp_path: Path
) -> None:
    before = service.everything()
    cache = tmp_path / "cache"
    with (
        silent_index() as index,
        running(
            checkout, service.folder, "update", UV_DEFAULT_INDEX=index, UV_CACHE_DIR=str(cache)
        ) as process,
    ):
        wait_for(cache.exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert service.everything() == before
    assert service.worktrees == 1
