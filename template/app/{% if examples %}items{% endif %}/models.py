from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.orm import Base, CreatedAt, UpdatedAt, UuidKey


class Item(Base):
    __tablename__ = "items"

    id: Mapped[UuidKey]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    description: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
