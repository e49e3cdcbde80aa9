"""What `update` says of edits that would be lost, and of those that overlap with the change."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.living import THE_NEXT_AFTER, conflicts, tag, version_of
from tests.update_rules import files
from tests.updating import Service, released

EXAMPLE = "app/items/service.py"


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
