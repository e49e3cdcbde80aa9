"""The data of the page: questions and files of each revision, changelog, and proof."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from generator.errors import UsageError
from generator.project.releases import read_effects
from generator.template.conditions import describe_condition
from generator.template.options import Choice, Option, Value
from generator.template.revisions import Revision
from generator.template.syntax import Encoder, UnknownSyntaxError

# Each older release adds a few kilobytes to the page.
_MOST_REVISIONS = 12


# The path, the content, and the settings of Jinja.
Key = tuple[str, bytes, tuple[bool, ...]]


class Texts:
    """The distinct files of all revisions, encoded once each."""

    def __init__(self) -> None:
        self._encoded: dict[Key, Value] = {}

    def add(self, revision: Revision, encoder: Encoder) -> None:
        for path, content in revision.files.items():
            key = _make_key(path, content, encoder)
            if key not in self._encoded:
                is_template = path.endswith(revision.suffix)
                self._encoded[key] = _encode_file(content, path, encoder if is_template else None)

    def number(self) -> dict[Key, int]:
        """Number the texts. Versions of one file are neighbours, which compresses well."""
        return {key: number for number, key in enumerate(sorted(self._encoded))}

    def as_json(self) -> list[Value]:
        return [self._encoded[key] for key in sorted(self._encoded)]


def build_data(
    revisions: Iterable[Revision], location: str, changelog: str, report: Mapping[str, Value] | None
) -> dict[str, Value]:
    """Return the data as JSON values.

    Raises CommandError for Jinja of the first revision that the page cannot evaluate. Older
    releases with such Jinja are left out, and named in `omitted`.
    """
    texts = Texts()
    encoders: list[tuple[Revision, Encoder]] = []
    omitted: list[Value] = []
    for revision in islice(revisions, _MOST_REVISIONS):
        encoder = Encoder(revision.jinja_settings)
        try:
            texts.add(revision, encoder)
        except UnknownSyntaxError:
            if not encoders:
                raise
            omitted.append(revision.version)
        else:
            encoders.append((revision, encoder))
    numbers = texts.number()
    return {
        "location": location,
        "revisions": [
            _encode_revision(revision, encoder, numbers) for revision, encoder in encoders
        ],
        "omitted": omitted,
        "texts": texts.as_json(),
        "changelog": split_changelog(changelog),
        "proof": None if report is None else condense_report(report),
    }


def split_changelog(text: str) -> list[Value]:
    """Return the entries of a changelog, in its order: the newest first."""
    _, *parts = re.split(r"(?m)^## +(.+)$", text)
    effects = {str(version): effect for version, effect in read_effects(text).items()}
    entries: list[Value] = []
    for heading, entry in zip(parts[::2], parts[1::2], strict=True):
        version, _, date = map(str.strip, heading.partition(" - "))
        effect = effects.get(version, "")
        entries.append({"version": version, "date": date, "effect": effect, "text": entry.strip()})
    return entries


def condense_report(report: Mapping[str, Value]) -> Value:
    """Return the parts of a report of `verify` that the page shows.

    Raises UsageError for another document.
    """
    try:
        datetime.fromisoformat(_entry(report, "started", str))
        return {
            "version": _entry(_entry(report, "template", dict), "version", str),
            "started": report["started"],
            "seconds": _entry(report, "seconds", int, float),
            "rows": [_condense_row(row) for row in _entry(report, "rows", list)],
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError("The report is not one of `fastapi-service verify --report`.") from error


def _condense_row(row: Value) -> Value:
    return {
        "answers": _entry(row, "answers", dict),
        "ok": _entry(row, "ok", bool),
        "stages": [_condense_stage(stage) for stage in _entry(row, "stages", list)],
    }


def _condense_stage(stage: Value) -> Value:
    return {
        "name": _entry(stage, "name", str),
        "ok": _entry(stage, "ok", bool),
        "seconds": _entry(stage, "seconds", int, float),
        "shared": _entry(stage, "shared", bool),
    }


def _entry(value: Any, key: str, *types: type) -> Any:  # noqa: ANN401 - any JSON
    """Return an entry of an object; raises KeyError or TypeError for anything else."""
    if not isinstance(value, Mapping) or not isinstance(value[key], types):
        raise TypeError(key)
    return value[key]


def _encode_revision(revision: Revision, encoder: Encoder, numbers: Mapping[Key, int]) -> Value:
    files: list[Value] = []
    for path, content in revision.files.items():
        parts: list[Value] = [
            encoder.encode(part, f"the name {path}")
            for part in path.removesuffix(revision.suffix).split("/")
        ]
        files.append([parts, numbers[_make_key(path, content, encoder)]])
    return {
        "version": revision.version,
        "ref": revision.ref,
        "questions": [_encode_option(option, encoder) for option in revision.options],
        "files": files,
    }


def _make_key(path: str, content: bytes, encoder: Encoder) -> Key:
    return path, content, encoder.settings


def _encode_file(content: bytes, path: str, encoder: Encoder | None) -> Value:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"(binary file, {len(content)} bytes)"
    return encoder.encode(text, path) if encoder else text


def _encode_option(option: Option, encoder: Encoder) -> Value:
    name = option.name
    when = option.when
    return {
        "name": name,
        "kind": option.kind,
        "type": option.type,
        "help": option.help,
        "condition": describe_condition(option) if isinstance(when, str) else "",
        "placeholder": option.placeholder,
        "default": _encode_default(option.default, name, encoder),
        "when": encoder.encode(when, name) if isinstance(when, str) else when,
        "choices": [_encode_choice(choice, name, encoder) for choice in option.choices],
        "validator": encoder.encode(option.validator, name),
    }


def _encode_default(default: Value, name: str, encoder: Encoder) -> Value:
    return encoder.encode(default, name) if isinstance(default, str) else {"value": default}


def _encode_choice(choice: Choice, name: str, encoder: Encoder) -> Value:
    validator = encoder.encode(choice.validator, name)
    return {"value": choice.value, "help": choice.help, "validator": validator}
