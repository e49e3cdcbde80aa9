"""What a changed answer leaves to the team: code of theirs that it has to rewrite."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from generator.living.losses import written
from generator.living.repository import Repository


@dataclass(frozen=True)
class HandWork:
    """Modules, and how many lines of each are the team's and match."""

    help: str
    modules: dict[str, int]


def hand_work(
    definition: str, changed: Iterable[str], repository: Repository, rendered: Path
) -> list[HandWork]:
    """Look for what `_by_hand` of copier.yml says of the changed options."""
    rules = yaml.safe_load(definition).get("_by_hand") or {}
    found = []
    for rule in (rules[name] for name in changed if name in rules):
        pattern = re.compile(rule["pattern"].encode())
        modules = {
            path: sum(count for line, count in lines.items() if pattern.search(line))
            for path, lines in _written(repository, rendered).items()
        }
        modules = {path: count for path, count in sorted(modules.items()) if count}
        if modules:
            found.append(HandWork(rule["help"], modules))
    return found


def _written(repository: Repository, rendered: Path) -> dict[str, dict[bytes, int]]:
    """The team's own lines in each of its Python modules."""
    entries = repository.entries(repository.head)
    modules = {path: name for path, (_, name) in entries.items() if path.endswith(".py")}
    contents = repository.contents(sorted(set(modules.values())))
    return {path: written(rendered, Path(path), contents[name]) for path, name in modules.items()}
