"""Where the programs of a server are: on PATH, where Debian puts them, or in a wheel."""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Programs:
    """`names` stand in one folder; the first of them is what PATH is searched for.

    `debian` is a pattern of folders that Debian leaves off PATH; `wheel` is the package that
    carries the programs for Python, and `inside` a pattern of folders in it.
    """

    names: tuple[str, ...]
    debian: str | None = None
    wheel: str | None = None
    inside: str = "bin"

    def installed(self) -> Iterator[Path]:
        found = shutil.which(self.names[0])
        if found:
            # A link often stands alone on PATH; its neighbours are where it points.
            yield from self._complete([Path(found).resolve().parent, Path(found).parent])
        if self.debian:
            yield from self._complete(_newest_first(Path("/"), self.debian))

    def carried(self) -> Iterator[Path]:
        spec = find_spec(self.wheel) if self.wheel else None
        for package in (spec and spec.submodule_search_locations) or ():
            yield from self._complete(_newest_first(Path(package), self.inside))

    def _complete(self, folders: list[Path]) -> Iterator[Path]:
        for folder in folders:
            if all(os.access(folder / name, os.X_OK) for name in self.names):
                yield folder


def _newest_first(root: Path, pattern: str) -> list[Path]:
    def version(folder: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", str(folder.relative_to(root)))]

    return sorted(root.glob(pattern), key=version, reverse=True)


def open_to_others(folder: Path) -> bool:
    """Whether every user of the machine gets there."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))
