"""Storage of uploaded files on disk."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Annotated, BinaryIO
from uuid import UUID

from fastapi import Depends

from app.errors import InternalError
from app.settings import SettingsDep

CHUNK_BYTES = 64 * 1024
DAY_SECONDS = 24 * 60 * 60


class StorageFailed(InternalError):
    message = "The file could not be stored."


class Storage:
    """A folder with one file per id.

    A file exists before its row is committed and until after its row is deleted, so a process that
    crashes can leave a file without a row, but never a row without its file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, file_id: UUID) -> Path:
        return self.folder / str(file_id)

    def save(self, file: BinaryIO, file_id: UUID) -> str:
        """Write the file and return its SHA-256 in hexadecimal; raises StorageFailed.

        The file gets its final name when it is complete.
        """
        digest = hashlib.sha256()
        unfinished = self.folder / f"{file_id}.part"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(unfinished, "xb", opener=_open_private) as copy:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
            unfinished.replace(self.path(file_id))
        except OSError as error:
            self._unlink(unfinished)
            raise StorageFailed from error
        return digest.hexdigest()

    def remove(self, file_id: UUID) -> None:
        self._unlink(self.path(file_id))

    def old_files(self) -> Iterator[tuple[UUID, Path]]:
        """Yield the files, finished or not, that are older than a day, and their ids."""
        for path in self.folder.glob("*"):
            with suppress(OSError, ValueError):
                file_id = UUID(path.name.removesuffix(".part"))
                is_ours = path.name.startswith(str(file_id))
                if is_ours and path.stat().st_mtime < time() - DAY_SECONDS:
                    yield file_id, path

    def _unlink(self, path: Path) -> None:
        # A file that cannot be deleted now has no row, and is pruned later.
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


async def get_storage(settings: SettingsDep) -> Storage:
    return Storage(settings.upload_dir)


StorageDep = Annotated[Storage, Depends(get_storage)]
