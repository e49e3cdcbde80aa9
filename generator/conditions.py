"""What copier would ask and accept, given the answers so far: Jinja of copier.yml, evaluated."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

import yaml
from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, meta
from jinja2.sandbox import SandboxedEnvironment

from generator.errors import CommandError
from generator.options import Option, Value

Answers = dict[str, Value]

# What copier tells a fresh copy about itself: no answer was recorded, and none is given.
FRESH: Answers = {"_copier_conf": {"data": {}}}

# The filters that copier promises to every template.
_ENVIRONMENT = SandboxedEnvironment(
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"], undefined=StrictUndefined
)
_FALSE = {"", "0", "f", "false", "n", "no", "none", "null", "off", "~"}


class TooEarlyError(CommandError):
    """A condition or a default reads an answer that is not there yet."""


def is_asked(option: Option, answers: Answers) -> bool:
    """Whether copier asks the question after these answers."""
    if isinstance(option.when, bool):
        return option.when
    return _render(option, option.when, answers).strip().lower() not in _FALSE


def accepted(option: Option, answers: Answers) -> list[Value]:
    """Values worth trying, the default first, without choices whose validator objects.

    A question without choices has the default and, if it differs, the placeholder.
    """
    default = default_of(option, answers)
    values: list[Value]
    if option.choices:
        values = [
            choice.value
            for choice in option.choices
            if not _render(option, choice.validator, answers).strip()
        ]
    elif option.type == "bool":
        values = [True, False]
    else:
        values = [default]
        if option.placeholder:
            values.append(_cast(option, option.placeholder))
    distinct: list[Value] = []
    for value in [default, *values]:
        if value in values and value not in distinct:
            distinct.append(value)
    return distinct


def default_of(option: Option, answers: Answers) -> Value:
    """The default as copier computes it after these answers."""
    if isinstance(option.default, str):
        return _cast(option, _render(option, option.default, answers))
    return option.default


def as_fresh(option: Option) -> Option:
    """The option with the default of every fresh copy.

    One that is made of other answers or of the folder's name stays as written.
    """
    try:
        return replace(option, default=default_of(option, dict(FRESH)))
    except TooEarlyError:
        return option


def dependencies(options: Iterable[Option]) -> dict[str, frozenset[str]]:
    """For each option, every name on which asking it or its values depend, at any distance."""
    found: dict[str, frozenset[str]] = {}
    for option in options:  # Only what is asked earlier has a value to depend on.
        direct = _mentioned(option)
        found[option.name] = direct.union(*(found.get(name, frozenset()) for name in direct))
    return found


def _mentioned(option: Option) -> frozenset[str]:
    sources = [option.when, option.default, *(choice.validator for choice in option.choices)]
    return frozenset(
        name
        for source in sources
        if isinstance(source, str)
        for name in meta.find_undeclared_variables(_ENVIRONMENT.parse(source))
    )


def rendered_text(source: str, answers: Mapping[str, Value]) -> str:
    """Jinja of a setting, with the answers and what copier adds to them."""
    return _compile(source).render(answers)


@cache
def _compile(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def _render(option: Option, source: str, answers: Mapping[str, Value]) -> str:
    try:
        return _compile(source).render(answers)
    except UndefinedError as error:
        mistake = f"copier.yml asks {option.name!r} before what it depends on: {error}."
        raise TooEarlyError(mistake) from error
    except TemplateError as error:
        raise CommandError(f"copier.yml has a mistake in {option.name!r}: {error}.") from error


def _cast(option: Option, text: str) -> Value:
    if option.type in {"str", "path"}:
        return text
    value: Value = yaml.safe_load(text)
    return value
