"""The options of a template, read from its copier.yml: the only place that defines them."""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from generator.errors import CommandError, UsageError

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

# Kind of the questions that copier computes (`when: false`): nobody answers them.
COMPUTED = "computed"


@dataclass(frozen=True)
class Choice:
    """One value that a question accepts; `validator` is Jinja that renders why not, or nothing."""

    value: Value
    help: str
    validator: str = ""


@dataclass(frozen=True)
class Option:
    """One question. `default`, `when` and `placeholder` are as written, Jinja included."""

    name: str
    kind: str
    type: str
    default: Value
    choices: tuple[Choice, ...]
    help: str
    when: str | bool
    placeholder: str

    @property
    def computed(self) -> bool:
        return self.when is False

    def as_json(self) -> dict[str, object]:
        """The option's entry in `options --json`; `when` is null for a question always asked."""
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
    """Read the questions of a copier.yml, in its order.

    Raises CommandError for what is not YAML or has a question without a kind.
    """
    try:
        definition = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CommandError(f"copier.yml is not YAML: {' '.join(str(error).split())}") from error
    kinds = {
        name: kind for kind, names in definition.get("_kinds", {}).items() for name in names or ()
    }
    return tuple(
        _option(name, details if isinstance(details, dict) else {"default": details}, kinds)
        for name, details in definition.items()
        if not name.startswith("_")
    )


def _option(name: str, details: Mapping[str, Value], kinds: Mapping[str, str]) -> Option:
    when = details.get("when", True)
    kind = COMPUTED if when is False else kinds.get(name)
    if kind is None:
        raise CommandError(f"copier.yml does not say in `_kinds` what {name!r} decides.")
    default = details.get("default")
    return Option(
        name=name,
        kind=kind,
        type=str(details.get("type") or _type_of(default)),
        default=default,
        choices=_choices(details.get("choices")),
        help=str(details.get("help", "")),
        when=when if isinstance(when, bool) else str(when),
        placeholder=str(details.get("placeholder", "")),
    )


def _type_of(default: Value) -> str:
    """What copier takes a question without `type` for."""
    name = type(default).__name__
    return name if name in {"bool", "float", "int", "str"} else "yaml"


def _choices(written: Value) -> tuple[Choice, ...]:
    """Choices in each of copier's notations; none when they are computed (a Jinja string)."""
    if isinstance(written, dict):
        return tuple(_choice(label, value) for label, value in written.items())
    if isinstance(written, list):
        return tuple(
            _choice(*item) if isinstance(item, list) else _choice(item, item) for item in written
        )
    return ()


def _choice(label: Value, value: Value) -> Choice:
    if isinstance(value, dict):
        return Choice(value["value"], str(label), str(value.get("validator", "")))
    return Choice(value, str(label))


def named(options: Iterable[Option], name: str) -> Option:
    """Find the option that a user may set.

    Raises UsageError when there is none, with the names it may have been meant for.
    """
    settable = {option.name: option for option in options if not option.computed}
    if name in settable:
        return settable[name]
    if any(option.name == name for option in options):
        mistake = f"{name!r} is computed from other answers and cannot be set"
    else:
        close = " or ".join(map(repr, difflib.get_close_matches(name, settable)))
        mistake = f"There is no option {name!r}" + (f" (did you mean {close}?)" if close else "")
    raise UsageError(f"{mistake}; `fastapi-service options` lists what can be chosen.")


def parse_assignments(
    options: Sequence[Option], assignments: Iterable[str]
) -> list[tuple[Option, Value]]:
    """Parse each `name=value` of a command line; raises UsageError for the first mistake."""
    parsed = []
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"{assignment!r} is not an assignment: write name=value.")
        option = named(options, name.strip())
        parsed.append((option, parse_value(option, text)))
    return parsed


def parse_value(option: Option, text: str) -> Value:
    """Read a value as YAML; text that is not quoted stands for itself when text is asked for.

    So `python_version=3.10` is not the number 3.1, and a name may hold braces and colons.
    Raises UsageError for what is not YAML, and for anything but a truth value where one is asked
    for: copier would take it for true.
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


def assignment(name: str, value: Value) -> str:
    """Write a value so that `parse_value` reads it back."""
    quoted = not isinstance(value, str) or value.strip()[:1] in {"'", '"'}
    return f"{name}={json.dumps(value, ensure_ascii=False) if quoted else value}"
