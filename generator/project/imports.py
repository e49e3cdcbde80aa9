"""Finds imports of modules that a change deletes, and of packages that it no longer requires."""

import ast
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from generator.project.lost_edits import Risk
from generator.project.repository import Repository

_PROJECT = "pyproject.toml"
_IMPORT = re.compile(r"^\s*(?:from\s+(\.*[\w.]*)\s+)?import\s+(.+)$", re.MULTILINE)

Sources = Mapping[str, bytes]


def find_broken_imports(
    repository: Repository, tree: str, definition: str, conflicts: Collection[str]
) -> list[Risk]:
    """List the files of the tree that import anything the tree lacks and HEAD has.

    Files with conflicts are left out: they contain both versions.
    """
    before = repository.entries(repository.head)
    after = repository.entries(tree)
    deleted = _modules(before) - _modules(after)
    of_service, of_tests = _find_dropped(repository, before, after, definition)
    if not deleted and not of_service and not of_tests:
        return []
    sources = read_sources(repository, tree, conflicts)
    risks = [
        Risk(path, f"it imports {module}, which would be deleted")
        for path, module in find_imports(sources, deleted)
    ]
    risks += [
        Risk(path, f"it imports {module}, which {_PROJECT} would no longer require")
        for path, module in find_imports(sources, of_service | of_tests)
        if module in of_tests or not path.startswith("tests/")
    ]
    return risks


def find_deleted_imports(repository: Repository, rendered: Iterable[str]) -> list[Risk]:
    """List the files of HEAD that import a rendered module which the team deleted."""
    deleted = _modules(rendered) - _modules(repository.entries(repository.head))
    if not deleted:
        return []
    return [
        Risk(path, f"it imports {module}, which you deleted")
        for path, module in find_imports(read_sources(repository, repository.head), deleted)
    ]


def read_sources(repository: Repository, tree: str, excluded: Collection[str] = ()) -> Sources:
    """Return the Python modules of a tree by path."""
    entries = repository.entries(tree)
    blobs = {
        path: blob
        for path, (_, blob) in entries.items()
        if path.endswith(".py") and path not in excluded
    }
    contents = repository.contents(sorted(set(blobs.values())))
    return {path: contents[blob] for path, blob in blobs.items()}


def find_imports(sources: Sources, modules: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each file with those of the modules that it imports, without the packages above."""
    last_names = {module.rpartition(".")[2].encode() for module in modules}
    for path, source in sources.items():
        if any(name in source for name in last_names):
            found = _imported(path, source) & set(modules)
            for module in sorted(found):
                if not any(other.startswith(f"{module}.") for other in found):
                    yield path, module


def _modules(paths: Iterable[str]) -> set[str]:
    """Return the dotted names of Python files."""
    names = (path.removesuffix(".py") for path in paths if path.endswith(".py"))
    return {name.removesuffix("/__init__").replace("/", ".") for name in names}


def _imported(path: str, source: bytes) -> set[str]:
    """Return every dotted name that the file imports, with the packages above it.

    Strings count as well, since settings and `monkeypatch` name modules in strings.
    """
    package = PurePosixPath(path).parent.parts
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return _match_imports(package, source.decode(errors="replace"))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _resolve(package, "." * node.level + (node.module or ""))
            names.update(f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update(re.findall(r"^\w+(?:\.\w+)+$", node.value))
    return _with_packages(names)


def _match_imports(package: tuple[str, ...], text: str) -> set[str]:
    """Find imports in a file that this Python cannot parse."""
    names: set[str] = set()
    for module, imported in _IMPORT.findall(text):
        prefix = f"{_resolve(package, module)}." if module else ""
        names.update(prefix + name for name in re.findall(r"[\w.]+", imported))
    return _with_packages(names)


def _resolve(package: tuple[str, ...], module: str) -> str:
    """Make a relative module absolute."""
    name = module.lstrip(".")
    level = len(module) - len(name)
    if not level:
        return name
    return ".".join([*package[: len(package) - level + 1], *filter(None, [name])])


def _with_packages(names: Iterable[str]) -> set[str]:
    parts = [name.split(".") for name in names]
    return {".".join(part[: n + 1]) for part in parts for n in range(len(part))}


def _find_dropped(
    repository: Repository,
    before: Mapping[str, tuple[str, str]],
    after: Mapping[str, tuple[str, str]],
    definition: str,
) -> tuple[set[str], set[str]]:
    """Return the modules that are no longer required: by the service, and by its tests."""
    if before.get(_PROJECT) == after.get(_PROJECT) or _PROJECT not in after.keys() & before.keys():
        return set(), set()
    blobs = [before[_PROJECT][1], after[_PROJECT][1]]
    contents = repository.contents(blobs)
    names = yaml.safe_load(definition).get("_modules") or {}
    try:
        old, new = (_Requirements.read(contents[blob], names) for blob in blobs)
    except ValueError:  # Conflict markers, or an edit that is not TOML.
        return set(), set()
    everywhere = (old.service | old.groups) - new.service - new.groups
    return old.service - new.service, everywhere


@dataclass(frozen=True)
class _Requirements:
    """The modules of the packages that a project requires."""

    service: set[str]
    groups: set[str]

    @classmethod
    def read(cls, project: bytes, names: Mapping[str, list[str]]) -> Self:
        """Read pyproject.toml; `names` are those that differ from the name of the package."""
        document = tomllib.loads(project.decode())
        groups = document.get("dependency-groups", {}).values()
        return cls(
            _to_modules(document.get("project", {}).get("dependencies", []), names),
            _to_modules([entry for group in groups for entry in group], names),
        )


def _to_modules(requirements: Iterable[object], names: Mapping[str, list[str]]) -> set[str]:
    modules: set[str] = set()
    for text in requirements:
        try:
            requirement = Requirement(str(text))
        except InvalidRequirement:  # A group may include another one.
            continue
        name = canonicalize_name(requirement.name)
        modules.update(names.get(name, [name.replace("-", "_")]))
        for extra in requirement.extras:
            modules.update(names.get(f"{name}[{extra}]", []))
    return modules
