"""What the verbs of the hub share: store, live connections, routes, bell, and what to do about failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hub import answering, failures, settling
from hub.answering import named
from hub.errors import NotYet, RateLimited, Transient
from hub.failpoints import failpoint
from hub.mapping.conversions import EXTRAS
from hub.model import Document
from hub.pace import Pace
from hub.present import Abroad
from hub.registry import Registry
from hub.routes import Route, Routes, lets_through, target
from hub.store.promoted import promoted
from hub.store.tables import XREF
from hub.store.tx import Store, Tx


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a worker may hold rows, how often a row is tried, and how much is done in one go."""

    lease: float = 90.0
    call: float = 30.0
    attempts_max: int = 16
    part: int = 500  # objects of one transaction; a delivery of more is absorbed in parts

    @property
    def budget(self) -> float:
        """Seconds after which a worker begins no further delivery of its batch: the lease must outlast it."""
        return max(self.lease - 2.2 * self.call, 0.0)

    @property
    def absorbing(self) -> float:
        """Seconds after which no further part of a crowd is absorbed, which calls nobody."""
        return 0.8 * self.lease


class TxLookup:
    """Ids for mappings: the vendor's for ours and ours for the vendor's."""

    def __init__(self, tx: Tx, connection: str, *, outward: bool) -> None:
        self.tx, self.connection, self.outward = tx, connection, outward

    def xref(self, kind: str, value: str) -> str:
        """Raises NotYet when the other side is not known yet. `kind` may name several: `payment/refund`.

        Inwards `elsewhere` among them lets the value be CONNECTION:ID or a document id of ours, and with
        `nothing` what is not known is no value.
        """
        if self.outward:
            external = self.tx.xrefs.external_id(self.connection, value)
            if external is None:
                found = self.tx.documents.get(value)
                label = getattr(found, "number", "") or getattr(found, "name", "") or value
                raise NotYet(f"{kind} {label} is not at {self.connection} yet", code=value, sent=False)
            return external
        kinds = kind.split("/")
        wanted = [one for one in kinds if one not in EXTRAS]
        for one in wanted:
            known = self.tx.xrefs.known(self.connection, one, value)
            if known is not None:
                return str(known.document_id)
            if "elsewhere" in kinds and (there := self._elsewhere(one, value)):
                return there
        if "nothing" in kinds:
            return ""
        raise NotYet(f"{' or '.join(wanted)} {value} of {self.connection} is not known yet", sent=False)

    def _elsewhere(self, kind: str, value: str) -> str:
        """The document that another connection knows by this id, or that has it here; empty: none."""
        connection, _, external_id = value.partition(":")
        if external_id:
            known = self.tx.xrefs.known(connection, kind, external_id)
            return known.document_id if known is not None else ""
        document = self.tx.documents.get(value)
        return value if document is not None and document.kind == kind else ""


def abroad(tx: Tx, connection: str) -> Abroad:
    """What a connection calls our documents."""
    return lambda document_id: tx.xrefs.external_id(connection, document_id) or ""


def no_bell(queue_name: str) -> None:
    """Rings nothing: the sweep will find the rows."""


@dataclass
class Core:
    """One store, the live connections, the routes, and a doorbell."""

    store: Store
    registry: Registry
    routes: Routes
    bounds: Bounds = field(default_factory=Bounds)
    ring: Callable[[str], None] = no_bell  # "inbox", or the name of a connection
    pace: Pace = field(default_factory=Pace)

    def _sound(self, table: Any, rows: Sequence[Any]) -> Sequence[Any]:
        """Rows that may be tried. One whose every try ended without a word stops here, with a case."""
        spent = [row for row in rows if row.attempts > self.bounds.attempts_max]
        for row in spent:
            why = "none of its tries ended: it may be what kills the worker that takes it up"
            self._failed(table, row, Transient(why, code="worker_lost"))
        return [row for row in rows if row not in spent]

    def _failed(self, table: Any, row: Any, error: Exception, *, alive: bool = False) -> failures.Next:
        """Settle a failure. `alive`: the same call did others well, so the system is not to blame."""
        step = self._step(table, row, error)
        if alive and not isinstance(error, RateLimited):
            step = step._replace(slows=False)
        with self.store.begin() as tx:
            settling.settle_failure(tx, table, row, error, step)
            failpoint("failure.before_commit")
        return step

    def _step(self, table: Any, row: Any, error: Exception) -> failures.Next:
        live = self.registry.all().get(row.connection)
        kinds = live.manifest.kinds if live else {}
        quiesce = kinds[row.kind].quiesce if table is XREF and row.kind in kinds else 0.0
        return failures.after(
            error, attempts=row.attempts, attempts_max=self.bounds.attempts_max, age=_age(self.store, row),
            quiesce=quiesce,
        )  # fmt: skip

    def _failed_all(self, table: Any, rows: Sequence[Any], error: Exception) -> None:
        """The same failure of many rows, settled in one transaction."""
        with self.store.begin() as tx:
            for row in rows:
                step = self._step(table, row, error)
                settling.settle_failure(tx, table, row, error, step)
            failpoint("failure.before_commit")

    def hear(self, event: str) -> Sequence[str]:
        """The connections that exist and want to know of an event, of whichever seller."""
        live = self.registry.all()
        return [name for entry in self.routes.get(event, ()) for name in named(target(entry), live)]

    def addressees(self, tx: Tx, event: str, document: Document) -> Sequence[str]:
        """The connections to tell of an event, each brought to know the document's customer first.

        Of several CRMs only the one that the order is from; of several ERPs those of the seller. What an
        ERP booked itself is not sent back to it.
        """
        live, entries = self.registry.all(), self.routes.get(event, ())
        back = answering.back_to(tx, live, event, document)
        if back is not None:
            return back
        if not entries:
            return []
        seller = _seller(tx, document) if any(isinstance(one, Route) for one in entries) else ""
        home = tx.reader.origin(document.id) if _stays(event, document) else ""
        told = [
            name
            for entry in entries
            for name in named(target(entry), live)
            if name != home and lets_through(entry, seller)
            and self._concerns(tx, name, document) and self._wants(tx, event, name, document)
        ]  # fmt: skip
        for name in told:
            self._introduce(tx, name, document)
        return list(dict.fromkeys(told))

    def _wants(self, tx: Tx, event: str, connection: str, document: Document) -> bool:
        """Changes of customers are told where they are known, or where every customer goes."""
        if event != "customer.changed" or connection in self.hear("customer.received"):
            return True
        return tx.xrefs.has_row(connection, document.id)

    def _introduce(self, tx: Tx, connection: str, document: Document) -> None:
        """A system that keeps customers gets one with the first document of theirs that it gets."""
        if document.kind not in _WITH_CUSTOMER:
            return
        customer_id = str(getattr(document, "customer", ""))
        if not customer_id:
            return
        live = self.registry.get(connection)
        kind = live.manifest.kinds.get("customer")
        if kind is None or not kind.outbound or "customer" not in live.outbound:
            return
        if tx.xrefs.lives_at(connection, customer_id) or tx.xrefs.has_row(connection, customer_id):
            return
        stored = tx.documents.stored(customer_id)
        if stored is not None:
            tx.xrefs.want(connection, stored.document, stored.version, tx.now)

    def _concerns(self, tx: Tx, connection: str, document: Document) -> bool:
        kind = self.registry.get(connection).manifest.kinds.get(document.kind)
        if document.kind in _OF_PROVIDERS and (kind is None or not kind.outbound):
            return False  # systems that keep no such thing are not told of it
        if kind is None or not kind.only_with:
            return True
        facts = promoted(document)
        home = {"order": facts.order, "customer": facts.customer}[kind.only_with]
        return bool(home) and tx.xrefs.lives_at(connection, home)

    @contextmanager
    def _unit(self) -> Iterator[Tx]:
        """Commit first, ring after: a lost doorbell costs a delay, never an event."""
        with self.store.begin() as tx:
            yield tx
        failpoint("ring.before")
        for connection in tx.xrefs.rung:
            self.ring(connection)


_SENT_BACK = frozenset({"invoice.returned"})  # asks the system it is from to take it back
_OF_PROVIDERS = frozenset({"refund", "dispute", "payout"})
_BOOKED = frozenset({"invoice", "credit_memo", "payment", "adjustment"}) | _OF_PROVIDERS
_WITH_CUSTOMER = _BOOKED | {"order"}


def _stays(event: str, document: Document) -> bool:
    """Is what happened nothing to tell the system that the document is from?"""
    return document.kind in _BOOKED and event not in _SENT_BACK


def _seller(tx: Tx, document: Document) -> str:
    """Whose document it is: its own seller, or that of the order it belongs to."""
    order = tx.documents.get(str(getattr(document, "order", "")))
    return str(getattr(document, "seller", "") or getattr(order, "seller", ""))


def _age(store: Store, row: Any) -> float:
    """Seconds since the row was wanted or received, by the hub's clock."""
    since = row.wanted_at if hasattr(row, "wanted_at") else row.received_at
    return (store.now() - since).total_seconds() if since else 0.0
