"""The contract of the files feature."""

import hashlib
import uuid
from collections.abc import Callable
from urllib.parse import quote

from generator.verify.contract.client import Answer, Client
from generator.verify.contract.etags import check_not_modified, is_strong

_FILES = "/api/v1/files"
_KEYS = {"id", "filename", "content_type", "size", "sha256", "created_at"}
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0"
_NAME = "Zoë's cat.png"


def checks(client: Client) -> list[Callable[[Client], None]]:
    if _FILES not in client.operations():
        return []
    return [check_upload, check_upload_errors, check_download, check_delete, check_etag]


def check_upload(client: Client) -> None:
    """POST /files returns 201 with Location and the file's metadata, SHA-256 included."""
    answer = upload(client, _PNG, "image/png").require(201)
    file = answer.json
    answer.expect(set(file) == _KEYS, f"the keys {sorted(_KEYS)}")
    answer.expect(file["filename"] == _NAME, f"the name {_NAME}")
    answer.expect(file["size"] == len(_PNG), f"size {len(_PNG)}")
    answer.expect(file["sha256"] == hashlib.sha256(_PNG).hexdigest(), "its SHA-256")
    answer.expect(answer.headers.get("location") == f"{_FILES}/{file['id']}", "its Location")


def check_upload_errors(client: Client) -> None:
    """A file that differs from its declared type returns 415; an empty or missing file 422."""
    upload(client, b"\x89PNG\r\n\x1a\n<p>", "image/png").require_error(
        415, "UNSUPPORTED_MEDIA_TYPE"
    )
    upload(client, _PNG, "image/jpeg").require_error(415, "UNSUPPORTED_MEDIA_TYPE")
    upload(client, b"", "image/png").require_validation_error("body")
    upload(client, _PNG, "image/png", part="other").require_validation_error("body")


def check_download(client: Client) -> None:
    """GET /files/{id}/content returns the same bytes, as an attachment with the file's name."""
    file = upload(client, _PNG, "image/png").require(201).json
    answer = client.get(f"{_FILES}/{file['id']}/content").require(200)
    answer.expect(answer.body == _PNG, "the bytes that were sent")
    answer.expect(answer.headers.get("content-type") == "image/png", "its type")
    answer.expect(answer.headers.get("x-content-type-options") == "nosniff", "nosniff")
    attachment = f"attachment; filename*=UTF-8''{quote(_NAME, safe='')}"
    answer.expect(answer.headers.get("content-disposition") == attachment, attachment)


def check_delete(client: Client) -> None:
    """DELETE /files/{id} returns 204; a deleted or unknown id returns 404 FILE_NOT_FOUND."""
    path = f"{_FILES}/{upload(client, _PNG, 'image/png').require(201).json['id']}"
    client.send("DELETE", path).require(204)
    for missing in (path, f"{path}/content", f"{_FILES}/{uuid.uuid4()}"):
        client.get(missing).require_error(404, "FILE_NOT_FOUND", missing)
    client.send("DELETE", path).require_error(404, "FILE_NOT_FOUND", path)


def check_etag(client: Client) -> None:
    """A file and its content have strong ETags; If-None-Match returns 304 without a body.

    DELETE with another ETag in If-Match returns 412 PRECONDITION_FAILED and deletes nothing.
    """
    path = f"{_FILES}/{upload(client, _PNG, 'image/png').require(201).json['id']}"
    for resource in (path, f"{path}/content"):
        answer = client.get(resource).require(200)
        etag = answer.headers.get("etag", "")
        answer.expect(is_strong(etag), "a strong ETag")
        again = check_not_modified(client, resource, etag)
        again.expect(again.body == answer.body, "the same content")
    outdated = client.send("DELETE", path, {"If-Match": '"other"'})
    outdated.require_error(412, "PRECONDITION_FAILED", path)
    etag = client.get(path).require(200).headers["etag"]
    client.send("DELETE", path, {"If-Match": etag}).require(204)


def upload(client: Client, content: bytes, content_type: str, part: str = "file") -> Answer:
    """Send a form with one file."""
    boundary = "boundary-of-the-form"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{_NAME}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    form = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return client.send("POST", _FILES, form, body)
