"""The command line `fastapi-service`: what can be said to it, and how it ends."""

import os
import signal
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from copier.errors import CopierWarning

from generator import cli_living, console
from generator.conditions import as_fresh
from generator.errors import CommandError
from generator.new import check_destination, create, run_service, say_next
from generator.options import parse_assignments, parse_definition
from generator.source import opened

app = typer.Typer(
    name="fastapi-service",
    help="Render FastAPI services from a template, keep them up to date, and prove the template.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_TEMPLATE_HELP = "Checkout or git URL of the template; else where this command was installed from."
_REF_HELP = "Revision of the template; else HEAD of a checkout, the latest release of a URL."
_DIRTY_HELP = "Render uncommitted changes of a checkout; such a project cannot be updated."
TemplateOption = Annotated[
    str | None, typer.Option("--template", metavar="SRC", help=_TEMPLATE_HELP, show_default=False)
]
RefOption = Annotated[
    str | None,
    typer.Option("--ref", metavar="REF", help=_REF_HELP, show_default=False),
]


@app.command()
def new(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="New or empty folder.")],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", metavar="K=V", help="Answer a question; V is YAML."),
    ] = None,
    *,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing, take the defaults.")
    ] = False,
    run: Annotated[bool, typer.Option("--run", help="Install, migrate and boot it too.")] = False,
    template: TemplateOption = None,
    ref: RefOption = None,
    allow_dirty: Annotated[bool, typer.Option("--allow-dirty", help=_DIRTY_HELP)] = False,
) -> None:
    """Make a new project: asks, renders, locks, commits."""
    ask = not defaults and sys.stdin.isatty() and sys.stdout.isatty()
    project = destination.expanduser().resolve()
    with opened(template, ref) as source:
        options = parse_definition(source.definition())
        answers = {option.name: value for option, value in parse_assignments(options, data or [])}
        check_destination(project, source)
        if not allow_dirty:
            source.require_clean()
        create(source, project, answers, ask=ask)
    if run:
        run_service(project)
    else:
        say_next(project)


@app.command()
def options(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    template: TemplateOption = None,
) -> None:
    """Show what can be chosen, what it means, defaults and conditions."""
    with opened(template) as source:
        found = [as_fresh(option) for option in parse_definition(source.definition())]
        if as_json:
            listed = [option.as_json() for option in found]
            console.write_json({"template": {"version": source.version}, "options": listed}, "-")
        else:
            console.show_options(found)


for _name, _command in cli_living.COMMANDS.items():
    app.command(_name)(_command)


@app.command()
def verify(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="K=V", help="Rows with this answer; repeatable."),
    ] = None,
    jobs: Annotated[
        int, typer.Option("-j", "--jobs", metavar="N", min=1, help="Rows at a time.")
    ] = os.cpu_count() or 1,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep the projects there.")
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", metavar="FILE", help="Write JSON; - is stdout.")
    ] = None,
    *,
    template: TemplateOption = None,
) -> None:
    """Prove the template: each row rendered, installed, linted, typed, migrated, tested, booted."""
    from generator.proving import prove  # noqa: PLC0415 - only who proves waits for what that needs

    if not prove(template, only or [], jobs, keep, report):
        raise typer.Exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.say(version("fastapi-service-generator"))
        raise typer.Exit


@app.callback()
def main(
    *,
    _: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Render FastAPI services from a template, keep them up to date, and prove the template."""


def run() -> None:
    """Run the command; whatever happens, the user sees a sentence and never a traceback."""
    for deadly in (signal.SIGTERM, signal.SIGHUP):  # What was started is stopped on the way out.
        signal.signal(deadly, lambda number, _: sys.exit(128 + number))
    # Copier warns of what this command refuses or announces itself.
    warnings.simplefilter("ignore", CopierWarning)
    try:
        app(prog_name="fastapi-service")
    except CommandError as error:
        console.note(f"Error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        console.note(f"Error: {' '.join(str(error).split())}")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - a mistake of ours is one sentence, too
        console.note(f"Error: {type(error).__name__}: {' '.join(str(error).split())}")
        sys.exit(1)
