"""The questions of copier.yml are sound, and their answers are parsed."""

from collections import Counter
from collections.abc import Sequence

import pytest
import yaml

from generator.errors import CommandError, UsageError
from generator.template.conditions import resolve_default
from generator.template.options import (
    Option,
    find_option,
    format_assignment,
    parse_assignments,
    parse_definition,
)
from tests.support.rendered import OPTIONS
from tests.support.repository import ROOT

DEFINITION = yaml.safe_load((ROOT / "copier.yml").read_text())
ASKED = [option for option in OPTIONS if not option.computed]


def every_asked(values: Sequence[Option] = ASKED) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("option", values, ids=[option.name for option in values])


@every_asked()
def test_question_has_help_and_default(option: Option) -> None:
    assert len(option.help.split()) >= 3, option.help
    assert option.default is not None


@every_asked([option for option in ASKED if not option.choices and option.type != "bool"])
def test_free_answer_has_placeholder(option: Option) -> None:
    assert option.placeholder


@every_asked([option for option in ASKED if option.choices])
def test_default_is_first_choice(option: Option) -> None:
    assert resolve_default(option).default == option.choices[0].value


@every_asked()
def test_question_is_used(option: Option) -> None:
    sources = [path for path in (ROOT / "template").rglob("*") if path.is_file()]
    mentions = [str(path) + path.read_text() for path in sources]
    others = {name: details for name, details in DEFINITION.items() if name != option.name}
    mentions.append(yaml.safe_dump(others | {"_kinds": None}))
    assert any(option.name in mention for mention in mentions)


def test_question_has_one_kind() -> None:
    counted = Counter(name for names in DEFINITION["_kinds"].values() for name in names)
    assert counted == Counter(option.name for option in ASKED)


@pytest.mark.parametrize("key", ["_tasks", "_jinja_extensions", "_migrations", "_external_data"])
def test_no_setting_needs_trust(key: str) -> None:
    assert key not in DEFINITION


def test_undefined_is_strict() -> None:
    assert DEFINITION["_envops"]["undefined"] == "jinja2.StrictUndefined"


@pytest.mark.parametrize("option", ["nonsense", "_commit", ""])
def test_unknown_option_is_refused(options: Sequence[Option], option: str) -> None:
    with pytest.raises(UsageError, match="fastapi-service options"):
        find_option(options, option)


def test_misspelt_option_is_suggested(options: Sequence[Option]) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{ASKED[0].name}'"):
        find_option(options, ASKED[0].name[:-1])


def test_computed_option_is_refused(options: Sequence[Option]) -> None:
    computed = next(option for option in options if option.computed)
    with pytest.raises(UsageError, match="is computed"):
        find_option(options, computed.name)


TYPES = parse_definition("""
_kinds: {identity: [text, flag, list, number]}
text: {type: str, default: x}
flag: {type: bool, default: true}
list: {type: yaml, default: []}
number: {type: int, default: 1}
""")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("text=plain", "plain"),
        ("text=3.10", "3.10"),
        ("text='3.10'", "3.10"),
        ("text=no", "no"),
        ("text={{ 7 * 7 }}", "{{ 7 * 7 }}"),
        ("text=key: value # not a comment", "key: value # not a comment"),
        ('text="quoted" and not', '"quoted" and not'),
        ("text=a=b", "a=b"),
        ("flag=false", False),
        ("flag=no", False),
        ('list=["a", "b"]', ["a", "b"]),
        ("number=7", 7),
    ],
)
def test_value_is_parsed(written: str, value: object) -> None:
    assert [parsed for _, parsed in parse_assignments(TYPES, [written])] == [value]


@pytest.mark.parametrize("written", ["text", "list=[", "flag={"])
def test_invalid_assignment_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        parse_assignments(TYPES, [written])


@pytest.mark.parametrize("value", ["x", "'x'", '"', "3.10", "a: b", "{{ x }}", "\\"])
def test_formatted_assignment_is_parsed(value: str) -> None:
    assert parse_assignments(TYPES, [format_assignment("text", value)]) == [(TYPES[0], value)]


@pytest.mark.parametrize("text", ["a: [", "question: {type: str}"])
def test_broken_definition_is_one_sentence(text: str) -> None:
    with pytest.raises(CommandError, match=r"copier\.yml"):
        parse_definition(text)


def test_notations_of_choices() -> None:
    (option,) = parse_definition("""
_kinds: {add-on: [size]}
size:
  default: s
  choices:
    - s
    - [Medium, m]
""")
    assert [(choice.help, choice.value) for choice in option.choices] == [
        ("s", "s"),
        ("Medium", "m"),
    ]
    assert option.type == "str"


def test_generator_names_no_option() -> None:
    names = [option.name for option in ASKED if option.kind != "identity"]
    generator = ROOT / "generator"
    contract = generator / "verify/contract"  # The HTTP contract has words of its own.
    for path in {*generator.rglob("*.py")} - {*contract.rglob("*.py")}:
        text = path.read_text()
        found = [name for name in names if f'"{name}"' in text or f"'{name}'" in text]
        assert not found, f"{path} restates {found}"
