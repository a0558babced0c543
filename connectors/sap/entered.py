"""Invoices that people entered in accounting, without a billing document, in the shape of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.sap import cube
from connectors.sap.rates import percent, taxes
from connectors.sap.settings import Settings
from connectors.sap.translate import as_day, reference_of, unpadded


def is_invoice(row: cube.Row, settings: Settings) -> bool:
    """Is it the customer's item of an invoice that was entered, not billed?"""
    types = settings.documents.invoices_by_people
    debit = cube.is_customer(row) and row.get("DebitCreditCode") == "S" and not row.get("BillingDocument")
    plain = debit and not cube.refers_to(row) and not row.get("IsReversal")
    return plain and row.get("AccountingDocumentType") in types


def invoice(rows: Sequence[cube.Row], settings: Settings) -> dict[str, Any] | None:
    """The rows of a document as invoice.in.yaml reads an invoice; None where it is none, or an echo of ours.

    One of the hub's own is told only when somebody reversed it in SAP.
    """
    owed = [row for row in rows if is_invoice(row, settings)]
    if not owed or (reference_of(owed[0]) and not owed[0].get("IsReversed")):
        return None
    head, lines = owed[0], _lines(rows)
    gross = sum(map(cube.amount, owed), Decimal(0))
    net = sum((line["NetAmount"] for line in lines), Decimal(0))
    due = [as_day(row.get("NetDueDate")) for row in owed]
    issued = as_day(head.get("DocumentDate")) or as_day(head.get("PostingDate"))
    return {
        "BillingDocument": str(head.get("DocumentReferenceID") or head.get("AccountingDocument")),
        "BillingDocumentType": "", "CancelledBillingDocument": "", "CustomerPaymentTerms": "",
        "PurchaseOrderByCustomer": "", "PayerParty": unpadded(head.get("Customer")),
        "TransactionCurrency": str(head.get("TransactionCurrency") or ""), "BillingDocumentDate": issued,
        "TotalNetAmount": net, "to_Item": lines, "taxes": taxes(lines), "shipment": "",
        "order": {"external_id": "", "reference": ""},
        "seller": settings.seller_of(company_code=str(head.get("CompanyCode"))) or "",
        "accounting": {
            "document": cube.document(head),
            "net_due_date": max(filter(None, due), default=issued),
        },
        "memo": {"gross": gross},
        "cancelled_on": as_day(head.get("LastChangeDate")) if head.get("IsReversed") else None,
    }  # fmt: skip


def _lines(rows: Sequence[cube.Row]) -> list[dict[str, Any]]:
    """One line for each tax code: accounting knows accounts, not what was sold."""
    sides: dict[str, tuple[list[cube.Row], Decimal]] = {}
    for row in rows:
        if row.get("FinancialAccountType") == "D":
            continue
        code = str(row.get("TaxCode") or "")
        plain, tax = sides.get(code, ([], Decimal(0)))
        if is_tax(row):
            sides[code] = (plain, tax - cube.amount(row))
        else:
            sides[code] = ([*plain, row], tax)
    return [_line(code, plain, tax) for code, (plain, tax) in sides.items()]


def _line(code: str, rows: Sequence[cube.Row], tax: Decimal) -> dict[str, Any]:
    net = -sum(map(cube.amount, rows), Decimal(0))
    first: Mapping[str, Any] = rows[0] if rows else {}
    account = unpadded(first.get("GLAccount"))
    return {
        "Material": account or code, "BillingDocumentItemText": str(first.get("DocumentItemText") or ""),
        "BillingQuantity": Decimal(1), "BillingQuantityUnit": "", "NetAmount": net, "TaxAmount": tax,
        "tax_code": code, "tax_percent": percent(net, tax, ()), "unit_price": net, "order_line": "",
    }  # fmt: skip


def is_tax(row: cube.Row) -> bool:
    """Is it a tax line?"""
    return bool(row.get("TaxType")) or row.get("AccountingDocumentItemType") == "T"
