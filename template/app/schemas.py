"""Building blocks of request bodies."""

from pydantic import BaseModel

# Text without NUL, which databases cannot store.
TEXT_PATTERN = r"^[^\x00]*$"


class RequestBody(BaseModel, extra="forbid"):
    """Base class of request bodies: unknown fields are rejected."""
