"""The combinations of options that prove a template.

Every combination of the architecture options is a row. The add-ons are assigned onto these rows
so that every two values of any two options meet in at least one row; rows are added only when
there is no room left. Identity is left out: it decides text, not structure.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from generator.conditions import Answers
from generator.errors import UsageError
from generator.options import Option, Value, assignment, parse_assignments
from generator.pairwise import PairCover
from generator.questionnaire import Questionnaire, in_order


@dataclass(frozen=True)
class Row:
    """Answers to every question that copier asks in one combination, identity excepted."""

    id: str
    answers: Mapping[str, Value]

    @property
    def assignments(self) -> list[str]:
        """The answers as `verify --only` and `new -d` take them."""
        return [assignment(name, value) for name, value in self.answers.items()]


def rows(options: Sequence[Option]) -> list[Row]:
    """Compute the matrix, the same for the same copier.yml; its first row is all defaults."""
    return _identified(PairCover(Questionnaire(options)).build())


def selected(options: Sequence[Option], only: Iterable[str]) -> list[Row]:
    """Rows with these answers; several values of one option are alternatives.

    A combination that the matrix happens not to hold is made, so every project can be repeated.
    Raises UsageError for a mistake in `only`, and for answers that exclude each other.
    """
    wanted: dict[str, list[Value]] = {}
    for option, value in parse_assignments(options, only):
        wanted.setdefault(option.name, []).append(value)
    found = [
        row
        for row in rows(options)
        if all(name in row.answers and row.answers[name] in wanted[name] for name in wanted)
    ]
    if found:
        return found
    answers = {name: values[-1] for name, values in wanted.items()}
    row = Questionnaire(options).complete(answers, in_order)
    if row is None:
        written = " ".join(assignment(*answer) for answer in answers.items())
        raise UsageError(
            f"copier.yml allows no project with {written}; `fastapi-service options` says why."
        )
    return _identified([row])


def _identified(answers: Iterable[Answers]) -> list[Row]:
    """Name the rows by their values, as folder names; a number tells equal names apart."""
    seen: Counter[str] = Counter()
    identified = []
    for row in answers:
        name = "-".join(_word(*answer) for answer in row.items()) or "defaults"
        seen[name] += 1
        number = f"-{seen[name]}" if seen[name] > 1 else ""
        identified.append(Row(name + number, row))
    return identified


def _word(name: str, value: Value) -> str:
    if not value or value == "none":
        return f"no_{name}"
    if value is True or isinstance(value, list | dict):
        return name
    return re.sub(r"[^\w.]+", "_", str(value))
