from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.orm import Base, CreatedAt, UuidKey, utc_now
from app.settings import Settings


class User(Base):
    __tablename__ = "users"

    id: Mapped[UuidKey]
    # In lower case.
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20), default="user")
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[CreatedAt]


class RefreshSession(Base):
    """A user's login on one device.

    A refresh token is `<session id>.<secret>`. Both parts are stored as SHA-256 digests, and each
    refresh replaces the secret, which makes it single-use.
    """

    __tablename__ = "refresh_sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[datetime]

    @classmethod
    def prune(cls, session: Session, settings: Settings) -> None:
        """Delete expired sessions."""
        session.execute(delete(cls).where(cls.expires_at < utc_now()))


class LoginFailure(Base):
    """A wrong password; one row for the account, one for the network address."""

    __tablename__ = "login_failures"
    __table_args__ = (Index(None, "subject_hash", "failed_at"),)

    id: Mapped[UuidKey]
    # SHA-256 digest of the account or of the network address.
    subject_hash: Mapped[str] = mapped_column(String(64))
    failed_at: Mapped[CreatedAt]

    @classmethod
    def prune(cls, session: Session, settings: Settings) -> None:
        """Delete failures that no longer count."""
        window = timedelta(seconds=settings.login_failure_window_seconds)
        session.execute(delete(cls).where(cls.failed_at < utc_now() - window))
