"""What people do in the system with their own hands, and what the books say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.kit import Fault
from sandbox.sap import checks, seed
from sandbox.sap.bookkeepers import Bookkeepers
from sandbox.sap.faults import FAULTS
from sandbox.sap.hands import Number, day_of
from sandbox.sap.odata import Sent
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import COMPANIES, Tax


class People(Bookkeepers):
    """The actions. Every one returns the number of what it made; all raise Refusal as the system would."""

    def add_customer(
        self,
        name: str,
        company: str = "1010",
        terms: str = "NT30",
        vat: str = "",
        *,
        duns: str = "",
        email: str = "",
        currency: str = "",
    ) -> str:
        """A new customer with company code and sales area; its number."""
        with self._by_hand():
            return seed.add_customer(
                self.application.partners,
                name,
                company,
                terms,
                vat,
                duns=duns,
                email=email,
                currency=currency,
            )

    def add_product(
        self,
        product: str,
        price: Number,
        gtin: str = "",
        *,
        text: str = "",
        unit: str = "PC",
        kind: str = "goods",
    ) -> str:
        """A new product at the same price in every sales organization."""
        unit = "H" if kind == "service" else unit
        prices = {code: Decimal(str(price)) for code in COMPANIES}
        with self._by_hand():
            seed.add_product(self.system, product, text or product, unit, gtin=gtin, prices=prices)
        return product

    def change_customer(self, customer: str, **fields: Any) -> None:
        """Changed fields of the general part."""
        with self._by_hand():
            row = self._row("A_BusinessPartner", customer)
            self.application.partners.update("A_BusinessPartner", row, fields)

    def create_order(
        self, customer: str, lines: Sequence[Sequence[Any]], company: str = "", reference: str = ""
    ) -> str:
        """A sales order by hand: lines of product, quantity and price (or none for the list price)."""
        company = company or self.store.find("A_CustomerSalesArea", Customer=customer)[0]["SalesOrganization"]
        items = [self._line(*line) for line in lines]
        values = {"SalesOrganization": company, "SoldToParty": customer, "PurchaseOrderByCustomer": reference}
        with self._by_hand():
            return str(
                self.application.orders.create("A_SalesOrder", Sent(values, {"to_Item": items}))["SalesOrder"]
            )

    def _line(self, product: str, quantity: Number, price: Number | None = None) -> Sent:
        sent = Sent({"Material": product, "RequestedQuantity": Decimal(str(quantity))}, {})
        if price is not None:
            told = {"ConditionType": "PPR0", "ConditionRateValue": Decimal(str(price))}
            sent.nested["to_PricingElement"] = [Sent(told, {})]
        return sent

    def deliver(
        self,
        order: str,
        quantities: Mapping[str, Number] | None = None,
        *,
        issue: bool = True,
        tracking: str = "",
        day: str = "",
    ) -> str:
        """A delivery of what is open, or of these quantities by item, with goods issue; its number."""
        wanted = {str(k): Decimal(str(v)) for k, v in quantities.items()} if quantities is not None else None
        with self._by_hand():
            row = self.application.shipping.deliver(order, wanted)
            number = str(row["DeliveryDocument"])
            if tracking:
                self.store.put("A_OutbDeliveryHeader", {**row, "BillOfLading": tracking})
            if issue:
                self.application.shipping.issue(number, day_of(day, self.system.today()))
            return number

    def post_goods_issue(self, delivery: str) -> None:
        """The goods leave."""
        with self._by_hand():
            self.application.shipping.issue(delivery)

    def reverse_goods_issue(self, delivery: str) -> None:
        """The goods are back."""
        with self._by_hand():
            self.application.shipping.reverse(delivery)

    def bill(self, order: str = "", delivery: str = "", day: str = "") -> str:
        """A billing run for a delivery or an order; the billing document's number."""
        with self._by_hand():
            row = self.application.billing.bill(order, delivery, day_of(day, self.system.today()))
            return str(row["BillingDocument"])

    def release_billing(self, billing: str) -> None:
        """Post a billing document whose posting failed."""
        with self._by_hand():
            self.application.billing.release(billing)

    def cancel_billing(self, billing: str) -> str:
        """The cancellation document of a billing document."""
        with self._by_hand():
            return str(self.application.billing.cancel(billing)["BillingDocument"])

    def close_period(self, company: str, through: str) -> None:
        """No postings up to and including this day."""
        with self.kit.lock:
            self.system.closed[company] = date.fromisoformat(through)

    def open_periods(self, company: str) -> None:
        """All periods are open again."""
        with self.kit.lock:
            self.system.closed.pop(company, None)

    def lock_order(self, order: str, user: str = "MUELLER", times: int = -1) -> None:
        """Somebody has the order open for change; -1: until unlock_order."""
        with self.kit.lock:
            self.system.locks[order] = (user, times)

    def unlock_order(self, order: str) -> None:
        """The order is free again."""
        with self.kit.lock:
            self.system.locks.pop(order, None)

    def set_billing_block(self, order: str, reason: str = "01") -> None:
        """Block an order for billing, or (empty) release it."""
        self._change("A_SalesOrder", (order,), {"HeaderBillingBlockReason": reason})

    def set_delivery_block(self, order: str, reason: str = "01") -> None:
        """Block an order for delivery, or (empty) release it."""
        self._change("A_SalesOrder", (order,), {"DeliveryBlockReason": reason})

    def change_price(self, order: str, item: str, price: Number) -> None:
        """Another price for an item."""
        told = {"SalesOrder": order, "SalesOrderItem": str(item), "ConditionType": "PPR0"}
        with self._by_hand():
            self.application.orders.create(
                "A_SalesOrderItemPrElement", Sent({**told, "ConditionRateValue": Decimal(str(price))}, {})
            )

    def reject_item(self, order: str, item: str, reason: str = "61") -> None:
        """An item is not delivered any more."""
        self._change("A_SalesOrderItem", (order, str(item)), {"SalesDocumentRjcnReason": reason})

    def change_quantity(self, order: str, item: str, quantity: Number) -> None:
        """Another quantity for an item."""
        self._change("A_SalesOrderItem", (order, str(item)), {"RequestedQuantity": Decimal(str(quantity))})

    def _change(self, name: str, key: tuple[str, ...], values: dict[str, Any]) -> None:
        with self._by_hand():
            self.application.orders.update(name, self._row(name, *key), values)

    def _row(self, name: str, *key: str) -> Row:
        row = self.store.get(name, *key)
        if row is None:
            raise business("V1/302", f"{name} {'/'.join(key)} does not exist")
        return row

    def set_tax(self, company: str, code: str, rate: Number, classification: str = "1") -> None:
        """The output tax of a company code."""
        with self.kit.lock:
            self.system.taxes[company][classification] = Tax(code, Decimal(str(rate)))

    def set_rate(self, source: str, target: str, rate: Number) -> None:
        """An exchange rate of type M, from now on."""
        with self.kit.lock:
            self.system.rates[source, target] = Decimal(str(rate))

    def advance(self, seconds: float) -> int:
        """Time passes; waiting clearings are worked off. How many."""
        with self.kit.lock:
            self.system.ahead += timedelta(seconds=seconds)
        return self.run_clearings()

    def fail_clearing(self, text: str = "Account is blocked by user MUELLER", times: int = 1) -> None:
        """The next clearings end in the AIF log only."""
        with self.kit.lock:
            self.failing.extend([text] * times)

    def expire_csrf(self) -> None:
        """Every session ends."""
        with self.kit.lock:
            self.sessions.opened.clear()

    def expire_tokens(self) -> None:
        """Every bearer token ends."""
        with self.kit.lock:
            for one in self.sessions.bearers:
                self.sessions.bearers[one] = self.system.now()

    def fault(self, name: str, times: int = 1, **more: Any) -> None:
        """One of the usual misbehaviours by name, with changed fields of sandbox.kit.Fault."""
        with self.kit.lock:
            self.kit.faults.append(Fault.model_validate({**FAULTS[name], "times": times, **more}))

    def send_idoc(self, kind: str, number: str) -> str:
        """Send the IDoc of a delivery (DESADV) or billing document (INVOIC) once more; its XML."""
        self.idocs.send(kind, number)
        return str(self.idocs.sent[-1]["xml"])

    def books(self) -> dict[str, Any]:
        """Open items per company code and customer: the balance and every open item."""
        with self.kit.lock:
            return checks.books(self.store)

    def check(self) -> list[str]:
        """What does not tie out; empty when all is well."""
        with self.kit.lock:
            return checks.differences(self.store)

    def count(self, name: str) -> int:
        """How many rows an entity set has."""
        return len(self.store[name].rows)
