"""Finding money by its trace and its amount, and the statements of an account by their day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("documents", sa.Column("trace", sa.String(length=120), nullable=False, server_default=""))
    traced = sa.text("trace <> ''")
    op.create_index(
        "documents_by_trace", "documents", ["trace"], sqlite_where=traced, postgresql_where=traced
    )
    op.create_index("documents_by_amount", "documents", ["kind", "currency", "amount_minor"])
    op.drop_index("documents_by_reference", table_name="documents")
    op.create_index("documents_by_reference", "documents", ["kind", "reference", "due_on"])
