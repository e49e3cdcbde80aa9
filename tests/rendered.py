"""Fixtures that render: every row of the matrix once for each process that runs tests."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import copier
import pytest
from pytest_copie.plugin import Copie

from generator.matrix import Row, rows
from generator.options import Value, parse_definition
from tests.conftest import ROOT, copy_template

MATRIX = rows(parse_definition((ROOT / "copier.yml").read_text()))

# Takes a row and further answers; returns the folder, which is shared: read it, do not write.
Render = Callable[..., Path]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "row" in metafunc.fixturenames:
        metafunc.parametrize("row", MATRIX, ids=[row.id for row in MATRIX])


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands, without history: half the time of a render goes into git."""
    return copy_template(tmp_path_factory.mktemp("template") / "template")


@pytest.fixture(scope="session")
def render(copie_session: Copie, template: Path) -> Render:
    rendered: dict[str, Path] = {}

    def render(row: Row, **answers: Value) -> Path:
        chosen = {"project_name": "Order Service", **row.answers, **answers}
        key = json.dumps(chosen)
        if key not in rendered:
            result = copie_session.copy(extra_answers=chosen, template_dir=template)
            if result.project_dir is None:
                raise AssertionError(chosen) from result.exception
            rendered[key] = Path(result.project_dir)
        return rendered[key]

    return render


def rendered_bytes(folder: Path) -> dict[str, bytes]:
    """Render the defaults; without `.env`, which may hold a secret and is rendered once."""
    with TemporaryDirectory() as temporary:
        target = Path(temporary) / "service"
        copier.run_copy(str(folder), target, defaults=True, quiet=True)
        return {
            str(path.relative_to(target)): path.read_bytes()
            for path in target.rglob("*")
            if path.is_file() and path != target / ".env"
        }
