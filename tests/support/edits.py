"""A team's edits, which updates and switches must keep."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

VERSIONS = Path("migrations/versions")
APPLICATION = "app/application.py"
EXAMPLE = "tests/test_items.py"
ROUTES = "app/items/routes.py"
# Every service installs this package already, so nothing is downloaded.
DEPENDENCY = '    "packaging>=24.0",\n'


ORDERS = {
    "app/orders/__init__.py": "",
    "app/orders/models.py": """from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.orm import Base, UuidKey

NOTE_LENGTH = 200


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[UuidKey]
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH))
""",
    "app/orders/routes.py": """from fastapi import APIRouter

from app.orders.models import NOTE_LENGTH

router = APIRouter(prefix="/orders", tags=["orders"])


@router.get("/limits")
def get_limits() -> dict[str, int]:
    return {"note": NOTE_LENGTH}
""",
}

# Lines that mount a feature.
IMPORT = "from app.{feature}.routes import router as {feature}\n"
MOUNT = "    api.include_router({feature})\n"

MIGRATION = '''"""Orders."""

import sqlalchemy as sa
from alembic import op

revision = "orders"
down_revision = {parent}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )


def downgrade() -> None:
    op.drop_table("orders")
'''

WORKFLOW = ".github/workflows/nightly.yml"
NIGHTLY = "name: nightly\non: workflow_dispatch\n"


@dataclass(frozen=True)
class Edit:
    """An edit that some projects allow. `survived` returns True if a merge kept it."""

    name: str
    possible: Callable[[Path], bool] = field(repr=False)
    apply: Callable[[Path], None] = field(repr=False)
    survived: Callable[[Path], bool] = field(repr=False)


def insert(path: Path, pattern: str, text: str) -> None:
    """Insert text before the only match of a pattern."""
    written = path.read_text()
    (match,) = re.finditer(pattern, written)
    path.write_text(written[: match.start()] + text + written[match.start() :])


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def insertion(name: str, path: str, pattern: str, text: str) -> Edit:
    """Return an edit that inserts text before the match of a pattern."""
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


def add_feature(project: Path) -> None:
    """Add a feature: its folder, the line that mounts it, and a sorted import."""
    for path, text in ORDERS.items():
        write(project / path, text)
    mount(project, "orders")


def mount(project: Path, feature: str) -> None:
    application = project / APPLICATION
    insert(application, below("    # Your features below."), MOUNT.format(feature=feature))
    imports = re.findall(r"(?m)^from app\.[\w.]+ import .*\n", application.read_text())
    line = IMPORT.format(feature=feature)
    insert(application, re.escape(next(other for other in imports if other > line)), line)


def feature_survived(project: Path) -> bool:
    application = read(project / APPLICATION)
    return all(read(project / path) == text for path, text in ORDERS.items()) and all(
        application.count(line.format(feature="orders")) == 1 for line in (IMPORT, MOUNT)
    )


def list_heads(project: Path) -> list[str]:
    """Return the revisions without a successor."""
    text = "\n".join(path.read_text() for path in (project / VERSIONS).glob("*.py"))
    followed = re.findall(r"""(?m)^down_revision = ["'](.+)["']""", text)
    return sorted(set(re.findall(r"""(?m)^revision = ["'](.+)["']""", text)) - set(followed))


def add_migration(project: Path) -> None:
    parent = "".join(f'"{head}"' for head in list_heads(project)) or "None"
    write(project / VERSIONS / "orders.py", MIGRATION.format(parent=parent))


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
        "\n# Greeting on the start page.\n# GREETING=hello\n",
    ),
    insertion("an edited .env", ".env", r"\Z", "GREETING=good morning\n"),
    insertion(
        "an ignored folder", ".gitignore", below("# Yours below.", at_the_end=True), "reports/\n"
    ),
    insertion("a chapter", "README.md", r"\n## Template updates\n", chapter("Operations")),
    insertion(
        "a chapter at the end",
        "README.md",
        below("<!-- Yours below. -->", at_the_end=True),
        chapter("Contact"),
    ),
    Edit(
        "a new feature",
        possible=lambda project: (project / APPLICATION).is_file(),
        apply=add_feature,
        survived=feature_survived,
    ),
    Edit(
        "a migration on top",
        possible=lambda project: len(list_heads(project)) <= 1,
        apply=add_migration,
        survived=lambda project: list_heads(project) == ["orders"],
    ),
    Edit(
        "a deleted example",
        possible=lambda project: (project / EXAMPLE).is_file(),
        apply=lambda project: (project / EXAMPLE).unlink(),
        survived=lambda project: not (project / EXAMPLE).exists(),
    ),
    Edit(
        "a new workflow",
        possible=lambda project: not (project / WORKFLOW).exists(),
        apply=lambda project: write(project / WORKFLOW, NIGHTLY),
        survived=lambda project: read(project / WORKFLOW) == NIGHTLY,
    ),
)


def possible_edits(project: Path) -> list[Edit]:
    return [edit for edit in EDITS if edit.possible(project)]


def list_lost(project: Path, edits: Iterable[Edit]) -> list[str]:
    """Return the names of the edits that did not survive."""
    return [edit.name for edit in edits if not edit.survived(project)]
