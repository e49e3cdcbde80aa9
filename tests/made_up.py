"""Made-up copier.yml files, and by brute force what projects they allow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from generator.options import Value

Answers = Mapping[str, Value]


@dataclass(frozen=True)
class Case:
    """A made-up copier.yml, every value of its options, and which answers go together."""

    id: str
    text: str
    architecture: Mapping[str, Sequence[Value]]
    addons: Mapping[str, Sequence[Value]]
    count: int
    asked: Callable[[str, Answers], bool] = lambda _name, _answers: True
    possible: Callable[[Answers], bool] = lambda _answers: True

    def all_rows(self) -> list[dict[str, Value]]:
        """Every possible project, by brute force."""
        values = {**self.architecture, **self.addons}
        found: dict[str, dict[str, Value]] = {}
        for combination in product(*values.values()):
            answers = dict(zip(values, combination, strict=True))
            row = {name: value for name, value in answers.items() if self.asked(name, answers)}
            if self.possible(row):
                found[repr(sorted(row.items()))] = row
        return list(found.values())


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
