"""What the books say, and whether everything ties out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.sap.ledger import CUBE, document_id
from sandbox.sap.store import Row, Store

SHOWN = ("BillingDocument", "TransactionCurrency", "NetDueDate", "InvoiceReference", "AccountingDocumentType")


def books(store: Store) -> dict[str, Any]:
    """Open items per company code and customer."""
    found: dict[str, Any] = {}
    for row in store[CUBE].rows.values():
        if row["FinancialAccountType"] != "D" or row["IsCleared"]:
            continue
        name = f"{row['CompanyCode']}/{row['Customer']}"
        account = found.setdefault(name, {"open": {}, "items": []})
        currency, amount = row["TransactionCurrency"], row["AmountInTransactionCurrency"]
        account["open"][currency] = account["open"].get(currency, Decimal(0)) + amount
        item = {"document": document_id(row), "amount": amount, **{k: row.get(k) for k in SHOWN}}
        account["items"].append({**item, "item": row["AccountingDocumentItem"]})
    return found


def differences(store: Store) -> list[str]:
    """Every breach of what must hold."""
    return [*_unbalanced(store), *_unsettled(store), *_billing(store), *_quantities(store)]


def _unbalanced(store: Store) -> list[str]:
    sums: dict[str, list[Decimal]] = {}
    for row in store[CUBE].rows.values():
        one = sums.setdefault(document_id(row), [Decimal(0), Decimal(0)])
        one[0] += row["AmountInTransactionCurrency"]
        one[1] += row["AmountInCompanyCodeCurrency"]
    return [f"document {name} does not balance: {a} / {b}" for name, (a, b) in sums.items() if a or b]


def _unsettled(store: Store) -> list[str]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in store[CUBE].rows.values():
        if row["FinancialAccountType"] == "D" and row["IsCleared"]:
            key = (row["CompanyCode"], row["ClearingDocFiscalYear"], row["ClearingAccountingDocument"])
            found.setdefault(key, []).append(row)
    sums: dict[tuple[Any, ...], Decimal] = {}
    for key, rows in found.items():  # of several currencies, in the company code's
        one = len({row["TransactionCurrency"] for row in rows}) == 1
        name = "AmountInTransactionCurrency" if one else "AmountInCompanyCodeCurrency"
        sums[key] = sum((row[name] for row in rows), Decimal(0))
    return [f"clearing {'-'.join(key)} does not net to zero: {rest}" for key, rest in sums.items() if rest]


def _billing(store: Store) -> list[str]:
    found = []
    for row in store["A_BillingDocument"].rows.values():
        number = row["BillingDocument"]
        items = store.find("A_BillingDocumentItem", BillingDocument=number)
        net = sum((one["NetAmount"] for one in items), Decimal(0))
        if (
            net != row["TotalNetAmount"]
            or row["TotalGrossAmount"] != row["TotalNetAmount"] + row["TaxAmount"]
        ):
            found.append(f"billing document {number} does not foot")
        if row["AccountingPostingStatus"] == "C" and row["BillingDocumentType"] in ("F2", "G2"):
            found += _posted(store, row)
    return found


def _posted(store: Store, row: Row) -> list[str]:
    sign = 1 if row["BillingDocumentType"] == "F2" else -1
    wanted = row["TotalGrossAmount"] * sign
    lines = store.find(CUBE, AccountingDocument=row["AccountingDocument"], CompanyCode=row["CompanyCode"])
    told = [one["AmountInTransactionCurrency"] for one in lines if one["FinancialAccountType"] == "D"]
    return (
        []
        if told == [wanted]
        else [f"billing document {row['BillingDocument']}: {wanted} is posted as {told}"]
    )


def _quantities(store: Store) -> list[str]:
    found = []
    ordered = {k: row["RequestedQuantity"] for k, row in store["A_SalesOrderItem"].rows.items()}
    sent: dict[tuple[str, ...], Decimal] = {}
    for row in store["A_OutbDeliveryItem"].rows.values():
        key: tuple[str, ...] = (row["ReferenceSDDocument"], row["ReferenceSDDocumentItem"])
        sent[key] = sent.get(key, Decimal(0)) + row["ActualDeliveryQuantity"]
    for one, quantity in sent.items():
        if quantity > ordered.get(one, Decimal(0)):
            found.append(f"order item {'/'.join(one)}: {quantity} delivered of {ordered.get(one, 0)}")
    return found
