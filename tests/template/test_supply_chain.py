"""The packages of all combinations in one lock: vulnerabilities, bill of materials, licenses."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.processes import ProgramError, run
from generator.uv import lock, uv_program
from tests.support.audit import is_unreachable
from tests.support.rendered import MATRIX, Render, list_dependencies

pytestmark = pytest.mark.slow

# Licenses whose terms would reach the code of a service.
RECIPROCAL = re.compile(r"\b(AGPL|GPL|SSPL|Affero|GNU General Public)", re.IGNORECASE)


@pytest.fixture(scope="module")
def locked(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the dependencies of every row, development tools included."""
    folder = tmp_path_factory.mktemp("supply")
    together = sorted({text for row in MATRIX for text in list_dependencies(render(row))})
    header = '[project]\nname = "together"\nversion = "0"\nrequires-python = ">=3.11"\n'
    settings = '[tool.uv]\npackage = false\nexclude-newer = "7 days"\n'
    dependencies = f"dependencies = {json.dumps(together)}\n"
    (folder / "pyproject.toml").write_text(f"{header}{dependencies}{settings}")
    lock(folder)
    return folder


def test_no_package_is_vulnerable(
    locked: Path, record_property: Callable[[str, object], None]
) -> None:
    try:
        run([uv_program(), "audit", "--frozen"], locked)
    except ProgramError as error:
        if not is_unreachable(error):
            raise AssertionError(error.output) from error
        record_property("report", "audit: the index of vulnerabilities was not reached")
    else:
        record_property("report", "audit: no known vulnerability")


def test_bill_of_materials_is_complete(locked: Path) -> None:
    options = ["--format", "cyclonedx1.5", "--no-dev", "--output-file", "sbom.json"]
    run([uv_program(), "export", *options], locked)
    materials = json.loads((locked / "sbom.json").read_text())
    names = {component["name"] for component in materials["components"]}

    assert materials["bomFormat"] == "CycloneDX"
    assert {"fastapi", "sqlalchemy", "celery"} <= names


def test_licenses_are_permissive(
    locked: Path, record_property: Callable[[str, object], None]
) -> None:
    program = ["run", "--no-dev", "--isolated", "--with", "pip-licenses", "pip-licenses"]
    output = run([uv_program(), *program, "--format=json"], locked)
    packages = json.loads(output[output.index("[") :])
    licenses = {package["Name"]: package["License"] for package in packages}
    record_property("report", f"licenses: {', '.join(sorted(set(licenses.values())))}")

    assert "fastapi" in licenses
    assert "UNKNOWN" not in licenses.values()
    assert {name for name, text in licenses.items() if RECIPROCAL.search(text)} == set()
