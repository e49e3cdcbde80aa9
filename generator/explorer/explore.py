"""`fastapi-service explore`: builds the page and the files beside it."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from generator.console import step
from generator.errors import CommandError, UsageError
from generator.explorer.badge import build_badge
from generator.explorer.data import build_data
from generator.explorer.page import MARK, build_page
from generator.explorer.schema import build_form, build_schema
from generator.git import git
from generator.processes import ProgramError
from generator.template.options import Value, parse_definition
from generator.template.revisions import list_revisions
from generator.template.source import Source

_INDEX = "index.html"
# A larger file is no page of the explorer.
_MOST_BYTES = 20_000_000


def write_explorer(source: Source, folder: Path, report: Path | None) -> Path:
    """Write the files into a new or empty folder, or one with an earlier page; return the page.

    Raises UsageError for another folder, and for a file that is no report.
    """
    require_own(folder)
    document = read_report(report) if report else None
    with step("Building the explorer"):
        changelog = _read_changelog(source)
        data = build_data(list_revisions(source), source.location, changelog, document)
        options = parse_definition(source.definition())
        form = build_form(options, source.location, source.version)
        files = {
            # First, since it marks the folder as ours.
            _INDEX: build_page(data),
            "answers.schema.json": json.dumps(build_schema(options, source.version), indent=2),
            "backstage.yaml": yaml.safe_dump(form, sort_keys=False, allow_unicode=True),
            "badge.svg": build_badge(data["proof"]),
        }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            _write(folder / name, f"{text.rstrip()}\n")
    except OSError as error:
        raise CommandError(f"{folder} cannot be written ({error.strerror}).") from error
    return folder / _INDEX


def require_own(folder: Path) -> None:
    """Refuse a folder whose files are not the explorer's."""
    if not folder.exists():
        return
    index = folder / _INDEX
    if folder.is_dir():
        if not any(folder.iterdir()):
            return
        is_page = index.is_file() and index.stat().st_size < _MOST_BYTES
        if is_page and MARK in index.read_text(encoding="utf-8", errors="replace"):
            return
    raise UsageError(f"{folder} is neither empty nor an earlier explorer: choose another --out.")


def read_report(path: Path) -> Mapping[str, Value]:
    """Read a report of `verify`; raises UsageError for anything else."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        # Half of a character cannot be written.
        json.dumps(document, ensure_ascii=False).encode()
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist: name a report of `verify --report`.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}).") from error
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not JSON: name a report of `verify --report`.") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is not a report of `fastapi-service verify --report`.")
    return document


def _refuse_constant(name: str) -> Value:
    """Refuse NaN and infinite numbers, which Python would read."""
    raise ValueError(name)


def _read_changelog(source: Source) -> str:
    try:
        return git(source.tree, "show", f"{source.ref}:CHANGELOG.md")
    except ProgramError:
        return ""


def _write(path: Path, text: str) -> None:
    """Replace a file at once, so that an interrupted command leaves the earlier one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
