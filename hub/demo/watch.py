"""Watching the hub during the story: what is looked for, waited for, and decided by a person in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from hub.demo.crm import Crm
from hub.demo.erp import Booked, Erp
from hub.demo.stage import Stage
from hub.model import Invoice, Order, OrderState
from hub.store import views


class Deal(NamedTuple):
    """A won deal: the CRM it is in, and its id there."""

    crm: Crm
    id: str


@dataclass
class Told:
    """What was done from outside, kept to check the hub against."""

    deals: dict[str, Deal] = field(default_factory=dict)  # by title
    paid_in: Decimal = Decimal(0)  # by customers, wherever they paid
    banked: Decimal = Decimal(0)  # what of it reached our bank accounts
    retail: list[str] = field(default_factory=list)  # document ids of orders that came by EDI
    withheld: Decimal = Decimal(0)  # what payers kept back, and a person accepted


@dataclass
class Watch:
    """Looks at the hub until what must happen has happened. Raises Stuck when it does not."""

    stage: Stage
    told: Told

    def count(self, kind: str) -> int:
        """How many documents of this kind there are."""
        with self.stage.parts.hub.store.look() as tx:
            return sum(views.state_counts(tx.conn).get(kind, {}).values())

    def order(self, title: str, state: OrderState | None = None) -> Order:
        """The order of a deal, once it is in this state."""

        def there() -> Order | None:
            found = self._find(self.told.deals[title])
            return found if found and state in (None, found.state) else None

        order: Order = self.stage.until(f"order {title!r} is {state}", there)
        return order

    def _find(self, deal: Deal) -> Order | None:
        with self.stage.parts.hub.store.look() as tx:
            known = tx.xrefs.known(deal.crm.connection, "order", deal.id)
            found = tx.documents.get(known.document_id) if known else None
        return found if isinstance(found, Order) else None

    def invoices(self, order: Order, count: int | None = None) -> list[Invoice]:
        """The invoices of an order, once there are so many."""

        def there() -> list[Invoice] | None:
            with self.stage.parts.hub.store.look() as tx:
                found = list(tx.reader.invoices_of(order.id))
            return found if count in (None, len(found)) else None

        invoices: list[Invoice] = self.stage.until(f"order {order.number} has {count} invoices", there)
        return invoices

    def order_at(self, erp: Erp, order: Order) -> str:
        """The id of an order at its ERP, once both sides know it."""
        return self._at(erp, f"order {order.number}", order.id, lambda: erp.order(order.id))

    def invoice_at(self, erp: Erp, invoice: Invoice) -> str:
        """The id of an invoice at its ERP, once both sides know it."""
        return self._at(erp, f"invoice {invoice.number}", invoice.id, lambda: erp.invoice(invoice.id))

    def _at(self, erp: Erp, label: str, document_id: str, look: Callable[[], Booked | None]) -> str:
        found: Booked = self.stage.until(f"{erp.title} has {label}", look)
        known = self.stage.until(
            f"the hub knows {label} is at {erp.title}", lambda: self._known(erp.connection, document_id)
        )
        assert known == found.id, (known, found)
        return found.id

    def known(self, connection: str, document_id: str) -> str:
        """The id of a document at a connection, once the hub has it."""
        what = f"{connection} has {document_id}"
        return str(self.stage.until(what, lambda: self._known(connection, document_id)))

    def documents(self, kind: str) -> list[Any]:
        """All documents of a kind; the story has few."""
        with self.stage.parts.hub.store.look() as tx:
            return [tx.documents.get(row.id) for row in views.documents(tx.conn, kind=kind)]

    def _known(self, connection: str, document_id: str) -> str | None:
        with self.stage.parts.hub.store.look() as tx:
            return tx.xrefs.external_id(connection, document_id)

    def hurry(self, connection: str) -> None:
        """Minutes of waiting for a vendor to settle pass at once: time is the demo's to advance."""

        def settled() -> bool:
            with self.stage.parts.hub.store.begin() as tx:
                tx.xrefs.hurry(connection)
            self.stage.parts.hub.sweep()
            return self.stage.quiet()

        self.stage.until(f"{connection} is up to date", settled)

    def case(self, reason: str, document_id: str = "") -> dict[str, Any]:
        """The question that waits for a person, with its evidence."""

        def there() -> dict[str, Any] | None:
            items = self.stage.api("GET", f"/cases?reason={reason}")["items"]
            mine = [x for x in items if document_id in ("", x["document"])]
            return mine[0] if mine else None

        found: dict[str, Any] = self.stage.until(f"a case {reason}", there)
        whole: dict[str, Any] = self.stage.api("GET", f"/cases/{found['id']}")
        return whole

    def decide(
        self, case: dict[str, Any], decision: str, note: str, values: dict[str, Any] | None = None
    ) -> None:
        """A person's answer to it, through the API."""
        body = {"decision": decision, "note": note, "values": values or {}}
        self.stage.api("POST", f"/cases/{case['id']}/decision", body)
