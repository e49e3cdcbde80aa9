"""The bytes of uploads: whole files under final names, never half of one."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import time
from typing import BinaryIO
from uuid import UUID

from app.errors import InternalError

CHUNK_BYTES = 64 * 1024
DAY = 24 * 60 * 60


class StorageFailed(InternalError):
    message = "The upload cannot be stored at the moment."


class Storage:
    """A folder with one file for each id.

    A file is there before its row is committed and until after the row is deleted: a crash can
    leave a file without a row, never a row without its file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, file_id: UUID) -> Path:
        return self.folder / str(file_id)

    def save(self, file: BinaryIO, file_id: UUID) -> str:
        """Copy to disk and return the SHA-256 in hexadecimal; raises StorageFailed."""
        digest = hashlib.sha256()
        unfinished = self.folder / f"{file_id}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("xb") as copy:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
            unfinished.replace(self.path(file_id))
        except OSError as error:
            self._discard(unfinished)
            raise StorageFailed from error
        return digest.hexdigest()

    def remove(self, file_id: UUID) -> None:
        self._discard(self.path(file_id))

    def old_files(self) -> Iterator[tuple[UUID, Path]]:
        """Those of ours that are older than a day, each with its id, finished or not."""
        for path in self.folder.glob("*"):
            with suppress(OSError, ValueError):
                file_id = UUID(path.name.removesuffix(".part"))
                if path.name.startswith(str(file_id)) and path.stat().st_mtime < time() - DAY:
                    yield file_id, path

    def _discard(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            # A folder that cannot be written to now: what stays there has no row.
            return
