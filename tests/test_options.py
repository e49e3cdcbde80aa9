"""The questions of copier.yml are sound, and `options` shows them."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from generator.conditions import as_fresh
from generator.errors import CommandError, UsageError
from generator.options import Option, assignment, named, parse_assignments, parse_definition
from tests.conftest import ROOT, Command

DEFINITION = yaml.safe_load((ROOT / "copier.yml").read_text())
ASKED = [option for option in parse_definition((ROOT / "copier.yml").read_text())
         if not option.computed]  # fmt: skip


def every_asked(values: Sequence[Option] = ASKED) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("option", values, ids=[option.name for option in values])


@every_asked()
def test_a_question_says_what_it_decides_and_has_a_default(option: Option) -> None:
    assert len(option.help.split()) >= 3, option.help
    assert option.default is not None


@every_asked([option for option in ASKED if not option.choices and option.type != "bool"])
def test_a_free_answer_shows_an_example(option: Option) -> None:
    assert option.placeholder


@every_asked([option for option in ASKED if option.choices])
def test_the_default_is_a_choice(option: Option) -> None:
    assert as_fresh(option).default == option.choices[0].value


@every_asked()
def test_a_question_is_used(option: Option) -> None:
    sources = [path for path in (ROOT / "template").rglob("*") if path.is_file()]
    mentions = [str(path) + path.read_text() for path in sources]
    others = {name: details for name, details in DEFINITION.items() if name != option.name}
    mentions.append(yaml.safe_dump(others | {"_kinds": None}))
    assert any(option.name in mention for mention in mentions)


def test_every_question_is_of_one_kind() -> None:
    counted = Counter(name for names in DEFINITION["_kinds"].values() for name in names)
    assert counted == Counter(option.name for option in ASKED)


@pytest.mark.parametrize("key", ["_tasks", "_jinja_extensions", "_migrations", "_external_data"])
def test_nothing_asks_for_trust(key: str) -> None:
    assert key not in DEFINITION


def test_a_typo_in_the_template_is_an_error() -> None:
    assert DEFINITION["_envops"]["undefined"] == "jinja2.StrictUndefined"


def test_options_as_json_are_what_copier_yml_says(
    command: Command, options: Sequence[Option]
) -> None:
    result = command("options", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document.keys() == {"template", "options"}
    assert document["template"] == {"version": "v0.1.0"}
    assert [entry["name"] for entry in document["options"]] == [option.name for option in options]
    for entry, option in zip(document["options"], options, strict=True):
        assert list(entry) == [
            "name", "kind", "type", "default", "choices", "help", "when", "computed",
        ]  # fmt: skip
        written = DEFINITION[entry["name"]]
        assert entry["default"] == as_fresh(option).default
        assert entry["computed"] == (written.get("when") is False)
        assert [choice["value"] for choice in entry["choices"]] == list(
            written.get("choices", {}).values()
        )


def test_a_default_is_shown_as_every_fresh_copy_computes_it() -> None:
    """Not when it depends on a folder, a person or another answer."""
    written = parse_definition("""
_kinds: {identity: [name, slug], architecture: [who, many]}
name: {type: str, default: "{{ _folder_name }}"}
slug: {type: str, default: "{{ name | lower }}"}
who: {type: str, default: "{{ 'a' if z is defined and 'z' not in _copier_conf.data else 'b' }}"}
many: {type: yaml, default: "{{ ['a'] | to_json }}"}
""")
    shown = [as_fresh(option).default for option in written]
    assert shown == ["{{ _folder_name }}", "{{ name | lower }}", "b", ["a"]]


def test_options_for_people_name_every_choice(command: Command) -> None:
    result = command("options", COLUMNS="60")
    assert result.returncode == 0, result.stderr
    for option in ASKED:
        assert option.name in result.stdout
        assert all(str(choice.value) in result.stdout for choice in option.choices)


@pytest.mark.parametrize("option", ["nonsense", "_commit", ""])
def test_an_unknown_option_is_refused(options: Sequence[Option], option: str) -> None:
    with pytest.raises(UsageError, match="fastapi-service options"):
        named(options, option)


def test_a_misspelt_option_is_recognised(options: Sequence[Option]) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{ASKED[0].name}'"):
        named(options, ASKED[0].name[:-1])


def test_a_computed_option_is_refused(options: Sequence[Option]) -> None:
    computed = next(option for option in options if option.computed)
    with pytest.raises(UsageError, match="is computed"):
        named(options, computed.name)


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
def test_a_value_is_yaml_and_text_stands_for_itself(written: str, value: object) -> None:
    assert [parsed for _, parsed in parse_assignments(TYPES, [written])] == [value]


@pytest.mark.parametrize("written", ["text", "list=[", "flag={"])
def test_what_is_no_assignment_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        parse_assignments(TYPES, [written])


@pytest.mark.parametrize("value", ["x", "'x'", '"', "3.10", "a: b", "{{ x }}", "\\"])
def test_a_written_assignment_reads_back(value: str) -> None:
    assert parse_assignments(TYPES, [assignment("text", value)]) == [(TYPES[0], value)]


@pytest.mark.parametrize("text", ["a: [", "question: {type: str}"])
def test_a_broken_definition_is_one_sentence(text: str) -> None:
    with pytest.raises(CommandError, match=r"copier\.yml"):
        parse_definition(text)


def test_every_notation_of_choices_is_read() -> None:
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


def test_no_file_of_the_command_names_an_option() -> None:
    names = [option.name for option in ASKED if option.kind != "identity"]
    for path in (ROOT / "generator").glob("*.py"):
        text = path.read_text()
        found = [name for name in names if f'"{name}"' in text or f"'{name}'" in text]
        assert not found, f"{Path(path).name} restates {found}"
