"""The tables. The inbox and the cross-reference are durable queues with the same work columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Date,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData()
_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in INTEGER columns


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, stored as seconds since the epoch: both databases keep it exactly alike."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> float | None:
        """Aware datetime to seconds."""
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: Any) -> datetime | None:
        """Seconds to aware datetime."""
        return None if value is None else datetime.fromtimestamp(value, UTC)


def _work() -> list[Column[Any]]:
    """Columns of a durable queue; times are seconds since the epoch by the database's clock."""
    return [
        Column("id", String(36), primary_key=True),
        Column("state", String(12), nullable=False),  # pending | done | dead
        Column("attempts", Integer, nullable=False, default=0),  # counted at claim, before the work
        Column("next_at", Double, nullable=False),
        Column("lease_until", Double, nullable=False, default=0.0),  # its value is the fencing token
        Column("last_error", Text),
    ]


# A literal, not a parameter: SQLite uses a partial index only where the query repeats its condition.
PENDING: ColumnElement[str] = literal_column("'pending'")


def _due(name: str, *columns: str, also: str = "") -> Index:
    """Only pending rows are ever searched, so only they are indexed."""
    pending = text(f"state = 'pending'{also}")
    return Index(name, *columns, sqlite_where=pending, postgresql_where=pending)


INBOX = Table(
    "inbox", metadata, *_work(),
    Column("connection", String(64), nullable=False),
    Column("door", String(12), nullable=False),  # webhook | poll | file
    Column("method", String(8), nullable=False),
    Column("url", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Instant, nullable=False),
    _due("inbox_due", "next_at"),
    Index("inbox_by_connection", "connection", "received_at"),
)  # fmt: skip
EVENTS = Table(  # which event of which connection is already in the inbox: the dedupe index
    "events", metadata,
    Column("connection", String(64), primary_key=True),
    Column("event_id", String(200), primary_key=True),
    Column("inbox_id", String(36), nullable=False),
    Column("digest", String(32), nullable=False),  # of the body: same id with another body is suspicious
)  # fmt: skip
XREF = Table(
    # One row says: this connection knows this document as `external_id`, has version `sent` of it and
    # should have version `wanted`. The outbox is every row that is still pending.
    "xref", metadata, *_work(),
    Column("connection", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("document_id", String(36), nullable=False),
    Column("external_id", String(200)),
    Column("wanted", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("unsettled", Integer, nullable=False, default=0),  # pushes begun whose outcome we do not know
    Column("waits_for", String(36)),  # document that must be known there first
    Column("wanted_at", Instant),
    Column("revision", Instant),  # newest state of it that we have seen there
    Column("read_at", Instant),  # when we asked for that state
    UniqueConstraint("connection", "document_id"),
    UniqueConstraint("connection", "kind", "external_id"),
    _due("xref_due", "connection", "next_at"),
    _due("xref_waiting", "waits_for", also=" AND waits_for IS NOT NULL"),
    _due("xref_held", "connection", "lease_until", also=" AND lease_until > 0"),
    Index("xref_by_document", "document_id"),
)  # fmt: skip
DOCUMENTS = Table(
    "documents", metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(24), nullable=False),
    Column("number", String(60), nullable=False),
    Column("reference", String(120), nullable=False),  # normalised number others quote: PO or invoice number
    Column("customer_id", String(36), nullable=False),
    Column("order_id", String(36), nullable=False),  # the order it belongs to; an order's own id
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),  # payable amount in minor units
    Column("due_on", Date),
    Column("trace", String(120), nullable=False, server_default=""),  # ties money to what explains it
    Column("origin", String(64), nullable=False),  # connection it came from; empty: the hub
    Column("translated_by", String(120), nullable=False),  # mapping and version that made it
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Index("documents_by_kind", "kind", "state", "created_at"),
    Index("documents_by_customer", "customer_id", "kind", "state"),
    Index("documents_by_order", "order_id", "kind"),
    Index("documents_by_reference", "kind", "reference", "due_on"),
    Index("documents_by_number", "kind", "number"),
    Index("documents_by_amount", "kind", "currency", "amount_minor"),
    Index(
        "documents_by_trace", "trace", sqlite_where=text("trace <> ''"), postgresql_where=text("trace <> ''")
    ),
)  # fmt: skip
POSTINGS = Table(  # append-only
    "postings", metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=True),
    Column("group_id", String(36), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("posted_on", Date, nullable=False),
    Column("account", String(24), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),  # debit positive, credit negative
    Column("customer_id", String(36), nullable=False),
    Column("invoice_id", String(36), nullable=False),
    Column("payment_id", String(36), nullable=False),
    Column("memo", String(200), nullable=False),
    Index("postings_by_customer", "customer_id", "account", "currency"),
    Index("postings_by_invoice", "invoice_id", "account"),
    Index("postings_by_payment", "payment_id", "account"),
)  # fmt: skip
CASES = Table(
    "cases", metadata,
    Column("id", String(36), primary_key=True),
    Column("reason", String(64), nullable=False),
    Column("state", String(12), nullable=False),  # open | resolved
    Column("subject", String(200), unique=True),  # while open: one open case per question
    Column("document_id", String(36), nullable=False),
    Column("order_id", String(36), nullable=False),
    Column("connection", String(64), nullable=False),
    Column("row_id", String(36), nullable=False),  # the queue row that stopped, if one did
    Column("title", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("resolved_by", String(100)),
    Column("decision", String(40)),
    Column("note", Text),
    Index("cases_by_state", "state", "opened_at"),
    Index("cases_by_document", "document_id", "state"),
    Index("cases_by_row", "row_id", "state"),
)  # fmt: skip
JOURNAL = Table(  # every event, append-only
    "journal", metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("document_id", String(36), nullable=False, index=True),
    Column("order_id", String(36), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("event", String(64), nullable=False),
    Column("actor", String(100), nullable=False),  # connection, person or `hub`
    Column("cause", String(36), nullable=False, index=True),  # inbox row or case
    Column("detail", Text, nullable=False),
)  # fmt: skip
ATTEMPTS = Table(  # append-only, in a transaction of its own: it survives the failure it records
    "attempts", metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("row_id", String(36), nullable=False, index=True),
    Column("verb", String(12), nullable=False),  # process | deliver
    Column("connection", String(64), nullable=False),
    Column("document_id", String(36), nullable=False, index=True),
    Column("n", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("outcome", String(24), nullable=False),
    Column("detail", Text, nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("milliseconds", Integer, nullable=False),
)  # fmt: skip
CONNECTIONS = Table(
    "connections", metadata,
    Column("name", String(64), primary_key=True),
    Column("connector", String(64), nullable=False),
    Column("settings", Text, nullable=False),  # JSON, secrets sealed
    Column("state", String(12), nullable=False),  # active | paused
    Column("paused_why", Text, nullable=False),
    Column("poll_seconds", Double, nullable=False),  # 0: never polled
    Column("slow_until", Double, nullable=False),  # no deliveries before this moment
    Column("failures", Integer, nullable=False),  # in a row
    Column("health", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # of the settings: live connectors are rebuilt on change
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)  # fmt: skip
CURSORS = Table(
    "cursors", metadata,
    Column("connection", String(64), primary_key=True),
    Column("cursor", Text),
    Column("polled_at", Instant, nullable=False),
)  # fmt: skip
BACKFILLS = Table(  # the last walk through each connection's history
    "backfills", metadata,
    Column("connection", String(64), primary_key=True),
    Column("state", String(12), nullable=False),  # running | done | stopped | failed
    Column("since", Instant, nullable=False),
    Column("cursor", Text),
    Column("seen", Integer, nullable=False),  # deliveries it brought
    Column("fresh", Integer, nullable=False),  # of them, those that were not known
    Column("total", Integer),  # objects there are, where the system tells
    Column("steps", Integer, nullable=False),
    Column("next_at", Double, nullable=False),  # no step before this moment
    Column("error", Text, nullable=False),  # why it stands still
    Column("asked_by", String(100), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("moved_at", Instant, nullable=False),
)  # fmt: skip
LEASES = Table(
    "leases", metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("lease_until", Double, nullable=False),
)  # fmt: skip
CALL_SLOTS = Table(  # calls in flight per account of a vendor, where several processes make them
    "call_slots", metadata,
    Column("account", String(200), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(36), nullable=False),  # fences who returns or renews it
    Column("lease_until", Double, nullable=False),  # by the database's clock; 0: free
)  # fmt: skip
COUNTERS = Table(
    "counters", metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)  # fmt: skip
TOKENS = Table(
    "tokens", metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("role", String(12), nullable=False),  # viewer | operator | admin
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)  # fmt: skip
AUDIT = Table(  # what people did, append-only
    "audit", metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("detail", Text, nullable=False),
)  # fmt: skip
MAPPINGS = Table(
    # Versions of the mappings of one connection. Where none is active, the files of `mappings/` apply.
    "mappings", metadata,
    Column("id", String(36), primary_key=True),
    Column("connection", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("direction", String(3), nullable=False),  # in | out
    Column("version", Integer, nullable=False),
    Column("state", String(12), nullable=False),  # draft | active | retired
    Column("text", Text, nullable=False),  # YAML, with its comments
    Column("author", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("activated_by", String(100)),
    Column("activated_at", Instant),
    Column("retired_at", Instant),
    UniqueConstraint("connection", "kind", "direction", "version"),
    Index(
        "mappings_active", "connection", "kind", "direction", unique=True,
        sqlite_where=text("state = 'active'"), postgresql_where=text("state = 'active'"),
    ),
)  # fmt: skip
LOCAL_TABLES = Table(  # entries that belong to this hub: no import ever overwrites them
    "local_tables", metadata,
    Column("connection", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("entries", Text, nullable=False),  # JSON
    Column("changed_by", String(100), nullable=False),
    Column("changed_at", Instant, nullable=False),
)  # fmt: skip
RECORDS = Table(  # the last record we read of each vendor object: for previews, back-tests and lineage
    "records", metadata,
    Column("connection", String(64), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("external_id", String(200), primary_key=True),
    Column("document_id", String(36), nullable=False, index=True),  # empty: its mapping said it is not for us
    Column("inbox_id", String(36), nullable=False),
    Column("translated_by", String(120), nullable=False),
    Column("at", Instant, nullable=False),
    Column("record", Text, nullable=False),
    Index("records_newest", "connection", "kind", "at"),
)  # fmt: skip
RECONCILIATIONS = Table(  # comparisons of the ledger with the open items of one system
    "reconciliations", metadata,
    Column("id", String(36), primary_key=True),
    Column("connection", String(64), nullable=False),
    Column("state", String(12), nullable=False),  # asked | running | done | failed
    Column("customer_id", String(36), nullable=False),  # only this customer's; empty: everybody's
    Column("asked_by", String(100), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("step", String(60), nullable=False),  # what it is at
    Column("items_here", Integer, nullable=False),
    Column("items_there", Integer, nullable=False),
    Column("found", Integer, nullable=False),  # differences, those in flight not counted
    Column("in_flight", Integer, nullable=False),
    Column("kept", Integer, nullable=False),  # of both, those that are stored
    Column("counts", Text, nullable=False),  # JSON: differences per type
    Column("totals", Text, nullable=False),  # JSON: per currency
    Column("error", Text, nullable=False),
    Index("reconciliations_newest", "connection", "asked_at"),
)  # fmt: skip
DIFFERENCES = Table(
    "differences", metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=True),
    Column("run_id", String(36), nullable=False),
    Column("connection", String(64), nullable=False),
    Column("why", String(24), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("document_id", String(36), nullable=False),  # empty: the hub has none
    Column("external_id", String(200), nullable=False),  # empty: the system has none
    Column("number", String(200), nullable=False),
    Column("customer_id", String(240), nullable=False),  # document id, or `there:` and the system's own id
    Column("customer", String(200), nullable=False),  # name
    Column("in_flight", Integer, nullable=False),
    Column("said", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON: both figures and what else is known
    Column("offers", String(40), nullable=False),  # repairs that fit, the recommended one first
    Column("repair", String(12), nullable=False),  # what was done about it; empty: nothing yet
    Column("repaired_by", String(100), nullable=False),
    Column("repaired_at", Instant),
    Column("outcome", Text, nullable=False),
    Index("differences_of_run", "run_id", "seq"),
)  # fmt: skip
RECONCILED_HERE = Table(  # scratch of a run: our open items, each counted once
    "reconciled_here", metadata,
    Column("run_id", String(36), primary_key=True),
    Column("document_id", String(36), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("number", String(60), nullable=False),
    Column("customer_id", String(36), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("open_minor", BigInteger, nullable=False),
    Column("state", String(24), nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("outbox", String(12), nullable=False),
    Column("error", Text, nullable=False),
    Column("theirs", Integer, nullable=False),
    Column("met", String(200), nullable=False),  # external id of the item it was compared with
    Index("reconciled_here_by_customer", "run_id", "customer_id"),
)  # fmt: skip
RECONCILED_THERE = Table(  # scratch of a run: the system's items
    "reconciled_there", metadata,
    Column("run_id", String(36), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("external_id", String(200), primary_key=True),
    Column("number", String(200), nullable=False),
    Column("customer", String(200), nullable=False),
    Column("currency", String(12), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("open_minor", BigInteger, nullable=False),
    Column("reference", String(200), nullable=False),
    Column("status", String(60), nullable=False),
    Column("listed", Integer, nullable=False),  # 0: not open there, we asked for it
    Column("fault", String(200), nullable=False),  # why its figures cannot be compared
    Column("met", Integer, nullable=False),
    Index("reconciled_there_by_reference", "run_id", "reference"),
)  # fmt: skip
RECONCILED_TOTALS = Table(  # what every customer owes in each currency, by both books; equal ones are dropped
    "reconciled_totals", metadata,
    Column("run_id", String(36), primary_key=True),
    Column("customer_id", String(240), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("here_minor", BigInteger, nullable=False),
    Column("there_minor", BigInteger, nullable=False),
    Column("explained_minor", BigInteger, nullable=False),
    Column("in_flight_minor", BigInteger, nullable=False),
)  # fmt: skip
