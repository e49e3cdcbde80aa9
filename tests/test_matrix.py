"""The matrix holds every architecture, every pair of values, and nothing impossible."""

import re
from collections.abc import Sequence
from itertools import combinations

import pytest

from generator.errors import UsageError
from generator.matrix import rows, selected
from generator.options import Option, parse_definition
from tests.made_up import CASES, CROWDED, VALIDATED, WHEN, Answers, Case

every_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])

Pairs = set[frozenset[tuple[str, str]]]


def pairs(all_rows: Sequence[Answers]) -> Pairs:
    return {
        frozenset({(name, repr(value)), (other, repr(other_value))})
        for row in all_rows
        for (name, value), (other, other_value) in combinations(row.items(), 2)
    }


def architectures(case: Case, all_rows: Sequence[Answers]) -> list[Answers]:
    found: list[Answers] = []
    for row in all_rows:
        part = {name: value for name, value in row.items() if name in case.architecture}
        if part not in found:
            found.append(part)
    return sorted(found, key=repr)


@every_case
def test_every_row_is_possible(case: Case) -> None:
    possible = case.all_rows()
    assert all(row.answers in possible for row in rows(parse_definition(case.text)))


@every_case
def test_every_architecture_is_a_row(case: Case) -> None:
    made = [row.answers for row in rows(parse_definition(case.text))]
    assert architectures(case, made) == architectures(case, case.all_rows())


@every_case
def test_every_possible_pair_meets_and_no_other(case: Case) -> None:
    made = [row.answers for row in rows(parse_definition(case.text))]
    assert pairs(made) == pairs(case.all_rows())


@every_case
def test_rows_are_added_only_when_the_architectures_are_full(case: Case) -> None:
    assert len(rows(parse_definition(case.text))) == case.count


@every_case
def test_rows_have_names_of_their_own_that_are_folder_names(case: Case) -> None:
    names = [row.id for row in rows(parse_definition(case.text))]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"\w[\w.-]*", name) for name in names)


@every_case
def test_the_first_row_is_all_defaults(case: Case) -> None:
    first = rows(parse_definition(case.text))[0].answers
    values = {**case.architecture, **case.addons}
    assert first == {name: values[name][0] for name in first}


@every_case
def test_the_matrix_is_the_same_every_time(case: Case) -> None:
    assert rows(parse_definition(case.text)) == rows(parse_definition(case.text))


def test_this_template_is_covered(options: Sequence[Option]) -> None:
    """Counted from the choices alone, for the options that are always asked."""
    made = [row.answers for row in rows(options)]
    always = [option for option in options if option.when is True and option.kind != "identity"]
    for option, other in combinations(always, 2):
        met = {(repr(row[option.name]), repr(row[other.name])) for row in made}
        sizes = [len(item.choices) or 2 for item in (option, other)]
        assert len(met) == sizes[0] * sizes[1], (option.name, other.name)
    architecture = [option for option in always if option.kind == "architecture"]
    products = {tuple(repr(row[option.name]) for option in architecture) for row in made}
    expected = 1
    for option in architecture:
        expected *= len(option.choices) or 2
    assert len(products) == expected


def test_only_selects_rows(options: Sequence[Option]) -> None:
    everything = rows(options)
    for row in everything:
        assert selected(options, row.assignments) == [row]
    first = everything[0].assignments[0]
    some = selected(options, [first])
    assert some == [row for row in everything if first in row.assignments]
    assert 0 < len(some) < len(everything)


def test_values_of_one_option_are_alternatives() -> None:
    made = selected(parse_definition(WHEN.text), ["telemetry=p", "telemetry=o"])
    assert {row.answers["telemetry"] for row in made} == {"p", "o"}


def test_a_combination_outside_the_matrix_can_be_selected() -> None:
    options = parse_definition(CROWDED.text)
    written = [f"{name}=q" for name in "abcdefg"] + ["h=r", 'origins=["o"]']
    assert all(set(written) != set(row.assignments) for row in rows(options))
    (row,) = selected(options, written)
    assert set(row.assignments) == set(written)


@pytest.mark.parametrize(
    ("case", "only"),
    [
        (WHEN, ["broker=a", "runner=local"]),
        (VALIDATED, ["engine=y", "tool=fancy"]),
        (WHEN, ["telemetry=typo"]),
        (WHEN, ["brokr=a"]),
        (WHEN, ["clusterable=true"]),
    ],
)
def test_an_impossible_selection_is_refused(case: Case, only: list[str]) -> None:
    with pytest.raises(UsageError):
        selected(parse_definition(case.text), only)
