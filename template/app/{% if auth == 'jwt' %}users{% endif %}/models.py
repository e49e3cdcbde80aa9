from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.auth import AuthSettings
from app.orm import Base, CreatedAt, UuidKey, utc_now


class User(Base):
    __tablename__ = "users"

    id: Mapped[UuidKey]
    # In lower case.
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20), default="user")
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[CreatedAt]


# A user on one device, from the password to the log-out.
class Login(Base):
    # A refresh token is two random words, of which SHA-256 is kept: the first names the login, the
    # second is good for one use.
    __tablename__ = "logins"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    word: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[datetime]

    @classmethod
    def prune(cls, session: Session, settings: AuthSettings) -> None:
        session.execute(delete(cls).where(cls.expires_at < utc_now()))


class LoginFailure(Base):
    __tablename__ = "login_failures"
    __table_args__ = (Index(None, "subject", "failed_at"),)

    id: Mapped[UuidKey]
    # SHA-256 of an account or an address.
    subject: Mapped[str] = mapped_column(String(64))
    failed_at: Mapped[CreatedAt]

    @classmethod
    def prune(cls, session: Session, settings: AuthSettings) -> None:
        window = timedelta(seconds=settings.login_failure_window_seconds)
        session.execute(delete(cls).where(cls.failed_at < utc_now() - window))
