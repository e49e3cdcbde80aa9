"""Alembic environment: a synchronous connection, with the settings of the service."""

import logging
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.util import CommandError
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

import app.application  # noqa: F401  # imports every feature and thus every table
from app.dialect import create_migration_engine
from app.orm import Base, UtcDateTime
from app.settings import load_settings


def render_item(_kind: str, value: Any, _: AutogenContext) -> str | Literal[False]:
    """Render UtcDateTime as plain SQLAlchemy: revisions do not import the service."""
    return "sa.DateTime(timezone=True)" if isinstance(value, UtcDateTime) else False


def run_migrations(**target: Any) -> None:
    context.configure(
        target_metadata=Base.metadata,
        render_item=render_item,
        # Batch operations also work where tables are altered by copying them.
        render_as_batch=True,
        # An upgrade that is killed changes nothing, and can be repeated.
        transactional_ddl=True,
        **target,
    )
    with context.begin_transaction():
        context.run_migrations()


logging.basicConfig(format="%(message)s")
logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)
# The tests pass the URL of their own database.
test_url = context.config.attributes.get("database_url")
url = make_url(test_url or load_settings().database_url.get_secret_value())
if context.is_offline_mode():
    run_migrations(url=url, literal_binds=True)
else:
    try:
        connection = create_migration_engine(url).connect()
    except (OperationalError, OSError) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        raise CommandError(f"The database is unreachable: {reason}") from error
    with connection:
        run_migrations(connection=connection)
