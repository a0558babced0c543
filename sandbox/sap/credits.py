"""Credit memos: what of an invoice is given back, or what a customer gets without one; and the print."""

from __future__ import annotations

import base64
from decimal import Decimal

from sandbox.sap.positions import Amounts, Lines, Position
from sandbox.sap.pricing import tax_of
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import System, rounded

LINE = "A_BillingDocumentItem"


def credited(
    system: System, source: Row, lines: Lines, amount: Decimal | None
) -> tuple[list[Position], list[Amounts]]:
    """What of an invoice is given back: all, some lines, or a net amount. Raises Refusal."""
    known = {
        one["BillingDocumentItem"]: one
        for one in system.store.find(LINE, BillingDocument=source["BillingDocument"])
    }
    if not lines and amount is not None:
        first = next(iter(known.values()))
        lines = [(first["BillingDocumentItem"], None, amount)]
    positions, amounts = [], []
    for key, quantity, net in lines or [(key, None, None) for key in known]:
        one = known.get(key)
        if one is None:
            raise business("VF/001", f"Billing document {source['BillingDocument']} has no item {key}")
        part = (quantity / one["BillingQuantity"]) if quantity is not None else Decimal(1)
        if net is not None:
            part = net / one["NetAmount"]
        currency = source["TransactionCurrency"]
        item = {
            **one,
            "SalesOrderItem": one["SalesDocumentItem"],
            "RequestedQuantityUnit": one["BillingQuantityUnit"],
            "SalesOrderItemText": one["BillingDocumentItemText"],
        }
        order = {"SalesOrder": one["SalesDocument"]}
        shown = quantity if quantity is not None else one["BillingQuantity"]
        positions.append(Position(order, item, source["BillingDocument"], key, "M", shown))
        code = tax_of(system, source).code
        amounts.append(
            Amounts(
                rounded(one["NetAmount"] * part, currency),
                rounded(one["TaxAmount"] * part, currency),
                code,
            )
        )
    return positions, amounts


def free(
    system: System, customer: str, company: str, lines: Lines, amount: Decimal | None
) -> tuple[Row, list[Position], list[Amounts]]:
    """What a customer gets without an invoice, with a head to bill it by. Raises Refusal."""
    area = system.store.get("A_CustomerSalesArea", customer, company, "10", "00")
    if area is None:
        raise business("VP/199", f"Sold-to party {customer} not maintained for sales area {company} 10 00")
    order = {
        "SalesOrganization": company,
        "SoldToParty": customer,
        "TransactionCurrency": area["Currency"],
    }
    tax = tax_of(system, order)
    positions, amounts = [], []
    for product, quantity, net in lines or [("", Decimal(1), amount)]:
        if net is None:
            raise business("V1/801", "A credit memo without invoice needs an amount")
        item = {
            "Material": product,
            "SalesOrderItemText": product or "Credit",
            "RequestedQuantityUnit": "PC",
        }
        positions.append(Position(order, item, "", "", "K", quantity or Decimal(1)))
        amounts.append(Amounts(net, rounded(net * tax.rate / 100, area["Currency"]), tax.code))
    return order, positions, amounts


def printed(row: Row) -> str:
    """A small PDF of a billing document in base64."""
    text = (
        f"Billing document {row['BillingDocument']}: {row['TotalGrossAmount']} {row['TransactionCurrency']}"
    )
    stream = f"BT /F1 12 Tf 50 800 Td ({text}) Tj ET"
    body = (
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        "/Resources<</Font<</F1 5 0 R>>>>>>endobj\n"
        f"4 0 obj<</Length {len(stream)}>>stream\n{stream}\nendstream endobj\n"
        "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
        "trailer<</Root 1 0 R/Size 6>>\n%%EOF\n"
    )
    return base64.b64encode(body.encode("latin-1", "replace")).decode()
