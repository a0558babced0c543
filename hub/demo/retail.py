"""The acts of a retailer that trades by EDI: ordered by 850, paid by a bank line that an 820 explains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from hub.demo.crm import Address, Crm
from hub.demo.erp import Erp
from hub.demo.retailer import NAME, UPLOAD_KEY, Retailer
from hub.demo.stage import UPLOAD_KEY as BANK_KEY
from hub.demo.stage import Stage, Stuck
from hub.demo.watch import Told, Watch
from hub.model import Order, OrderState
from hub.store import connections
from sandbox.partner import Item

SHORT, IBAN = Decimal("149.90"), "DE02100500000054540402"
LINES: Sequence[tuple[str, str, str]] = (("ESP-200", "12", "2990.00"), ("GRD-50", "24", "698.50"))
REASON = "04"  # why an 820 keeps money back (X12 element 426): damaged


class Trade:
    """Plays the retailer's acts and waits for what the hub makes of them."""

    def __init__(
        self, stage: Stage, retailer: Retailer, told: Told, watch: Watch, say: Callable[[str], None]
    ) -> None:
        self.stage, self.retailer, self.told, self.watch, self.say = stage, retailer, told, watch, say
        self.crm: Crm = stage.crms[-1]
        self.erp: Erp = stage.erps[-1]
        self.number = ""

    # -- the order ---------------------------------------------------------------
    def is_set_up(self) -> None:
        """The retailer is a customer in the CRM; its profile names that customer."""
        place = Address("1 Pine Wharf", "Baltimore", "MD", "21231", "United States")
        company = self.crm.company(NAME, "harborandpine.example", "Net 30", "250000.00", place)
        self.crm.send()
        self.stage.until(f"{NAME} is a customer", lambda: self._is_known(company))
        parts, name = self.stage.parts, self.retailer.connection
        seller = self.erp.seller if len(self.stage.erps) > 1 else ""
        given = self.retailer.settings(self.stage.places[NAME], f"{self.crm.connection}:{company}", seller)
        with parts.hub.store.begin() as tx:
            sealed = parts.hub.registry.seal(name, "edi", given)
            connections.save(
                parts.hub.store.database, tx.conn, name, "edi", sealed, poll_seconds=0, now=tx.now
            )
        parts.hub.registry.refresh(force=True)
        health = self.stage.api("POST", f"/connections/{name}/check")
        if not health["ok"]:
            raise Stuck(f"{name} is not healthy: {health}")
        self.retailer.desk.connect(f"{self.stage.url}/files/{name}", UPLOAD_KEY)
        self.say(f"{NAME}: a trading partner by EDI X12; its profile is checked, its customer is the CRM's")

    def _is_known(self, company: str) -> bool:
        with self.stage.parts.hub.store.look() as tx:
            return tx.xrefs.known(self.crm.connection, "customer", company) is not None

    def orders(self) -> Order:
        """An 850 comes; a 997 says that we have it, an 855 that it will be delivered."""
        items = [Item(Decimal(quantity), Decimal(price), ids=[("VN", sku)]) for sku, quantity, price in LINES]
        desk = self.retailer.desk
        made = desk.order(items)
        self.number = made.number
        sent = desk.send_order(made)
        if sent.status != 202:
            raise Stuck(f"the 850 was answered {sent.status}: {sent.told}")
        desk.again(sent)
        order = self._order(OrderState.APPROVED)
        self.told.retail.append(order.id)
        self._there("has our 855", lambda: bool(self._books()["acknowledged"]))
        self._there("has our 997", lambda: all(sent.statuses.values()) and bool(sent.statuses))
        self.say(
            f"{NAME}: 850 for purchase order {self.number}, sent twice -> one order {order.number}, "
            f"{order.payable_amount}; 997 and, once credit had approved it, 855"
        )
        return order

    def _order(self, state: OrderState) -> Order:
        def there() -> Order | None:
            with self.stage.parts.hub.store.look() as tx:
                known = tx.xrefs.known(self.retailer.connection, "order", self.number)
                found = tx.documents.get(known.document_id) if known else None
            return found if isinstance(found, Order) and found.state is state else None

        order: Order = self.stage.until(f"purchase order {self.number} is {state}", there)
        return order

    def _books(self) -> Mapping[str, Any]:
        self.retailer.desk.send_due()
        return self.retailer.desk.told(self.number)

    def _there(self, what: str, happened: Callable[[], bool]) -> None:
        self.stage.until(f"{NAME} {what}", happened)

    # -- delivery and invoices ---------------------------------------------------
    def ships_and_bills(self, order: Order) -> None:
        """Two shipments: each is announced by an 856 and billed by an 810, which the retailer accepts."""
        so = self.watch.order_at(self.erp, order)
        for n, (sku, quantity, _) in enumerate(LINES, 1):
            self.erp.ship(so, {sku: quantity}, self.stage.clock.today, f"1Z88{n}")
            self.watch.invoices(order, n)
            self._there(f"has invoice {n}", partial(self._is_billed, n))
        self.stage.until("everything is acknowledged", self._all_acknowledged)
        shipments = self._books()["shipments"]
        self.say(
            f"{self.erp.title}: shipped in two parts -> {len(shipments)} ship notices (856) with cartons, "
            f"then 2 invoices (810); {NAME} accepts all of them"
        )

    def _is_billed(self, times: int) -> bool:
        return len(self._books()["invoices"]) == times

    def _all_acknowledged(self) -> bool:
        self.retailer.desk.send_due()
        sent = [one for one in self.watch.documents("interchange") if one.direction == "out"]
        return bool(sent) and all(str(one.state) in ("accepted", "delivered") for one in sent)

    # -- payment -----------------------------------------------------------------
    def pays_short(self, order: Order) -> None:
        """A bank line and an 820: one invoice is paid in full, the other less a deduction with its reason."""
        first, second = sorted(self.watch.invoices(order), key=lambda one: one.number)
        desk = self.retailer.desk
        paid = [desk.pays(first.number), desk.pays(second.number, withheld=SHORT, reason=REASON)]
        remitted = desk.remit(paid)
        self.stage.bank.pay(remitted.payer, IBAN, remitted.amount, f"EDI {remitted.trace}")
        self.told.paid_in += remitted.amount
        self.told.banked += remitted.amount
        self.told.withheld += SHORT
        self.stage.bank.statement(self.stage.clock.today)
        self.stage.bank.upload(f"{self.stage.url}/files/bank", BANK_KEY)
        case = self.watch.case("short_payment", second.id)
        self.say(
            f"{NAME}: {remitted.amount:,.2f} at the bank, explained by an 820 -> {first.number} paid; "
            f"{case['title']}"
        )
        self.watch.decide(case, "deduction", "The broken cartons were confirmed by the carrier.")
        self._order(OrderState.CLOSED)
        self.say(f"{NAME}: a person accepts the deduction of {SHORT}; the order closes")
