"""`update` names edits that would be lost, and marks those that overlap."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.history import AFTER_LATEST, release_change, tag
from tests.support.projects import list_conflicts, version_of
from tests.support.repository import template_files
from tests.support.team import TeamProject

pytestmark = pytest.mark.slow

EXAMPLE = "tests/conftest.py"


def test_overlapping_edits_get_markers(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    template = newest.fork_template(tmp_path / "template")
    first = newest.read("app/main.py").splitlines()[0]
    newest.edit("app/main.py", first, "# Ours.")
    newest.commit()
    release_change(template, "app/main.py", first, "# Theirs.")

    result = command("update", newest.folder)

    assert result.returncode == 3, result.stdout + result.stderr
    assert "app/main.py" in result.stderr
    assert list_conflicts(newest.folder) == ["app/main.py"]
    assert "UU app/main.py" in newest.git("status", "--porcelain").splitlines()
    assert {"# Ours.", "# Theirs."} <= set(newest.read("app/main.py").splitlines())
    assert version_of(newest.folder) == f"v{AFTER_LATEST}"
    assert "git diff --check" in result.stdout
    newest.git("checkout", "--theirs", "app/main.py")
    newest.commit("Take theirs")
    assert command("check", newest.folder).returncode == 3  # The team's other edits are drift.


LOSSES: list[tuple[str, Callable[[Path], object]]] = [
    ("deleted", Path.unlink),
    ("renamed", lambda file: file.rename(file.with_name("prices.py"))),
]


@pytest.mark.parametrize(("how", "change"), LOSSES)
def test_edits_in_deleted_file_are_named(
    command: Command,
    newest: TeamProject,
    tmp_path: Path,
    how: str,
    change: Callable[[Path], object],
) -> None:
    template = newest.fork_template(tmp_path / "template")
    newest.write(EXAMPLE, f"{newest.read(EXAMPLE)}\n\nOURS = 1\n")
    newest.commit()
    (file,) = [file for name, file in template_files(template) if name == EXAMPLE]
    change(file)
    tag(template, AFTER_LATEST)
    before = newest.state()

    for arguments in ([], ["--preview"]):
        result = command("update", newest.folder, *arguments)
        assert result.returncode == 3, how
        assert EXAMPLE in result.stdout
        assert "1 line of yours" in result.stdout
        assert "--accept-losses" in result.stderr
        assert newest.state() == before

    result = command("update", newest.folder, "--accept-losses")
    assert result.returncode == 0, result.stderr
    assert EXAMPLE in result.stdout
    assert not (newest.folder / EXAMPLE).exists()
    assert "OURS = 1" in newest.git("show", f"HEAD:{EXAMPLE}")


def test_line_lost_by_copier_is_named(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    """Copier drops edits of files that are not UTF-8."""
    template = newest.fork_template(tmp_path / "template")
    path = newest.folder / EXAMPLE
    path.write_bytes(path.read_bytes() + b"\n# Caf\xe9\n")
    newest.commit()
    first = newest.read("app/items/schemas.py").splitlines()[0]
    release_change(template, "app/items/schemas.py", first, f"{first}\n# New.")
    before = newest.state()

    result = command("update", newest.folder)

    assert result.returncode == 3, result.stdout
    assert EXAMPLE in result.stdout
    assert newest.state() == before


def test_renamed_file_belongs_to_team(command: Command, outdated: TeamProject) -> None:
    outdated.git("mv", EXAMPLE, "tests/ours.py")
    outdated.write("tests/ours.py", f"{outdated.read('tests/ours.py')}\n\nOURS = 1\n")
    outdated.commit()

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stderr
    assert "OURS = 1" in outdated.read("tests/ours.py")
    assert not (outdated.folder / EXAMPLE).exists()
