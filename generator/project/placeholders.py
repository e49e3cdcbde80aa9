"""Finds text in the place of names that only the team knows, such as that of its registry."""

import re
from pathlib import Path

import yaml

from generator.console import show_pairs
from generator.git import git


def show_placeholders(definition: str, project: Path) -> None:
    """List the lines of a project with the `_placeholders` of copier.yml, if there are any."""
    if lines := find_placeholders(definition, project):
        show_pairs("Names to fill in", lines)


def find_placeholders(definition: str, project: Path) -> list[tuple[str, str]]:
    """Return the place and the text of each line."""
    pattern = yaml.safe_load(definition).get("_placeholders")
    if not pattern:
        return []
    listed = git(project, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    found = []
    for name in filter(None, listed.split("\0")):
        try:
            lines = (project / name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        found += [
            (f"{name}:{number}", line.strip())
            for number, line in enumerate(lines, 1)
            if re.search(pattern, line)
        ]
    return found
