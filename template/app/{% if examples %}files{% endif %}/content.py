"""File types, detected by content: names and declared types prove nothing."""

import os
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
# PDF readers search for the end marker in the last KiB.
TAIL_BYTES = 1024


def detect_type(file: BinaryIO, size: int) -> str | None:
    """Return the media type of a PNG, JPEG or PDF, else None; rewinds the file."""
    start = file.read(len(PNG_START))
    file.seek(max(0, size - TAIL_BYTES))
    end = file.read()
    file.seek(0, os.SEEK_SET)
    if start == PNG_START:
        return PNG
    if start.startswith(JPEG_START) and end.endswith(JPEG_END):
        return JPEG
    if start.startswith(PDF_START) and PDF_END in end:
        return PDF
    return None
