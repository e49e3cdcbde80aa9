"""Renders the files of a resource in the style of a project."""

import ast
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from ruff import find_ruff_bin

from generator.errors import UsageError
from generator.processes import run
from generator.project.resources.modules import Column, Table, defined_names, find_table
from generator.project.resources.resource import Resource
from generator.template.options import Answers

# Paths of the service's files, with their texts. The mode of the service is in some of them.
_SERVICE = {
    "app/{plural}/models.py": "models.py.jinja",
    "app/{plural}/schemas.py": "schemas.py.jinja",
    "app/{plural}/service.py": "service.py.jinja",
    "app/{plural}/routes.py": "routes.py.jinja",
}
_TESTS = {
    "tests/{singular}_rows.py": "rows.py.jinja",
    "tests/test_{plural}.py": "test.py.jinja",
}
_CONFIGURATIONS = ("pyproject.toml", "ruff.toml", ".ruff.toml")
_OWN_MODULES = 'lint.isort.known-first-party=["app", "tests"]'
_VALUES = {
    "bool": "True",
    "date": "utc_now().date()",
    "datetime": "utc_now()",
    "dict[str, Any]": "{}",
    "int": "1",
    "UUID": "uuid4()",
}


@dataclass(frozen=True)
class Parent:
    """A table that a resource refers to, and the expression that makes a row of it in tests."""

    table: Table
    creator: str
    needs_engine: bool
    # Its tests have a function that sends a request; otherwise the row is inserted.
    is_resource: bool


def find_targets(resource: Resource, tables: list[Table]) -> dict[str, Table]:
    """Return the table of each reference; raises UsageError for one that cannot be used."""
    owner = Column("owner_id", "str", length=None, is_required=True, is_reference=False)
    itself = Table(
        resource.plural,
        resource.class_name,
        f"app.{resource.plural}.models",
        (owner,) if resource.owned else (),
    )
    targets = {}
    for field in resource.refs:
        name = field.type.target
        if name in {resource.singular, resource.plural}:
            targets[field.name] = itself
            if not field.nullable:
                raise UsageError(
                    f"{field.name} refers to its own resource, so the first row would need another "
                    f"one: write {field.name}:ref({name})?."
                )
            continue
        target = find_table(tables, name)
        if target is None:
            known = ", ".join(sorted(table.name for table in tables if table.has_uuid_key))
            raise UsageError(f"There is no resource {name!r} to refer to: there are {known}.")
        if not target.has_uuid_key:
            raise UsageError(f"{field.name} cannot refer to {target.name}: its key is no UUID.")
        if target.is_owned and not resource.owned:
            raise UsageError(
                f"{target.name} belong to their callers, and so must rows that refer to them: "
                "add --owned."
            )
        targets[field.name] = target
    return targets


def find_parents(
    project: Path, resource: Resource, targets: Mapping[str, Table]
) -> dict[str, Parent]:
    """Return the parents whose rows the tests make, by field."""
    parents = {}
    for field in resource.refs:
        table = targets[field.name]
        if table.name == resource.plural:
            continue
        singular = table.names[0]
        rows = project / f"tests/{singular}_rows.py"
        text = rows.read_text(encoding="utf-8") if rows.is_file() else ""
        if f"def create_{singular}(" in text:
            needs_engine = f"def create_{singular}(client: TestClient, engine: Engine" in text
            arguments = "client, engine" if needs_engine else "client"
            creator = f'create_{singular}({arguments})["id"]'
            parents[field.name] = Parent(table, creator, needs_engine, is_resource=True)
        elif all(_value(column) for column in table.required):
            creator = f"insert_{singular}(engine)"
            parents[field.name] = Parent(table, creator, needs_engine=True, is_resource=False)
        elif not field.nullable:
            raise UsageError(
                f"{field.name} cannot refer to {table.name}: the tests would not know how to make "
                "a row of that table."
            )
    return parents


def render_service(
    resource: Resource, targets: Mapping[str, Table], answers: Answers
) -> dict[str, str]:
    """Render the modules of the service."""
    return _render(_SERVICE, resource, {**answers, **_context(resource, targets)})


def render_tests(
    resource: Resource,
    targets: Mapping[str, Table],
    parents: Mapping[str, Parent],
) -> dict[str, str]:
    needs_engine = any(parent.needs_engine for parent in parents.values())
    made = {parent.table.name: parent for parent in parents.values() if parent.is_resource}.values()
    inserted = {
        parent.table.name: parent for parent in parents.values() if not parent.is_resource
    }.values()
    owned = {name: target for name, target in targets.items() if target.is_owned}
    context = {
        **_context(resource, targets),
        "arguments": "client, engine" if needs_engine else "client",
        "parameters": "client: TestClient" + (", engine: Engine" if needs_engine else ""),
        "parameters_with_engine": "client: TestClient, engine: Engine",
        "creators": {name: parent.creator for name, parent in parents.items()},
        "parents": [{"singular": parent.table.names[0]} for parent in made],
        "foreign": [parent.table for parent in inserted],
        "parent_routes": {
            name: parent.table.name.replace("_", "-")
            for name, parent in parents.items()
            if parent.is_resource
        },
        "owned_targets": {
            table.name: table
            for name, table in owned.items()
            if name in parents and table.name != resource.plural
        }.values(),
        "table_values": _describe_values,
    }
    return _render(_TESTS, resource, context)


def render_revision(
    resource: Resource,
    targets: Mapping[str, Table],
    revision: str,
    parent: str | None,
) -> dict[str, str]:
    down = f'"{parent}"' if parent else "None"
    context = _context(resource, targets) | {"revision": revision, "down_revision": down}
    texts = {f"migrations/versions/{revision}.py": "revision.py.jinja"}
    return _render(texts, resource, context)


def _context(resource: Resource, targets: Mapping[str, Table]) -> dict[str, object]:
    return {
        "resource": resource,
        "targets": targets,
        "owned_fields": [name for name, target in targets.items() if target.is_owned],
    }


def _render(
    texts: Mapping[str, str], resource: Resource, context: Mapping[str, object]
) -> dict[str, str]:
    environment = Environment(
        loader=PackageLoader("generator.project.resources", "texts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Python, no HTML
    )
    rendered = {
        path.format(singular=resource.singular, plural=resource.plural): environment.get_template(
            text
        ).render(context)
        for path, text in texts.items()
    }
    for path, source in rendered.items():
        _require_unique_names(resource, path, source)
    return rendered


def _require_unique_names(resource: Resource, path: str, source: str) -> None:
    """Refuse a module that defines a name twice; names the fields that lead to it, if any do."""
    names = list(defined_names(ast.parse(source)))
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is None:
        return
    fields = [
        field.name
        for field in resource.fields
        if field.type.alias and resource.alias(field) == repeated
    ]
    refused = f"A resource cannot be called {resource.singular}"
    if fields:
        beside = f" beside {fields[0]}" if len(fields) > 1 else ""
        refused = f"A field of {resource.singular} cannot be called {fields[-1]}{beside}"
    raise UsageError(f"{refused}: {path} would define {repeated} twice.")


def format_sources(project: Path, sources: Mapping[str, str]) -> dict[str, bytes]:
    """Drop unused imports, sort the others, and break long lines, by the project's settings."""
    with tempfile.TemporaryDirectory(prefix="fastapi-service-") as name:
        folder = Path(name)
        for configuration in _CONFIGURATIONS:
            if (project / configuration).is_file():
                (folder / configuration).write_bytes((project / configuration).read_bytes())
        for path, source in sources.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(source, encoding="utf-8")
        ruff = find_ruff_bin()
        fix = ("check", "--quiet", "--no-cache", "--fix-only", "--exit-zero", "--select=F401,I")
        run([ruff, *fix, f"--config={_OWN_MODULES}", "."], folder, seconds=60)
        run([ruff, "format", "--quiet", "--no-cache", "."], folder, seconds=60)
        return {path: (folder / path).read_bytes() for path in sources}


def _describe_values(table: Table) -> str:
    """Return the arguments for a row with the columns that need a value."""
    return ", ".join(f"{column.name}={_value(column)}" for column in table.required)


def _value(column: Column) -> str:
    """Return an expression for a value of the column, or nothing if there is none."""
    if column.is_reference:
        return ""
    if column.annotation == "str":
        return f"uuid4().hex[:{min(column.length or 8, 8)}]"
    return _VALUES.get(column.annotation, "")
