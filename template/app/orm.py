"""Building blocks of tables and sessions: base class, column types, constraint violations."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import DateTime, Dialect, Engine, MetaData, event
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session, mapped_column
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7

from app.dialect import to_app_error
from app.errors import Conflict
from app.settings import Settings


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. Some databases store no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value and value.tzinfo is None:
            raise ValueError("naive datetimes are ambiguous: pass one with a time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


class Base(DeclarativeBase):
    # Names let migrations drop constraints.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map = {datetime: UtcDateTime()}  # noqa: RUF012  # read once, by DeclarativeBase

    @classmethod
    def prune(cls, session: Session, settings: Settings) -> None:
        """Delete expired rows. Called hourly; by default there are none."""


def utc_now() -> datetime:
    return datetime.now(UTC)


# UUIDv7 starts with a timestamp: keys sort by age, and new rows are last in the index.
UuidKey = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]
CreatedAt = Annotated[datetime, mapped_column(default=utc_now)]
UpdatedAt = Annotated[datetime, mapped_column(default=utc_now, onupdate=utc_now)]


@contextmanager
def raising_on_conflict(conflict: type[Conflict]) -> Generator[None, None, None]:
    """Raise this error for a unique or foreign-key violation in the block."""
    try:
        yield
    except IntegrityError as error:
        if isinstance(to_app_error(error), Conflict):
            raise conflict from error
        raise


class ReadOnlySession(Session):
    """A session that rejects writes: without a transaction, each would be committed at once."""


@event.listens_for(ReadOnlySession, "before_flush")
def _reject_changes(*_: object) -> None:
    raise RuntimeError("A session for reads cannot store changes: use SessionDep")


@event.listens_for(ReadOnlySession, "do_orm_execute")
def _reject_statements(state: ORMExecuteState) -> None:
    if not state.is_select:
        raise RuntimeError("A session for reads executes SELECT only: use SessionDep")


def reject_writes(engine: Engine) -> None:
    """Reject bulk operations of sessions, and writes that use their connection."""

    @event.listens_for(engine, "before_cursor_execute", named=True)
    def check(context: DefaultExecutionContext, **_: Any) -> None:
        if context.isinsert or context.isupdate or context.isdelete:
            raise RuntimeError("A connection for reads cannot store changes: use SessionDep")
