"""Merges the difference between two sets of answers into the files of recorded resources.

The files belong to the team. As for rendered files, the team's edits are merged with the difference
between the text for the old answers and the text for the new ones.
"""

import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from generator.errors import CommandError
from generator.git import git_settings
from generator.processes import environment
from generator.project.resources.modules import read_tables
from generator.project.resources.record import read_record
from generator.project.resources.render import find_targets, render_service
from generator.project.resources.resource import Resource, parse_command
from generator.template.options import Answers


@dataclass(frozen=True)
class Resources:
    """The recorded resources of a project, and their files as the old answers render them."""

    resources: list[Resource]
    rendered: dict[str, bytes]

    def write_baseline(self, baseline: Path) -> None:
        """Add the files to the project without edits."""
        for path, content in self.rendered.items():
            (baseline / path).parent.mkdir(parents=True, exist_ok=True)
            (baseline / path).write_bytes(content)

    def switch(self, folder: Path, baseline: Path, answers: Answers) -> None:
        """Merge the difference to the new answers into the files of a worktree.

        A file with an edit of the same lines stays as it is. It is removed from the baseline, so
        that all of its lines count as the team's.
        """
        switched = _render(folder, self.resources, answers)
        for path, content in self.rendered.items():
            if switched.get(path, content) == content:
                continue
            merged = _merge(folder / path, content, switched[path])
            if merged is None:
                (baseline / path).unlink()
            else:
                (folder / path).write_bytes(merged)


def read_resources(folder: Path, answers: Answers) -> Resources:
    """Return the recorded resources, with the files that the project still has.

    Resources that cannot be rendered any more are left out, such as one that refers to a table that
    the team renamed.
    """
    resources = []
    for command in read_record(folder):
        with suppress(CommandError, ValueError, IndexError):
            resources.append(parse_command(command))
    rendered = _render(folder, resources, answers)
    existing = {path: text for path, text in rendered.items() if (folder / path).is_file()}
    return Resources(resources, existing)


def _render(folder: Path, resources: list[Resource], answers: Answers) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if not resources:
        return files
    tables = read_tables(folder)
    for resource in resources:
        with suppress(CommandError):
            targets = find_targets(resource, tables)
            files |= render_service(folder, resource, targets, answers)
    return files


def _merge(path: Path, old: bytes, new: bytes) -> bytes | None:
    """Merge three versions of a file; returns None for a conflict."""
    if path.read_bytes() == old:
        return new
    with TemporaryDirectory(prefix="fastapi-service-") as name:
        versions = {"ours": path.read_bytes(), "base": old, "theirs": new}
        for version, content in versions.items():
            (Path(name) / version).write_bytes(content)
        result = subprocess.run(
            ["git", "merge-file", "--stdout", *versions],  # noqa: S607
            cwd=name,
            env=environment(**git_settings()),
            capture_output=True,
            check=False,
        )
    return None if result.returncode else result.stdout
