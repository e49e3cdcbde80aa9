"""Rules for the files of a template with existing projects; each rule is broken once."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.mutations import Mutation, add_file, append_text, rename_file, replace_text
from tests.support.releases import unpack_releases
from tests.support.rendered import rendered_bytes
from tests.support.repository import copy_template, template_files

Releases = Mapping[str, Path]
Rule = Callable[[Path, Releases], list[str]]

# Comments below which a team adds lines, and the text that follows them.
SENTINELS = {
    "pyproject.toml": [
        ("    # Your dependencies below.", r"\]"),
        ("    # Your development tools below.", r"\]"),
        ("    # Your exceptions below.", r"\]"),
    ],
    "app/application.py": [("    # Your features below.", r"    app\.include_router\(api\)")],
    "app/errors.py": [("# Your errors below.", r"\Z")],
    "app/settings.py": [("    # Your settings below.", r"\n\ndef ")],
    ".env.example": [("# Your settings below.", r"\Z")],
    ".gitignore": [("# Yours below.", r"\Z")],
    "README.md": [("<!-- Yours below. -->", r"\Z")],
    "docs/auth.md": [("<!-- Yours below. -->", r"\Z")],
    "docs/caching.md": [("<!-- Yours below. -->", r"\Z")],
    "docs/jobs.md": [("<!-- Yours below. -->", r"\Z")],
    "docs/deploying.md": [("<!-- Yours below. -->", r"\Z")],
    "compose.yaml": [
        ("  # Your services below.", r"\nvolumes:"),
        ("  # Your volumes below.", r"\Z"),
    ],
    ".dockerignore": [("# Yours below.", r"\Z")],
    ".github/workflows/ci.yml": [("  # Your jobs below.", r"\Z")],
    ".gitlab-ci.yml": [("# Your jobs below.", r"\Z")],
    "deploy/kubernetes/base/kustomization.yaml": [("  # Yours below.", r"\Z")],
    "deploy/kubernetes/base/networkpolicy.yaml": [("        # Yours below.", r"\Z")],
    "app/items/routes.py": [("# Your routes below.", r"\Z")],
    "app/files/routes.py": [("# Your routes below.", r"\Z")],
    "app/jobs/routes.py": [("# Your routes below.", r"\Z")],
}
EXAMPLES = ("app/items/", "app/files/")
FROZEN = Version("1.0.0")

_WINDOWS = re.compile(r'[<>:"\\|?*]')


def check_kept_paths(folder: Path, releases: Releases) -> list[str]:
    """Copier deletes edited files that the template no longer has."""
    now = {name for name, _ in template_files(folder)}
    return [
        f"{version}: {name}"
        for version, release in releases.items()
        for name, _ in template_files(release)
        if name not in now
    ]


def check_examples(folder: Path, releases: Releases) -> list[str]:
    """A deleted folder would come back with a new file in it."""
    frozen = [path for version, path in releases.items() if Version(version) >= FROZEN]
    if not frozen:
        return []
    known = {name for name, _ in template_files(frozen[0])}
    return [
        name
        for name, _ in template_files(folder)
        if name.startswith(EXAMPLES) and name not in known
    ]


def check_revisions(folder: Path, releases: Releases) -> list[str]:
    """A revision never changes; only its predecessor may depend on answers."""
    written: dict[str, str] = {}
    broken = []
    for version, name, path in _revisions([*releases.items(), ("now", folder)]):
        text = re.sub(r"(?m)^down_revision = .*$", "", path.read_text(encoding="utf-8"))
        if written.setdefault(name, text) != text or "{{" in text or "{%" in text:
            broken.append(f"{version}: {name}")
    return broken


def _revisions(folders: Iterable[tuple[str, Path]]) -> Iterator[tuple[str, str, Path]]:
    for version, release in folders:
        for name, path in template_files(release):
            if name.startswith("migrations/versions/") and name.endswith(".py"):
                yield version, name, path


def check_new_columns(folder: Path, releases: Releases) -> list[str]:
    """Tables of existing projects have rows, for which a new NOT NULL column needs a value."""
    now = _columns(folder)
    released: dict[str, set[str]] = {}
    optional: set[tuple[str, str]] = set()
    for release in releases.values():
        for (table, column), details in _columns(release).items():
            released.setdefault(table, set()).add(column)
            if details.nullable:
                optional.add((table, column))
    return [
        f"{table}.{column} needs server_default"
        for (table, column), details in now.items()
        if table in released
        and not (details.nullable or details.has_default)
        and (column not in released[table] or (table, column) in optional)
    ]


@dataclass(frozen=True)
class Column:
    """A column of a model."""

    nullable: bool
    has_default: bool


def _columns(folder: Path) -> dict[tuple[str, str], Column]:
    """Return the columns of all models, of every combination: models have no conditions."""
    columns = {}
    for name, path in template_files(folder):
        text = path.read_text(encoding="utf-8") if name.endswith(".py") else ""
        if "__tablename__ =" not in text:
            continue
        assert path.suffix != ".jinja", f"{path}: models differ by whole files only"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and (table := _table_of(node)):
                columns.update({(table, name): column for name, column in _read_columns(node)})
    return columns


def _table_of(model: ast.ClassDef) -> str:
    for node in model.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__tablename__":
            return str(ast.literal_eval(node.value))
    return ""


def _read_columns(model: ast.ClassDef) -> Iterator[tuple[str, Column]]:
    for node in model.body:
        if isinstance(node, ast.AnnAssign) and "Mapped[" in ast.unparse(node.annotation):
            value = ast.unparse(node.value) if node.value else ""
            if not value.startswith("relationship("):
                nullable = "None" in ast.unparse(node.annotation) or "nullable=True" in value
                yield ast.unparse(node.target), Column(nullable, "server_default=" in value)


def check_portable_names(folder: Path, _: Releases) -> list[str]:
    """Double quotes in a file name break the checkout on Windows."""
    root = folder / "template"
    return [str(p) for p in root.rglob("*") if _WINDOWS.search(str(p.relative_to(root)))]


def check_sentinels(folder: Path, _: Releases) -> list[str]:
    texts = {name: path.read_text(encoding="utf-8") for name, path in template_files(folder)
             if name in SENTINELS}  # fmt: skip
    return [
        f"{name}: {line.strip()}"
        for name, sentinels in SENTINELS.items()
        for line, follower in sentinels
        if not re.search(rf"(?m)^{re.escape(line)}\n{follower}", texts.get(name, ""))
    ]


def check_conditional_lists(folder: Path, _: Releases) -> list[str]:
    """A TOML array with a condition ends with a comment, below which a team adds lines."""
    (path,) = [path for name, path in template_files(folder) if name == "pyproject.toml"]
    arrays = re.findall(r"(?ms)^([\w-]+) = \[\n(.*?)^\]", path.read_text(encoding="utf-8"))
    return [
        name
        for name, body in arrays
        if "{%" in body and not body.rstrip().splitlines()[-1].strip().startswith("# Your")
    ]


def check_pure_rendering(folder: Path, _: Releases) -> list[str]:
    """An update repeats the old rendering, which must give the same bytes."""
    once = rendered_bytes(folder)
    twice = rendered_bytes(folder)
    return sorted(name for name in once.keys() | twice.keys() if once.get(name) != twice.get(name))


RULES: tuple[Rule, ...] = (
    check_kept_paths,
    check_examples,
    check_revisions,
    check_new_columns,
    check_portable_names,
    check_sentinels,
    check_conditional_lists,
    check_pure_rendering,
)

ITEMS = "template/app/{% if examples %}items{% endif %}"
REVISION = "template/migrations/versions/{% if examples %}0003_items.py{% endif %}.jinja"

PYPROJECT = "template/pyproject.toml.jinja"
SETTINGS = "template/app/settings.py.jinja"
DEPENDENCY = "    # Your dependencies below.\n"
SETTING = "    # Your settings below.\n"
OPTIONS = 'addopts = ["--strict-markers", "--strict-config"]'
CONDITIONAL = "addopts = [\n{% if examples %}\n    1,\n{% endif %}\n]"

BROKEN: list[tuple[Rule, Mutation]] = [
    (check_kept_paths, rename_file("template/app/orm.py", "template/app/columns.py")),
    (check_examples, add_file(f"{ITEMS}/prices.py")),
    (check_revisions, replace_text(REVISION, "length=200", "length=300")),
    (check_revisions, append_text(REVISION, "{% if database == 'sqlite' %}\n{% endif %}\n")),
    (check_new_columns, append_text(f"{ITEMS}/models.py", "    color: Mapped[str]\n")),
    (check_new_columns, replace_text(f"{ITEMS}/models.py", " | None]", "]")),
    (check_portable_names, add_file('template/{% if license == "MIT" %}COPYING{% endif %}')),
    (check_sentinels, replace_text(PYPROJECT, DEPENDENCY, "")),
    (check_sentinels, replace_text(SETTINGS, SETTING, f"{SETTING}    last: int = 1\n")),
    (check_sentinels, append_text("template/.env.example.jinja", "LAST=1\n")),
    (check_conditional_lists, replace_text(PYPROJECT, OPTIONS, CONDITIONAL)),
    (
        check_pure_rendering,
        append_text("template/README.md.jinja", "{{ 999999999 | ans_random }}\n"),
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_template_keeps_rule(rule: Rule, tmp_path: Path) -> None:
    assert rule(copy_template(tmp_path / "copy"), unpack_releases(tmp_path)) == []


@pytest.mark.parametrize(("rule", "mutation"), BROKEN)
def test_broken_rule_is_noticed(rule: Rule, mutation: Mutation, tmp_path: Path) -> None:
    """The earlier release is the same template, as if 1.0.0 had just been cut."""
    copy = copy_template(tmp_path / "copy")
    releases = {"1.0.0": copy_template(tmp_path / "released")}
    assert rule(copy, releases) == []
    mutation(copy)

    assert rule(copy, releases) != []


def test_every_rule_is_broken_once() -> None:
    assert {rule for rule, _ in BROKEN} == {*RULES}
