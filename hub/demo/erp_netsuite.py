"""NetSuite on the stage of the demo: a simulated account and the people who work in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.types import ASGIApp

from hub.demo.erp import Booked
from sandbox.kit import Fault
from sandbox.netsuite import NetSuiteSandbox

_RECORDS = {"order": "salesOrder", "invoice": "invoice"}


class NetSuiteErp:
    """A NetSuite account reached with token-based authentication."""

    title, connection, seller = "NetSuite", "netsuite", "US"

    def __init__(self) -> None:
        self._account = NetSuiteSandbox()
        self._account.add_item("WRITE-OFF", "otherChargeSaleItem")  # for what is given up
        self.app: ASGIApp = self._account.app

    def settings(self, url: str, *, seller: str) -> Mapping[str, Any]:
        """Account, tokens, and no waiting for late commits: the simulator has none."""
        account = {"account_id": self._account.account_id, "auth": "tba", "poll_margin": 0}
        return {"base_url": url, **account, **self._account.tba}

    def tables(self) -> Mapping[str, Mapping[str, str]]:
        """Nothing: the shipped tables are those of a new account."""
        return {}

    def stock(self, sku: str, name: str, delivery: str) -> None:
        """An inventory item, or a service for sale."""
        self._account.add_item(sku, "serviceSaleItem" if delivery == "service" else "inventoryItem")

    def order(self, document: str) -> Booked | None:
        """By external id."""
        return self._booked("salesOrder", document)

    def invoice(self, document: str) -> Booked | None:
        """By external id."""
        return self._booked("invoice", document)

    def _booked(self, record: str, document: str) -> Booked | None:
        found = self._account.find(record, document)
        if found is None:
            return None
        total = Decimal(str(found["total"]))
        return Booked(str(found["id"]), total, Decimal(str(found.get("amountRemaining", total))))

    def ship(self, order: str, quantities: Mapping[str, str], on: date, tracking: str = "") -> None:
        """An item fulfilment, marked Shipped."""
        self._account.fulfil(order, dict(quantities), shipped_on=on, tracking=tracking)

    def lose_a_reply(self) -> None:
        """To the transform that makes the invoice."""
        fault = Fault(kind="lost_reply", method="POST", path="!transform/invoice")
        self._account.kit.faults.append(fault)

    def lost_it(self) -> bool:
        """Is the fault used up?"""
        return not any(one.times for one in self._account.kit.faults)

    def made(self, kind: str) -> Sequence[str]:
        """External ids of created records."""
        effects = self._effects(_RECORDS[kind])
        return [str(one["externalId"]) for one in effects]

    def received(self) -> Decimal:
        """Of customer payments."""
        return sum((Decimal(str(one["total"])) for one in self._effects("customerPayment")), Decimal(0))

    def _effects(self, record: str) -> list[dict[str, Any]]:
        effects = self._account.kit.effects
        return [one for one in effects if (one["kind"], one["action"]) == (record, "create")]

    def calls(self) -> int:
        """Since the start."""
        return self._account.kit.calls
