"""What an error of the database means for the caller."""

import sqlite3

from sqlalchemy.exc import DBAPIError


def is_conflict(error: DBAPIError) -> bool:
    """Whether the row breaks a unique or a foreign key, which another request can also cause."""
    return _code(error) in {
        "SQLITE_CONSTRAINT_UNIQUE",
        "SQLITE_CONSTRAINT_PRIMARYKEY",
        "SQLITE_CONSTRAINT_FOREIGNKEY",
    }


def is_busy(error: DBAPIError) -> bool:
    return _code(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_unavailable(error: DBAPIError) -> bool:
    return _code(error).startswith(
        ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOTADB", "SQLITE_READONLY", "SQLITE_FULL"),
    )


def _code(error: DBAPIError) -> str:
    return error.orig.sqlite_errorname if isinstance(error.orig, sqlite3.Error) else ""
