"""Finds the team's own code that has to be rewritten after an answer changed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from generator.project.lost_edits import added_lines
from generator.project.repository import Repository


@dataclass(frozen=True)
class ManualChange:
    """Modules to rewrite, with the number of lines that match."""

    help: str
    modules: dict[str, int]


def find_manual_changes(
    definition: str,
    changed: Iterable[str],
    repository: Repository,
    baseline: Path,
    origins: Mapping[str, str],
) -> list[ManualChange]:
    """Apply the `_by_hand` patterns of copier.yml for the changed options.

    `origins` are the rendered paths of renamed files.
    """
    rules = yaml.safe_load(definition).get("_by_hand") or {}
    changes = []
    for rule in (rules[name] for name in changed if name in rules):
        pattern = re.compile(rule["pattern"].encode())
        modules = {
            path: sum(count for line, count in lines.items() if pattern.search(line))
            for path, lines in _own_lines(repository, baseline, origins).items()
        }
        modules = {path: count for path, count in sorted(modules.items()) if count}
        if modules:
            changes.append(ManualChange(rule["help"], modules))
    return changes


def _own_lines(
    repository: Repository, baseline: Path, origins: Mapping[str, str]
) -> dict[str, dict[bytes, int]]:
    """Return, by Python module, the lines that the team added."""
    entries = repository.entries(repository.head)
    modules = {path: blob for path, (_, blob) in entries.items() if path.endswith(".py")}
    contents = repository.contents(sorted(set(modules.values())))
    return {
        path: added_lines(baseline / origins.get(path, path), contents[blob])
        for path, blob in modules.items()
    }
