"""Uploads: checked and stored before the route, deleted if the request fails."""

from collections.abc import Generator
from pathlib import PurePosixPath
from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from uuid_utils.compat import uuid7

from app.errors import AppError, PayloadTooLarge
from app.files.content import detect_type, normalize_type
from app.files.storage import StorageDep
from app.settings import Settings, SettingsDep

MAX_NAME_CHARACTERS = 255
# Bytes of the multipart form around a file.
MAX_FORM_BYTES = 64 * 1024


class UnsupportedMediaType(AppError):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "The file must be a PNG, JPEG or PDF, and match its declared content type."


class Upload(BaseModel):
    id: UUID
    filename: str
    content_type: str
    size: int
    sha256: str


def max_body_bytes(settings: Settings) -> int:
    """Return the limit of a request body that contains an upload."""
    return settings.max_upload_bytes + MAX_FORM_BYTES


# Generators of clients know a file by its format.
UploadedFile = Annotated[UploadFile, File(json_schema_extra={"format": "binary", "minLength": 1})]


def store_upload(
    file: UploadedFile, settings: SettingsDep, storage: StorageDep
) -> Generator[Upload, None, None]:
    """Check and store the file; delete it if the request fails.

    Not async, so that FastAPI runs it in a thread: disks may be slow.
    """
    size = file.size or 0
    if size > settings.max_upload_bytes:
        raise PayloadTooLarge
    if size == 0:
        raise RequestValidationError(
            [{"loc": ("body", "file"), "msg": "The file is empty", "type": "file_empty"}],
        )
    content_type = detect_type(file.file, size)
    if content_type is None or content_type != normalize_type(file.content_type):
        raise UnsupportedMediaType
    file_id = uuid7()
    digest = storage.save(file.file, file_id)
    try:
        yield Upload(
            id=file_id,
            filename=clean_name(file.filename or ""),
            content_type=content_type,
            size=size,
            sha256=digest,
        )
    except BaseException:
        storage.remove(file_id)
        raise


def clean_name(name: str) -> str:
    """Return the last path component, without the folders of the client's machine."""
    last = PurePosixPath(name.replace("\\", "/").replace("\0", "")).name
    # The form's charset can bring lone surrogates, which UTF-8 does not have.
    encodable = last.encode(errors="ignore").decode()
    return encodable[:MAX_NAME_CHARACTERS] or "file"


# Routes declare it before the session: it then ends after the commit and sees its errors.
UploadDep = Annotated[Upload, Depends(store_upload, scope="function")]
