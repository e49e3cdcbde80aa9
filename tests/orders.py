"""What a team adds to its service: a feature with a table of its own, and a workflow."""

FILES = {
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

# The lines that mount a feature.
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
