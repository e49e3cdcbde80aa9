"""Edits of a team: which of them a change would lose, and which files differ from the render."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from generator.living.repository import Repository

_EXECUTABLE = "100755"


@dataclass(frozen=True)
class Loss:
    """An edited file, and what would become of it."""

    path: str
    reason: str


def losses(repository: Repository, tree: str, rendered: Path) -> list[Loss]:
    """Compare what is committed with what would replace it; `rendered` is without any edit.

    Every line that the team wrote must be found again in its file, conflict markers included;
    whoever lost it. A file that goes away must be as it was rendered.
    """
    before, after = repository.entries(repository.head), repository.entries(tree)
    changed = [path for path in before if after.get(path) != before[path]]
    names = {entries[path][1] for path in changed for entries in (before, after) if path in entries}
    contents = repository.contents(sorted(names))
    found = []
    for path in changed:
        edited = contents[before[path][1]]
        original = _read(rendered / path)
        if path not in after:
            runs = before[path][0] == _EXECUTABLE
            if edited != original or runs != os.access(rendered / path, os.X_OK):
                found.append(Loss(path, _of_removed(original, edited)))
            continue
        lost = _lines(edited) - _lines(original or b"") - _lines(contents[after[path][1]])
        if lost:
            found.append(Loss(path, _of_lines(lost)))
    return found


def drift(project: Path, rendered: Path, owned: GitIgnoreSpec) -> list[str]:
    """Rendered files that the project has no more, or not like that, except for its own ones."""
    return sorted(
        str(path.relative_to(rendered))
        for path in rendered.rglob("*")
        if path.is_file()
        and not owned.match_file(path.relative_to(rendered))
        and _read(project / path.relative_to(rendered)) != path.read_bytes()
    )


def written(rendered: Path, path: Path, content: bytes) -> Counter[bytes]:
    """Lines of a file that were not rendered: the team's own."""
    return _lines(content) - _lines(_read(rendered / path) or b"")


def _read(path: Path) -> bytes | None:
    """As git has it: a link is where it points to."""
    if path.is_symlink():
        return bytes(path.readlink())
    return path.read_bytes() if path.is_file() else None


def _lines(content: bytes) -> Counter[bytes]:
    """How often each line is there; blank ones say nothing, and how they end is git's business."""
    return Counter(line.rstrip() for line in content.splitlines() if line.strip())


def _of_removed(original: bytes | None, edited: bytes) -> str:
    if original is None:
        return "it is yours, and goes away"
    count = (_lines(edited) - _lines(original)).total()
    extent = f" ({counted(count)} of yours)" if count else ""
    return f"you edited it{extent}, and it goes away"


def _of_lines(lost: Counter[bytes]) -> str:
    example = next(iter(lost)).decode(errors="replace").strip()
    return f"{counted(lost.total())} of yours would be lost, such as: {example:.60}"


def counted(count: int) -> str:
    """How many lines, in words."""
    return f"{count} line" if count == 1 else f"{count} lines"
