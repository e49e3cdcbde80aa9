"""What must hold for a template whose projects are to be updated.

A rule takes the folder with `copier.yml` and `template/`, and the folders of earlier releases by
version, and returns the violations it finds.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from packaging.version import Version

from tests.question_rules import (
    Releases,
    answers_itself,
    keeps_questions_and_values,
    leaves_living_projects_as_they_were,
    needs_no_trust,
    protects_what_belongs_to_users,
)
from tests.rendered import rendered_bytes

Rule = Callable[[Path, Releases], list[str]]

# Where users add to what the template also changes, and what may follow there.
SENTINELS = {
    "pyproject.toml": [
        ("    # Your dependencies below.", r"\]"),
        ("    # Your development tools below.", r"\]"),
        ("    # Your exceptions below.", r"\]"),
    ],
    "app/application.py": [("    # Your features below.", r"    app\.include_router\(api\)")],
    "app/settings.py": [("    # Your settings below.", r"\n\ndef ")],
    ".env.example": [("# Your settings below.", r"\Z")],
    ".gitignore": [("# Yours below.", r"\Z")],
    "README.md": [("<!-- Yours below. -->", r"\Z")],
    "app/items/routes.py": [("# Your routes below.", r"\Z")],
    "app/files/routes.py": [("# Your routes below.", r"\Z")],
    "app/jobs/routes.py": [("# Your routes below.", r"\Z")],
}
EXAMPLES = ("app/items/", "app/files/")
FROZEN = Version("1.0.0")

_TAG = re.compile(r"\{%.*?%\}")
_WINDOWS = re.compile(r'[<>:"\\|?*]')


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each file of the template by the path that it has in a project, conditions taken away."""
    root = folder / "template"
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield _TAG.sub("", str(path.relative_to(root))).removesuffix(".jinja"), path


def keeps_paths(folder: Path, releases: Releases) -> list[str]:
    """Copier deletes what the user wrote into a file that the template no longer has."""
    now = {name for name, _ in files(folder)}
    return [
        f"{version}: {name}"
        for version, release in releases.items()
        for name, _ in files(release)
        if name not in now
    ]


def leaves_examples_alone(folder: Path, releases: Releases) -> list[str]:
    """A folder that the user deleted would come back with a new file in it."""
    frozen = [path for version, path in releases.items() if Version(version) >= FROZEN]
    if not frozen:
        return []
    known = {name for name, _ in files(frozen[0])}
    return [name for name, _ in files(folder) if name.startswith(EXAMPLES) and name not in known]


def keeps_revisions(folder: Path, releases: Releases) -> list[str]:
    """A revision is written once, for every combination; only its predecessor may vary."""
    written: dict[str, str] = {}
    broken = []
    for version, name, path in _revisions([*releases.items(), ("now", folder)]):
        text = re.sub(r"(?m)^down_revision = .*$", "", path.read_text(encoding="utf-8"))
        if written.setdefault(name, text) != text or "{{" in text or "{%" in text:
            broken.append(f"{version}: {name}")
    return broken


def _revisions(folders: Iterable[tuple[str, Path]]) -> Iterator[tuple[str, str, Path]]:
    for version, release in folders:
        for name, path in files(release):
            if name.startswith("migrations/versions/") and name.endswith(".py"):
                yield version, name, path


def has_portable_names(folder: Path, _: Releases) -> list[str]:
    """Double quotes in a condition break the checkout on Windows."""
    root = folder / "template"
    return [str(p) for p in root.rglob("*") if _WINDOWS.search(str(p.relative_to(root)))]


def ends_lists_with_sentinels(folder: Path, _: Releases) -> list[str]:
    texts = {name: path.read_text(encoding="utf-8") for name, path in files(folder)
             if name in SENTINELS}  # fmt: skip
    return [
        f"{name}: {line.strip()}"
        for name, sentinels in SENTINELS.items()
        for line, follower in sentinels
        if not re.search(rf"(?m)^{re.escape(line)}\n{follower}", texts.get(name, ""))
    ]


def marks_every_list_that_options_change(folder: Path, _: Releases) -> list[str]:
    """In TOML an array with a condition in it is such a list."""
    (path,) = [path for name, path in files(folder) if name == "pyproject.toml"]
    arrays = re.findall(r"(?ms)^([\w-]+) = \[\n(.*?)^\]", path.read_text(encoding="utf-8"))
    return [
        name
        for name, body in arrays
        if "{%" in body and not body.rstrip().splitlines()[-1].strip().startswith("# Your")
    ]


def renders_purely(folder: Path, _: Releases) -> list[str]:
    """An update replays the old rendering: with chance or time in it, that is another one."""
    once, twice = rendered_bytes(folder), rendered_bytes(folder)
    return sorted(name for name in once.keys() | twice.keys() if once.get(name) != twice.get(name))


RULES: tuple[Rule, ...] = (
    needs_no_trust,
    protects_what_belongs_to_users,
    answers_itself,
    keeps_questions_and_values,
    leaves_living_projects_as_they_were,
    keeps_paths,
    leaves_examples_alone,
    keeps_revisions,
    has_portable_names,
    ends_lists_with_sentinels,
    marks_every_list_that_options_change,
    renders_purely,
)
