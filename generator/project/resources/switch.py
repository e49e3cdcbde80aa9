"""Merges the difference between two sets of answers into the files of recorded resources.

The files belong to the team. As for rendered files, the team's edits are merged with the difference
between the text for the old answers and the text for the new ones.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from generator.errors import CommandError
from generator.git import git, git_bytes
from generator.processes import ProgramError
from generator.project.resources.modules import read_tables
from generator.project.resources.record import read_record
from generator.project.resources.render import find_targets, format_sources, render_service
from generator.project.resources.resource import Resource, parse_command
from generator.template.options import Answers

_LABELS = ("-L", "yours", "-L", "before", "-L", "after the new answers")


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

    def switch(self, folder: Path, prefix: Path, answers: Answers) -> None:
        """Merge the difference to the new answers into the files of a worktree.

        `prefix` is the folder of the project in its repository. Conflicts are marked in the file
        and in git's index, as copier marks them.
        """
        switched = _render(folder, self.resources, answers)
        for path, old in self.rendered.items():
            new = switched.get(path, old)
            edited = (folder / path).read_bytes()
            if new == old:
                continue
            if edited == old:
                (folder / path).write_bytes(new)
            elif not _merge(folder / path, old, new):
                _mark_conflict(folder, prefix / path, [old, edited, new])


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
    if not resources:
        return {}
    sources: dict[str, str] = {}
    tables = read_tables(folder)
    for resource in resources:
        with suppress(CommandError):
            targets = find_targets(resource, tables)
            sources |= render_service(resource, targets, answers)
    return format_sources(folder, sources)


def _merge(path: Path, old: bytes, new: bytes) -> bool:
    """Merge the difference into a file; returns False if it has conflicts."""
    with TemporaryDirectory(prefix="fastapi-service-") as name:
        base = Path(name) / "base"
        theirs = Path(name) / "theirs"
        base.write_bytes(old)
        theirs.write_bytes(new)
        try:
            git(path.parent, "merge-file", *_LABELS, path.name, str(base), str(theirs))
        except ProgramError:
            if b"<<<<<<< " not in path.read_bytes():
                raise
            return False
    return True


def _mark_conflict(folder: Path, path: Path, versions: list[bytes]) -> None:
    """Replace the entry of a file in git's index by its three versions."""
    store = ("hash-object", "-w", "--no-filters", "--stdin")
    blobs = [git_bytes(folder, *store, stdin=content).decode().strip() for content in versions]
    lines = [f"0 {'0' * len(blobs[0])}\t{path}"]
    lines += [f"100644 {blob} {stage}\t{path}" for stage, blob in enumerate(blobs, 1)]
    stdin = os.fsencode("".join(f"{line}\0" for line in lines))
    git_bytes(folder, "update-index", "-z", "--index-info", stdin=stdin)
