"""The options of a template. Its copier.yml is the only place that defines them."""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from generator.errors import CommandError, UsageError

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
Answers: TypeAlias = dict[str, Value]

ARCHITECTURE = "architecture"
IDENTITY = "identity"
# Questions with `when: false`, which copier computes and nobody answers.
COMPUTED = "computed"


@dataclass(frozen=True)
class Choice:
    """A value that a question accepts. `validator` is Jinja that renders an objection."""

    value: Value
    help: str
    validator: str = ""


@dataclass(frozen=True)
class Option:
    """A question. `default`, `when`, `placeholder` and `validator` may be Jinja."""

    name: str
    kind: str
    type: str
    default: Value
    choices: tuple[Choice, ...]
    help: str
    when: str | bool
    placeholder: str
    validator: str = ""

    @property
    def computed(self) -> bool:
        return self.when is False

    def as_json(self) -> dict[str, object]:
        """Return the entry of `options --json`. `when` is null for unconditional questions."""
        return {
            "name": self.name,
            "kind": self.kind,
            "type": self.type,
            "default": self.default,
            "choices": [{"value": choice.value, "help": choice.help} for choice in self.choices],
            "help": self.help,
            "when": None if self.when is True else self.when,
            "computed": self.computed,
        }


def parse_definition(text: str) -> tuple[Option, ...]:
    """Parse the questions of a copier.yml, in order.

    Raises CommandError for invalid YAML and for a question without a kind.
    """
    try:
        definition = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CommandError(f"copier.yml is not YAML: {' '.join(str(error).split())}") from error
    kinds = {
        name: kind for kind, names in definition.get("_kinds", {}).items() for name in names or ()
    }
    return tuple(
        _parse_option(name, details if isinstance(details, dict) else {"default": details}, kinds)
        for name, details in definition.items()
        if not name.startswith("_")
    )


def find_option(options: Iterable[Option], name: str) -> Option:
    """Return the option with this name; raises UsageError with suggestions."""
    settable = {option.name: option for option in options if not option.computed}
    if name in settable:
        return settable[name]
    if any(option.name == name for option in options):
        mistake = f"{name!r} is computed from other answers and cannot be set"
    else:
        similar = " or ".join(map(repr, difflib.get_close_matches(name, settable)))
        mistake = f"There is no option {name!r}" + (
            f" (did you mean {similar}?)" if similar else ""
        )
    raise UsageError(f"{mistake}; `fastapi-service options` lists the options.")


def parse_assignments(
    options: Sequence[Option], assignments: Iterable[str]
) -> list[tuple[Option, Value]]:
    """Parse the `name=value` arguments of a command line; raises UsageError."""
    parsed = []
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is not an assignment: write name=value.")
        option = find_option(options, name.strip())
        parsed.append((option, _find_choice(option, parse_value(option, value))))
    return parsed


def parse_value(option: Option, text: str) -> Value:
    """Parse a value as YAML. Unquoted text for a text option is taken as it is.

    So `python_version=3.10` is not the number 3.1, and a name may hold braces and colons.
    Raises UsageError for invalid YAML, and for anything but a boolean where one is expected:
    copier would take it for true.
    """
    is_text = option.type in {"str", "path"}
    if is_text and text.strip()[:1] not in {"'", '"'}:
        return text
    try:
        value: Value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        if is_text:
            return text
        raise UsageError(f"The value of {option.name!r} is not YAML: {text!r}.") from error
    if option.type == "bool" and not isinstance(value, bool):
        raise UsageError(f"The value of {option.name!r} is true or false, not {text!r}.")
    return value if not is_text or isinstance(value, str) else text


def _find_choice(option: Option, value: Value) -> Value:
    """Return the choice that equals the value, in any case; raises UsageError without one."""
    choices = [choice.value for choice in option.choices]
    if value in choices or not choices:
        return value
    similar = [choice for choice in choices if str(choice).lower() == str(value).lower()]
    if not similar:
        listed = ", ".join(map(str, choices))
        raise UsageError(f"{value!r} is not a value of {option.name!r}: choose one of {listed}.")
    return similar[0]


def format_assignment(name: str, value: Value) -> str:
    """Return `name=value` in the form that `parse_value` reads."""
    quoted = not isinstance(value, str) or value.strip()[:1] in {"'", '"'}
    return f"{name}={json.dumps(value, ensure_ascii=False) if quoted else value}"


def _parse_option(name: str, details: Mapping[str, Value], kinds: Mapping[str, str]) -> Option:
    when = details.get("when", True)
    kind = COMPUTED if when is False else kinds.get(name)
    if kind is None:
        raise CommandError(f"copier.yml does not list {name!r} in `_kinds`.")
    default = details.get("default")
    return Option(
        name=name,
        kind=kind,
        type=str(details.get("type") or _infer_type(default)),
        default=default,
        choices=_parse_choices(details.get("choices")),
        help=str(details.get("help", "")),
        when=when if isinstance(when, bool) else str(when),
        placeholder=str(details.get("placeholder", "")),
        validator=str(details.get("validator", "")),
    )


def _infer_type(default: Value) -> str:
    """Return the type that copier infers for a question without one."""
    name = type(default).__name__
    return name if name in {"bool", "float", "int", "str"} else "yaml"


def _parse_choices(choices: Value) -> tuple[Choice, ...]:
    """Parse each of copier's notations. Computed choices (a Jinja string) give none."""
    if isinstance(choices, dict):
        return tuple(_parse_choice(label, value) for label, value in choices.items())
    if isinstance(choices, list):
        return tuple(
            _parse_choice(*item) if isinstance(item, list) else _parse_choice(item, item)
            for item in choices
        )
    return ()


def _parse_choice(label: Value, value: Value) -> Choice:
    if isinstance(value, dict):
        return Choice(value["value"], str(label), str(value.get("validator", "")))
    return Choice(value, str(label))
