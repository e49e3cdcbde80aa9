from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.orm import Base, CreatedAt, UpdatedAt, UuidKey


class Item(Base):
    __tablename__ = "items"
    __table_args__ = (
        Index(None, "created_at", "id"),
        # Sorted by bytes, so that prefixes are ranges, whatever the collation of the database.
        Index(None, "name", postgresql_ops={"name": 'COLLATE "C"'}),
    )

    id: Mapped[UuidKey]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    description: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
