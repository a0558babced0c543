"""What SQLite's planner is told of the data: the same on every database, from its first day on.

Without statistics SQLite takes every index to be as selective as the next one, and prefers one that also
sorts: the open invoices of one order are then looked for among all open invoices. PostgreSQL keeps
statistics of its own. The format of `sqlite_stat1` is documented with its ANALYZE command; rows written by
hand are read when a connection is opened.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

ROWS = 1_000_000  # of any table: a hub that has been at work for a while
FEW_ROWS = 1_000  # of an index that holds only some rows: what is under way
DISTINCT: Mapping[str, int] = {  # different values of a column among so many rows; others: one per row
    "account": 10, "amount_minor": 50_000, "cause": 300_000, "connection": 5, "currency": 3,
    "customer_id": 20_000, "direction": 2, "document_id": 300_000, "due_on": 1_000, "group_id": 400_000,
    "invoice_id": 200_000, "kind": 8, "order_id": 150_000, "payment_id": 200_000, "reference": 300_000,
    "row_id": 300_000, "run_id": 50, "state": 200, "waits_for": 500,
}  # fmt: skip


def write(conn: Connection) -> None:
    """Tell the planner, in place of what it was told before. SQLite only."""
    conn.exec_driver_sql("ANALYZE alembic_version")  # makes the table that ordinary SQL may then change
    conn.exec_driver_sql("DELETE FROM sqlite_stat1")
    tables = conn.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'table'").scalars().all()
    for table in (name for name in tables if not name.startswith(("sqlite_", "alembic_"))):
        for _, index, _, _, partial in conn.exec_driver_sql(f"PRAGMA index_list('{table}')").all():
            columns = [row[2] for row in conn.exec_driver_sql(f"PRAGMA index_info('{index}')").all()]
            told = figures(columns, FEW_ROWS if partial else ROWS)
            conn.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, index, told))


def figures(columns: list[str], rows: int) -> str:
    """The number of rows, then how many share the first column, the first two, and so on."""
    shared, told = rows, [rows]
    for column in columns:
        shared = max(1, shared // DISTINCT.get(column, rows))
        told.append(shared)
    return " ".join(map(str, told))
