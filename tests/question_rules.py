"""What must hold for the questions of a template whose projects are to be updated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from generator.conditions import FRESH, Answers, default_of
from generator.options import Option, Value, parse_definition

Releases = Mapping[str, Path]

# Each would make copier ask for --trust, in this release or in every update that crosses it.
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
# Values of options that stand for doing without.
NOTHING: tuple[Value, ...] = ("none", False, [])


def definition(folder: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((folder / "copier.yml").read_text(encoding="utf-8")))


def questions(folder: Path) -> dict[str, dict[str, Any]]:
    return {name: it for name, it in definition(folder).items() if not name.startswith("_")}


def values(question: dict[str, Any]) -> set[str]:
    """The values of its choices, as text."""
    choices = question.get("choices", {})
    found = choices.values() if isinstance(choices, dict) else choices
    return {str(it["value"] if isinstance(it, dict) else it) for it in found}


def needs_no_trust(folder: Path, _: Releases) -> list[str]:
    return sorted(FORBIDDEN & definition(folder).keys())


def protects_what_belongs_to_users(folder: Path, _: Releases) -> list[str]:
    found = definition(folder)
    return [name for name, wanted in REQUIRED.items() if found.get(name) != wanted]


def answers_itself(folder: Path, _: Releases) -> list[str]:
    """A question without a default ends every update that nobody sits at."""
    return [
        name
        for name, it in questions(folder).items()
        if "default" not in it or (it.get("when") is not False and not it.get("help"))
    ]


def keeps_questions_and_values(folder: Path, releases: Releases) -> list[str]:
    now = questions(folder)
    gone = []
    for version, release in releases.items():
        for name, old in questions(release).items():
            if old.get("when") is False:
                continue
            missing = values(old) - values(now.get(name, {}))
            if name not in now or missing:
                gone.append(f"{version}: {name} {sorted(missing)}")
    return gone


def leaves_living_projects_as_they_were(folder: Path, releases: Releases) -> list[str]:
    """What an update answers to a question that the release did not know, where it can be no."""
    now = parse_definition((folder / "copier.yml").read_text(encoding="utf-8"))
    switched_on = []
    for version, release in releases.items():
        known = questions(release)
        recorded = {name: it for name, it in known.items() if it.get("when") is not False}
        update: Answers = {**FRESH, **dict.fromkeys(recorded, "")}
        for option in now:
            nothing = [value for value in NOTHING if value in accepted_by(option)]
            if option.computed or option.name in known or not nothing:
                continue
            if (default := default_of(option, update)) not in nothing:
                switched_on.append(f"{version}: {option.name} becomes {default}")
    return switched_on


def accepted_by(option: Option) -> list[Value]:
    if option.choices:
        return [choice.value for choice in option.choices]
    by_type: dict[str, list[Value]] = {"bool": [True, False], "yaml": [[]]}
    return by_type.get(option.type, [])
