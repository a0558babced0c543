"""What a stage may ask and what it may decide. A stage returns an outcome and touches nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from hub.ledger import Group, Posting
from hub.model import (
    CreditMemo,
    Document,
    Invoice,
    Money,
    Order,
    OrderChange,
    OrderResponse,
    Remittance,
    Shipment,
    Statement,
)
from hub.policies import Policies


@dataclass(frozen=True, slots=True)
class Event:
    """A fact, past tense, about one document. `touch`: its balance changed though its body did not."""

    name: str
    document: Document
    touch: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A question for a human: `reason` is its type, `title` one sentence, `evidence` the figures."""

    reason: str
    title: str
    document: Document
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from a document. `closes`: questions about it that are answered now."""

    events: Sequence[Event] = ()
    cases: Sequence[Case] = ()
    groups: Sequence[Group] = ()
    closes: Sequence[tuple[str, str]] = ()  # (document id, reason)


def together(*parts: Outcome) -> Outcome:
    """One outcome of several."""
    return Outcome(
        [event for part in parts for event in part.events],
        [case for part in parts for case in part.cases],
        [group for part in parts for group in part.groups],
        [answered for part in parts for answered in part.closes],
    )


class Allocated(Protocol):
    """Part of an invoice that a payment, a credit memo or an adjustment (`kind`) settled."""

    @property
    def payment(self) -> str: ...
    @property
    def invoice(self) -> str: ...
    @property
    def amount(self) -> Money: ...
    @property
    def kind(self) -> str: ...


class Reader(Protocol):
    """All a stage may ask of the world, the date included."""

    today: date
    policies: Policies

    def get(self, document_id: str) -> Document | None: ...
    def prefetch(self, document_ids: Collection[str]) -> None: ...
    def lock(self, document_id: str) -> None: ...
    def next_number(self, series: str) -> int: ...
    def hold(self, series: str) -> None: ...
    def open_receivables(self, customer: str, currency: str) -> Money: ...
    def committed(self, customer: str, currency: str, excluding: str) -> Money: ...
    def overdue(self, customer: str, currency: str, before: date) -> Money: ...
    def open_amount(self, invoice: Invoice) -> Money: ...
    def unapplied(self, payment: str, currency: str) -> Money: ...
    def allocations(self, *, payment: str = "", invoice: str = "") -> Sequence[Allocated]: ...
    def touched(self, payment: str) -> Sequence[str]: ...
    def standing(self, *, payment: str = "", invoice: str = "") -> Sequence[Posting]: ...
    def origin(self, document_id: str) -> str: ...
    def same_purchase_order(self, order: Order) -> Sequence[Order]: ...
    def responses_of(self, order: str) -> Sequence[OrderResponse]: ...
    def changes_of(self, order: str) -> Sequence[OrderChange]: ...
    def shipments_of(self, order: str) -> Sequence[Shipment]: ...
    def invoices_of(self, order: str) -> Sequence[Invoice]: ...
    def credits_of(self, order: str) -> Sequence[CreditMemo]: ...
    def awaited(self, connection: str, document_id: str) -> bool: ...
    def refused_invoices(self, order: str) -> Sequence[Invoice]: ...
    def numbered(self, kind: str, number: str) -> Sequence[Document]: ...
    def invoiced(self, order: str) -> Mapping[str, Decimal]: ...
    def invoices_named(self, keys: Collection[str]) -> Sequence[Invoice]: ...
    def open_invoices(self, customer: str, limit: int = 200) -> Sequence[Invoice]: ...
    def invoices_of_amount(self, amount: Money, limit: int = 20) -> Sequence[Invoice]: ...
    def known_as(self, kind: str, keys: Collection[str]) -> Sequence[Document]: ...
    def traced(self, kind: str, trace: str) -> Sequence[Document]: ...
    def of_amount(
        self, kind: str, amount: Money, states: Collection[str], days: tuple[date, date], limit: int = 50
    ) -> Sequence[Document]: ...
    def remittances_of(self, payment: str) -> Sequence[Remittance]: ...
    def statements_near(self, statement: Statement, day: date, limit: int = 24) -> Sequence[Statement]: ...
    def payer_of_account(self, account: str) -> str: ...
    def held_orders(self, customer: str) -> Sequence[Order]: ...


Stage = Callable[[Any, Reader], Outcome]


class Choice(NamedTuple):
    """What a person decided about a case: who, why, and the figures they entered."""

    by: str
    note: str
    values: Mapping[str, Any]
    evidence: Mapping[str, Any] = MappingProxyType({})  # of the case that is answered


Decision = Callable[[Any, Choice, Reader], Outcome]
