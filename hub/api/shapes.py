"""What goes in and out of the admin API. Unknown fields are refused; secrets have no place in an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from hub.model import Money

PAGE_MAX = 200
ITEMS_MAX = 200

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="how many at most")]
After = Annotated[str, Query(max_length=64, description="`after` of the page before; empty: the first page")]
Search = Annotated[str, Query(max_length=100)]
Name = Annotated[str, Query(max_length=64)]


class Shape(BaseModel):
    """A value on the wire."""

    model_config = ConfigDict(extra="forbid", frozen=True)


T = TypeVar("T")


class Page(Shape, Generic[T]):
    """One page of a list. `after`: pass it to get the next page; null: this is the last."""

    items: Sequence[T]
    after: str | None = None


def page(items: Sequence[T], limit: int, last: str) -> Page[T]:
    """A page of at most `limit` items; a full one may have a successor."""
    return Page(items=items, after=last if len(items) >= limit else None)


class Problem(Shape):
    """Why a request was refused."""

    error: str = Field(description="one sentence for a person")
    field: str = Field(default="", description="where in the request, if it is one place")


class Done(Shape):
    """A change was made."""

    done: bool = True


class Me(Shape):
    """The token that asks."""

    name: str
    role: Literal["viewer", "operator", "admin"]


class Connector(Shape):
    """An installed connector and the form of its settings."""

    name: str
    title: str
    tier: str
    docs: str
    inbound: Sequence[str] = Field(description="kinds of document it reads")
    outbound: Sequence[str] = Field(description="kinds of document it writes")
    settings_schema: Mapping[str, Any] = Field(description="JSON Schema; secrets are `writeOnly`")


class Backlog(Shape):
    """Rows of a connection in the two queues."""

    in_pending: int = 0
    in_dead: int = 0
    out_pending: int = 0
    out_dead: int = 0


class HealthReport(Shape):
    """The last check. Empty summary: never checked."""

    ok: bool = False
    summary: str = ""
    findings: Sequence[str] = ()
    checked_at: datetime | None = None


class ConnectionOut(Shape):
    """A connection as its operator needs to see it."""

    name: str
    connector: str
    state: Literal["active", "paused"]
    paused_why: str
    poll_seconds: float = Field(description="0: never polled")
    polled_at: datetime | None
    failures: int = Field(description="calls in a row that found nobody there")
    health: HealthReport
    backlog: Backlog
    created_at: datetime
    updated_at: datetime


class ConnectionDetail(ConnectionOut):
    """With its settings; of a secret only whether it is set."""

    settings: Mapping[str, Any]
    secrets_set: Sequence[str]
    webhook_path: str = Field(description="append to the hub's public address and give it to the vendor")


class ConnectionIn(Shape):
    """Settings to store. A secret that is left out keeps its value; null removes it."""

    connector: str = Field(max_length=64)
    settings: dict[str, Any] = Field(max_length=ITEMS_MAX)
    poll_seconds: float = Field(default=0, ge=0, le=86_400 * 7, description="0: never polled")


class PauseIn(Shape):
    """Why a connection is paused."""

    why: str = Field(default="", max_length=500)


class Polled(Shape):
    """What a poll brought."""

    arrivals: int = Field(description="deliveries it returned; those we knew are not processed again")


class Uploaded(Shape):
    """What became of a file."""

    status: str = Field(description="accepted, repeated or quarantined")
    delivery: str = Field(description="id of the delivery that holds its content")
    told: str = Field(description="the same in a sentence: when and under which name it came before")


class DocumentOut(Shape):
    """A document without its body."""

    id: str
    kind: str
    number: str
    state: str
    version: int
    customer: str = Field(description="document id")
    customer_name: str
    order: str = Field(description="document id of the order it belongs to")
    amount: Money | None = Field(description="payable amount, or the amount of a payment")
    due_on: date | None
    origin: str = Field(description="connection it came from; empty: made by the hub")
    created_at: datetime
    updated_at: datetime


class XrefOut(Shape):
    """What one connection knows of a document. Pending or dead ones are the outbox."""

    id: str
    connection: str
    kind: str
    document: str
    external_id: str | None
    wanted: int = Field(description="version it should have")
    sent: int = Field(description="version it has")
    state: Literal["pending", "done", "dead"]
    attempts: int
    last_error: str | None


class PostingOut(Shape):
    """One line of the ledger; debits are positive."""

    seq: int
    group: str
    posted_on: date
    account: str
    amount: Money
    customer: str
    invoice: str
    payment: str
    memo: str


class EventOut(Shape):
    """A fact about a document."""

    at: datetime
    document: str
    kind: str
    version: int
    event: str
    actor: str
    cause: str


class DocumentDetail(DocumentOut):
    """A document with its body and everything attached to it."""

    body: Mapping[str, Any]
    translated_by: str = Field(description="mapping and version that made it")
    xrefs: Sequence[XrefOut]
    postings: Sequence[PostingOut]
    versions: Sequence[EventOut] = Field(description="its events, each with the version it led to")


class Moment(Shape):
    """One point of an order's timeline."""

    at: datetime
    what: Literal["received", "event", "attempt", "case", "decision"]
    name: str = Field(description="event, outcome, reason or decision")
    document: str = ""
    kind: str = ""
    number: str = ""
    connection: str = ""
    actor: str = ""
    detail: str = ""
    external_id: str = ""
    version: int = 0
    attempt: int = 0
    milliseconds: int = 0
    ref: str = Field(default="", description="inbox row or case it is about")


class CaseOut(Shape):
    """A question for a human."""

    id: str
    reason: str
    state: Literal["open", "resolved"]
    title: str
    document: str
    order: str
    connection: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    decision: str | None
    note: str | None


class CaseDetail(CaseOut):
    """With its evidence and the answers it takes."""

    evidence: Mapping[str, Any]
    choices: Sequence[str]


class DecisionIn(Shape):
    """An answer to a case. `values`: for example {"invoices": [{"invoice": id, "amount": "12.50"}]}.

    To `revise` an order: {"lines": [{"line_id": "1", "quantity": "8", "promised_on": "2026-04-01"}]}.
    """

    decision: str = Field(max_length=40)
    note: str = Field(default="", max_length=2_000)
    values: dict[str, Any] = Field(default={}, max_length=20)


class DeliveryOut(Shape):
    """A delivery in the inbox."""

    id: str
    connection: str
    door: str
    state: Literal["pending", "done", "dead"]
    attempts: int
    last_error: str | None
    received_at: datetime
    size: int = Field(description="bytes of its body")


class DeliveryDetail(DeliveryOut):
    """With what was sent, as far as it can be shown."""

    method: str
    url: str
    headers: Mapping[str, str] = Field(description="credentials are not kept")
    body: str = Field(description="the body's beginning as text")
    truncated: bool


class Balance(Shape):
    """Sum of one account in one currency."""

    account: str
    amount: Money


class CurrencyFigures(Shape):
    """The order-to-cash figures of one currency."""

    currency: str
    ordered: Money = Field(description="payable amounts of accepted orders")
    invoiced: Money
    paid: Money = Field(description="invoiced and no longer open")
    open_receivables: Money
    overdue: Money
    cash_received: Money
    unapplied_cash: Money


class Overview(Shape):
    """How things stand."""

    figures: Sequence[CurrencyFigures]
    documents: Mapping[str, Mapping[str, int]] = Field(description="documents per kind and state")
    open_cases: Mapping[str, int] = Field(description="open cases per reason")
    backlog: Mapping[str, Backlog]
    latest: Sequence[EventOut]


class TokenIn(Shape):
    """A token to make."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[\w.@ -]+$", description="who will use it")
    role: Literal["viewer", "operator", "admin"]


class TokenMade(Shape):
    """The only time a token is shown."""

    name: str
    role: str
    token: str


class TokenOut(Shape):
    """A token without its secret."""

    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None


class AuditOut(Shape):
    """Something a person or their program did."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
