"""Commands for operators: `python -m app.users`."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.dialect import create_unpooled_engine
from app.settings import load_settings
from app.users.models import User
from app.users.passwords import HASHER
from app.users.schemas import UserCreate

TIMEOUT_SECONDS = 10

# Rich tracebacks would print local variables, a password among them.
cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Email = Annotated[str, typer.Argument(metavar="EMAIL")]


@cli.callback()
def main() -> None:
    """Manage users."""


@cli.command()
def create_admin(email: Email) -> None:
    """Create an administrator; prompt for the password, or read standard input."""
    with _transaction() as session:
        try:
            user = UserCreate(email=email, password=_read_password())
        except ValidationError as error:
            sys.exit("; ".join(f"{detail['loc'][0]}: {detail['msg']}" for detail in error.errors()))
        session.add(User(email=user.email, password_hash=HASHER.hash(user.password), role="admin"))
        try:
            session.flush()
        except IntegrityError:
            sys.exit(f"User {user.email} already exists.")


@cli.command()
def deactivate(email: Email) -> None:
    """Reject a user's logins and refresh tokens."""
    statement = update(User).where(User.email == email.lower()).values(is_active=False)
    with _transaction() as session:
        if session.scalar(statement.returning(User.id)) is None:
            sys.exit(f"User {email} does not exist.")


@contextmanager
def _transaction() -> Generator[Session, None, None]:
    engine = create_unpooled_engine(load_settings().database_url, TIMEOUT_SECONDS)
    try:
        with Session(engine) as session, session.begin():
            yield session
    except DBAPIError as error:
        sys.exit(f"The database is unreachable or not migrated: {error.orig}")


def _read_password() -> str:
    if sys.stdin.isatty():
        password: str = typer.prompt("Password (12 to 128 characters)", hide_input=True)
        return password
    return sys.stdin.readline().rstrip("\r\n")


if __name__ == "__main__":
    cli()
