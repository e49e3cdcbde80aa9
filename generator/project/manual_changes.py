"""Lists the work that is left to the team after an answer changed."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from generator.project.lost_edits import added_lines, format_count
from generator.project.repository import Repository
from generator.template.conditions import render_setting
from generator.template.options import Answers

# An option or a file, and the work.
ManualChange = tuple[str, str]


def find_manual_changes(
    definition: str,
    changed: Iterable[str],
    answers: Answers,
    own_lines: Mapping[str, Counter[bytes]],
) -> list[ManualChange]:
    """Apply `_by_hand` of copier.yml for the changed options: its steps, and its patterns."""
    rules = yaml.safe_load(definition).get("_by_hand") or {}
    changes: list[ManualChange] = []
    for name in changed:
        rule = rules.get(name, {})
        steps = (" ".join(render_setting(s, answers).split()) for s in rule.get("steps", ()))
        changes += [(name, step) for step in steps if step]
        if "pattern" in rule:
            pattern = re.compile(rule["pattern"].encode())
            for path, lines in own_lines.items():
                if count := sum(lines[line] for line in lines if pattern.search(line)):
                    changes.append((path, f"{format_count(count)} to look at: {rule['help']}"))
    return changes


def read_own_lines(
    repository: Repository, baseline: Path, origins: Mapping[str, str]
) -> dict[str, Counter[bytes]]:
    """Return the lines that the team added, by Python module.

    `origins` are the rendered paths of renamed files.
    """
    entries = repository.entries(repository.head)
    modules = {path: blob for path, (_, blob) in entries.items() if path.endswith(".py")}
    contents = repository.contents(sorted(set(modules.values())))
    return {
        path: added_lines(baseline / origins.get(path, path), contents[blob])
        for path, blob in sorted(modules.items())
    }
