"""What every combination looks like before anything runs."""

import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import copier
import yaml

from generator.matrix import Row
from tests.conftest import ROOT, contents
from tests.rendered import MATRIX, Render

# Two characters and sixty: the lines that hold a name are the shortest and the longest they can be.
NAMES = ["Ab", "Abcdefghi " * 5 + "Abcdefghij"]

RUFF = Path(sysconfig.get_path("scripts")) / "ruff"

# What an action of a workflow may say; everything else in braces or percent signs would be ours.
WORKFLOW_EXPRESSION = re.compile(r"\$\{\{ [\w.]+ \}\}")


def files(project: Path) -> dict[str, bytes]:
    paths = [path for path in project.rglob("*") if path.is_file()]
    return {str(path.relative_to(project)): path.read_bytes() for path in sorted(paths)}


def test_copier_renders_every_row_without_trust(template: Path, tmp_path: Path) -> None:
    for row in MATRIX:
        project = tmp_path / row.id / "service"
        copier.run_copy(str(template), project, data=dict(row.answers), defaults=True, quiet=True)

        assert (project / "app" / "main.py").is_file()


def test_no_file_of_the_template_stands_there_twice() -> None:
    names = [path.removesuffix(".jinja") for path in contents(ROOT / "template")]

    assert sorted(names) == sorted(set(names))


def test_no_jinja_is_left(row: Row, render: Render) -> None:
    for name, content in files(render(row)).items():
        text = WORKFLOW_EXPRESSION.sub("", f"{name}\n{content.decode()}")
        assert not re.search(r"\{\{|\{%|\{#", text), name


def test_files_end_with_one_line_feed_and_hold_no_scars(row: Row, render: Render) -> None:
    for name, content in files(render(row)).items():
        text = content.decode()
        if not text:
            continue
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        assert "\r" not in text, name
        assert "\n\n\n\n" not in text, name
        if not name.endswith(".py"):
            assert "\n\n\n" not in text or name.endswith(("LICENSE", ".mako")), name
        assert not re.search(r"[ \t]\n", text), name


def test_configuration_files_can_be_read(row: Row, render: Render) -> None:
    project = render(row)

    tomllib.loads((project / "pyproject.toml").read_text())
    for path in project.rglob("*.yml"):
        assert yaml.safe_load(path.read_text()), path


def test_python_is_lint_and_format_clean(row: Row, render: Render) -> None:
    # One after the other: with the usual name `verify` looks at every row.
    project = render(row, project_name=NAMES[MATRIX.index(row) % len(NAMES)])

    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [RUFF, *command, "--no-cache"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_the_same_answers_render_the_same_bytes(template: Path, tmp_path: Path) -> None:
    for folder in ("once", "twice"):
        copier.run_copy(
            str(template), tmp_path / folder / "service", data={}, defaults=True, quiet=True
        )

    once, twice = (files(tmp_path / folder / "service") for folder in ("once", "twice"))
    once.pop(".env")
    twice.pop(".env")
    assert once == twice


def test_the_chosen_python_is_that_of_the_continuous_integration(row: Row, render: Render) -> None:
    workflow = (render(row) / ".github/workflows/ci.yml").read_text()

    assert f'UV_PYTHON: "{row.answers["python_version"]}"' in workflow


def test_the_migrations_are_one_chain_and_else_the_same_in_every_row(render: Render) -> None:
    """What a row leaves out is skipped by the one line that names the predecessor."""
    found: dict[str, set[str]] = {}
    for row in MATRIX:
        previous = "None"
        for path in sorted((render(row) / "migrations" / "versions").glob("*.py")):
            text, follows = path.read_text(), f"\ndown_revision = {previous}\n"
            assert follows in text, (row.id, path.name)
            found.setdefault(path.name, set()).add(text.replace(follows, "\n"))
            previous = f'"{path.stem}"'

    assert found
    assert all(len(contents) == 1 for contents in found.values())


def test_both_databases_have_the_same_files_and_the_same_tests(row: Row, render: Render) -> None:
    """What differs is one module of the service, one of its tests, and what names the server."""
    ours, theirs = (files(render(row, database=name)) for name in ("sqlite", "postgresql"))

    assert ours.keys() == theirs.keys()
    different = {name for name in ours if ours[name] != theirs[name]}
    assert {name for name in different if name.startswith("tests/")} == {"tests/databases.py"}
    assert not {name for name in different if name.startswith("migrations/")}
    assert {name for name in different if name.startswith("app/")} <= {
        "app/database.py",
        "app/dialect.py",
        "app/health.py",
    }
