"""What only an operator may do: make an administrator, or end a user's access."""

import sys
from getpass import getpass

from pydantic import ValidationError
from sqlalchemy import NullPool, create_engine, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.settings import load_settings
from app.users.models import User
from app.users.passwords import HASHER
from app.users.schemas import UserCreate


def create_admin(session: Session, email: str) -> None:
    ask = getpass if sys.stdin.isatty() else lambda _: sys.stdin.readline().rstrip("\r\n")
    given = UserCreate(email=email, password=ask("Password (12 to 128 characters): "))
    session.add(User(email=given.email, password_hash=HASHER.hash(given.password), role="admin"))


def deactivate(session: Session, email: str) -> None:
    found = update(User).where(User.email == email.lower()).values(is_active=False)
    if session.scalar(found.returning(User.id)) is None:
        sys.exit(f"There is no user {email}.")


COMMANDS = {"create-admin": create_admin, "deactivate": deactivate}


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: python -m app.users ({' | '.join(COMMANDS)}) EMAIL")
    command, email = sys.argv[1:]
    engine = create_engine(load_settings().database_url.get_secret_value(), poolclass=NullPool)
    try:
        with Session(engine) as session, session.begin():
            COMMANDS[command](session, email)
    except ValidationError as error:
        sys.exit("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()))
    except IntegrityError:
        sys.exit(f"There is a user {email} already.")
    except DBAPIError as error:
        sys.exit(f"The database is away or not migrated: {error.orig}")


if __name__ == "__main__":
    main()
