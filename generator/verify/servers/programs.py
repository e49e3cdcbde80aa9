"""Finds the programs of a server: on PATH, in Debian's folders, or in a wheel."""

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
    """Programs in one folder; PATH is searched for the first of `names`.

    `debian` is a glob of folders that Debian leaves off PATH, `wheel` a Python package that
    contains the programs, and `inside` a glob of folders in it.
    """

    names: tuple[str, ...]
    debian: str | None = None
    wheel: str | None = None
    inside: str = "bin"

    def installed(self) -> Iterator[Path]:
        program = shutil.which(self.names[0])
        if program:
            # A link on PATH may have no neighbours; its target has.
            yield from self._complete([Path(program).resolve().parent, Path(program).parent])
        if self.debian:
            yield from self._complete(_newest_first(Path("/"), self.debian))

    def in_wheel(self) -> Iterator[Path]:
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
    """Return True when every user of the machine can enter the folder."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))
