"""Answers that have no effect in a folder of a larger repository: `_nested` of copier.yml."""

from collections.abc import Mapping
from typing import Any

import yaml

from generator.console import note
from generator.errors import UsageError
from generator.template.options import Answers, format_assignment


def nest(definition: str, answers: Answers) -> Answers:
    """Return the answers with those that copier.yml gives projects in a larger repository.

    Raises UsageError for another answer to the same question.
    """
    rule = _read_rule(definition)
    _require_effect(rule, answers)
    if rule["message"]:
        note(f"{rule['message'][0].upper()}{rule['message'][1:]}.")
    return {**answers, **rule["answers"]}


def require_effect(definition: str, answers: Answers) -> None:
    """Raise UsageError for an answer that has no effect in a larger repository."""
    _require_effect(_read_rule(definition), answers)


def _require_effect(rule: Mapping[str, Any], answers: Answers) -> None:
    for name, value in rule["answers"].items():
        if answers.get(name, value) != value:
            raise UsageError(
                f"{format_assignment(name, answers[name])} has no effect inside of another "
                f"repository: {rule['message']}."
            )


def _read_rule(definition: str) -> dict[str, Any]:
    return yaml.safe_load(definition).get("_nested") or {"answers": {}, "message": ""}
