"""What a file is, by its content: a name or a declared type proves nothing."""

import os
from typing import BinaryIO

PNG, JPEG, PDF = "image/png", "image/jpeg", "application/pdf"

# The signature, and the chunk that must follow: 13 bytes of header.
PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
PDF_START, PDF_END = b"%PDF-", b"%%EOF"
# Readers look for the end of a PDF in its last kibibyte.
TAIL_BYTES = 1024


def content_type(file: BinaryIO, size: int) -> str | None:
    """PNG, JPEG or PDF when start and end say so, else None; leaves the file at its start."""
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
