"""The files of a template at its revision, and at each of its releases."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath

import yaml
from packaging.version import InvalidVersion, Version
from pathspec import GitIgnoreSpec

from generator.errors import CommandError
from generator.git import git, git_bytes, split_paths
from generator.template.conditions import render_setting
from generator.template.options import Option, Value, parse_definition
from generator.template.source import Source

# Releases that a clone may lack as tags.
_SNAPSHOTS = "tests/releases"
_DEFINITION = "copier.yml"


@dataclass(frozen=True)
class Revision:
    """A revision of the template, with the name that projects record.

    `ref` is None for a snapshot, which copier cannot render.
    """

    version: str
    ref: str | None
    definition: Mapping[str, Value]
    options: tuple[Option, ...]
    # The files of the rendered folder, by their path there: Jinja in the names, with suffix.
    files: Mapping[str, bytes]

    @property
    def suffix(self) -> str:
        return str(self.definition.get("_templates_suffix", ".jinja"))

    @property
    def jinja_settings(self) -> Mapping[str, Value]:
        settings = self.definition.get("_envops")
        return settings if isinstance(settings, dict) else {}


def list_revisions(source: Source) -> Iterator[Revision]:
    """Yield the revision of the source, and then its releases, the newest first."""
    current = source.version
    yield _make_revision(current, _name_current(source), _read_current(source))
    tags = _find_tags(source)
    snapshots = _find_snapshots(source)
    for version in sorted(tags.keys() | snapshots.keys(), reverse=True):
        if version in tags and tags[version] != current:
            tag = tags[version]
            yield _make_revision(tag, tag, _read_tree(source, tag))
        elif version in snapshots and version not in tags:
            archive = git_bytes(source.tree, "show", f"{source.ref}:./{snapshots[version]}")
            yield _make_revision(str(version), None, _read_archive(archive))


def _name_current(source: Source) -> str:
    """Return the tag of a release, which lasts longer than HEAD."""
    is_changed = source.is_checkout and git(source.tree, "status", "--porcelain")
    return source.ref if is_changed or not source.is_release(source.version) else source.version


def _find_tags(source: Source) -> dict[Version, str]:
    """Return the tags of releases up to the revision."""
    return _parse_versions(
        {tag: tag for tag in git(source.tree, "tag", "--merged", source.ref).splitlines()}
    )


def _find_snapshots(source: Source) -> dict[Version, str]:
    """Return the paths of the snapshots that the revision has."""
    paths = git(source.tree, "ls-tree", "--name-only", source.ref, f"{_SNAPSHOTS}/").splitlines()
    return _parse_versions({PurePath(path).name.removesuffix(".tar.gz"): path for path in paths})


def _parse_versions(names: Mapping[str, str]) -> dict[Version, str]:
    versions = {}
    for text, name in names.items():
        with suppress(InvalidVersion):
            if not Version(text).is_prerelease:
                versions[Version(text)] = name
    return versions


def _read_current(source: Source) -> dict[str, bytes]:
    """Return the files of the working tree, if copier would render it, or of the revision."""
    if not source.is_checkout or source.ref != "HEAD":
        return _read_tree(source, source.ref)
    listed = git_bytes(source.tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = [(name, source.tree / name) for name in split_paths(listed)]
    return {name: path.read_bytes() for name, path in paths if path.is_file()}


def _read_tree(source: Source, ref: str) -> dict[str, bytes]:
    return _read_archive(git_bytes(source.tree, "archive", "--format=tar", ref))


def _read_archive(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        opened = {entry.name: tar.extractfile(entry) for entry in tar if entry.isfile()}
        return {name: file.read() for name, file in opened.items() if file}


def _make_revision(version: str, ref: str | None, files: Mapping[str, bytes]) -> Revision:
    if _DEFINITION not in files:
        raise CommandError(f"The template has no {_DEFINITION} at {version}.")
    text = files[_DEFINITION].decode()
    options = parse_definition(text)
    definition = yaml.safe_load(text)
    subdirectory = str(definition.get("_subdirectory", "."))
    root = "" if subdirectory == "." else f"{subdirectory}/"
    excluded = _exclusions(definition)
    rendered = {
        name.removeprefix(root): content
        for name, content in sorted(files.items())
        if name.startswith(root) and not excluded.match_file(name.removeprefix(root))
    }
    return Revision(version, ref, definition, options, rendered)


def _exclusions(definition: Mapping[str, Value]) -> GitIgnoreSpec:
    """Return the patterns of files that a new project does not get."""
    patterns = definition.get("_exclude", [])
    assert isinstance(patterns, list)
    rendered = [render_setting(str(item), {"_copier_operation": "copy"}) for item in patterns]
    return GitIgnoreSpec.from_lines(line for line in rendered if line)
