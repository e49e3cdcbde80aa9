"""A resource as it is asked for: its names and its fields."""

import builtins
import keyword
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import inflection

from generator.errors import UsageError
from generator.project.resources.types import FieldType, parse_type

_MAX_FIELDS = 50
_MAX_NAME = 30
# Alembic stores `0006_` and the name of the table in 32 characters.
_MAX_PLURAL = 27
# PostgreSQL cuts longer names of constraints.
_MAX_IDENTIFIER = 63
_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

# Local variables and imported modules of the texts.
_RESERVED_NAMES = re.compile(
    "body|caller|changes|last|page|request|response|router|row|rows|service|session|statement|"
    "values"
)
# Types that the models and schemas name, and attributes of their base classes.
_RESERVED_FIELDS = re.compile(
    "bool|construct|copy|created_at|date|datetime|dict|from_orm|id|int|json|list|metadata|"
    "model_.*|parse_file|parse_obj|parse_raw|prune|registry|schema|schema_json|self|str|"
    "update_forward_refs|updated_at|validate"
)
_RESERVED_ALIASES = frozenset({"create", "page", "read", "update"})


@dataclass(frozen=True)
class Field:
    """A column, and a field of requests and responses."""

    name: str
    type: FieldType
    nullable: bool

    @property
    def is_ref(self) -> bool:
        return bool(self.type.target)

    @property
    def model(self) -> str:
        """The line of the model, without the arguments of references."""
        null = " | None" if self.nullable else ""
        column = (self.nullable and self.type.null_column) or self.type.column
        # The model stores the values of an enum, so that a new value needs no revision.
        python = "str" if self.type.name == "enum" else self.type.python
        assigned = f" = mapped_column({column})" if column else ""
        return f"{self.name}: Mapped[{python}{null}]{assigned}"


@dataclass(frozen=True)
class Resource:
    """`singular` and `plural` are in snake_case; `owned` rows belong to their callers."""

    singular: str
    plural: str
    fields: tuple[Field, ...]
    owned: bool
    command: str

    @property
    def class_name(self) -> str:
        return inflection.camelize(self.singular)

    @property
    def route(self) -> str:
        return self.plural.replace("_", "-")

    @property
    def code(self) -> str:
        return self.singular.upper()

    @property
    def words(self) -> str:
        return self.singular.replace("_", " ")

    @property
    def title(self) -> str:
        """The plural, as the first words of a sentence."""
        return self.plural.replace("_", " ").capitalize()

    @property
    def refs(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.is_ref)

    def alias(self, field: Field) -> str:
        """Return the name of the field's type in the schemas."""
        suffix = "_value" if field.name in _RESERVED_ALIASES else ""
        return self.class_name + inflection.camelize(field.name + suffix)

    def read(self, field: Field) -> str:
        """Return the annotation in responses."""
        null = " | None" if field.nullable else ""
        return field.type.python.format(name=self.alias(field)) + null

    def body(self, field: Field) -> str:
        """Return the annotation in request bodies, without null."""
        return field.type.body or self.alias(field)


def parse_resource(
    name: str, definitions: Sequence[str], *, plural: str | None, owned: bool
) -> Resource:
    """Parse the arguments of the command; raises UsageError."""
    singular, table = _parse_names(name, plural)
    if not definitions:
        raise UsageError(f"{name} has no fields: add at least one, such as name:text(200).")
    if len(definitions) > _MAX_FIELDS:
        raise UsageError(f"A resource has at most {_MAX_FIELDS} fields, not {len(definitions)}.")
    fields = tuple(_parse_field(definition) for definition in definitions)
    names = [field.name for field in fields]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"The field {repeated[0]} is given twice.")
    if "owner_id" in names:
        raise UsageError("The field owner_id exists in every resource that is made with --owned.")
    command = shlex.join(
        [
            name,
            *definitions,
            *(["--plural", plural] if plural else ()),
            *(["--owned"] if owned else ()),
        ]
    )
    return Resource(singular, table, fields, owned, command)


def parse_command(command: str) -> Resource:
    """Parse the recorded form of the arguments; raises UsageError or ValueError."""
    words = shlex.split(command)
    owned = "--owned" in words
    plural = None
    if "--plural" in words:
        place = words.index("--plural")
        plural = words[place + 1]
        del words[place : place + 2]
    name, *fields = (word for word in words if word != "--owned")
    return parse_resource(name, fields, plural=plural, owned=owned)


def to_names(name: str) -> tuple[str, str]:
    """Return the singular and the plural of a name that is either."""
    singular = inflection.singularize(name)
    return singular, inflection.pluralize(singular)


def _parse_names(name: str, plural: str | None) -> tuple[str, str]:
    snake = _to_snake_case("resource", name)
    names = (snake, _to_snake_case("plural", plural)) if plural else to_names(snake)
    for candidate in names:
        class_name = inflection.camelize(candidate)
        if (
            keyword.iskeyword(candidate)
            or _RESERVED_NAMES.fullmatch(candidate)
            or hasattr(builtins, candidate)
            or hasattr(builtins, class_name)
        ):
            raise UsageError(f"A resource cannot be called {candidate}: the code uses that name.")
    if len(names[1]) > _MAX_PLURAL:
        raise UsageError(
            f"{names[1]} is longer than {_MAX_PLURAL} characters, so its revision would not fit "
            "into alembic's table: choose a shorter name."
        )
    return names


def _to_snake_case(kind: str, name: str) -> str:
    snake = name.replace("-", "_")
    if not _SNAKE_CASE.fullmatch(snake) or len(snake) > _MAX_NAME:
        raise UsageError(
            f"{name!r} is not a name of a {kind}: use lower-case letters, digits and single "
            f"underscores, {_MAX_NAME} characters at most, as in order_line."
        )
    return snake


def _parse_field(definition: str) -> Field:
    name, colon, text = definition.partition(":")
    if not colon:
        raise UsageError(f"{definition!r} is not a field: write name:type, as in name:text(200).")
    if not _SNAKE_CASE.fullmatch(name) or len(name) > _MAX_NAME:
        raise UsageError(
            f"{name!r} is not a name of a field: use lower-case letters, digits and single "
            f"underscores, {_MAX_NAME} characters at most, as in due_date."
        )
    if keyword.iskeyword(name) or _RESERVED_FIELDS.fullmatch(name):
        raise UsageError(f"A field cannot be called {name}: the code uses that name.")
    nullable = text.endswith("?")
    return Field(name, parse_type(text.removesuffix("?")), nullable)


def require_short_identifiers(table: str, references: Iterable[tuple[str, str]]) -> None:
    """Refuse names of constraints that PostgreSQL would shorten; takes columns and tables."""
    for column, target in references:
        identifier = f"fk_{table}_{column}_{target}"
        if len(identifier) > _MAX_IDENTIFIER:
            raise UsageError(
                f"The constraint {identifier} would be longer than {_MAX_IDENTIFIER} characters, "
                f"which PostgreSQL allows: choose a shorter name for {column}."
            )
