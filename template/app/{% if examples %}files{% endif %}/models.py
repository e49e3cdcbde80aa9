from itertools import islice

from sqlalchemy import BigInteger, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.files.storage import Storage
from app.orm import Base, CreatedAt, UuidKey
from app.settings import Settings


class StoredFile(Base):
    """What is known of an upload; its bytes are in UPLOAD_DIR, under the id."""

    __tablename__ = "files"

    id: Mapped[UuidKey]
    filename: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]

    @classmethod
    def prune(cls, session: Session, settings: Settings) -> None:
        """Take away what a crash has left in UPLOAD_DIR without a row."""
        old_files = Storage(settings.upload_dir).old_files()
        while batch := dict(islice(old_files, 500)):
            known = set(session.scalars(select(cls.id).where(cls.id.in_(batch))))
            # Where none is known, the folder is that of another database.
            for file_id in batch.keys() - known if known else ():
                batch[file_id].unlink(missing_ok=True)
