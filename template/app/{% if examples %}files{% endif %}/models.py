from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.orm import Base, CreatedAt, UuidKey


class StoredFile(Base):
    """What is known of an upload; its bytes are in UPLOAD_DIR, under the id."""

    __tablename__ = "files"

    id: Mapped[UuidKey]
    filename: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]
