"""The rows of the matrix, and their renders."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import copier

from generator.template.options import Option, parse_definition
from generator.verify.matrix.rows import Row, build_rows, select_rows
from tests.support.repository import ROOT

OPTIONS = parse_definition((ROOT / "copier.yml").read_text())
MATRIX = build_rows(OPTIONS)

# Takes a row and further answers. The returned folder is shared between tests: do not write to it.
Render = Callable[..., Path]


def row_with(options: tuple[Option, ...], **answers: str) -> Row:
    """Return the first row with these answers and the examples."""
    requested = {**answers, "examples": "true"}
    return select_rows(options, [f"{name}={value}" for name, value in requested.items()])[0]


def rendered_bytes(folder: Path) -> dict[str, bytes]:
    """Render the defaults, without `.env`, which holds a random secret."""
    with TemporaryDirectory() as temporary:
        target = Path(temporary) / "service"
        copier.run_copy(str(folder), target, defaults=True, quiet=True)
        return {
            str(path.relative_to(target)): path.read_bytes()
            for path in target.rglob("*")
            if path.is_file() and path != target / ".env"
        }


def list_dependencies(project: Path) -> list[str]:
    """Return the declared dependencies, development groups included."""
    document = tomllib.loads((project / "pyproject.toml").read_text())
    groups = document["dependency-groups"].values()
    return [*document["project"]["dependencies"], *(text for group in groups for text in group)]
