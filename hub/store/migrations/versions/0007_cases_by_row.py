"""Finding the case of a queue row without looking through all that are open."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_index("cases_by_document", table_name="cases")
    op.create_index("cases_by_document", "cases", ["document_id", "state"])
    op.create_index("cases_by_row", "cases", ["row_id", "state"])
