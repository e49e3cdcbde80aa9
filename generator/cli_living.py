"""What can be said to the commands for projects that live."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from generator import console
from generator.errors import UsageError
from generator.living import check as checking
from generator.living import update as updating
from generator.living.merge import Wish
from generator.processes import interrupted_once

_PREVIEW_HELP = "Show what would change, and touch nothing."
_LOSSES_HELP = "Go on although edits get lost; they stay in git's history."
FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The project; else this folder.", show_default=False)
]
PreviewOption = Annotated[bool, typer.Option("--preview", help=_PREVIEW_HELP)]
LossesOption = Annotated[bool, typer.Option("--accept-losses", help=_LOSSES_HELP)]


def update(
    directory: FolderArgument = Path(),
    *,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="REF", help="Revision; else the latest release."),
    ] = None,
    preview: PreviewOption = False,
    accept_losses: LossesOption = False,
    elsewhere: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="Where the template is now."),
    ] = None,
) -> None:
    """Merge a newer release of the template into a project."""
    wish = Wish(preview=preview, accept_losses=accept_losses)
    with interrupted_once():
        updating.update(_folder(directory), wish, to=to, elsewhere=elsewhere)


def set_(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="K=V", help="Answers, V in YAML; the last may be the project."),
    ],
    *,
    preview: PreviewOption = False,
    accept_losses: LossesOption = False,
) -> None:
    """Change answers of a project, within the release that it was made from."""
    *first, last = arguments
    assignments = arguments if re.match(r"\w+=", last) else first
    if not assignments:
        raise UsageError(f"{last!r} is not an assignment: write name=value.")
    directory = Path() if assignments is arguments else Path(last)
    wish = Wish(preview=preview, accept_losses=accept_losses)
    with interrupted_once():
        updating.set_answers(_folder(directory), assignments, wish)


def check(
    directory: FolderArgument = Path(),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use no network.")] = False,
) -> None:
    """Tell of newer releases, of edits in their way, and of files that are not as rendered."""
    with interrupted_once():
        report = checking.check(_folder(directory), offline=offline)
    if as_json:
        console.write_json(report.as_json())
    else:
        report.show()
    raise typer.Exit(report.exit_code)


COMMANDS: dict[str, Callable[..., None]] = {"update": update, "set": set_, "check": check}


def _folder(directory: Path) -> Path:
    return directory.expanduser().resolve()
