"""The rules that keep updates safe hold, and each is noticed when it is broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import copy_template
from tests.question_rules import Releases
from tests.releases import unpack, versions
from tests.update_rules import RULES, Rule

Break = Callable[[Path], None]


@pytest.fixture
def releases(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for version in versions():
        found[version] = tmp_path / "releases" / version
        unpack(version, found[version])
    return found


@pytest.fixture
def working_tree(tmp_path: Path) -> Path:
    """A copy that a rule may render in, and a test may break."""
    return copy_template(tmp_path / "working-tree")


def test_there_is_a_release() -> None:
    assert versions()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_template_keeps_the_rule(rule: Rule, working_tree: Path, releases: Releases) -> None:
    assert rule(working_tree, releases) == []


def replacing(path: str, old: str, new: str) -> Break:
    def change(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new, 1))

    return change


def appending(path: str, text: str) -> Break:
    def change(folder: Path) -> None:
        with (folder / path).open("a") as file:
            file.write(text)

    return change


def renaming(old: str, new: str) -> Break:
    def change(folder: Path) -> None:
        (folder / old).rename(folder / new)

    return change


def adding(path: str) -> Break:
    return lambda folder: (folder / path).touch()


def asking(question: str) -> Break:
    return both(
        replacing("copier.yml", "  add-on: [", "  add-on: [cache, "),
        appending("copier.yml", f"cache: {question}\n"),
    )


def both(first: Break, second: Break) -> Break:
    def change(folder: Path) -> None:
        first(folder)
        second(folder)

    return change


ITEMS = "template/app/{% if examples %}items{% endif %}"
REVISION = "template/migrations/versions/{% if examples %}0003_items.py{% endif %}.jinja"

PYPROJECT, SETTINGS = "template/pyproject.toml.jinja", "template/app/settings.py.jinja"
DEPENDENCY = "    # Your dependencies below.\n"
SETTING = "    # Your settings below.\n"
OPTIONS = 'addopts = ["--strict-markers", "--strict-config"]'
CONDITIONAL = "addopts = [\n{% if examples %}\n    1,\n{% endif %}\n]"

BROKEN: list[tuple[str, Break]] = [
    ("needs_no_trust", appending("copier.yml", "_tasks: [git init]\n")),
    ("needs_no_trust", appending("copier.yml", "_jinja_extensions: [jinja2.ext.do]\n")),
    ("needs_no_trust", appending("copier.yml", "_migrations: [{command: 'true'}]\n")),
    ("protects_what_belongs_to_users", replacing("copier.yml", "[.env, uv.lock]", "[.env]")),
    ("protects_what_belongs_to_users", replacing("copier.yml", "jinja2.Strict", "jinja2.")),
    ("answers_itself", appending("copier.yml", "owner: {type: str, help: Who}\n")),
    ("answers_itself", appending("copier.yml", "owner: {type: str, default: me}\n")),
    ("keeps_questions_and_values", replacing("copier.yml", "\nlicense:", "\nlicence:")),
    ("keeps_questions_and_values", replacing("copier.yml", ": Apache-2.0", ": Apache")),
    ("leaves_living_projects_as_they_were", asking("{type: bool, default: true}")),
    ("leaves_living_projects_as_they_were", asking("{type: yaml, default: [a]}")),
    (
        "leaves_living_projects_as_they_were",
        asking("{type: str, default: '{{ _copier_conf.data or 1 }}', choices: [none, 1]}"),
    ),
    ("keeps_paths", renaming("template/app/orm.py", "template/app/columns.py")),
    ("leaves_examples_alone", adding(f"{ITEMS}/prices.py")),
    ("keeps_revisions", replacing(REVISION, "length=200", "length=300")),
    ("keeps_revisions", appending(REVISION, "{% if database == 'sqlite' %}\n{% endif %}\n")),
    ("has_portable_names", adding('template/{% if license == "MIT" %}COPYING{% endif %}')),
    ("ends_lists_with_sentinels", replacing(PYPROJECT, DEPENDENCY, "")),
    ("ends_lists_with_sentinels", replacing(SETTINGS, SETTING, f"{SETTING}    last: int = 1\n")),
    ("ends_lists_with_sentinels", appending("template/.env.example.jinja", "LAST=1\n")),
    ("marks_every_list_that_options_change", replacing(PYPROJECT, OPTIONS, CONDITIONAL)),
    ("renders_purely", appending("template/README.md.jinja", "{{ 999999999 | ans_random }}\n")),
]


@pytest.mark.parametrize(("name", "break_it"), BROKEN)
def test_a_broken_rule_is_noticed(
    name: str, break_it: Break, working_tree: Path, tmp_path: Path
) -> None:
    """Against a release of the same template, as if 1.0.0 had just been cut."""
    (rule,) = [rule for rule in RULES if rule.__name__ == name]
    released = {"1.0.0": copy_template(tmp_path / "released")}
    assert rule(working_tree, released) == []
    break_it(working_tree)

    assert rule(working_tree, released) != []


def test_every_rule_was_broken_once() -> None:
    assert {name for name, _ in BROKEN} == {rule.__name__ for rule in RULES}
