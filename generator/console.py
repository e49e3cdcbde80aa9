"""What people see: results on stdout, progress and errors on stderr, plain without a terminal."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from generator.options import Option, assignment

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a result."""
    typer.echo(text)


def write_json(document: object, target: str = "-") -> None:
    """Write it to a file, or to stdout for `-`."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if target == "-":
        say(text)
    else:
        Path(target).write_text(f"{text}\n", encoding="utf-8")


def note(text: str) -> None:
    """Print what is no result: progress, a warning, an error."""
    typer.echo(text, err=True)


def on_a_terminal() -> bool:
    return _out.is_terminal


def in_colour() -> bool:
    return _out.is_terminal and not _out.no_color and not _out.is_dumb_terminal


def show_pairs(title: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Print a table of two columns on a terminal, and a line for each pair elsewhere."""
    if not on_a_terminal():
        say("\n".join([f"{title}:", *(f"    {name}: {about}" for name, about in pairs)]))
        return
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for pair in pairs:
        table.add_row(*map(escape, pair))
    _out.print(table)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show that something is under way."""
    if _err.is_terminal:
        with _err.status(escape(text)):
            yield
    else:
        note(f"{text} ...")
        yield


def show_options(options: Sequence[Option]) -> None:
    """Print a table for each kind of option; computed ones are no one's business."""
    asked = [option for option in options if not option.computed]
    for kind in dict.fromkeys(option.kind for option in asked):
        table = Table(title=kind, title_justify="left")
        for heading in ("option", "value"):
            table.add_column(heading, no_wrap=True, min_width=len(heading))
        table.add_column("meaning")
        for option in (option for option in asked if option.kind == kind):
            _add_option(table, option)
        _out.print(table)
    note("Set one with `fastapi-service new DEST -d option=value`; the first value is the default.")


def _add_option(table: Table, option: Option) -> None:
    default = assignment(option.name, option.default).removeprefix(f"{option.name}=")
    meaning = [option.help]
    if option.when is not True:
        meaning.append(f"asked if {option.when}")
    if not option.choices:
        computed = "{{" in default
        meaning.append(f"default: {'computed from other answers' if computed else default}")
    table.add_row(escape(option.name), "", escape("; ".join(meaning)))
    for choice in sorted(option.choices, key=lambda choice: choice.value != option.default):
        table.add_row("", escape(str(choice.value)), escape(choice.help))
    table.add_section()
