"""This repository: lint, types, imports, documents."""

import json
import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml

from generator.uv import lock
from tests.support import documents
from tests.support.linters import lint_workflows
from tests.support.rendered import MATRIX, Render, list_dependencies
from tests.support.repository import ROOT

SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy"])
def test_code_is_clean(command: str) -> None:
    program, *arguments = command.split()
    result = subprocess.run(
        [SCRIPTS / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_lint_reads_every_file() -> None:
    def list_output(*command: str | Path) -> set[Path]:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return {ROOT / line for line in result.stdout.splitlines()}

    linted = list_output(SCRIPTS / "ruff", "check", "--show-files")
    tracked = list_output("git", "ls-files", "*.py", ":!template/**")

    assert tracked
    assert tracked <= linted


def test_ci_runs_readme_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)```$", readme, re.MULTILINE | re.DOTALL)
    (one_line,) = [block for block in blocks if block.startswith("python3 -m venv .venv && ")]
    script = (ROOT / ".ci/run").read_text()

    *install, render = one_line.strip().split(" && ")
    assert render.startswith(".venv/bin/fastapi-service new ")
    assert all(command in script for command in install)
    assert ".venv/bin/uv run pytest\n" in blocks
    assert ".venv/bin/uv run pytest\n" in script


def test_installed_names_are_refused(render: Render, tmp_path: Path) -> None:
    definition = yaml.safe_load((ROOT / "copier.yml").read_text())
    refused = definition["installed_distributions"]["default"]

    # All in one lock: they are compatible, and one lock for each row takes minutes.
    together = sorted({text for row in MATRIX for text in list_dependencies(render(row))})
    header = '[project]\nname = "together"\nversion = "0"\nrequires-python = ">=3.11"\n'
    (tmp_path / "pyproject.toml").write_text(f"{header}dependencies = {json.dumps(together)}\n")
    lock(tmp_path)
    packages = tomllib.loads((tmp_path / "uv.lock").read_text())["package"]
    locked = {package["name"] for package in packages if "registry" in package["source"]}

    assert refused == sorted(refused)
    assert "celery" in locked
    assert locked <= set(refused)


def test_no_machine_path_is_tracked() -> None:
    result = subprocess.run(
        ["git", "grep", "-nIE", "(^|[^.a-z])/(work|root|farm|tmp)/", "--", ".", ":!*.lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.stdout == ""


def test_generated_documents_are_current() -> None:
    text = documents.CONTRIBUTING.read_text()

    assert documents.OPTIONS_PAGE.read_text() == documents.options_page()
    assert documents.replace_table(text) == text


def test_workflows_are_safe() -> None:
    assert lint_workflows(sorted((ROOT / ".github/workflows").glob("*.yml"))) == ""


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 70


def test_verify_is_imported_by_nothing_else() -> None:
    """Users who make and update services do not install the extra."""
    for folder in ("template", "project", "explorer", "."):
        pattern = "*.py" if folder == "." else "**/*.py"
        for path in (ROOT / "generator" / folder).glob(pattern):
            imports = re.findall(r"(?m)^(?:from|import) (generator\.verify\S*)", path.read_text())
            assert not imports, path


def test_no_test_module_is_imported() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        imports = re.findall(r"(?m)^(?:from|import) (tests\S*)", path.read_text())
        assert [name for name in imports if not name.startswith("tests.support")] == [], path
