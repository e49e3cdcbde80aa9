"""Compares a project with its baseline: edits that a change would lose, and drift."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pathspec import GitIgnoreSpec

from generator.project.repository import Repository
from generator.template.conditions import render_setting
from generator.template.options import Answers

_EXECUTABLE = "100755"


@dataclass(frozen=True)
class Risk:
    """A file that a change would damage, and how."""

    path: str
    reason: str


@dataclass(frozen=True)
class Drift:
    """A rendered file that the project has otherwise: edited, deleted, renamed or line endings."""

    path: str
    kind: str
    renamed_to: str = ""

    def __str__(self) -> str:
        return f"{self.path} -> {self.renamed_to}" if self.renamed_to else self.path


def find_lost_edits(
    repository: Repository, tree: str, baseline: Path, origins: Mapping[str, str]
) -> list[Risk]:
    """Compare HEAD with the tree that would replace it.

    Every line that is not in the baseline must still be in its file, inside conflict markers
    included. A file that is deleted must equal the baseline. `origins` are the rendered paths of
    renamed files.
    """
    before = repository.entries(repository.head)
    after = repository.entries(tree)
    changed = [path for path in before if after.get(path) != before[path]]
    blobs = {entries[path][1] for path in changed for entries in (before, after) if path in entries}
    contents = repository.contents(sorted(blobs))
    lost_edits = []
    for path in changed:
        edited = contents[before[path][1]]
        original = _read(baseline / origins.get(path, path))
        if path not in after:
            executable = before[path][0] == _EXECUTABLE
            is_edited = original is None or _to_lf(edited) != _to_lf(original)
            if is_edited or executable != os.access(baseline / path, os.X_OK):
                lost_edits.append(Risk(path, _describe_deleted(original, edited)))
            continue
        lines = _count(edited) - _count(original or b"") - _count(contents[after[path][1]])
        if lines:
            lost_edits.append(Risk(path, _describe_lines(lines)))
    return lost_edits


def find_drift(
    project: Path, baseline: Path, owned: GitIgnoreSpec, renamed: Mapping[str, str]
) -> list[Drift]:
    """List rendered files that the project changed, deleted or renamed, without those it owns."""
    drift = []
    for path in sorted(list_files(baseline)):
        content = _read(project / path)
        original = _read(baseline / path) or b""
        if owned.match_file(path) or content == original:
            continue
        if path in renamed:
            drift.append(Drift(path, "renamed", renamed[path]))
        elif content is None:
            drift.append(Drift(path, "deleted"))
        elif _to_lf(content) == _to_lf(original):
            drift.append(Drift(path, "line endings"))
        else:
            drift.append(Drift(path, "edited"))
    return drift


def list_files(folder: Path) -> list[str]:
    """List the files below a folder, relative to it."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def owned_files(definition: str, answers: Answers) -> GitIgnoreSpec:
    """Return the files that belong to the team from the first render on.

    Copier excludes them from updates, or skips them because they exist.
    """
    settings = yaml.safe_load(definition)
    patterns = [*settings.get("_exclude", ()), *settings.get("_skip_if_exists", ())]
    context = {**answers, "_copier_operation": "update"}
    return GitIgnoreSpec.from_lines(
        line for pattern in patterns for line in render_setting(pattern, context).splitlines()
    )


def added_lines(original: Path, content: bytes) -> Counter[bytes]:
    """Count each line that the original does not have."""
    return _count(content) - _count(_read(original) or b"")


def count_changed_lines(original: Path, content: bytes) -> int:
    """Return the number of lines that are new, or of removed ones if none is."""
    old = _count(_read(original) or b"")
    new = _count(content)
    return (new - old).total() or (old - new).total()


def format_count(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _read(path: Path) -> bytes | None:
    """Read a file as git stores it: a symbolic link is its target."""
    if path.is_symlink():
        return bytes(path.readlink())
    return path.read_bytes() if path.is_file() else None


def _to_lf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _count(content: bytes) -> Counter[bytes]:
    """Count each line, without blank lines and without line endings."""
    return Counter(line.rstrip() for line in content.splitlines() if line.strip())


def _describe_deleted(original: bytes | None, edited: bytes) -> str:
    if original is None:
        return "it is yours, and would be deleted"
    count = (_count(edited) - _count(original)).total()
    extent = f" ({format_count(count)} of yours)" if count else ""
    return f"you edited it{extent}, and it would be deleted"


def _describe_lines(lines: Counter[bytes]) -> str:
    example = next(iter(lines)).decode(errors="replace").strip()
    return f"{format_count(lines.total())} of yours would be lost, such as: {example:.60}"
