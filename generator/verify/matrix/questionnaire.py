"""Answers that copier accepts together, found by walking through the questions in order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

from generator.errors import CommandError
from generator.template.conditions import (
    NEW_PROJECT,
    default_of,
    dependencies,
    is_asked,
    list_values,
)
from generator.template.options import (
    ARCHITECTURE,
    COMPUTED,
    IDENTITY,
    Answers,
    Option,
    Value,
    format_assignment,
)

# Copier's context before the first answer; the names of a project derive from its folder.
_CONTEXT: Answers = {**NEW_PROJECT, "_folder_name": "service"}

# Sorts the possible values of an option, given the row so far.
Preference = Callable[[Option, list[Value], Answers], list[Value]]

# Two assignments (`name=value`) of one row.
Pair = frozenset[str]


class Questionnaire:
    """The questions of a copier.yml, which can be answered completely."""

    def __init__(self, options: Sequence[Option]) -> None:
        self.options = options
        self._dependencies = dependencies(options)

    def complete(self, fixed: Mapping[str, Value], preference: Preference) -> Answers | None:
        """Answer every question but identity, given some; None when copier never would."""
        # Backtracking is needed only where the given answers depend on others.
        backtracked = frozenset(fixed).union(*(self._dependencies.get(name, ()) for name in fixed))

        def extend(index: int, row: Answers, known: Answers) -> Answers | None:
            if index == len(self.options):
                return row
            option = self.options[index]
            name = option.name
            if not self._is_varied(option, known):
                if name in fixed:
                    return None
                return extend(index + 1, row, known | self._default_answer(option, known))
            for value in self._candidates(option, known, row, fixed, preference):
                completed = extend(index + 1, row | {name: value}, known | {name: value})
                if completed is not None or name not in backtracked:
                    return completed
            return None

        return extend(0, {}, dict(_CONTEXT))

    def architectures(self) -> Iterator[Answers]:
        """Yield every combination of the architecture options, all defaults first."""

        def extend(index: int, row: Answers, known: Answers) -> Iterator[Answers]:
            if index == len(self.options):
                yield row
                return
            option = self.options[index]
            if option.kind != ARCHITECTURE or not is_asked(option, known):
                yield from extend(index + 1, row, known | self._default_answer(option, known))
                return
            for value in list_values(option, known):
                answer: Answers = {option.name: value}
                yield from extend(index + 1, row | answer, known | answer)

        return extend(0, {}, dict(_CONTEXT))

    def possible_pairs(self) -> dict[Pair, Answers]:
        """Return every pair of values that some row can contain."""
        values = [
            (option.name, value)
            for option in self.options
            if option.kind not in {COMPUTED, IDENTITY}
            for value in self._all_values(option)
        ]
        pairs: dict[Pair, Answers] = {}
        for (name, value), (other, other_value) in combinations(values, 2):
            answers = {name: value, other: other_value}
            if name != other and self.complete(answers, keep_order) is not None:
                pairs[make_pair(name, value, other, other_value)] = answers
        return pairs

    def _all_values(self, option: Option) -> list[Value]:
        """Return the values of an option, independent of other answers."""
        if option.choices:
            return [choice.value for choice in option.choices]
        known: Answers = dict(_CONTEXT)
        for earlier in self.options[: self.options.index(option)]:
            known |= self._default_answer(earlier, known)
        return list_values(option, known)

    def _is_varied(self, option: Option, known: Answers) -> bool:
        return option.kind not in {COMPUTED, IDENTITY} and is_asked(option, known)

    def _default_answer(self, option: Option, known: Answers) -> Answers:
        return {option.name: default_of(option, known)}

    def _candidates(
        self,
        option: Option,
        known: Answers,
        row: Answers,
        fixed: Mapping[str, Value],
        preference: Preference,
    ) -> list[Value]:
        values = list_values(option, known)
        if option.name in fixed:
            return [value for value in values if value == fixed[option.name]]
        if not values:
            raise CommandError(f"copier.yml accepts no value of {option.name!r} after {row}.")
        return preference(option, values, row)


def keep_order(_option: Option, values: list[Value], _row: Answers) -> list[Value]:
    """Prefer the default, then the order of copier.yml."""
    return values


def make_pair(name: str, value: Value, other: str, other_value: Value) -> Pair:
    return frozenset({format_assignment(name, value), format_assignment(other, other_value)})
