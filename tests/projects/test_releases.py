"""The effect of each release is read from the changelog."""

import pytest
from packaging.version import Version

from generator.project.releases import read_effects
from tests.support.repository import ROOT

CHANGELOG = """# Changelog

## Unreleased

**Effect of an update:** not yet.

## 2.0.0 - 2026-12-01

- Much.

**Effect of an update:** a line
in each file.

- Unrelated.

## [v1.1]

### What your update will show

- `uv.lock`
- a *new*
  file

### Fixed

## 1.0.0

First.
"""
EFFECTS = {
    "2.0.0": "a line in each file.",
    "1.1": "- `uv.lock`\n- a *new* file",
    "1.0.0": "First.",
}


def test_effects_are_read() -> None:
    assert read_effects(CHANGELOG) == {Version(name): text for name, text in EFFECTS.items()}


@pytest.mark.parametrize("text", ["", "# Changelog\n", "## Soon\n\nMore.\n"])
def test_changelog_without_releases(text: str) -> None:
    assert read_effects(text) == {}


def test_own_changelog_is_read() -> None:
    effects = read_effects((ROOT / "CHANGELOG.md").read_text())
    assert effects[Version("0.6.0")] == "none, there is no earlier release."
