"""The matrix contains every architecture, every pair of values, and nothing impossible."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import pytest

from generator.errors import UsageError
from generator.template.options import Option, Value, parse_definition
from generator.verify.matrix.rows import build_rows, select_rows

Answers = Mapping[str, Value]


@dataclass(frozen=True)
class Case:
    """A copier.yml, all values of its options, and the combinations it allows."""

    id: str
    text: str
    architecture: Mapping[str, Sequence[Value]]
    addons: Mapping[str, Sequence[Value]]
    count: int
    asked: Callable[[str, Answers], bool] = lambda _name, _answers: True
    possible: Callable[[Answers], bool] = lambda _answers: True

    def all_rows(self) -> list[dict[str, Value]]:
        """Return every possible row, by brute force."""
        values = {**self.architecture, **self.addons}
        rows: dict[str, dict[str, Value]] = {}
        for combination in product(*values.values()):
            answers = dict(zip(values, combination, strict=True))
            row = {name: value for name, value in answers.items() if self.asked(name, answers)}
            if self.possible(row):
                rows[repr(sorted(row.items()))] = row
        return list(rows.values())


def definition(architecture: str, addons: str, questions: str) -> str:
    kinds = f"identity: [title], architecture: [{architecture}], add-on: [{addons}]"
    return (
        f"_kinds: {{{kinds}}}\ntitle: {{type: str, default: '{{{{ _folder_name }}}}'}}\n{questions}"
    )


WHEN = Case(
    "conditions",
    definition(
        "runner, broker",
        "cluster, image, telemetry",
        """
runner: {type: str, default: local, choices: [local, queue]}
broker: {type: str, default: a, choices: [a, b], when: "{{ runner == 'queue' }}"}
image: {type: bool, default: true}
clusterable: {type: bool, when: false, default: "{{ image and runner == 'queue' }}"}
cluster: {type: bool, default: false, when: "{{ clusterable }}"}
telemetry: {type: str, default: none, choices: [none, p, o]}
""",
    ),
    {"runner": ["local", "queue"], "broker": ["a", "b"]},
    {"image": [True, False], "cluster": [False, True], "telemetry": ["none", "p", "o"]},
    count=12,
    asked=lambda name, row: {
        "broker": row["runner"] == "queue",
        "cluster": bool(row["image"]) and row["runner"] == "queue",
    }.get(name, True),
)
VALIDATED = Case(
    "choices that exclude each other",
    definition(
        "engine",
        "tool",
        """
engine: {type: str, default: x, choices: [x, y]}
tool:
  type: str
  default: plain
  choices:
    plain: plain
    fancy: {value: fancy, validator: "{% if engine == 'y' %}fancy needs x{% endif %}"}
""",
    ),
    {"engine": ["x", "y"]},
    {"tool": ["plain", "fancy"]},
    count=3,
    possible=lambda row: row != {"engine": "y", "tool": "fancy"},
)
CROWDED = Case(
    "more add-ons than fit",
    definition(
        "origins",
        ", ".join("abcdefgh"),
        "origins: {type: yaml, default: [], placeholder: '[\"o\"]'}\n"
        + "".join(
            f"{name}: {{type: str, default: p, choices: [p, q, r]}}\n" for name in "abcdefgh"
        ),
    ),
    {"origins": [[], ["o"]]},
    {name: ["p", "q", "r"] for name in "abcdefgh"},
    count=18,
)
IDENTITY_ONLY = Case("identity only", definition("", "", ""), {}, {}, count=1)
FULL = Case(
    "room in the architectures",
    definition(
        "a, b, c, d",
        "e, f, g",
        "".join(
            f"{name}: {{type: str, default: '1', choices: ['1', '2', '3']}}\n" for name in "abcdefg"
        ),
    ),
    {name: ["1", "2", "3"] for name in "abcd"},
    {name: ["1", "2", "3"] for name in "efg"},
    count=81,
)
CASES = [WHEN, VALIDATED, CROWDED, IDENTITY_ONLY, FULL]

every_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])

Pairs = set[frozenset[tuple[str, str]]]


def list_pairs(all_rows: Sequence[Answers]) -> Pairs:
    return {
        frozenset({(name, repr(value)), (other, repr(other_value))})
        for row in all_rows
        for (name, value), (other, other_value) in combinations(row.items(), 2)
    }


def list_architectures(case: Case, all_rows: Sequence[Answers]) -> list[Answers]:
    distinct: list[Answers] = []
    for row in all_rows:
        part = {name: value for name, value in row.items() if name in case.architecture}
        if part not in distinct:
            distinct.append(part)
    return sorted(distinct, key=repr)


@every_case
def test_rows_are_possible(case: Case) -> None:
    possible = case.all_rows()
    assert all(row.answers in possible for row in build_rows(parse_definition(case.text)))


@every_case
def test_architectures_are_complete(case: Case) -> None:
    rows = [row.answers for row in build_rows(parse_definition(case.text))]
    assert list_architectures(case, rows) == list_architectures(case, case.all_rows())


@every_case
def test_possible_pairs_occur(case: Case) -> None:
    rows = [row.answers for row in build_rows(parse_definition(case.text))]
    assert list_pairs(rows) == list_pairs(case.all_rows())


@every_case
def test_rows_are_few(case: Case) -> None:
    assert len(build_rows(parse_definition(case.text))) == case.count


@every_case
def test_ids_are_folder_names(case: Case) -> None:
    names = [row.id for row in build_rows(parse_definition(case.text))]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"\w[\w.-]*", name) for name in names)


@every_case
def test_first_row_has_defaults(case: Case) -> None:
    first = build_rows(parse_definition(case.text))[0].answers
    values = {**case.architecture, **case.addons}
    assert first == {name: values[name][0] for name in first}


@every_case
def test_matrix_is_deterministic(case: Case) -> None:
    assert build_rows(parse_definition(case.text)) == build_rows(parse_definition(case.text))


def test_template_is_covered(options: Sequence[Option]) -> None:
    """Count the choices of the options that are always asked."""
    rows = [row.answers for row in build_rows(options)]
    always = [option for option in options if option.when is True and option.kind != "identity"]
    for option, other in combinations(always, 2):
        values = {(repr(row[option.name]), repr(row[other.name])) for row in rows}
        sizes = [len(item.choices) or 2 for item in (option, other)]
        assert len(values) == sizes[0] * sizes[1], (option.name, other.name)
    architecture = [option for option in always if option.kind == "architecture"]
    combined = {tuple(repr(row[option.name]) for option in architecture) for row in rows}
    expected = 1
    for option in architecture:
        expected *= len(option.choices) or 2
    assert len(combined) == expected


def test_only_selects_rows(options: Sequence[Option]) -> None:
    rows = build_rows(options)
    for row in rows[:: len(rows) // 4]:
        assert select_rows(options, row.assignments) == [row]
    assignment = rows[0].assignments[0]
    selected = select_rows(options, [assignment])
    assert selected == [row for row in rows if assignment in row.assignments]
    assert 0 < len(selected) < len(rows)


def test_values_are_alternatives() -> None:
    rows = select_rows(parse_definition(WHEN.text), ["telemetry=p", "telemetry=o"])
    assert {row.answers["telemetry"] for row in rows} == {"p", "o"}


def test_other_combination_is_added() -> None:
    options = parse_definition(CROWDED.text)
    assignments = [f"{name}=q" for name in "abcdefg"] + ["h=r", 'origins=["o"]']
    assert all(set(assignments) != set(row.assignments) for row in build_rows(options))
    (row,) = select_rows(options, assignments)
    assert set(row.assignments) == set(assignments)


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
def test_impossible_selection_is_refused(case: Case, only: list[str]) -> None:
    with pytest.raises(UsageError):
        select_rows(parse_definition(case.text), only)
