"""Output: results on stdout, progress and errors on stderr, plain text without a terminal."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_stdout = Console(highlight=False)
_stderr = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a result."""
    typer.echo(text)


def note(text: str) -> None:
    """Print progress, a warning or an error."""
    typer.echo(text, err=True)


def write_json(document: object, target: str = "-") -> None:
    """Write JSON to a file, or to stdout for `-`."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if target == "-":
        say(text)
    else:
        Path(target).write_text(f"{text}\n", encoding="utf-8")


def show_table(table: Table) -> None:
    _stdout.print(table)


def shows_color() -> bool:
    return _stdout.is_terminal and not _stdout.no_color and not _stdout.is_dumb_terminal


def show_pairs(title: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Print a table with two columns on a terminal, and one line per pair elsewhere."""
    if not _stdout.is_terminal:
        lines = [f"    {name}: {text}".replace("\n", "\n        ") for name, text in pairs]
        say("\n".join([f"{title}:", *lines]))
        return
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for pair in pairs:
        table.add_row(*map(escape, pair))
    _stdout.print(table)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show that work is in progress."""
    if _stderr.is_terminal:
        with _stderr.status(escape(text)):
            yield
    else:
        note(f"{text} ...")
        yield
