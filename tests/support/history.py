"""Repositories of the template with its releases, and with two later ones that are made up.

A clone may have no tags. The released versions come from `tests/releases/`, the working tree is
released as CURRENT, NEXT changes and adds files and a table, and LATEST adds an option and renames
a question. `release_change` makes one more release for a test.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.support.releases import unpack, versions
from tests.support.repository import ROOT, commit_all, git, template_files

CURRENT = "1000.0.0"
NEXT = "1001.0.0"
LATEST = "1002.0.0"
AFTER_LATEST = "1003.0.0"

FIRST = (versions() or [CURRENT])[0]

# Files that NEXT adds.
ADDED_FOLDER = "app/later"
ADDED = f"{ADDED_FOLDER}/service.py"
ADDED_CLIENT = "app/later_client.py"

# Enough of the template to be merged, added, deleted and switched. Copier starts git once for each
# file, so an update of the whole template takes three times as long.
_SMALL = re.compile(
    r"README|pyproject|LICENSE|\.(env|gitignore)|.*answers_file|migrations/versions/|"
    r"tests/(conftest|test_items)|"
    r"app/(application|auth|database|errors|http_client|main|orm|settings)\.|"
    r"app/(items/(models|routes|schemas|service)|jobs/models)\."
)

CHANGELOG = f"""# Changelog

## Unreleased

Nothing.

## {LATEST} - 2026-12-01

- An option `caching`.

**Effect of an update:** each file gets
another comment.

## [{NEXT}]

- Comments everywhere.
"""
_NEW_OPTION = """
caching:
  type: str
  default: >-
    {{ 'none' if project_slug is defined and 'project_slug' not in _copier_conf.data
    else 'memory' }}
  help: Cache of responses
  choices:
    "memory: in the process": memory
    "none: no cache": none

"""
_NEW_REVISION = '''"""Colors of items."""

import sqlalchemy as sa
from alembic import op

revision = "0007_colors"
down_revision = "0006_item_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("color", sa.String(20), server_default="red", nullable=False))


def downgrade() -> None:
    op.drop_column("items", "color")
'''


def is_small(name: str) -> bool:
    """Return True for the files of the small template."""
    return _SMALL.match(name) is not None


def build_history(repository: Path, keep: Callable[[str], bool] = lambda _: True) -> Path:
    """Make a repository with every release; `keep` selects files by their path in a project."""
    repository.mkdir(parents=True)
    for version in (*versions(), CURRENT):
        shutil.rmtree(repository / "template", ignore_errors=True)
        if version == CURRENT:
            shutil.copy(ROOT / "copier.yml", repository)
            shutil.copytree(ROOT / "template", repository / "template")
        else:
            unpack(version, repository)
        for name, path in list(template_files(repository)):
            if not keep(name):
                path.unlink()
        tag(repository, version)
    _change_files(repository)
    tag(repository, NEXT)
    _change_questions(repository)
    tag(repository, LATEST)
    return repository


def tag(repository: Path, version: str) -> None:
    """Release the folder as it is."""
    commit_all(repository, f"Release {version}")
    git(repository, "tag", f"v{version}")


def release_change(repository: Path, path: str, old: str, new: str) -> None:
    """Change one file of the template, and release that as AFTER_LATEST."""
    (file,) = [file for name, file in template_files(repository) if name == path]
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    tag(repository, AFTER_LATEST)


def _change_files(repository: Path) -> None:
    """Change each merged file, add files, and add a column."""
    for name, path in list(template_files(repository)):
        if comment := _comment(name, "Changed by the next release"):
            path.write_text(comment + path.read_text())
        if name == "app/items/models.py":
            column = '    color: Mapped[str] = mapped_column(String(20), server_default="red")\n'
            path.write_text(path.read_text() + column)
    folder = repository / "template"
    (folder / ADDED_FOLDER).mkdir()
    (folder / ADDED_FOLDER / "__init__.py").touch()
    (folder / ADDED).write_text('"""Later."""\n\nLATER = 1\n')
    (folder / ADDED_CLIENT).write_text('"""A client."""\n\nCLIENT = 1\n')
    name = "{% if examples %}0007_colors.py{% endif %}"
    (folder / "migrations/versions" / name).write_text(_NEW_REVISION)


def _change_questions(repository: Path) -> None:
    """Add an option with a file, rename a question, and change each merged file twice."""
    (repository / "CHANGELOG.md").write_text(CHANGELOG)
    definition = repository / "copier.yml"
    text = definition.read_text()
    text = _replace(text, "\nexamples:\n", f"{_NEW_OPTION}examples:\n")
    text = _replace(text, "  add-on: [", "  add-on: [caching, ")
    text = text.replace("python_version", "ci_python")
    text = _replace(
        text, '  default: "3.13"', "  default: \"{{ python_version | default('3.13') }}\""
    )
    definition.write_text(text)
    for name, path in list(template_files(repository)):
        content = path.read_text().replace("{{ python_version }}", "{{ ci_python }}")
        if comment := _comment(name, "Changed by the next release"):
            changed = _comment(name, "Changed by the latest release")
            content = content.replace(comment, changed, 1)
            content = content.replace("\n\n", f"\n\n{changed}", 1)
        path.write_text(content)
    (repository / "template/app/{% if caching == 'memory' %}cache.py{% endif %}").write_text(
        '"""A cache."""\n\nCACHE: dict[str, str] = {}\n'
    )


def _replace(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


def _comment(name: str, text: str) -> str:
    """Return the text as a comment line of a merged file, or nothing for other files."""
    if name.startswith("migrations/versions/") or name == ".env":
        return ""
    if name.endswith(".md"):
        return f"<!-- {text} -->\n"
    if name.endswith((".py", ".toml", ".yml", ".yaml", ".gitignore", ".gitattributes", ".example")):
        return f"# {text}.\n"
    return ""
