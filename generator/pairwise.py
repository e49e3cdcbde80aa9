"""Rows in which every two values of any two options meet, as few as a greedy search finds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

from generator.conditions import Answers
from generator.options import Option, Value, assignment
from generator.questionnaire import Pair, Questionnaire, in_order, pair


class PairCover:
    """Rows in the making, and how often they hold each of the demanded pairs."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire
        self.demanded = questionnaire.possible_pairs()
        self.held: Counter[Pair] = Counter()
        self.used: Counter[str] = Counter()
        self.rows: list[Answers] = []

    def build(self) -> list[Answers]:
        complete = self.questionnaire.complete
        architectures = list(self.questionnaire.architectures())
        for architecture in architectures:
            preference = self._most_missing if self.rows else in_order
            self._add(complete(architecture, preference) or architecture)
        while missing := next((item for item in self.demanded if not self.held[item]), None):
            answers = self.demanded[missing]
            if not self._made_room(answers, architectures):
                self._add(complete(answers, self._most_missing) or answers)
        return self.rows

    def _most_missing(self, option: Option, values: list[Value], row: Answers) -> list[Value]:
        def gain(value: Value) -> tuple[int, int]:
            pairs = (pair(option.name, value, *other) for other in row.items())
            missing = sum(item in self.demanded and not self.held[item] for item in pairs)
            return missing, -self.used[assignment(option.name, value)]

        return sorted(values, key=gain, reverse=True)

    def _made_room(self, answers: Answers, architectures: Sequence[Answers]) -> bool:
        """Change the add-ons of a row to hold two answers, if that loses fewer pairs than it wins.

        The first row stays all defaults.
        """
        for index, architecture in enumerate(architectures[1:], start=1):
            old = self.rows[index]
            if any(architecture.get(name, value) != value for name, value in answers.items()):
                continue
            new = self.questionnaire.complete(architecture | answers, partial(_keep, old))
            if new and self._won(old, new) > 0:
                self._count(old, -1)
                self._count(new, +1)
                self.rows[index] = new
                return True
        return False

    def _won(self, old: Answers, new: Answers) -> int:
        """How many more of the demanded pairs are held after the exchange."""
        lost = sum(self.held[item] == 1 for item in set(_pairs(old)) - set(_pairs(new)))
        return sum(not self.held[item] for item in _pairs(new)) - lost

    def _add(self, row: Answers) -> None:
        self.rows.append(row)
        self._count(row, +1)

    def _count(self, row: Answers, step: int) -> None:
        for answer in row.items():
            self.used[assignment(*answer)] += step
        for item in _pairs(row):
            self.held[item] += step


def _keep(old: Answers, option: Option, values: list[Value], _row: Answers) -> list[Value]:
    """Prefer what the row answered so far."""
    return sorted(values, key=lambda value: value != old.get(option.name))


def _pairs(row: Answers) -> Iterator[Pair]:
    for first, second in combinations(row.items(), 2):
        yield pair(*first, *second)
