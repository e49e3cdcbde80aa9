"""This repository itself: its own style, its README, and what it says about other packages."""

import json
import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml

from generator.processes import run, uv_program
from tests.conftest import ROOT
from tests.rendered import MATRIX, Render
from tests.test_residue import dependencies

SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy"])
def test_the_code_is_clean(command: str) -> None:
    program, *arguments = command.split()
    done = subprocess.run(
        [SCRIPTS / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_continuous_integration_runs_what_the_readme_says() -> None:
    commands = re.findall(
        r"^```sh\n(.*?)```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    install, _, render = commands[0].strip().rpartition(" && ")
    script = (ROOT / ".ci/run").read_text()

    assert render.startswith(".venv/bin/fastapi-service new ")
    assert all(line in script for line in install.split(" && "))
    assert ".venv/bin/uv run pytest\n" in commands
    assert script.endswith(".venv/bin/uv run pytest\n")


def test_no_service_can_have_the_name_of_a_package_that_it_installs(
    render: Render, tmp_path: Path
) -> None:
    definition = yaml.safe_load((ROOT / "copier.yml").read_text())
    refused = definition["installed_distributions"]["default"]

    # All at once: they exclude nothing of each other, and a lock for each takes minutes.
    together = sorted({text for row in MATRIX for text in dependencies(render(row))})
    header = '[project]\nname = "together"\nversion = "0"\nrequires-python = ">=3.11"\n'
    (tmp_path / "pyproject.toml").write_text(f"{header}dependencies = {json.dumps(together)}\n")
    run([uv_program(), "lock"], tmp_path)
    packages = tomllib.loads((tmp_path / "uv.lock").read_text())["package"]
    locked = {package["name"] for package in packages if "registry" in package["source"]}

    assert refused == sorted(refused)
    assert "celery" in locked
    assert locked <= set(refused)


def test_no_file_names_the_machine_it_was_written_on() -> None:
    done = subprocess.run(
        ["git", "grep", "-nIE", "(^|[^.a-z])/(work|root|farm|tmp)/", "--", ".", ":!*.lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == ""
