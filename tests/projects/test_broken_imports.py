"""A change names the code of a team that imports a module or a package it takes away."""

from pathlib import Path

import pytest

from generator.project.imports import find_broken_imports, find_deleted_imports, find_imports
from generator.project.repository import open_repository
from tests.support.projects import commit
from tests.support.repository import ROOT, git

DEFINITION = (ROOT / "copier.yml").read_text()
BEFORE = {
    "app/pagination.py": "PAGE = 20\n",
    "app/items/__init__.py": "",
    "app/items/service.py": "from app.pagination import PAGE\n",
    "pyproject.toml": '[project]\ndependencies = ["pyjwt[crypto]", "httpx2"]\n'
    '[dependency-groups]\ndev = ["httpx2", "celery-types"]\n',
}


def make_change(folder: Path, ours: dict[str, str], after: dict[str, str | None]) -> list[str]:
    """Commit the files, change some of them, and return the risks as `path: reason`."""
    for path, text in (BEFORE | ours).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "init", "--quiet")
    commit(folder, "Before")
    repository = open_repository(folder)
    for path, changed in after.items():
        if changed is None:
            (folder / path).unlink()
        else:
            (folder / path).write_text(changed)
    git(folder, "add", "--all")
    tree = git(folder, "write-tree")
    risks = find_broken_imports(repository, tree, DEFINITION, ["app/conflict.py"])
    return [f"{risk.path}: {risk.reason}" for risk in risks]


WITHOUT_ITEMS: dict[str, str | None] = {
    "app/pagination.py": None,
    "app/items/__init__.py": None,
    "app/items/service.py": None,
}

IMPORTS = {
    "import app.pagination": "app.pagination",
    "import app.pagination as pages": "app.pagination",
    "from app import pagination, items": "app.items, app.pagination",
    "from app.pagination import PAGE as SIZE": "app.pagination",
    "from ..pagination import PAGE": "app.pagination",
    "from .. import pagination": "app.pagination",
    "from app.items.service import (\n    PAGE,\n)": "app.items.service",
    "def load():\n    from app.items import service": "app.items.service",
    'PATCHED = "app.pagination.PAGE"': "app.pagination",
    "match = = from\nfrom app.pagination import PAGE": "app.pagination",
    "# import app.pagination": "",
    "from app.pagination_of_ours import PAGE": "",
    "from . import pagination": "",
}


@pytest.mark.parametrize("statement", IMPORTS)
def test_import_of_deleted_module(statement: str) -> None:
    deleted = ["app.pagination", "app.items", "app.items.service"]

    found = find_imports({"app/orders/service.py": f"{statement}\n".encode()}, deleted)

    assert ", ".join(module for _, module in found) == IMPORTS[statement]


def test_deleted_modules_are_named(tmp_path: Path) -> None:
    ours = {
        "app/orders/service.py": "from app.pagination import PAGE\n",
        "app/conflict.py": "<<<<<<<\nimport app.pagination\n",
        "tests/test_orders.py": "import app.items.service\n",
    }

    assert make_change(tmp_path, ours, WITHOUT_ITEMS) == [
        "app/orders/service.py: it imports app.pagination, which would be deleted",
        "tests/test_orders.py: it imports app.items.service, which would be deleted",
    ]


def test_module_that_becomes_package_stays(tmp_path: Path) -> None:
    (tmp_path / "app/pagination").mkdir(parents=True)
    ours = {"app/orders.py": "import app.pagination\n"}
    change = {"app/pagination.py": None, "app/pagination/__init__.py": "PAGE = 20\n"}

    assert make_change(tmp_path, ours, change) == []


def test_dropped_packages_are_named(tmp_path: Path) -> None:
    ours = {
        "app/orders.py": "import jwt\nfrom cryptography import x509\nimport httpx2\n",
        "tests/test_orders.py": "import httpx2\nimport jwt\n",
    }
    project = '[project]\ndependencies = ["pyjwt"]\n[dependency-groups]\ndev = ["HTTPX2>=1"]\n'

    risks = make_change(tmp_path, ours, {"pyproject.toml": project})

    assert risks == [
        "app/orders.py: it imports cryptography, which pyproject.toml would no longer require",
        "app/orders.py: it imports httpx2, which pyproject.toml would no longer require",
    ]


@pytest.mark.parametrize("project", ["<<<<<<< ours\n", None])
def test_unreadable_requirements_are_left_out(tmp_path: Path, project: str | None) -> None:
    ours = {"app/orders.py": "import jwt\n"}

    assert make_change(tmp_path, ours, {"pyproject.toml": project}) == []


def test_modules_deleted_by_team_are_named(tmp_path: Path) -> None:
    make_change(tmp_path, {"tests/test_items.py": "import app.items.service\n"}, WITHOUT_ITEMS)
    commit(tmp_path, "Delete the examples")

    risks = find_deleted_imports(open_repository(tmp_path), BEFORE)

    assert [f"{risk.path}: {risk.reason}" for risk in risks] == [
        "tests/test_items.py: it imports app.items.service, which you deleted",
    ]
