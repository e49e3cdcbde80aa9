"""An upload on its way in: judged, stored, and taken away again when its request fails."""

from collections.abc import Generator
from pathlib import PurePosixPath
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from uuid_utils.compat import uuid7

from app.errors import AppError, PayloadTooLarge
from app.files.content import content_type
from app.files.storage import Storage
from app.settings import Settings

MAX_NAME_CHARACTERS = 255


class UnsupportedMediaType(AppError):
    status, code = 415, "UNSUPPORTED_MEDIA_TYPE"
    message = "The file is not what its type says, or of a type that is not taken."


class Upload(BaseModel):
    id: UUID
    filename: str
    content_type: str
    size: int
    sha256: str


def store_upload(request: Request, file: UploadFile) -> Generator[Upload, None, None]:
    """Not async: the framework runs it in a thread, where disks may be slow."""
    settings: Settings = request.state.settings
    size = file.size or 0
    if size > settings.max_upload_bytes:
        raise PayloadTooLarge
    if size == 0:
        raise RequestValidationError(
            [{"loc": ("body", "file"), "msg": "The file is empty", "type": "file_empty"}],
        )
    found = content_type(file.file, size)
    if found is None or found != file.content_type:
        raise UnsupportedMediaType
    storage = Storage(settings.upload_dir)
    file_id = uuid7()
    digest = storage.save(file.file, file_id)
    try:
        yield Upload(
            id=file_id,
            filename=plain_name(file.filename or ""),
            content_type=found,
            size=size,
            sha256=digest,
        )
    except BaseException:
        storage.remove(file_id)
        raise


def plain_name(name: str) -> str:
    """The last component, without the folders of the sender's machine."""
    last = PurePosixPath(name.replace("\\", "/").replace("\0", "")).name
    return last[:MAX_NAME_CHARACTERS] or "file"


# In a route it stands before the session: then it ends after the commit, and notices its failure.
UploadDep = Annotated[Upload, Depends(store_upload, scope="function")]
