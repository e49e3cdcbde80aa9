"""Answers that copier would accept together, found by going through the questions in order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

from generator.conditions import (
    FRESH,
    Answers,
    accepted,
    default_of,
    dependencies,
    is_asked,
)
from generator.errors import CommandError
from generator.options import COMPUTED, Option, Value, assignment

ARCHITECTURE = "architecture"
IDENTITY = "identity"

# What copier knows before the first answer of a fresh copy; the names of a project are made of it.
_FRESH: Answers = {**FRESH, "_folder_name": "service"}

# Puts the values that may be given to an option, after these answers, into the wanted order.
Preference = Callable[[Option, list[Value], Answers], list[Value]]

# Two assignments (`name=value`) that stand in one row.
Pair = frozenset[str]


class Questionnaire:
    """The options of a copier.yml as something that can be answered."""

    def __init__(self, options: Sequence[Option]) -> None:
        self.options = options
        self._dependencies = dependencies(options)

    def complete(self, fixed: Mapping[str, Value], preference: Preference) -> Answers | None:
        """Answer every question but identity, `fixed` included; None when copier never would."""
        # Only what the fixed answers depend on is worth a second try.
        decisive = frozenset(fixed).union(*(self._dependencies.get(name, ()) for name in fixed))

        def extend(index: int, row: Answers, known: Answers) -> Answers | None:
            if index == len(self.options):
                return row
            option = self.options[index]
            name = option.name
            if not self._in_rows(option, known):
                if name in fixed:
                    return None
                return extend(index + 1, row, known | self._unasked(option, known))
            for value in self._candidates(option, known, row, fixed, preference):
                finished = extend(index + 1, row | {name: value}, known | {name: value})
                if finished is not None or name not in decisive:
                    return finished
            return None

        return extend(0, {}, dict(_FRESH))

    def architectures(self) -> Iterator[Answers]:
        """Every combination of the architecture options, all defaults first."""

        def extend(index: int, row: Answers, known: Answers) -> Iterator[Answers]:
            if index == len(self.options):
                yield row
                return
            option = self.options[index]
            if option.kind != ARCHITECTURE or not is_asked(option, known):
                yield from extend(index + 1, row, known | self._unasked(option, known))
                return
            for value in accepted(option, known):
                answer: Answers = {option.name: value}
                yield from extend(index + 1, row | answer, known | answer)

        return extend(0, {}, dict(_FRESH))

    def possible_pairs(self) -> dict[Pair, Answers]:
        """Every two values of any two options that some row can hold."""
        values = [
            (option.name, value)
            for option in self.options
            if option.kind not in {COMPUTED, IDENTITY}
            for value in self._values(option)
        ]
        pairs: dict[Pair, Answers] = {}
        for (name, value), (other, other_value) in combinations(values, 2):
            answers = {name: value, other: other_value}
            if name != other and self.complete(answers, in_order) is not None:
                pairs[pair(name, value, other, other_value)] = answers
        return pairs

    def _values(self, option: Option) -> list[Value]:
        """Values of the option, whatever else is answered."""
        if option.choices:
            return [choice.value for choice in option.choices]
        known: Answers = dict(_FRESH)
        for earlier in self.options[: self.options.index(option)]:
            known |= self._unasked(earlier, known)
        return accepted(option, known)

    def _in_rows(self, option: Option, known: Answers) -> bool:
        return option.kind not in {COMPUTED, IDENTITY} and is_asked(option, known)

    def _unasked(self, option: Option, known: Answers) -> Answers:
        """The value that later conditions see of a question that is not varied."""
        return {option.name: default_of(option, known)}

    def _candidates(
        self,
        option: Option,
        known: Answers,
        row: Answers,
        fixed: Mapping[str, Value],
        preference: Preference,
    ) -> list[Value]:
        values = accepted(option, known)
        if option.name in fixed:
            return [value for value in values if value == fixed[option.name]]
        if not values:
            raise CommandError(f"copier.yml accepts no value of {option.name!r} after {row}.")
        return preference(option, values, row)


def in_order(_option: Option, values: list[Value], _row: Answers) -> list[Value]:
    """Prefer the default, then the order of copier.yml."""
    return values


def pair(name: str, value: Value, other: str, other_value: Value) -> Pair:
    return frozenset({assignment(name, value), assignment(other, other_value)})
