"""How Alembic reaches the database: synchronously, with the service's own settings."""

import logging
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import OperationalError

import app.application  # noqa: F401  # mounts every feature, and so knows every table
from app.orm import Base, UtcDateTime
from app.settings import load_settings


# Revisions import nothing from the service: it changes, they do not.
def render_item(_kind: str, value: Any, _: AutogenContext) -> str | Literal[False]:
    return "sa.DateTime(timezone=True)" if isinstance(value, UtcDateTime) else False


def run_migrations(**target: Any) -> None:
    context.configure(
        target_metadata=Base.metadata,
        render_item=render_item,
        # Revisions then work on every database, also where a table is altered by copying it.
        render_as_batch=True,
        **target,
    )
    with context.begin_transaction():
        context.run_migrations()


logging.basicConfig(format="%(message)s")
logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)
# The tests name a database of their own.
named = context.config.attributes.get("database_url")
url = make_url(named or load_settings().database_url.get_secret_value())
if context.is_offline_mode():
    run_migrations(url=url, literal_binds=True)
else:
    try:
        connection = create_engine(url, poolclass=NullPool).connect()
    except OperationalError as error:
        raise CommandError(f"The database cannot be reached: {error.orig}") from error
    with connection:
        run_migrations(connection=connection)
