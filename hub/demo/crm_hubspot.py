"""HubSpot on the stage of the demo: a simulated account and the people who work in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.types import ASGIApp

from hub.demo.crm import Address, Item, Mirrored, Shown
from sandbox.hubspot import HubSpotSandbox


class HubSpotCrm:
    """A HubSpot account whose app sends signed webhooks."""

    title, connection = "HubSpot", "hubspot"

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._account = HubSpotSandbox(now=now, retries=(0.2, 0.5, 1.0), with_added_properties=False)
        self.app: ASGIApp = self._account.app

    def settings(self, url: str) -> Mapping[str, Any]:
        """A private app's token, and the secret that its webhooks are signed with."""
        one = self._account
        secret = {"access_token": one.token, "client_secret": one.client_secret}
        return {"base_url": url, "portal_id": one.portal_id, **secret}

    def push_to(self, hub: str) -> None:
        """The target URL of the app's webhooks."""
        self._account.webhooks.target = f"{hub}/webhooks/hubspot"

    def permit(self) -> None:
        """Nothing to do: an app sees the properties it made."""

    def company(
        self, name: str, domain: str, terms: str, limit: str = "", address: Address | None = None
    ) -> str:
        """A company with the properties the hub reads."""
        given = {"name": name, "domain": domain, "payment_terms": terms}
        if limit:
            given["o2c_credit_limit"] = limit
        if address:
            given |= {"address": address.street, "city": address.city, "state": address.state}
            given |= {"zip": address.postal_code, "country": address.country}
        return self._account.create_company(**given)

    def contact(self, company: str, email: str, first: str, last: str) -> None:
        """A contact with the company as its primary one."""
        self._account.create_contact(company, email=email, firstname=first, lastname=last)

    def deal(
        self, company: str, title: str, items: Sequence[Item], purchase_order: str = "", seller: str = ""
    ) -> str:
        """A deal with line items, dragged to the won stage."""
        amount = sum((Decimal(one.quantity) * Decimal(one.price) for one in items), Decimal(0))
        won_on = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        given = {"dealname": title, "amount": str(amount), "deal_currency_code": "USD", "closedate": won_on}
        if purchase_order:
            given["po_number"] = purchase_order
        if seller:
            given["o2c_seller"] = seller
        deal = self._account.create_deal(company, **given)
        for at, one in enumerate(items, start=1):
            self._account.create_line_item(
                deal, hs_sku=one.sku, name=one.name, quantity=one.quantity, price=one.price,
                o2c_tax_percent=one.tax_percent, o2c_delivery=one.delivery, hs_position_on_quote=str(at),
            )  # fmt: skip
        self._account.win(deal)
        return deal

    def rename(self, deal: str, title: str) -> None:
        """Another name for the deal."""
        self._account.update("deals", deal, {"dealname": title})

    def set_purchase_order(self, deal: str, number: str) -> None:
        """Another PO number on the deal."""
        self._account.update("deals", deal, {"po_number": number})

    def send(self) -> None:
        """One request of up to 100 events."""
        self._account.send_pending()

    def send_again(self, count: int) -> None:
        """The last requests, although they were accepted."""
        self._account.resend(count)

    def send_reversed(self) -> None:
        """One request per event."""
        self._account.deliver_reversed()

    def keep_sending(self, stop: threading.Event, every: float) -> None:
        """Webhooks, also those whose retry is due."""
        self._account.webhooks.run(stop, every)

    def shown(self, deal: str) -> Shown:
        """The deal's amount and the properties the hub writes."""
        found = self._account.properties("deals", deal)
        told = found.get("o2c_order_status", ""), found.get("o2c_payment_status", "")
        return Shown(Decimal(found["amount"]), *told)

    def invoices(self) -> Sequence[Mirrored]:
        """The account's invoice objects."""
        return self._mirrored("invoices", "hs_number", "o2c_open_amount")

    def payments(self) -> Sequence[Mirrored]:
        """The account's payment objects."""
        return self._mirrored("commerce_payments", "o2c_payment_number", "hs_initial_amount")

    def _mirrored(self, kind: str, number: str, amount: str) -> Sequence[Mirrored]:
        with self._account.kit.lock:
            rows = [one.properties for one in self._account.portal.alive(kind)]
            return [Mirrored(row[number], Decimal(row[amount])) for row in rows]
