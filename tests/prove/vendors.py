"""The vendors of the proof: HubSpot, NetSuite and a bank in a process of their own that is never killed.

NetSuite's own protection against a second invoice (a unique external id, no billing beyond the order) can be
switched off: with it, the simulator would hide the very mistakes of the hub that the proof looks for.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.bank import BankSandbox
from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import Fault, Kit, serve
from sandbox.netsuite import NetSuiteSandbox
from sandbox.netsuite.books import Row
from sandbox.netsuite.rules import Rules
from tests.prove.plan import GOODS, IBAN, SERVICES

SHIP_EVERY = 0.5


def now() -> datetime:
    """The vendors' clock."""
    return datetime.now(UTC)


class Lenient(Rules):
    """An ERP that bills whatever it is told to bill, as often as it is told."""

    lenient = True
    _billing = False

    def transform(self, order: Row, target: str, body: Any) -> Row:
        self._billing = self.lenient and target == "invoice"
        try:
            return super().transform(order, target, body)
        finally:
            self._billing = False

    def made(self, order: Row, record: str, line: Decimal, *, but: str = "") -> Decimal:
        return (
            Decimal(0)
            if self._billing and record == "invoice"
            else super().made(order, record, line, but=but)
        )


class Vendors:
    """The three systems, and what their users do with them."""

    def __init__(self, seed: int) -> None:
        self.crm = HubSpotSandbox(now=now)
        self.erp = NetSuiteSandbox(concurrency=20)
        self.bank = BankSandbox(IBAN, "USD", now)
        self.faults: Counter[str] = Counter()
        self.shipped: set[str] = set()
        for n, kit in enumerate((self.crm.kit, self.erp.kit, self.bank.kit)):
            kit.dice.seed(seed * 3 + n)
            self._observe(kit)
        self.rules = Lenient(self.erp.books, self.erp.preferences)
        self.erp.rules = self.rules
        self.erp.books.commit = self._commit  # type: ignore[method-assign] # the uniqueness check is in it
        for sku in (*SERVICES, *GOODS):
            self.erp.add_item(sku, "serviceSaleItem" if sku in SERVICES else "inventoryItem")

    def _observe(self, kit: Kit) -> None:
        """Stamp every effect with its time, and count the faults that were met."""
        effect, fault_for = kit.effect, kit.fault_for

        def stamped(action: str, kind: str, id: str, **facts: Any) -> None:
            effect(action, kind, id, at=time.time(), **facts)

        def counted(method: str, path: str) -> Fault | None:
            met = fault_for(method, path)
            if met is not None:
                name = f"{met.kind} {met.status}" if met.kind == "refuse" else met.kind
                self.faults[name] += 1
            return met

        kit.effect, kit.fault_for = stamped, counted  # type: ignore[method-assign] # observed, not changed

    def _commit(self, row: Row) -> None:
        books = self.erp.books
        taken = (row.type, row.external_id or "")
        if self.rules.lenient and row.type == "invoice" and books.external.get(taken) not in (None, row.id):
            del books.external[taken]
        type(books).commit(books, row)

    # -- people ----------------------------------------------------------------
    def company(self, name: str) -> Any:
        """A customer with ample credit."""
        id = self.crm.create_company(
            name=name, domain=f"{name.lower()}.example", payment_terms="NET30", o2c_credit_limit="100000000"
        )
        return {"id": id, "events": self._events()}

    def deal(self, told: Any) -> Any:
        """A sales person enters a deal with one line."""
        deal = self.crm.create_deal(
            told["company"], dealname=told["po"], po_number=told["po"], amount=told["net"],
            deal_currency_code="USD", closedate=now().isoformat(timespec="milliseconds"),
        )  # fmt: skip
        self.crm.create_line_item(
            deal, name=told["sku"], hs_sku=told["sku"], quantity=str(told["quantity"]), price=told["price"],
            o2c_tax_percent=told["tax"], o2c_delivery="service" if told["sku"] in SERVICES else "goods",
        )  # fmt: skip
        return {"id": deal, "events": self._events()}

    def win(self, deal: str) -> Any:
        """The deal is won."""
        self.crm.win(deal)
        return {"id": deal, "events": self._events()}

    def _events(self) -> list[dict[str, Any]]:
        with self.crm.kit.lock:
            events, self.crm.webhooks.pending = self.crm.webhooks.pending, []
        return events

    def warehouse(self) -> None:
        """Ship what was ordered, for ever."""
        while True:
            time.sleep(SHIP_EVERY)
            with self.erp.kit.lock:
                orders = [
                    row for id, row in self.erp.books.records["salesOrder"].items() if id not in self.shipped
                ]
                for row in orders:
                    self.shipped.add(row.id)
                    lines = {int(x["line"]): x["quantity"] for x in row.lines["item"] if self.rules.ships(x)}
                    if lines:
                        self.erp.fulfil(row.id, lines)

    # -- looking ---------------------------------------------------------------
    def books(self) -> dict[str, Any]:
        """What NetSuite and HubSpot hold, for the payers and for the checker."""
        records = self.erp.books.records
        with self.erp.kit.lock:
            po = {id: row.values.get("otherRefNum") for id, row in records["salesOrder"].items()}
            orders = [
                {**_plain(row), "po": po[row.id], "lines": len(row.lines["item"])}
                for row in records["salesOrder"].values()
            ]
            invoices = [
                {
                    **_plain(row),
                    "po": po.get(row.values.get("createdFrom")),
                    "open": str(self.rules.remaining(row)),
                }
                for row in records["invoice"].values()
            ]
            payments = [
                {**_plain(row), "applied": {x["doc"]: str(x["amount"]) for x in row.lines.get("apply", ())}}
                for row in records["customerPayment"].values()
            ]
            customers = [
                {**_plain(row), "name": row.values.get("companyName")} for row in records["customer"].values()
            ]
        with self.crm.kit.lock:
            deals = [{**deal.properties, "id": deal.id} for deal in self.crm.portal.objects["deals"].values()]
        return {
            "orders": orders,
            "invoices": invoices,
            "payments": payments,
            "customers": customers,
            "deals": deals,
        }

    def invoices(self, after: int) -> list[dict[str, Any]]:
        """Invoices that customers received, but for the first `after` of them."""
        with self.erp.kit.lock:
            orders = self.erp.books.records["salesOrder"]
            rows = list(self.erp.books.records["invoice"].values())[after:]
            sources = [orders[row.values["createdFrom"]] for row in rows]
            return [
                {**_plain(row), "po": source.values.get("otherRefNum"), "customer": source.values["entity"]}
                for row, source in zip(rows, sources, strict=True)
            ]

    def strict(self, told: Any) -> Any:
        """Switch NetSuite's own protection on or off."""
        with self.erp.kit.lock:
            self.rules.lenient = not told["strict"]
        return {"strict": not self.rules.lenient}

    def app(self) -> Starlette:
        """The control interface of the proof: no part of any vendor."""
        posts = {
            "/companies": lambda told: self.company(told["name"]),
            "/deals": self.deal,
            "/wins": lambda told: self.win(told["id"]),
            "/strict": self.strict,
        }
        gets = {
            "/books": lambda query: self.books(),
            "/faults": lambda query: dict(self.faults),
            "/invoices": lambda query: self.invoices(int(query["after"])),
        }

        async def post(request: Request) -> Response:
            told = await request.json()
            return JSONResponse(await run_in_threadpool(posts[request.url.path], told))

        async def get(request: Request) -> Response:
            return JSONResponse(await run_in_threadpool(gets[request.url.path], request.query_params))

        return Starlette(
            routes=[
                *(Route(path, post, methods=["POST"]) for path in posts),
                *(Route(path, get, methods=["GET"]) for path in gets),
            ]
        )


def _plain(row: Row) -> dict[str, Any]:
    total = row.number("payment" if row.type == "customerPayment" else "total")
    return {
        "id": row.id,
        "external_id": row.external_id,
        "number": row.values.get("tranId"),
        "total": str(total),
    }


def main(seed: int) -> None:
    """Serve until the proof ends: its end closes our standard input."""
    vendors = Vendors(seed)
    threading.Thread(target=vendors.warehouse, name="warehouse", daemon=True).start()
    with (
        serve(vendors.crm.app) as crm,
        serve(vendors.erp.app) as erp,
        serve(vendors.bank.app) as bank,
        serve(vendors.app()) as control,
    ):
        told = {
            "control": control, "crm": crm, "erp": erp, "bank": bank, "bank_key": vendors.bank.key,
            "account_id": vendors.erp.account_id, "tba": dict(vendors.erp.tba),
            "token": vendors.crm.token, "secret": vendors.crm.client_secret, "portal": vendors.crm.portal_id,
        }  # fmt: skip
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
