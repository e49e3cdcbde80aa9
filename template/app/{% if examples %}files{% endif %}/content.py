"""File types, detected by content: names and declared types prove nothing."""

from typing import BinaryIO

PNG = "image/png"
JPEG = "image/jpeg"
PDF = "application/pdf"

# The signature, and the length and type of the first chunk.
PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
JPEG_START = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
PDF_START = b"%PDF-"
PDF_END = b"%%EOF"
# Some programs write a byte order mark or whitespace before the signature of a PDF.
PDF_PADDING = b"\xef\xbb\xbf \t\r\n"
# PDF readers search for the end marker in the last KiB.
TAIL_BYTES = 1024
CHUNK_BYTES = 64 * 1024

# Names that clients use for the same type.
ALIASES = {"image/jpg": JPEG, "image/pjpeg": JPEG, "application/x-pdf": PDF}


def normalize_type(declared: str | None) -> str:
    """Return a declared media type in lower case, without parameters and aliases."""
    name = (declared or "").partition(";")[0].strip().lower()
    return ALIASES.get(name, name)


def detect_type(file: BinaryIO, size: int) -> str | None:
    """Return the media type of a PNG, JPEG or PDF, else None; rewinds the file."""
    start = file.read(TAIL_BYTES)
    file.seek(max(0, size - TAIL_BYTES))
    end = file.read()
    file.seek(0)
    if start.startswith(PNG_START):
        return PNG
    if start.startswith(JPEG_START) and _contains(file, JPEG_END):
        return JPEG
    if start.lstrip(PDF_PADDING).startswith(PDF_START) and PDF_END in end:
        return PDF
    return None


def _contains(file: BinaryIO, marker: bytes) -> bool:
    """Search the file for two bytes, and rewind it. Cameras append data after a JPEG's end."""
    previous = b""
    is_contained = False
    while not is_contained and (chunk := file.read(CHUNK_BYTES)):
        is_contained = marker in previous + chunk
        previous = chunk[-1:]
    file.seek(0)
    return is_contained
