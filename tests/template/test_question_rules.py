"""Rules for the questions of a template with existing projects; each rule is broken once.

A rule takes the folder with `copier.yml` and `template/` and the folders of earlier releases by
version, and returns the violations.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.template.conditions import NEW_PROJECT, default_of
from generator.template.options import ARCHITECTURE, Answers, Option, Value, parse_definition
from tests.support.mutations import Mutation, append_text, combine, replace_text
from tests.support.releases import unpack_releases
from tests.support.repository import copy_template

Releases = Mapping[str, Path]
Rule = Callable[[Path, Releases], list[str]]

# Settings that make copier ask for --trust.
FORBIDDEN = {"_tasks", "_jinja_extensions", "_migrations", "_external_data"}
REQUIRED: dict[str, object] = {
    "_min_copier_version": "9.19",
    "_skip_if_exists": [".env", "uv.lock"],
    "_exclude": ["{% if _copier_operation == 'update' %}/migrations/versions{% endif %}"],
    "_envops": {
        "undefined": "jinja2.StrictUndefined",
        "trim_blocks": True,
        "lstrip_blocks": True,
        "keep_trailing_newline": True,
    },
}
# Options for files that earlier releases rendered in every project, with their value there.
ALWAYS_RENDERED = {"ci": "github"}
# Values that leave something out.
NOTHING: tuple[Value, ...] = ("none", False, [])


def definition(folder: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((folder / "copier.yml").read_text(encoding="utf-8")))


def questions(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        name: question for name, question in definition(folder).items() if not name.startswith("_")
    }


def values(question: dict[str, Any]) -> set[str]:
    """Return the values of the choices as text."""
    choices = question.get("choices", {})
    listed = choices.values() if isinstance(choices, dict) else choices
    return {str(item["value"] if isinstance(item, dict) else item) for item in listed}


def check_no_trust(folder: Path, _: Releases) -> list[str]:
    return sorted(FORBIDDEN & definition(folder).keys())


def check_owned_files(folder: Path, _: Releases) -> list[str]:
    settings = definition(folder)
    return [name for name, value in REQUIRED.items() if settings.get(name) != value]


def check_defaults_and_help(folder: Path, _: Releases) -> list[str]:
    """Without a default, every unattended update fails."""
    return [
        name
        for name, question in questions(folder).items()
        if "default" not in question
        or (question.get("when") is not False and not question.get("help"))
    ]


def check_kept_questions(folder: Path, releases: Releases) -> list[str]:
    now = questions(folder)
    removed = []
    for version, release in releases.items():
        for name, old in questions(release).items():
            if old.get("when") is False:
                continue
            missing = values(old) - values(now.get(name, {}))
            if name not in now or missing:
                removed.append(f"{version}: {name} {sorted(missing)}")
    return removed


def check_new_options(folder: Path, releases: Releases) -> list[str]:
    """An update answers a new question with the value that leaves the feature out."""
    now = parse_definition((folder / "copier.yml").read_text(encoding="utf-8"))
    switched_on = []
    for version, release in releases.items():
        known = questions(release)
        recorded = [name for name, details in known.items() if details.get("when") is not False]
        update: Answers = {**NEW_PROJECT, **dict.fromkeys(recorded, "")}
        for option in now:
            nothing = [value for value in NOTHING if value in possible_values(option)]
            if option.computed or option.name in known or not nothing:
                continue
            kept = [ALWAYS_RENDERED[option.name]] if option.name in ALWAYS_RENDERED else nothing
            if (default := default_of(option, update)) not in kept:
                switched_on.append(f"{version}: {option.name} becomes {default}")
    return switched_on


def possible_values(option: Option) -> list[Value]:
    if option.choices:
        return [choice.value for choice in option.choices]
    by_type: dict[str, list[Value]] = {"bool": [True, False], "yaml": [[]]}
    return by_type.get(option.type, [])


def check_manual_changes(folder: Path, _: Releases) -> list[str]:
    """A new answer to an architecture option leaves work to the team, which `set` lists."""
    settings = definition(folder)
    return [name for name in settings["_kinds"][ARCHITECTURE] if name not in settings["_by_hand"]]


RULES: tuple[Rule, ...] = (
    check_no_trust,
    check_owned_files,
    check_defaults_and_help,
    check_kept_questions,
    check_new_options,
    check_manual_changes,
)


def add_question(question: str) -> Mutation:
    return combine(
        replace_text("copier.yml", "  add-on: [", "  add-on: [cache, "),
        append_text("copier.yml", f"cache: {question}\n"),
    )


BROKEN: list[tuple[Rule, Mutation]] = [
    (check_no_trust, append_text("copier.yml", "_tasks: [git init]\n")),
    (check_no_trust, append_text("copier.yml", "_jinja_extensions: [jinja2.ext.do]\n")),
    (check_no_trust, append_text("copier.yml", "_migrations: [{command: 'true'}]\n")),
    (
        check_manual_changes,
        replace_text("copier.yml", "  cors_origins:\n    steps", "  cors:\n    steps"),
    ),
    (check_owned_files, replace_text("copier.yml", "[.env, uv.lock]", "[.env]")),
    (check_owned_files, replace_text("copier.yml", "jinja2.Strict", "jinja2.")),
    (check_defaults_and_help, append_text("copier.yml", "owner: {type: str, help: Who}\n")),
    (check_defaults_and_help, append_text("copier.yml", "owner: {type: str, default: me}\n")),
    (check_kept_questions, replace_text("copier.yml", "\nlicense:", "\nlicence:")),
    (check_kept_questions, replace_text("copier.yml", ": Apache-2.0", ": Apache")),
    (check_new_options, add_question("{type: bool, default: true}")),
    (check_new_options, add_question("{type: yaml, default: [a]}")),
    (
        check_new_options,
        add_question("{type: str, default: '{{ _copier_conf.data or 1 }}', choices: [none, 1]}"),
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_template_keeps_rule(rule: Rule, tmp_path: Path) -> None:
    assert rule(copy_template(tmp_path / "copy"), unpack_releases(tmp_path)) == []


@pytest.mark.parametrize(("rule", "mutation"), BROKEN)
def test_broken_rule_is_noticed(rule: Rule, mutation: Mutation, tmp_path: Path) -> None:
    """The earlier release is the same template, as if 1.0.0 had just been cut."""
    copy = copy_template(tmp_path / "copy")
    releases = {"1.0.0": copy_template(tmp_path / "released")}
    assert rule(copy, releases) == []
    mutation(copy)

    assert rule(copy, releases) != []


def test_every_rule_is_broken_once() -> None:
    assert {rule for rule, _ in BROKEN} == {*RULES}
