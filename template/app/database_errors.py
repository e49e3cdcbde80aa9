"""What an error of the database means for the caller."""

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.errors import AppError, Conflict, DatabaseBusy, DatabaseUnavailable

BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
UNAVAILABLE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOTADB", "SQLITE_READONLY", "SQLITE_FULL")
CONFLICT = (
    "SQLITE_CONSTRAINT_UNIQUE",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
    "SQLITE_CONSTRAINT_FOREIGNKEY",
)


def explain(error: SQLAlchemyError) -> AppError | None:
    """The error for the client, or None when the service itself is at fault."""
    if isinstance(error, PoolTimeoutError):
        return DatabaseBusy()
    if not isinstance(error, DBAPIError) or not isinstance(error.orig, sqlite3.Error):
        return None
    kinds = {CONFLICT: Conflict, BUSY: DatabaseBusy, UNAVAILABLE: DatabaseUnavailable}
    for names, kind in kinds.items():
        if error.orig.sqlite_errorname.startswith(names):
            return kind()
    return None


def is_conflict(error: SQLAlchemyError) -> bool:
    """Whether a unique or a foreign key is violated, as another request can cause at any time."""
    return isinstance(explain(error), Conflict)
