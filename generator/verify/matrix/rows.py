"""The rows of the matrix.

Every combination of the architecture options is a row. Add-ons are assigned onto these rows so
that every pair of values of any two options occurs in at least one row; more rows are added only
when these are full. Identity options decide text, not structure, and are left out.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from generator.errors import UsageError
from generator.template.options import (
    Answers,
    Option,
    Value,
    format_assignment,
    parse_assignments,
)
from generator.verify.matrix.pairwise import PairCover
from generator.verify.matrix.questionnaire import Questionnaire, keep_order


@dataclass(frozen=True)
class Row:
    """Answers to every question that copier asks in one combination, without identity."""

    id: str
    answers: Mapping[str, Value]

    @property
    def assignments(self) -> list[str]:
        """The answers in the form that `verify --only` and `new -d` take."""
        return [format_assignment(*answer) for answer in self.answers.items()]


def build_rows(options: Sequence[Option]) -> list[Row]:
    """Compute the matrix deterministically. The first row has all defaults."""
    return _identify(PairCover(Questionnaire(options)).build())


def select_rows(options: Sequence[Option], only: Iterable[str]) -> list[Row]:
    """Return the rows with these answers. Several values of one option are alternatives.

    A combination outside the matrix is added, so that every project can be reproduced. Raises
    UsageError for an invalid assignment, and for answers that exclude each other.
    """
    requested: dict[str, list[Value]] = {}
    for option, value in parse_assignments(options, only):
        requested.setdefault(option.name, []).append(value)
    matching = [
        row
        for row in build_rows(options)
        if all(name in row.answers and row.answers[name] in requested[name] for name in requested)
    ]
    if matching:
        return matching
    answers = {name: values[-1] for name, values in requested.items()}
    row = Questionnaire(options).complete(answers, keep_order)
    if row is None:
        written = " ".join(format_assignment(*answer) for answer in answers.items())
        raise UsageError(
            f"copier.yml allows no project with {written}; `fastapi-service options` says why."
        )
    return _identify([row])


def _identify(rows: Iterable[Answers]) -> list[Row]:
    """Name the rows by their values. Names are folder names; a number makes them unique."""
    counts: Counter[str] = Counter()
    identified = []
    for row in rows:
        name = "-".join(_to_word(*answer) for answer in row.items()) or "defaults"
        counts[name] += 1
        number = f"-{counts[name]}" if counts[name] > 1 else ""
        identified.append(Row(name + number, row))
    return identified


def _to_word(name: str, value: Value) -> str:
    if not value or value == "none":
        return f"no_{name}"
    if value is True or isinstance(value, list | dict):
        return name
    return re.sub(r"[^\w.]+", "_", str(value))
