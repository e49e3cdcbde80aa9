"""The command `fastapi-service add`, which writes code into an existing project."""

from pathlib import Path
from typing import Annotated

import typer

from generator.errors import UsageError
from generator.project.resources.add import add_resource

app = typer.Typer(
    help="Add code to a project, in the style of the rendered features.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_FIELDS_HELP = (
    "Fields; the last argument may be the project. Types: text(200), integer, decimal, "
    "decimal(12,2), boolean, date, datetime, uuid, enum(a|b), json, ref(other); with ? the field "
    "may be null. Quote them, since shells read parentheses."
)
_EXAMPLE = """\b
fastapi-service add resource customer 'name:text(200)' 'born:date?'
fastapi-service add resource invoice 'customer_id:ref(customer)' 'state:enum(draft|sent)' --owned
"""


@app.callback()
def main() -> None:
    """Add code to a project, in the style of the rendered features."""


@app.command(epilog=_EXAMPLE)
def resource(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name, singular or plural.")],
    arguments: Annotated[
        list[str], typer.Argument(metavar="FIELD:TYPE", help=_FIELDS_HELP, show_default=False)
    ],
    *,
    owned: Annotated[
        bool, typer.Option("--owned", help="Rows belong to the caller who creates them.")
    ] = False,
    plural: Annotated[
        str | None,
        typer.Option("--plural", metavar="NAME", help="Plural, if it is irregular."),
    ] = None,
) -> None:
    """Add models, schemas, service, routes, tests and a migration, mounted and yours."""
    *first, last = arguments
    fields = arguments
    directory = Path()
    if ":" not in last:
        directory = Path(last)
        fields = first
        if not directory.is_dir():
            raise UsageError(
                f"{last!r} is neither a field nor a folder: write name:type, as in name:text(200)."
            )
    add_resource(directory.expanduser().resolve(), name, fields, plural=plural, owned=owned)
