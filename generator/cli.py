"""The command line `fastapi-service`: one function per command."""

import os
import re
import signal
import sys
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from copier.errors import CopierWarning
from rich.markup import escape
from rich.table import Table

from generator import add, console
from generator.errors import CommandError, UsageError
from generator.explorer.explore import write_explorer
from generator.processes import interrupted_once
from generator.project.checking.compare import check as check_project
from generator.project.checking.fleet import (
    check_fleet,
    combine_exit_codes,
    find_projects,
    is_fleet,
    show_fleet,
)
from generator.project.checking.page import write_page
from generator.project.checking.policy import read_policy
from generator.project.create import check_destination, create, print_next_steps
from generator.project.merge import MergeOptions
from generator.project.serve import serve_until_stopped
from generator.project.update import set_answers
from generator.project.update import update as update_project
from generator.template.conditions import describe_condition, resolve_default
from generator.template.options import (
    Option,
    format_assignment,
    parse_assignments,
    parse_definition,
)
from generator.template.source import open_template

app = typer.Typer(
    name="fastapi-service",
    help="Render FastAPI services from a template, keep them up to date, and verify the template.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(add.app, name="add")

_SOURCE_HELP = "Checkout or git URL of the template; default: the origin of this installation."
_REF_HELP = "Revision; default: HEAD of a checkout, the latest release of a URL."
_DIRTY_HELP = "Render uncommitted changes; such a project cannot be updated."
_EXPLORED_DIRTY_HELP = "Show uncommitted changes, too."
_FOLDER_HELP = "Folder of the project; default: the current one."
TemplateOption = Annotated[
    str | None, typer.Option("--template", metavar="SRC", help=_SOURCE_HELP, show_default=False)
]
RefOption = Annotated[
    str | None, typer.Option("--ref", metavar="REF", help=_REF_HELP, show_default=False)
]
FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help=_FOLDER_HELP, show_default=False)
]
PreviewOption = Annotated[
    bool, typer.Option("--preview", help="Show the changes without making them.")
]
LossesOption = Annotated[
    bool, typer.Option("--accept-losses", help="Continue even if local edits are lost.")
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
    run: Annotated[bool, typer.Option("--run", help="Install, migrate and boot it, too.")] = False,
    template: TemplateOption = None,
    ref: RefOption = None,
    allow_dirty: Annotated[bool, typer.Option("--allow-dirty", help=_DIRTY_HELP)] = False,
) -> None:
    """Make a new project: ask, render, lock, commit."""
    ask = not defaults and sys.stdin.isatty() and sys.stdout.isatty()
    project = destination.expanduser().resolve()
    with open_template(template, ref) as source:
        options = parse_definition(source.definition())
        answers = {option.name: value for option, value in parse_assignments(options, data or [])}
        check_destination(project, source)
        if not allow_dirty:
            source.require_clean()
        create(source, project, answers, ask=ask)
    if run:
        serve_until_stopped(project)
    else:
        print_next_steps(project)


@app.command()
def options(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    template: TemplateOption = None,
) -> None:
    """List the options with their values, meanings, defaults and conditions."""
    with open_template(template) as source:
        listed = [resolve_default(option) for option in parse_definition(source.definition())]
        if as_json:
            document = {
                "template": {"version": source.version},
                "options": [option.as_json() for option in listed],
            }
            console.write_json(document)
            return
        asked = [option for option in listed if not option.computed]
    for kind in dict.fromkeys(option.kind for option in asked):
        console.show_table(
            _options_table(kind, [option for option in asked if option.kind == kind])
        )
    console.note(
        "Set one with `fastapi-service new DEST -d option=value`; the first value is the default."
    )


@app.command()
def update(
    directory: FolderArgument = Path(),
    *,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="REF", help="Revision; default: the latest release."),
    ] = None,
    preview: PreviewOption = False,
    accept_losses: LossesOption = False,
    moved_to: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="New address of the template."),
    ] = None,
) -> None:
    """Merge a newer release of the template into a project."""
    merge_options = MergeOptions(preview=preview, accept_losses=accept_losses)
    with interrupted_once():
        update_project(_resolve(directory), merge_options, to=to, moved_to=moved_to)


@app.command("set")
def set_(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="K=V", help="Answers, V in YAML; the last may be the project."),
    ],
    *,
    preview: PreviewOption = False,
    accept_losses: LossesOption = False,
) -> None:
    """Change answers of a project, at the release that it was made from."""
    *first, last = arguments
    assignments = arguments if re.match(r"\w+=", last) else first
    if not assignments:
        raise UsageError(f"{last!r} is not an assignment: write name=value.")
    directory = Path() if assignments is arguments else Path(last)
    merge_options = MergeOptions(preview=preview, accept_losses=accept_losses)
    with interrupted_once():
        set_answers(_resolve(directory), assignments, merge_options)


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Projects, folders with projects, or files that list them; default: this folder.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use no network.")] = False,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="Judge by oldest release and answers."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page, too.")
    ] = None,
) -> None:
    """Report newer releases, edits in their way, and changed files."""
    rules = read_policy(policy) if policy else None
    resolved = [_resolve(path) for path in paths or [Path()]]
    several = is_fleet(resolved)
    with interrupted_once():
        if several:
            reports = check_fleet(find_projects(resolved), offline=offline)
        else:
            with console.step("Comparing with the template"):
                reports = [check_project(resolved[0], offline=offline)]
    if rules:
        rules.require_known(reports)
        for report in reports:
            report.violations = rules.judge(report)
    if html:
        write_page(reports, html, policy)
    if as_json:
        documents = [report.as_json() for report in reports]
        console.write_json({"projects": documents} if several else documents[0])
    elif several:
        show_fleet(reports)
    else:
        reports[0].show()
    if rules:
        raise typer.Exit(3 if any(report.violations for report in reports) else 0)
    raise typer.Exit(combine_exit_codes(reports))


@app.command()
def verify(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="K=V", help="Combinations with this answer; repeatable."),
    ] = None,
    jobs: Annotated[
        int, typer.Option("-j", "--jobs", metavar="N", min=1, help="Combinations at a time.")
    ] = os.cpu_count() or 1,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep the projects in a folder.")
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", metavar="FILE", help="Write JSON; - is stdout.")
    ] = None,
    *,
    images: Annotated[
        bool, typer.Option("--images", help="Build and run the images, too; needs buildah.")
    ] = False,
    template: TemplateOption = None,
) -> None:
    """Verify the template: render, install, lint, type-check, migrate, test and boot it."""
    if not all(map(find_spec, ("cryptography", "filelock", "jwt", "psycopg"))):
        raise UsageError(
            "`verify` needs more packages: `pip install 'fastapi-service-generator[verify]'` "
            "installs them, or in a checkout `pip install '.[verify]'`."
        )
    from generator.verify.run import verify_template  # noqa: PLC0415 - imports the extra

    if not verify_template(template, only or [], jobs, keep, report, images=images):
        raise typer.Exit(1)


@app.command()
def explore(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="New or empty folder, or an earlier page.")
    ] = Path("explorer"),
    *,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Show this report of `verify --report`."),
    ] = None,
    template: TemplateOption = None,
    ref: RefOption = None,
    allow_dirty: Annotated[bool, typer.Option("--allow-dirty", help=_EXPLORED_DIRTY_HELP)] = False,
) -> None:
    """Write a page that shows every project of the template, and the changes of its releases."""
    with open_template(template, ref) as source:
        if not allow_dirty:
            source.require_clean()
        page = write_explorer(source, _resolve(out), report)
    console.say(str(page))
    if open_page:
        typer.launch(page.as_uri())


def _print_version(requested: bool) -> None:
    if requested:
        console.say(version("fastapi-service-generator"))
        raise typer.Exit


@app.callback()
def main(
    *,
    _: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Render FastAPI services from a template, keep them up to date, and verify the template."""


def run() -> None:
    """Run the command. Every error is one sentence on stderr, never a traceback."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # Exit through the handlers that clean up.
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` ignores SIGHUP.
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    # Copier warns about conditions that this command refuses or reports itself.
    warnings.simplefilter("ignore", CopierWarning)
    try:
        app(prog_name="fastapi-service")
    except CommandError as error:
        console.note(f"Error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        console.note(f"Error: {' '.join(str(error).split())}")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - a defect of ours is one sentence, too
        console.note(f"Error: {type(error).__name__}: {' '.join(str(error).split())}")
        sys.exit(1)


def _resolve(directory: Path) -> Path:
    return directory.expanduser().resolve()


def _options_table(kind: str, options: list[Option]) -> Table:
    table = Table(title=kind, title_justify="left")
    for heading in ("option", "value"):
        table.add_column(heading, no_wrap=True, min_width=len(heading))
    table.add_column("meaning")
    for option in options:
        meaning = [option.help]
        if option.when is not True:
            meaning.append(f"asked if {describe_condition(option)}")
        if not option.choices:
            default = format_assignment("", option.default).removeprefix("=")
            computed = "{{" in default
            meaning.append(f"default: {'computed' if computed else default}")
        table.add_row(escape(option.name), "", escape("; ".join(meaning)))
        for choice in sorted(option.choices, key=lambda choice: choice.value != option.default):
            table.add_row("", escape(str(choice.value)), escape(choice.help))
        table.add_section()
    return table
