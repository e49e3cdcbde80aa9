"""The releases that an update crosses, and the paragraphs of their changelog about its effect."""

import re
from contextlib import suppress
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from generator.git import git
from generator.processes import ProgramError
from generator.project.origin import Origin

TITLE = "What your update will show"
_UNKNOWN = "The changelog does not say."

_NAMES = "Effect of an update|What your update will show"
_PARAGRAPH = re.compile(rf"(?ims)^\*\*(?:{_NAMES})\W*\*\*\W*(?P<text>.*?)(?=\n\s*\n|\Z)")
_CHAPTER = re.compile(rf"(?ims)^###+ *(?:{_NAMES})\W*\n(?P<text>.*?)(?=\n#|\Z)")


@dataclass(frozen=True)
class Release:
    """A release, and the effect that its changelog announces."""

    version: str
    shows: str


def list_releases(origin: Origin, target: str) -> list[Release]:
    """List the releases after the project's revision, up to the target, the oldest first."""
    source = origin.source
    commit = source.resolve(target)
    tags = git(source.tree, "tag", "--merged", commit, "--no-merged", origin.commit).splitlines()
    versions: dict[Version, str] = {}
    for tag in tags:
        with suppress(InvalidVersion):
            versions[Version(tag)] = tag
    try:
        changelog = git(source.tree, "show", f"{commit}:CHANGELOG.md")
    except ProgramError:
        changelog = ""
    effects = read_effects(changelog)
    return [
        Release(versions[version], effects.get(version) or _UNKNOWN)
        for version in sorted(versions)
        if not version.is_prerelease or versions[version] == target
    ]


def read_effects(changelog: str) -> dict[Version, str]:
    """Return the paragraph about the effect of an update, or the whole entry, by version."""
    _, *parts = re.split(r"(?m)^## +(.+)$", changelog)
    effects = {}
    for heading, entry in zip(parts[::2], parts[1::2], strict=True):
        found = _PARAGRAPH.search(entry) or _CHAPTER.search(entry)
        version = re.match(r"\[?v?(\d[\w.+-]*)", heading)
        with suppress(InvalidVersion):
            if version:
                effects[Version(version[1])] = _unwrap(found["text"] if found else entry)
    return effects


def _unwrap(text: str) -> str:
    """Join the lines of a paragraph, and keep the items of a list apart."""
    return re.sub(r"\s*\n\s*(?![-*\n])", " ", text.strip())
