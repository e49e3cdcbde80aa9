"""`update` names edits that would be lost, and marks those that overlap."""

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.project.answers import ANSWERS_FILE
from tests.support.command import Command
from tests.support.edits import list_lost
from tests.support.history import ADDED, AFTER_LATEST, release_change, tag
from tests.support.projects import list_conflicts, version_of
from tests.support.repository import template_files
from tests.support.team import TeamProject

pytestmark = pytest.mark.slow

EXAMPLE = "tests/conftest.py"


def test_overlapping_edits_get_markers(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    template = newest.fork_template(tmp_path / "template")
    first = newest.read("app/orm.py").splitlines()[0]
    newest.edit("app/orm.py", first, "# Ours.")
    newest.commit()
    release_change(template, "app/orm.py", first, "# Theirs.")

    result = command("update", newest.folder)

    assert result.returncode == 3, result.stdout + result.stderr
    assert "app/orm.py" in result.stderr
    assert list_conflicts(newest.folder) == ["app/orm.py"]
    assert "UU app/orm.py" in newest.git("status", "--porcelain").splitlines()
    assert {"# Ours.", "# Theirs."} <= set(newest.read("app/orm.py").splitlines())
    assert version_of(newest.folder) == f"v{AFTER_LATEST}"
    assert "git diff --check" in result.stdout
    newest.git("checkout", "--theirs", "app/orm.py")
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


RENAMED = "app/products/service.py"


def rename_example(project: TeamProject) -> None:
    """Rename the feature items to products, in its paths and in its code."""
    project.git("mv", "app/items", "app/products")
    for path in (project.folder / "app").rglob("*.py"):
        path.write_text(path.read_text().replace("app.items", "app.products"))
    project.write(RENAMED, f"{project.read(RENAMED)}\n\nOURS = 1\n")
    project.commit("Rename")


def test_renamed_file_gets_changes(command: Command, newest: TeamProject, tmp_path: Path) -> None:
    template = newest.fork_template(tmp_path / "template")
    first = newest.read("app/items/service.py").splitlines()[0]
    rename_example(newest)
    release_change(template, "app/items/service.py", first, f"{first}\n# A fix.")

    result = command("update", newest.folder)

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{first}\n# A fix.\n" in newest.read(RENAMED)
    assert "OURS = 1" in newest.read(RENAMED)
    assert not (newest.folder / "app/items").exists()
    assert newest.git("diff", "--name-only").splitlines() == [ANSWERS_FILE, RENAMED]


def test_conflict_in_renamed_file(command: Command, newest: TeamProject, tmp_path: Path) -> None:
    template = newest.fork_template(tmp_path / "template")
    rename_example(newest)
    first = newest.read(RENAMED).splitlines()[0]
    newest.edit(RENAMED, first, "# Ours.")
    newest.commit()
    release_change(template, "app/items/service.py", first, "# Theirs.")

    result = command("update", newest.folder)

    assert result.returncode == 3, result.stdout + result.stderr
    assert list_conflicts(newest.folder) == [RENAMED]
    assert {"# Ours.", "# Theirs."} <= set(newest.read(RENAMED).splitlines())
    newest.git("checkout", "--theirs", RENAMED)
    assert "# Theirs." in newest.read(RENAMED)


def test_renamed_feature_outlives_examples(command: Command, newest: TeamProject) -> None:
    newest.git("mv", "app/items/models.py", "app/orders/items.py")
    newest.commit()
    models = newest.read("app/orders/items.py")

    result = command("set", "examples=false", newest.folder, "--accept-losses")

    assert result.returncode == 0, result.stdout + result.stderr
    assert newest.read("app/orders/items.py") == models


def test_change_of_deleted_file_is_named(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    template = newest.fork_template(tmp_path / "template")
    first = newest.read(EXAMPLE).splitlines()[0]
    newest.git("rm", "--quiet", EXAMPLE)
    newest.commit("Not needed")
    release_change(template, EXAMPLE, first, f"{first}\n# A fix.")
    before = newest.state()

    result = command("update", newest.folder)

    assert result.returncode == 3
    assert f"{EXAMPLE}: you deleted it, and the template changes 1 line of it" in result.stdout
    assert newest.state() == before
    assert command("check", newest.folder).returncode == 3
    result = command("update", newest.folder, "--accept-losses")
    assert result.returncode == 0, result.stderr
    assert not (newest.folder / EXAMPLE).exists()
    newest.commit("Update")
    assert "there is nothing to do" in command("update", newest.folder).stdout


def test_file_of_the_same_name_is_kept(
    command: Command, newest: TeamProject, tmp_path: Path
) -> None:
    template = newest.fork_template(tmp_path / "template")
    newest.git("mv", "app/items/service.py", "app/items/products.py")
    newest.commit()
    text = newest.read("app/items/products.py")
    (folder,) = (template / "template/app").glob("*items*")
    (folder / "products.py").write_text("THEIRS = 1\n")
    tag(template, AFTER_LATEST)

    result = command("update", newest.folder)

    assert result.returncode == 3
    assert "app/items/products.py: the template adds a file of that name" in result.stdout
    assert command("update", newest.folder, "--accept-losses").returncode == 0
    assert newest.read("app/items/products.py") == text


@pytest.mark.parametrize("attributes", ["* -text\n", "* text=auto eol=lf\n"])
def test_crlf_is_kept(
    command: Command, outdated: TeamProject, tmp_path: Path, attributes: str
) -> None:
    """Files stored with CRLF merge like others, also in a renamed file, and stay CRLF."""
    template = outdated.fork_template(tmp_path / "template")
    outdated.git("mv", "app/items/service.py", "app/items/products.py")
    outdated.git("rm", "--quiet", "--cached", "-r", ".")
    for file in outdated.folder.rglob("*"):
        if file.is_file() and ".git" not in file.parts and file.name != "uv.lock":
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    outdated.write(".gitattributes", "* -text\n")
    outdated.commit("With CRLF")
    outdated.commit_file(".gitattributes", attributes)
    line = outdated.read("app/items/schemas.py").splitlines()[0]
    release_change(template, "app/items/schemas.py", line, f"{line}\n# A fix.")

    result = command("update", outdated.folder)

    assert result.returncode == 0, result.stdout + result.stderr
    assert list_lost(outdated.folder, outdated.edits) == []
    changed = {*outdated.git("diff", "--name-only", "HEAD").splitlines(), ADDED}
    assert {"app/items/products.py", "app/items/schemas.py", "app/settings.py"} <= changed
    for path in changed - {".gitattributes", "uv.lock", "app/later/__init__.py"}:
        content = (outdated.folder / path).read_bytes()
        assert b"\r\n" in content, path
        assert content.count(b"\r\n") == content.count(b"\n"), path
    assert b"# A fix.\r\n" in (outdated.folder / "app/items/schemas.py").read_bytes()
    outdated.commit("Update")
    report = command("check", outdated.folder).stdout
    assert "line endings: app/orm.py" in report


def check_out_crlf(project: TeamProject, setting: str) -> None:
    """Check out files with CRLF that git stores with LF, or, for `stored`, with CRLF."""
    attributes = {"attributes": "* text=auto eol=crlf\n", "stored": "* -text\n"}
    project.commit_file(".gitattributes", attributes.get(setting, ""))
    if setting == "autocrlf":
        project.git("config", "core.autocrlf", "true")
    if setting == "stored":
        for path in project.git("ls-files").splitlines():
            file = project.folder / path
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        project.commit("With CRLF")
    project.git("rm", "--quiet", "--cached", "-r", ".")
    project.git("reset", "--quiet", "--hard")
    assert b"\r\n" in (project.folder / "app/orm.py").read_bytes()


@pytest.mark.parametrize("setting", ["attributes", "autocrlf"])
def test_checkout_with_crlf_merges(
    command: Command, newest: TeamProject, tmp_path: Path, setting: str
) -> None:
    """Files stored with LF and checked out with CRLF merge, those with near edits included."""
    template = newest.fork_template(tmp_path / "template")
    lines = newest.read("app/orm.py").splitlines()
    newest.edit("app/orm.py", lines[0], f"{lines[0]}\n# Ours.")
    newest.commit()
    check_out_crlf(newest, setting)
    release_change(template, "app/orm.py", lines[-1], f"{lines[-1]}\n# A fix.")

    result = command("update", newest.folder)

    assert result.returncode == 0, result.stdout + result.stderr
    content = (newest.folder / "app/orm.py").read_bytes()
    assert b"# Ours.\r\n" in content
    assert b"# A fix.\r\n" in content
    assert newest.git("diff", "--name-only").splitlines() == [ANSWERS_FILE, "app/orm.py"]


@pytest.mark.parametrize("setting", ["attributes", "autocrlf", "stored"])
def test_conflict_with_crlf_stays_crlf(
    command: Command, newest: TeamProject, tmp_path: Path, setting: str
) -> None:
    """Every line of a conflict, and both of its sides, have the line endings of the checkout."""
    template = newest.fork_template(tmp_path / "template")
    lines = newest.read("app/orm.py").splitlines()
    newest.edit("app/orm.py", lines[0], "# Ours.")
    newest.write("app/orm.py", f"{newest.read('app/orm.py')}# The end.\n")
    newest.commit()
    check_out_crlf(newest, setting)
    ours = (newest.folder / "app/orm.py").read_bytes()
    release_change(template, "app/orm.py", lines[0], "# Theirs.")

    result = command("update", newest.folder)

    assert result.returncode == 3, result.stdout + result.stderr
    assert "overlap in app/orm.py" in result.stderr
    assert newest.git("diff", "--name-only", "--diff-filter=U") == "app/orm.py"
    content = (newest.folder / "app/orm.py").read_bytes()
    marked = [line for line in content.splitlines() if line.startswith((b"<<<<", b"====", b">>>>"))]
    assert len(marked) == 3
    assert content.count(b"\r\n") == content.count(b"\n")
    assert {*ours.splitlines(), b"# Theirs."} <= {*content.splitlines()}
    newest.git("checkout", "--ours", "app/orm.py")
    assert (newest.folder / "app/orm.py").read_bytes() == ours
    newest.git("checkout", "--theirs", "app/orm.py")
    theirs = (newest.folder / "app/orm.py").read_bytes()
    assert theirs.startswith(b"# Theirs.\r\n")
    assert theirs.count(b"\r\n") == theirs.count(b"\n")
