"""The questions for other programs: a JSON schema of the answers, and a form for Backstage."""

from collections.abc import Iterator, Sequence
from itertools import product

from generator.template.conditions import (
    NEW_PROJECT,
    UnansweredError,
    default_of,
    find_variables,
    is_asked,
    list_values,
)
from generator.template.options import Answers, Option, Value

_TYPES = {"bool": "boolean", "float": "number", "int": "integer", "path": "string", "str": "string"}


def build_schema(options: Sequence[Option], version: str) -> dict[str, Value]:
    """Return a JSON schema (draft 2020-12) of the answers that copier accepts.

    An answer to a question that copier does not ask is invalid. Validators are Jinja and are not
    part of the schema.
    """
    asked = [option for option in options if not option.computed]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Answers to the questions of the template, {version}",
        "type": "object",
        "properties": {option.name: _describe(option) for option in asked},
        "additionalProperties": False,
        "allOf": [_forbid_unasked(option, options) for option in asked if _is_conditional(option)],
    }


def build_form(options: Sequence[Option], location: str, version: str) -> dict[str, Value]:
    """Return a template for the scaffolder of Backstage, with one page of questions per kind.

    Backstage itself has no action for copier: `fetch:copier` is that of a plugin.
    """
    asked = [option for option in options if not option.computed]
    pages = [
        _build_page(kind, [option for option in asked if option.kind == kind], options)
        for kind in dict.fromkeys(option.kind for option in asked)
    ]
    return {
        "apiVersion": "scaffolder.backstage.io/v1beta3",
        "kind": "Template",
        "metadata": {
            "name": "fastapi-service",
            "title": "FastAPI service",
            "description": f"A service from {location}, {version}",
        },
        "spec": {
            "type": "service",
            "owner": "platform",
            "parameters": pages,
            "steps": [
                {
                    "id": "render",
                    "name": "Render",
                    "action": "fetch:copier",
                    "input": {
                        "url": location,
                        "values": {
                            option.name: f"${{{{ parameters.{option.name} }}}}" for option in asked
                        },
                    },
                }
            ],
        },
    }


def _build_page(kind: str, asked: Sequence[Option], options: Sequence[Option]) -> Value:
    """Conditional questions appear with the answers that they depend on."""
    always = [option for option in asked if not _is_conditional(option)]
    conditional = [option for option in asked if _is_conditional(option)]
    required: list[Value] = [option.name for option in always if _needs_folder(option, options)]
    page: dict[str, Value] = {
        "title": kind.capitalize(),
        "properties": {option.name: _describe(option) for option in always},
        "required": required,
    }
    if conditional:
        page["allOf"] = [
            {
                "if": _match_any(option, options),
                "then": {"properties": {option.name: _describe(option)}},
            }
            for option in conditional
        ]
    return page


def _is_conditional(option: Option) -> bool:
    return isinstance(option.when, str)


def _describe(option: Option) -> dict[str, Value]:
    entry: dict[str, Value] = {"title": option.name, "description": option.help}
    if option.choices:
        entry["oneOf"] = [
            {"const": choice.value, "title": choice.help} for choice in option.choices
        ]
    if option.type in _TYPES:
        entry["type"] = _TYPES[option.type]
    elif isinstance(option.default, list):
        entry |= {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    default = _default(option)
    if default is not None:
        entry["default"] = default
    return entry


def _default(option: Option) -> Value:
    """Return the default of a new project, or None if other answers or a folder decide it."""
    try:
        return default_of(option, dict(NEW_PROJECT))
    except UnansweredError:
        return None


def _needs_folder(option: Option, options: Sequence[Option]) -> bool:
    """Return True when the default derives from the folder of the project."""
    known = {other.name for other in options} | NEW_PROJECT.keys()
    return isinstance(option.default, str) and not find_variables(option.default) <= known


def _forbid_unasked(option: Option, options: Sequence[Option]) -> Value:
    return {
        "if": {"required": [option.name]},
        "then": _match_any(option, options),
    }


def _match_any(option: Option, options: Sequence[Option]) -> dict[str, Value]:
    """Return a schema of the answers with which the question is asked."""
    return {"anyOf": [_match(answers, options) for answers in _list_conditions(option, options)]}


def _list_conditions(option: Option, options: Sequence[Option]) -> Iterator[Answers]:
    """Yield the answers, to the questions that the condition names, with which copier asks."""
    names = find_variables(str(option.when))
    needed = [other for other in options if other.name in names]
    values = [list_values(other, dict(NEW_PROJECT)) for other in needed]
    for combination in product(*values):
        answers = dict(zip((other.name for other in needed), combination, strict=True))
        if is_asked(option, NEW_PROJECT | answers):
            yield answers


def _match(answers: Answers, options: Sequence[Option]) -> Value:
    """Return a schema of these answers. A default need not be given."""
    defaults = {option.name: _default(option) for option in options}
    return {
        "properties": {name: {"const": value} for name, value in answers.items()},
        "required": [name for name, value in answers.items() if value != defaults[name]],
    }
