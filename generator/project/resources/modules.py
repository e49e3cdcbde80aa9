"""Reads the modules of a project: its tables, its revisions, and the list of its routers."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.errors import Problem, UsageError
from generator.project.resources.resource import to_names

APPLICATION = "app/application.py"
VERSIONS = "migrations/versions"
_COMMENT = "# Your features below."
_KEYS = {"UuidKey", "UUID"}
# Annotations of columns with a default.
_FILLED = {"UuidKey", "CreatedAt", "UpdatedAt"}


@dataclass(frozen=True)
class Column:
    """A column of a model; `length` is that of a text, if it is a number."""

    name: str
    annotation: str
    length: int | None
    is_required: bool
    is_reference: bool


@dataclass(frozen=True)
class Table:
    """A mapped class of a project."""

    name: str
    class_name: str
    module: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, str]:
        """The singular and the plural."""
        return to_names(self.name)[0], self.name

    @property
    def has_uuid_key(self) -> bool:
        return any(column.name == "id" and column.annotation in _KEYS for column in self.columns)

    @property
    def is_owned(self) -> bool:
        """Return True for rows with the id of a caller, which is text."""
        return any(
            column.name == "owner_id" and column.annotation == "str" for column in self.columns
        )

    @property
    def required(self) -> list[Column]:
        return [column for column in self.columns if column.is_required]


def read_tables(project: Path) -> list[Table]:
    """Return the tables of all modules in app/; raises Problem for a module that does not parse."""
    tables: list[Table] = []
    for path in sorted((project / "app").rglob("*.py")):
        module = str(path.relative_to(project).with_suffix("")).replace("/", ".")
        classes = (n for n in ast.walk(parse(path, project)) if isinstance(n, ast.ClassDef))
        tables += filter(None, (_read_table(node, module) for node in classes))
    return tables


def find_table(tables: list[Table], name: str) -> Table | None:
    """Return the table with this name, in the singular or the plural."""
    snake = name.replace("-", "_")
    return next((table for table in tables if snake in {table.name, *to_names(table.name)}), None)


def find_head(project: Path) -> str | None:
    """Return the only revision without a successor; raises Problem for several."""
    parents: dict[str, set[object]] = {}
    for path in sorted((project / VERSIONS).glob("*.py")):
        values = _read_constants(parse(path, project))
        if isinstance(revision := values.get("revision"), str):
            down = values.get("down_revision")
            parents[revision] = set(down) if isinstance(down, tuple | list) else {down}
    heads = sorted(set(parents) - set().union(*parents.values()))
    if len(heads) > 1:
        raise Problem(
            f"The migrations have several heads ({', '.join(heads)})",
            "`uv run alembic merge heads` joins them",
        )
    return heads[0] if heads else None


def next_number(project: Path) -> int:
    """Return the number after the highest of the revisions such as 0001_jobs."""
    names = (path.name for path in (project / VERSIONS).glob("*.py"))
    return max((int(name[:4]) for name in names if re.match(r"\d{4}_", name)), default=0) + 1


def mount(project: Path, plural: str) -> bytes:
    """Return application.py with the router of the feature.

    Raises Problem when there is no place for it, and UsageError for a name that is in use.
    """
    path = project / APPLICATION
    tree = parse(path, project)
    if any(isinstance(node, ast.Name) and node.id == plural for node in ast.walk(tree)):
        raise UsageError(f"{APPLICATION} uses the name {plural} already: choose another one.")
    text = path.read_bytes().decode()
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    places = [n for n, line in enumerate(lines) if line.strip() == _COMMENT]
    imports = _list_imports(tree)
    if len(places) != 1 or not imports:
        raise Problem(
            f"{APPLICATION} has no line `{_COMMENT}`, below which routers are included",
            "put it back, indented, before `app.include_router(api)`",
        )
    comment = lines[places[0]]
    indentation = comment[: len(comment) - len(comment.lstrip())]
    last = places[0] + 1
    while last < len(lines) and lines[last].lstrip().startswith("api.include_router("):
        last += 1
    lines.insert(last, f"{indentation}api.include_router({plural}){newline}")
    module = f"app.{plural}.routes"
    following = [node.lineno - 1 for node in imports if (node.module or "") > module]
    place = following[0] if following else imports[-1].end_lineno or imports[-1].lineno
    lines.insert(place, f"from {module} import router as {plural}{newline}")
    return "".join(lines).encode()


def parse(path: Path, project: Path) -> ast.Module:
    """Parse a module; raises Problem for one that is no Python."""
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise Problem(
            f"{path.relative_to(project)} is not valid Python{line}", "correct it, then start again"
        ) from error
    except FileNotFoundError as error:
        raise Problem(
            f"{project} has no {path.relative_to(project)}", "`git log` shows who deleted it"
        ) from error


def defined_names(tree: ast.Module) -> Iterator[str]:
    """Yield each name that a module defines or imports, as often as it does."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _list_imports(tree: ast.Module) -> list[ast.ImportFrom]:
    return [
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app.")
    ]


def _read_table(node: ast.ClassDef, module: str) -> Table | None:
    name = _read_constants(node).get("__tablename__")
    if not isinstance(name, str):
        return None
    columns = tuple(
        _read_column(entry)
        for entry in node.body
        if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name)
    )
    return Table(name, node.name, module, columns)


def _read_column(node: ast.AnnAssign) -> Column:
    annotation = ast.unparse(node.annotation).removeprefix("Mapped[").removesuffix("]")
    assigned = ast.unparse(node.value) if node.value else ""
    length = re.search(r"String\((?:length=)?(\d+)\)", assigned)
    is_nullable = "None" in annotation or "nullable=True" in assigned
    return Column(
        name=ast.unparse(node.target),
        annotation=annotation,
        length=int(length[1]) if length else None,
        is_required=not is_nullable and annotation not in _FILLED and "default" not in assigned,
        is_reference="ForeignKey(" in assigned,
    )


def _read_constants(node: ast.Module | ast.ClassDef) -> dict[str, object]:
    """Return the literals that are assigned to names."""
    constants: dict[str, object] = {}
    for entry in node.body:
        targets = entry.targets if isinstance(entry, ast.Assign) else []
        if isinstance(entry, ast.AnnAssign):
            targets = [entry.target]
        value = getattr(entry, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                try:
                    constants[target.id] = ast.literal_eval(value)
                except ValueError:
                    continue
    return constants
