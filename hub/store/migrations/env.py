"""Alembic's entry point: runs the migrations on the connection it is handed."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from hub.store.tables import metadata


def _render(kind: str, value: Any, _context: Any) -> str | Literal[False]:
    """Moments are plain doubles in migrations: a migration must not depend on today's code."""
    return "sa.Double()" if kind == "type" and type(value).__name__ == "Instant" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_render,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
