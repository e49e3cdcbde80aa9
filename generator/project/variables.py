"""Compares the variables of `.env.example` before and after a change. Values are never read."""

import re

from generator.project.repository import Repository

_EXAMPLE = ".env.example"
_VARIABLE = re.compile(rb"(?m)^(?P<comment># ?)?(?:export +)?(?P<name>[A-Za-z_]\w*)=")


def compare_variables(repository: Repository, tree: str) -> list[tuple[str, str]]:
    """Return the names of new and gone variables, and of required ones that `.env` lacks."""
    old = _read(repository, repository.head)
    new = _read(repository, tree)
    env = repository.folder / ".env"
    present = _parse(env.read_bytes()).keys() if env.is_file() else new.keys()
    in_env = env.is_file()
    gone = [name for name in old if name not in new]
    lists = {
        "new": [name for name in new if name not in old],
        "gone": [f"{name} (.env has it)" if in_env and name in present else name for name in gone],
        "missing in .env": [n for n, optional in new.items() if not optional and n not in present],
    }
    return [(title, text) for title, names in lists.items() if (text := ", ".join(names))]


def _read(repository: Repository, tree: str) -> dict[str, bool]:
    entries = repository.entries(tree)
    if _EXAMPLE not in entries:
        return {}
    blob = entries[_EXAMPLE][1]
    return _parse(repository.contents([blob])[blob])


def _parse(content: bytes) -> dict[str, bool]:
    """Return the variables in order, and True for those that are commented out."""
    variables: dict[str, bool] = {}
    for match in _VARIABLE.finditer(content):
        variables.setdefault(match["name"].decode(), bool(match["comment"]))
    return variables
