"""Evaluates the Jinja of copier.yml: which questions copier asks, and which values it accepts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

import yaml
from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, meta
from jinja2.sandbox import SandboxedEnvironment

from generator.errors import CommandError
from generator.template.options import Answers, Option, Value

# The context of a new project: nothing was recorded, and nothing was passed as data.
NEW_PROJECT: Answers = {"_copier_conf": {"data": {}}}

# The filters that copier provides to every template.
_ENVIRONMENT = SandboxedEnvironment(
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"], undefined=StrictUndefined
)
_FALSE = {"", "0", "f", "false", "n", "no", "none", "null", "off", "~"}


class UnansweredError(CommandError):
    """A condition or a default needs an answer that is not known yet."""


def is_asked(option: Option, answers: Answers) -> bool:
    """Return True when copier asks the question after these answers."""
    if isinstance(option.when, bool):
        return option.when
    return _render(option, option.when, answers).strip().lower() not in _FALSE


def list_values(option: Option, answers: Answers) -> list[Value]:
    """Return the accepted values, the default first.

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
    """Return the default that copier computes after these answers."""
    if isinstance(option.default, str):
        return _cast(option, _render(option, option.default, answers))
    return option.default


def resolve_default(option: Option) -> Option:
    """Return the option with the default of a new project.

    A default that depends on other answers or on the folder's name stays as written.
    """
    try:
        return replace(option, default=default_of(option, dict(NEW_PROJECT)))
    except UnansweredError:
        return option


def describe_condition(option: Option) -> str:
    """Return the condition of a question in words, such as `background is celery`."""
    text = re.sub(r"\{\{|\}\}", "", str(option.when)).strip()
    return re.sub(r"\s*==\s*'([^']*)'", r" is \1", text)


def dependencies(options: Iterable[Option]) -> dict[str, frozenset[str]]:
    """Return, for each option, the names that its condition, default and choices depend on."""
    found: dict[str, frozenset[str]] = {}
    for option in options:  # Only earlier questions have a value to depend on.
        direct = _referenced_names(option)
        found[option.name] = direct.union(*(found.get(name, frozenset()) for name in direct))
    return found


def render_setting(source: str, answers: Mapping[str, Value]) -> str:
    """Render the Jinja of a copier setting such as `_exclude`."""
    return _compile(source).render(answers)


def find_variables(source: str) -> set[str]:
    """Return the names that a Jinja text reads."""
    return meta.find_undeclared_variables(_ENVIRONMENT.parse(source))


def _referenced_names(option: Option) -> frozenset[str]:
    sources = [option.when, option.default, *(choice.validator for choice in option.choices)]
    return frozenset(
        name for source in sources if isinstance(source, str) for name in find_variables(source)
    )


@cache
def _compile(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def _render(option: Option, source: str, answers: Mapping[str, Value]) -> str:
    try:
        return _compile(source).render(answers)
    except UndefinedError as error:
        mistake = f"copier.yml asks {option.name!r} before the answer it depends on: {error}."
        raise UnansweredError(mistake) from error
    except TemplateError as error:
        raise CommandError(f"copier.yml has a mistake in {option.name!r}: {error}.") from error


def _cast(option: Option, text: str) -> Value:
    if option.type in {"str", "path"}:
        return text
    value: Value = yaml.safe_load(text)
    return value
