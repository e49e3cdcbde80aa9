"""What teams do to their projects: the edits that every update and every switch must keep."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests import orders

VERSIONS = Path("migrations/versions")
APPLICATION = "app/application.py"
EXAMPLE = "tests/test_items.py"
ROUTES = "app/items/routes.py"
# What a service installs anyway, so that nothing more is fetched.
DEPENDENCY = '    "packaging>=24.0",\n'


@dataclass(frozen=True)
class Edit:
    """An edit that some projects allow; `survived` looks for it later."""

    name: str
    possible: Callable[[Path], bool] = field(repr=False)
    apply: Callable[[Path], None] = field(repr=False)
    survived: Callable[[Path], bool] = field(repr=False)


def insert(path: Path, pattern: str, text: str) -> None:
    """Put the text before the one place where the pattern matches."""
    written = path.read_text()
    (match,) = re.finditer(pattern, written)
    path.write_text(written[: match.start()] + text + written[match.start() :])


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def insertion(name: str, path: str, pattern: str, text: str) -> Edit:
    """Text in a file of the template, before a place that not every project has."""
    return Edit(
        name,
        possible=lambda project: re.search(pattern, read(project / path)) is not None,
        apply=lambda project: insert(project / path, pattern, text),
        survived=lambda project: read(project / path).count(text) == 1,
    )


def below(sentinel: str, *, at_the_end: bool = False) -> str:
    return rf"(?<=\n{re.escape(sentinel)}\n)" + (r"\Z" if at_the_end else "")


def route(path: str) -> str:
    return f"""
@router.get("/{{item_id}}/{path}")
def get_{path}(item_id: UUID) -> dict[str, str]:
    return {{"{path}": f"item {{item_id}}"}}
"""


def chapter(name: str) -> str:
    return f"\n## {name}\n\nThe orders team, around the clock.\n"


def mount_a_feature(project: Path) -> None:
    """A folder, a line where it is mounted, and an import where the sorting of imports wants it."""
    for path, text in orders.FILES.items():
        write(project / path, text)
    mount(project, "orders")


def mount(project: Path, feature: str) -> None:
    application = project / APPLICATION
    insert(application, below("    # Your features below."), orders.MOUNT.format(feature=feature))
    imports = re.findall(r"(?m)^from app\.[\w.]+ import .*\n", application.read_text())
    line = orders.IMPORT.format(feature=feature)
    insert(application, re.escape(next(other for other in imports if other > line)), line)


def feature_survived(project: Path) -> bool:
    application = read(project / APPLICATION)
    return all(read(project / path) == text for path, text in orders.FILES.items()) and all(
        application.count(line.format(feature="orders")) == 1
        for line in (orders.IMPORT, orders.MOUNT)
    )


def heads(project: Path) -> list[str]:
    """Revisions that no other one follows, as the files say."""
    text = "\n".join(path.read_text() for path in (project / VERSIONS).glob("*.py"))
    followed = re.findall(r"""(?m)^down_revision = ["'](.+)["']""", text)
    return sorted(set(re.findall(r"""(?m)^revision = ["'](.+)["']""", text)) - set(followed))


def add_a_migration(project: Path) -> None:
    parent = "".join(f'"{head}"' for head in heads(project)) or "None"
    write(project / VERSIONS / "orders.py", orders.MIGRATION.format(parent=parent))


EDITS = (
    insertion("a route", ROUTES, r"\n@router\.patch\(", f"{route('label')}\n"),
    insertion(
        "a route at the end",
        ROUTES,
        below("# Your routes below.", at_the_end=True),
        f"\n{route('colour')}",
    ),
    insertion(
        "a dependency", "pyproject.toml", below("    # Your dependencies below."), DEPENDENCY
    ),
    insertion(
        "a setting",
        "app/settings.py",
        below("    # Your settings below."),
        '    greeting: str = "hello"\n',
    ),
    insertion(
        "its explanation",
        ".env.example",
        below("# Your settings below.", at_the_end=True),
        "\n# What visitors read first.\n# GREETING=hello\n",
    ),
    insertion("an edited .env", ".env", r"\Z", "GREETING=good morning\n"),
    insertion(
        "an ignored folder", ".gitignore", below("# Yours below.", at_the_end=True), "reports/\n"
    ),
    insertion("a chapter", "README.md", r"\n## Template updates\n", chapter("Who runs this")),
    insertion(
        "a chapter at the end",
        "README.md",
        below("<!-- Yours below. -->", at_the_end=True),
        chapter("Who to call"),
    ),
    Edit(
        "a feature of their own",
        possible=lambda project: (project / APPLICATION).is_file(),
        apply=mount_a_feature,
        survived=feature_survived,
    ),
    Edit(
        "a migration on top",
        possible=lambda project: len(heads(project)) <= 1,
        apply=add_a_migration,
        survived=lambda project: heads(project) == ["orders"],
    ),
    Edit(
        "a deleted example",
        possible=lambda project: (project / EXAMPLE).is_file(),
        apply=lambda project: (project / EXAMPLE).unlink(),
        survived=lambda project: not (project / EXAMPLE).exists(),
    ),
    Edit(
        "a workflow of their own",
        possible=lambda project: not (project / orders.WORKFLOW).exists(),
        apply=lambda project: write(project / orders.WORKFLOW, orders.NIGHTLY),
        survived=lambda project: read(project / orders.WORKFLOW) == orders.NIGHTLY,
    ),
)


def possible(project: Path) -> list[Edit]:
    return [edit for edit in EDITS if edit.possible(project)]


def lost(project: Path, edits: Iterable[Edit]) -> list[str]:
    """Names of the edits that are no longer there."""
    return [edit.name for edit in edits if not edit.survived(project)]
