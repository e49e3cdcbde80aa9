"""`options` lists the options of copier.yml, for people and for programs."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from generator.template.conditions import describe_condition, resolve_default
from generator.template.options import Option, parse_definition
from tests.support.command import Command
from tests.support.rendered import OPTIONS
from tests.support.repository import ROOT

DEFINITION = yaml.safe_load((ROOT / "copier.yml").read_text())
ASKED = [option for option in OPTIONS if not option.computed]


def test_json_matches_copier_yml(command: Command, options: Sequence[Option]) -> None:
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
        assert entry["default"] == resolve_default(option).default
        assert entry["computed"] == (written.get("when") is False)
        assert [choice["value"] for choice in entry["choices"]] == list(
            written.get("choices", {}).values()
        )


def test_defaults_are_those_of_new_projects() -> None:
    """A default that depends on a folder or another answer stays as written."""
    written = parse_definition("""
_kinds: {identity: [name, slug], architecture: [who, many]}
name: {type: str, default: "{{ _folder_name }}"}
slug: {type: str, default: "{{ name | lower }}"}
who: {type: str, default: "{{ 'a' if z is defined and 'z' not in _copier_conf.data else 'b' }}"}
many: {type: yaml, default: "{{ ['a'] | to_json }}"}
""")
    shown = [resolve_default(option).default for option in written]
    assert shown == ["{{ _folder_name }}", "{{ name | lower }}", "b", ["a"]]


def test_table_lists_every_choice(command: Command) -> None:
    result = command("options", COLUMNS="60")
    assert result.returncode == 0, result.stderr
    for option in ASKED:
        assert option.name in result.stdout
        assert all(str(choice.value) in result.stdout for choice in option.choices)


def test_conditions_are_words(checkout: Path) -> None:
    conditional = [option for option in ASKED if option.when is not True]
    result = subprocess.run(
        [sys.executable, "-m", "generator", "options"],
        env=os.environ | {"FASTAPI_SERVICE_TEMPLATE": str(checkout), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert conditional
    assert "{{" not in result.stdout
    for option in conditional:
        assert f"asked if {describe_condition(option)}" in result.stdout
    assert "asked if background is celery" in result.stdout
