"""The types of fields: their columns, their place in request bodies, and values for tests."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from generator.errors import UsageError

_FORMS = (
    "text(200), integer, decimal, decimal(12,2), boolean, date, datetime, uuid, enum(a|b), json "
    "and ref(other), each with `?` if it may be null"
)
_MAX_TEXT = 100_000
_DEFAULT_TEXT = 200
# SQLite stores decimals as floats, which are exact up to this number of digits.
_MAX_DIGITS = 15
_DEFAULT_DECIMAL = (15, 2)
_MAX_ENUM = 50


@dataclass(frozen=True)
class FieldType:
    """Python source for each place of a type.

    `python` annotates models and responses, `column` is the argument of `mapped_column`, `ddl` the
    type in the revision. `body` annotates request bodies; `{name}` is an alias that `alias`
    defines. `sample`, `other` and `wrong` are values for tests, as JSON responses show them.
    """

    name: str
    python: str
    ddl: str
    sample: str
    other: str
    wrong: tuple[str, ...]
    column: str = ""
    null_column: str = ""
    body: str = ""
    alias: str = ""
    target: str = ""


def parse_type(text: str) -> FieldType:
    """Parse a type without its `?`; raises UsageError with the known types."""
    match = re.fullmatch(r"([a-z]+)(?:\((.*)\))?", text)
    make = _TYPES.get(match[1]) if match else None
    if match is None or make is None:
        raise UsageError(f"{text!r} is not a type of a field: the types are {_FORMS}.")
    return make(match[2])


def _text(argument: str | None) -> FieldType:
    length = _DEFAULT_TEXT if argument is None else _parse_number("text", argument, _MAX_TEXT)
    return FieldType(
        "text",
        python="str",
        column=f"String({length})",
        ddl=f"sa.String(length={length})",
        alias=(
            "Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, "
            f"max_length={length}, pattern=TEXT_PATTERN)]"
        ),
        sample=f'"{"first"[:length]}"',
        other=f'"{"second"[:length]}"',
        wrong=('"  "', f'"t" * {length + 1}', '"\\0"'),
    )


def _decimal(argument: str | None) -> FieldType:
    digits, scale = _DEFAULT_DECIMAL
    if argument is not None:
        first, comma, second = argument.partition(",")
        digits = _parse_number("decimal", first, _MAX_DIGITS)
        scale = _parse_number("decimal", second, _MAX_DIGITS, least=0) if comma else 0
    if scale > digits:
        total = min(digits + scale, _MAX_DIGITS)
        raise UsageError(
            "The first number of a decimal counts all digits, also those after the point: write "
            f"decimal({total},{scale}) for {total - scale} before the point and {scale} after it."
        )
    unit = f"0.{'1'.rjust(scale, '0')}" if scale else "1"
    sample = unit if digits == scale else f"1{unit[1:-1]}0" if scale else "1"
    return FieldType(
        "decimal",
        python="Decimal",
        column=f"Numeric({digits}, {scale})",
        ddl=f"sa.Numeric(precision={digits}, scale={scale})",
        alias=(
            f"Annotated[Decimal, Field(max_digits={digits}, decimal_places={scale}), "
            f'AfterValidator(lambda number: number.quantize(Decimal("{unit}")) + 0)]'
        ),
        sample=f'"{sample}"',
        other=f'"0{unit[1:-1]}0"' if scale else '"2"',
        wrong=(
            '"many"',
            '"NaN"',
            f'"{unit.rstrip("1") if scale else "0."}01"',
            f'"1{"0" * digits}"',
        ),
    )


def _enum(argument: str | None) -> FieldType:
    values = (argument or "").split("|")
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,50}", value) for value in values):
        raise UsageError(
            "The values of an enum are letters, digits, `-` and `_`, at most 50 of them, as in "
            "enum(draft|sent)."
        )
    if len(set(values)) < len(values) or not 1 < len(values) <= _MAX_ENUM:
        raise UsageError(f"An enum has 2 to {_MAX_ENUM} different values, as in enum(draft|sent).")
    listed = ", ".join(f'"{value}"' for value in values)
    return FieldType(
        "enum",
        python="{name}",
        column="String(50)",
        ddl="sa.String(length=50)",
        alias=f"Literal[{listed}]",
        sample=f'"{values[0]}"',
        other=f'"{values[1]}"',
        wrong=('"unknown value"',),
    )


def _ref(argument: str | None) -> FieldType:
    if not argument:
        raise UsageError("A reference names another resource, as in customer_id:ref(customers).")
    return FieldType(
        "ref",
        python="UUID",
        column="",
        ddl="sa.Uuid()",
        body="UUID",
        sample="",
        other="",
        wrong=('"unknown"',),
        target=argument,
    )


def _plain(name: str, **places: str | tuple[str, ...]) -> Callable[[str | None], FieldType]:
    """Return the parser of a type without an argument."""
    kind = FieldType(name, **places)  # type: ignore[arg-type]

    def make(argument: str | None) -> FieldType:
        if argument is not None:
            raise UsageError(f"The type {name} has no argument: write {name} or {name}?.")
        return kind

    return make


def _parse_number(name: str, text: str, most: int, *, least: int = 1) -> int:
    if not re.fullmatch(r"\d{1,9}", text.strip()) or not least <= int(text) <= most:
        raise UsageError(f"{text!r} is not valid in {name}(...): use {least} to {most}.")
    return int(text)


_TYPES: Mapping[str, Callable[[str | None], FieldType]] = {
    "text": _text,
    "integer": _plain(
        "integer",
        python="int",
        column="BigInteger",
        ddl="sa.BigInteger()",
        body="Integer",
        sample="1",
        other="2",
        wrong=('"many"', "1.5", "2**53"),
    ),
    "decimal": _decimal,
    "boolean": _plain(
        "boolean",
        python="bool",
        ddl="sa.Boolean()",
        body="bool",
        sample="True",
        other="False",
        wrong=('"maybe"',),
    ),
    "date": _plain(
        "date",
        python="date",
        ddl="sa.Date()",
        body="Date",
        sample='"2026-01-31"',
        other='"2026-02-01"',
        wrong=('"2026-02-30"', "0", '"-86400"'),
    ),
    "datetime": _plain(
        "datetime",
        python="datetime",
        ddl="sa.DateTime(timezone=True)",
        body="Time",
        sample='"2026-01-31T12:00:00Z"',
        other='"2026-02-01T00:00:00.123456Z"',
        wrong=(
            '"2026-01-31T12:00:00"',
            '"0001-01-01T00:00:00+01:00"',
            '"9999-12-31T23:59:59Z"',
            "0",
            '"86400"',
        ),
    ),
    "uuid": _plain(
        "uuid",
        python="UUID",
        ddl="sa.Uuid()",
        body="UUID",
        sample='"01900000-0000-7000-8000-000000000001"',
        other='"01900000-0000-7000-8000-000000000002"',
        wrong=('"unknown"',),
    ),
    "enum": _enum,
    "json": _plain(
        "json",
        python="dict[str, Any] | list[Any]",
        column="JSON",
        null_column="JSON(none_as_null=True)",
        ddl="sa.JSON()",
        body="Json",
        sample='{"key": ["value", 1, None]}',
        other="[]",
        wrong=('"text"', "1"),
    ),
    "ref": _ref,
}
