"""SAP S/4HANA on the stage of the demo: a simulated system and the people who work in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from hub.demo.erp import Booked
from sandbox.kit import Fault
from sandbox.sap import SapSandbox

COMPANY = "1710"  # the company code that sells in USD
_ACCOUNTS = {
    "bank_clearing": "24000000", "revenue": "41000000", "write_off": "44000000", "discount": "44100000",
    "fee": "44200000", "exchange": "44300000",
}  # fmt: skip


class SapErp:
    """An S/4HANA system reached as its communication user."""

    title, connection, seller = "SAP", "sap", "WEST"

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._system = SapSandbox(now=now)
        self.app: ASGIApp = self._system.app

    def settings(self, url: str, *, seller: str) -> Mapping[str, Any]:
        """Communication user, organisation, accounts; a host of our own network is named on purpose."""
        company = {"company_code": COMPANY, "sales_organization": COMPANY, "currency": "USD"}
        login = {
            "username": self._system.credentials["user"],
            "password": self._system.credentials["password"],
        }
        return {
            "base_url": url, "private_hosts": [urlsplit(url).hostname], **login, "poll_margin": 0,
            "sellers": {seller: {**company, "accounts": _ACCOUNTS}},
        }  # fmt: skip

    def tables(self) -> Mapping[str, Mapping[str, str]]:
        """Tax codes of the United States."""
        return {"tax_codes": {"S 0.00": "O1", "Z 0.00": "O1", "S 8.25": "O2"}}

    def stock(self, sku: str, name: str, delivery: str) -> None:
        """A product sold by the piece, services too; its price comes with each order."""
        self._system.add_product(sku, "1.00", text=name)

    def order(self, document: str) -> Booked | None:
        """By our reference in the sales order's header."""
        found = self._system.store.find("A_SalesOrder", PurchaseOrderByShipToParty=document)
        if not found:
            return None
        total = Decimal(found[0]["TotalNetAmount"])
        return Booked(str(found[0]["SalesOrder"]), total, total)

    def invoice(self, document: str) -> Booked | None:
        """The customer's items of the journal entry that carries our reference, and what was paid on them."""
        rows = self._system.store.find(
            "A_OperationalAcctgDocItemCube", Reference1InDocumentHeader=document[:20]
        )
        mine = [
            row for row in rows
            if row["FinancialAccountType"] == "D"
            and f"{row['Reference1InDocumentHeader']}{row['Reference2InDocumentHeader']}" == document
        ]  # fmt: skip
        if not mine:
            return None
        first = mine[0]
        number = f"{first['CompanyCode']}-{first['FiscalYear']}-{first['AccountingDocument']}"
        total = sum((row["AmountInTransactionCurrency"] for row in mine), Decimal(0))
        still = sum((self._still_open(row) for row in mine), Decimal(0))
        return Booked(number, total, still)

    def _still_open(self, row: Mapping[str, Any]) -> Decimal:
        """An item that is cleared is paid; partial payments stand beside it as items of their own."""
        if row["IsCleared"]:
            return Decimal(0)
        key = {"InvoiceReference": row["AccountingDocument"], "InvoiceReferenceFiscalYear": row["FiscalYear"]}
        partial = self._system.store.find("A_OperationalAcctgDocItemCube", **key)
        return sum(
            (one["AmountInTransactionCurrency"] for one in partial if not one["IsCleared"]),
            Decimal(row["AmountInTransactionCurrency"]),
        )

    def ship(self, order: str, quantities: Mapping[str, str], on: date, tracking: str = "") -> None:
        """A delivery with goods issue."""
        items = self._system.store.find("A_SalesOrderItem", SalesOrder=order)
        wanted = {
            str(one["SalesOrderItem"]): quantities[one["Material"]]
            for one in items if one["Material"] in quantities
        }  # fmt: skip
        self._system.deliver(order, wanted, tracking=tracking, day=on.isoformat())

    def lose_a_reply(self) -> None:
        """To the journal entry that books the invoice."""
        fault = Fault(kind="lost_reply", method="POST", path="journalentrycreaterequestconfi")
        self._system.kit.faults.append(fault)

    def lost_it(self) -> bool:
        """Is the fault used up?"""
        return not any(one.times for one in self._system.kit.faults)

    def made(self, kind: str) -> Sequence[str]:
        """References of created sales orders, or of customer invoices in the journal."""
        effects = [one for one in self._system.kit.effects if one["action"] in ("create", "post")]
        if kind == "order":
            return [str(one["reference"]) for one in effects if one["kind"] == "A_SalesOrder"]
        entries = [one for one in effects if one["kind"] == "JournalEntry"]
        return [str(one["reference"]) for one in entries if self._type(one["id"]) == "DR"]

    def received(self) -> Decimal:
        """Of incoming payments, as the customers' accounts were credited."""
        entries = [one for one in self._system.kit.effects if one["kind"] == "JournalEntry"]
        paid = [one["id"] for one in entries if one["action"] in ("create", "post")]
        return -sum((self._customers(id) for id in paid if self._type(id) == "DZ"), Decimal(0))

    def _rows(self, id: str) -> list[dict[str, Any]]:
        company, year, number = id.split("-")
        return self._system.store.find(
            "A_OperationalAcctgDocItemCube", AccountingDocument=number, CompanyCode=company, FiscalYear=year
        )

    def _type(self, id: str) -> str:
        rows = self._rows(id)
        return str(rows[0]["AccountingDocumentType"]) if rows else ""

    def _customers(self, id: str) -> Decimal:
        rows = self._rows(id)
        return sum(
            (one["AmountInTransactionCurrency"] for one in rows if one["FinancialAccountType"] == "D"),
            Decimal(0),
        )

    def calls(self) -> int:
        """Since the start."""
        return self._system.kit.calls
