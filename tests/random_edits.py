"""What a team may do to its project, drawn at random."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

# Where the template has something, will have something, or has had something.
PLACES = [
    "app/auth.py", "app/items/routes.py", "app/items/service.py", "app/jobs/models.py",
    "app/main.py", "app/settings.py", "app/start.py", "README.md", "docs/ours.md", "app/ours.py",
    "with a space.md", "\N{GREEK SMALL LETTER ALPHA}.md",
]  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """One thing that a team does; `at` and `size` are shares of what is there."""

    kind: str
    at: float
    size: float
    place: str

    def apply(self, folder: Path, written: Iterator[int]) -> None:
        """Do it, with lines that occur nowhere else, as often as the file allows."""
        chosen = sorted(path for path in folder.rglob("*") if self._is_theirs(folder, path))
        if self.kind == "add":
            self._add(folder / self.place, written)
            return
        if not chosen:
            return
        path = chosen[int(self.at * 997) % len(chosen)]
        if self.kind == "delete":
            path.unlink()
        elif self.kind == "rename":
            target = folder / self.place
            if not self._blocked(folder, target):
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        else:
            self._rewrite(path, written)

    def _rewrite(self, path: Path, written: Iterator[int]) -> None:
        lines = path.read_text().splitlines(keepends=True)
        start = int(self.at * (len(lines) + 1))
        gone = {"insert": 0, "replace": 1 + int(self.size * 8), "cut": 1 + int(self.size * 20)}
        new = [] if self.kind == "cut" else [_line(written) for _ in range(1 + int(self.size * 3))]
        if start == len(lines) and self.size < 0.5 and new:
            new[-1] = new[-1].rstrip("\n")
        path.write_text("".join([*lines[:start], *new, *lines[start + gone[self.kind] :]]))

    def _add(self, path: Path, written: Iterator[int]) -> None:
        folder = path.parents[len(Path(self.place).parts) - 1]
        if not self._blocked(folder, path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(_line(written) for _ in range(1 + int(self.size * 5))))

    @staticmethod
    def _blocked(folder: Path, path: Path) -> bool:
        above = path.relative_to(folder).parents
        return path.exists() or any((folder / parent).is_file() for parent in above)

    @staticmethod
    def _is_theirs(folder: Path, path: Path) -> bool:
        name = path.relative_to(folder)
        return path.is_file() and name.parts[0] not in {".git", ".env", ".copier-answers.yml"}


def _line(written: Iterator[int]) -> str:
    return f"our line {next(written)}\n"


EDITS = st.builds(
    Edit,
    kind=st.sampled_from(["insert", "replace", "cut", "delete", "rename", "add"]),
    at=st.floats(0, 1, exclude_max=True),
    size=st.floats(0, 1, exclude_max=True),
    place=st.sampled_from(PLACES),
)
