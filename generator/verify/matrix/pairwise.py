"""A greedy search for few rows that contain every pair of values of any two options."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

from generator.template.options import Answers, Option, Value, format_assignment
from generator.verify.matrix.questionnaire import Pair, Questionnaire, keep_order, make_pair


class PairCover:
    """Rows under construction, with the number of times each pair occurs in them."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self._questionnaire = questionnaire
        self._required = questionnaire.possible_pairs()
        self._pair_counts: Counter[Pair] = Counter()
        self._value_counts: Counter[str] = Counter()
        self._rows: list[Answers] = []

    def build(self) -> list[Answers]:
        complete = self._questionnaire.complete
        architectures = list(self._questionnaire.architectures())
        for architecture in architectures:
            preference = self._most_missing if self._rows else keep_order
            self._add(complete(architecture, preference) or architecture)
        while missing := next(
            (pair for pair in self._required if not self._pair_counts[pair]), None
        ):
            answers = self._required[missing]
            if not self._fit_in(answers, architectures):
                self._add(complete(answers, self._most_missing) or answers)
        return self._rows

    def _most_missing(self, option: Option, values: list[Value], row: Answers) -> list[Value]:
        """Prefer values that complete many missing pairs, then rarely used ones."""

        def gain(value: Value) -> tuple[int, int]:
            pairs = (make_pair(option.name, value, *other) for other in row.items())
            missing = sum(pair in self._required and not self._pair_counts[pair] for pair in pairs)
            return missing, -self._value_counts[format_assignment(option.name, value)]

        return sorted(values, key=gain, reverse=True)

    def _fit_in(self, answers: Answers, architectures: Sequence[Answers]) -> bool:
        """Change the add-ons of an existing row to contain the answers, if that gains pairs.

        The first row keeps all defaults.
        """
        for index, architecture in enumerate(architectures[1:], start=1):
            old = self._rows[index]
            if any(architecture.get(name, value) != value for name, value in answers.items()):
                continue
            new = self._questionnaire.complete(architecture | answers, partial(_prefer, old))
            if new and self._gain(old, new) > 0:
                self._count(old, -1)
                self._count(new, +1)
                self._rows[index] = new
                return True
        return False

    def _gain(self, old: Answers, new: Answers) -> int:
        """Return the number of required pairs that the exchange adds, less those it removes."""
        removed = set(_list_pairs(old)) - set(_list_pairs(new))
        lost = sum(self._pair_counts[pair] == 1 for pair in removed)
        return sum(not self._pair_counts[pair] for pair in _list_pairs(new)) - lost

    def _add(self, row: Answers) -> None:
        self._rows.append(row)
        self._count(row, +1)

    def _count(self, row: Answers, step: int) -> None:
        for answer in row.items():
            self._value_counts[format_assignment(*answer)] += step
        for pair in _list_pairs(row):
            self._pair_counts[pair] += step


def _prefer(row: Answers, option: Option, values: list[Value], _row: Answers) -> list[Value]:
    """Prefer the answer of a row."""
    return sorted(values, key=lambda value: value != row.get(option.name))


def _list_pairs(row: Answers) -> Iterator[Pair]:
    for first, second in combinations(row.items(), 2):
        yield make_pair(*first, *second)
