"""What people do to queue rows and connections by hand."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from hub.store.database import clock
from hub.store.tables import CONNECTIONS, CURSORS, EVENTS, INBOX, LOCAL_TABLES, MAPPINGS, RECORDS, XREF


def replay(conn: Connection, inbox_id: str) -> bool:
    """Process a delivery once more, whatever became of it; False when there is none such."""
    again = conn.execute(
        INBOX.update().where(INBOX.c.id == inbox_id).values(state="pending", next_at=clock(), attempts=0)
    )
    return again.rowcount == 1


def is_unused(conn: Connection, connection: str) -> bool:
    """Has nothing ever come from or gone to this connection?"""
    return not any(
        conn.execute(sa.select(sa.literal(1)).where(table.c.connection == connection).limit(1)).first()
        for table in (INBOX, EVENTS, XREF)
    )


def forget(conn: Connection, connection: str) -> bool:
    """Delete a connection and what was only its own: another of this name must not take it over.

    False when there is none such.
    """
    for table in (CURSORS, MAPPINGS, LOCAL_TABLES, RECORDS):
        conn.execute(table.delete().where(table.c.connection == connection))
    return conn.execute(CONNECTIONS.delete().where(CONNECTIONS.c.name == connection)).rowcount == 1
