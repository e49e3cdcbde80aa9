"""The files of every combination, before anything runs."""

import json
import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import copier
import pytest
import yaml

from generator.verify.matrix.rows import Row
from tests.support.rendered import MATRIX, Render
from tests.support.repository import ROOT, list_files

RUFF = Path(sysconfig.get_path("scripts")) / "ruff"

# Hostile names: the lines that hold them must stay valid, and format-clean.
NAMES = {
    "short": "Ab",
    "long": "Abcdefghi " * 5 + "Abcdefghij",
    "quotes": """It's "quoted" 'twice' \\ and `ticked`""",
    "jinja": "{{ project_slug }} {% if x %} {# no #} ${{ y }}",
    "emoji": "🚀 Bestellungen für Zoë & <Söhne>",
    "backslashes": "x\\" * 29 + "'\"",
    "no letters": "数据",
}

# Expressions of GitHub's workflows, Prometheus' alerts and Grafana's legends; all other braces and
# percent signs would be ours.
FOREIGN_EXPRESSION = re.compile(r"\$\{\{ [\w.]+ \}\}|\{\{ \$[\w.]+( \| \w+)? \}\}|\{\{[a-z]+\}\}")


def read_files(project: Path) -> dict[str, bytes]:
    paths = [path for path in project.rglob("*") if path.is_file()]
    return {str(path.relative_to(project)): path.read_bytes() for path in sorted(paths)}


def assert_clean(project: Path) -> None:
    """Assert that the project is lint-clean, format-clean and readable."""
    for command in (["check"], ["format", "--check"]):
        result = subprocess.run(
            [RUFF, *command, "--no-cache"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout
    tomllib.loads((project / "pyproject.toml").read_text())
    for path in [*project.rglob("*.yml"), *project.rglob("*.yaml")]:
        assert yaml.safe_load(path.read_text()), path
    for path in project.rglob("*.json"):
        assert json.loads(path.read_text()), path


@pytest.mark.parametrize("first_or_last", [MATRIX[0], MATRIX[-1]], ids=lambda row: row.id)
def test_no_trust_is_needed(first_or_last: Row, template: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"
    copier.run_copy(
        str(template), project, data=dict(first_or_last.answers), defaults=True, quiet=True
    )

    assert (project / "app" / "main.py").is_file()


def test_template_files_are_unique() -> None:
    names = [path.removesuffix(".jinja") for path in list_files(ROOT / "template")]

    assert sorted(names) == sorted(set(names))


def test_no_jinja_is_left(row: Row, render: Render) -> None:
    for name, content in read_files(render(row)).items():
        text = FOREIGN_EXPRESSION.sub("", f"{name}\n{content.decode()}")
        assert not re.search(r"\{\{|\{%|\{#", text), name


def test_no_blank_line_scars(row: Row, render: Render) -> None:
    for name, content in read_files(render(row)).items():
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


def test_render_is_clean(row: Row, render: Render) -> None:
    assert_clean(render(row))


@pytest.mark.parametrize("kind", NAMES)
def test_named_render_is_clean(kind: str, render: Render) -> None:
    """Each name on another row."""
    row = MATRIX[list(NAMES).index(kind) * 7 % len(MATRIX)]
    description = f"{NAMES[kind]}: {NAMES[kind]}"
    assert_clean(render(row, project_name=NAMES[kind], description=description))


def test_longest_name_has_sixty_characters() -> None:
    assert max(map(len, NAMES.values())) == 60


def test_rendering_is_deterministic(template: Path, tmp_path: Path) -> None:
    for folder in ("once", "twice"):
        copier.run_copy(
            str(template), tmp_path / folder / "service", data={}, defaults=True, quiet=True
        )

    once, twice = (read_files(tmp_path / folder / "service") for folder in ("once", "twice"))
    once.pop(".env")
    twice.pop(".env")
    assert once == twice


# The line that names the version of Python, by file.
PYTHON_LINES = {
    ".github/workflows/ci.yml": '  UV_PYTHON: "{}"\n',
    ".gitlab-ci.yml": "  image: python:{}\n",
    "Dockerfile": "ARG BASE=docker.io/library/python:{}-slim\n",
    ".devcontainer/compose.yaml": "    image: mcr.microsoft.com/devcontainers/python:{}\n",
}


def test_python_version_reaches_files(row: Row, render: Render) -> None:
    files = {name: render(row) / name for name in PYTHON_LINES}
    texts = {name: path.read_text() for name, path in files.items() if path.exists()}

    assert (row.answers["ci"] != "none") == any("ci.yml" in name for name in texts)
    assert row.answers["container"] == ("Dockerfile" in texts)
    for name, text in texts.items():
        assert PYTHON_LINES[name].format(row.answers["python_version"]) in text, name


def test_migrations_are_one_constant_chain(render: Render) -> None:
    """A left-out revision is skipped by the line that names the predecessor."""
    texts: dict[str, set[str]] = {}
    for row in MATRIX:
        previous = "None"
        for path in sorted((render(row) / "migrations" / "versions").glob("*.py")):
            text = path.read_text()
            predecessor = f"\ndown_revision = {previous}\n"
            assert predecessor in text, (row.id, path.name)
            texts.setdefault(path.name, set()).add(text.replace(predecessor, "\n"))
            previous = f'"{path.stem}"'

    assert texts
    assert all(len(variants) == 1 for variants in texts.values())


SQLITE = [row for row in MATRIX if row.answers["database"] == "sqlite"]


@pytest.mark.parametrize("sqlite", SQLITE, ids=lambda row: row.id)
def test_databases_share_files(sqlite: Row, render: Render) -> None:
    """Only a module of the service, one of its tests and texts that name the server differ."""
    ours = read_files(render(sqlite))
    theirs = read_files(render(sqlite, database="postgresql"))

    assert ours.keys() == theirs.keys()
    different = {name for name in ours if ours[name] != theirs[name]}
    assert {name for name in different if name.startswith("tests/")} == {"tests/databases.py"}
    assert not {name for name in different if name.startswith("migrations/")}
    assert {name for name in different if name.startswith("app/")} <= {
        "app/database.py",
        "app/dialect.py",
        "app/health.py",
        "app/jobs/maintenance.py",
        "app/jobs/runner.py",
        "app/settings.py",
    }
