from itertools import islice

from sqlalchemy import BigInteger, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.files.storage import Storage
from app.orm import Base, CreatedAt, UuidKey
from app.settings import Settings

BATCH_SIZE = 500


class StoredFile(Base):
    """Metadata of an upload; its content is in UPLOAD_DIR, under the id."""

    __tablename__ = "files"

    id: Mapped[UuidKey]
    filename: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]

    @classmethod
    def prune(cls, session: Session, settings: Settings) -> None:
        """Delete files without a row, which a crash leaves in UPLOAD_DIR."""
        old_files = Storage(settings.upload_dir).old_files()
        while batch := dict(islice(old_files, BATCH_SIZE)):
            known = set(session.scalars(select(cls.id).where(cls.id.in_(batch))))
            # A batch without any known file seems to belong to another database, so it is kept.
            if known:
                for file_id in batch.keys() - known:
                    batch[file_id].unlink(missing_ok=True)
