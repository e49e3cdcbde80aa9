from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class FileRead(BaseModel, from_attributes=True):
    id: UUID
    filename: str
    content_type: str
    size: int
    sha256: str
    created_at: datetime
