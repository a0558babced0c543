"""A journal entry message read into a posting, with the checks the accounting interface makes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.sap import soap
from sandbox.sap.ledger import Entry, Line
from sandbox.sap.refusals import business
from sandbox.sap.system import OUTPUT_TAX
from sandbox.sap.values import exact, unpadded

Element = etree._Element
HEAD = {
    "DocumentReferenceID": ("DocumentReferenceID", 16),
    "DocumentHeaderText": ("AccountingDocumentHeaderText", 25),
    "Reference1InDocumentHeader": ("Reference1InDocumentHeader", 20),
    "Reference2InDocumentHeader": ("Reference2InDocumentHeader", 20),
}
ITEM = {
    "AssignmentReference": ("AssignmentReference", 18),
    "DocumentItemText": ("DocumentItemText", 50),
    "Reference1IDByBusinessPartner": ("Reference1IDByBusinessPartner", 12),
    "Reference2IDByBusinessPartner": ("Reference2IDByBusinessPartner", 12),
    "Reference3IDByBusinessPartner": ("Reference3IDByBusinessPartner", 20),
    "HouseBank": ("HouseBank", 5),
    "HouseBankAccount": ("HouseBankAccount", 5),
}


_DAYS = re.compile(r"^P?(\d{1,3})D?$")
_TERMS = {"NetPaymentDays": "NetPaymentDays", "CashDiscount1Days": "CashDiscount1Days"}


def entry_of(journal: Element) -> Entry:
    """The posting of a JournalEntry element. Raises SoapFault for its form, Refusal for its content."""
    soap.must(journal, "OriginalReferenceDocumentType", 5)
    business_type = soap.must(journal, "BusinessTransactionType", 4)
    soap.must(journal, "CreatedByUser", 12)
    lines: list[Line] = []
    currencies: set[str] = set()
    for name, kind in (("Item", "S"), ("DebtorItem", "D"), ("ProductTaxItem", "T")):
        for element in soap.children(journal, name):
            lines.append(_line(element, kind, currencies))
    if soap.children(journal, "CreditorItem"):
        raise business("F5/102", "Creditor items are not open to this user")
    if len(currencies) != 1:
        raise business("RW/018", "All items must be in one transaction currency")
    return Entry(
        soap.must(journal, "CompanyCode", 4),
        soap.must(journal, "AccountingDocumentType", 2),
        soap.day(journal, "DocumentDate"),
        soap.day(journal, "PostingDate"),
        currencies.pop(),
        lines,
        {**_texts(journal, HEAD), "BusinessTransactionType": business_type},
    )


def _texts(of: Element, names: dict[str, tuple[str, int]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (column, size) in names.items():
        told = soap.text(of, name)
        if len(told) > size:
            raise soap.SoapFault(f"Error in XML: {name} has more than {size} characters")
        found[column] = told
    return found


def _line(of: Element, kind: str, currencies: set[str]) -> Line:
    element = soap.child(of, "AmountInTransactionCurrency")
    value = soap.amount(of, "AmountInTransactionCurrency")
    if element is None or value is None:
        raise soap.SoapFault("Error in XML: AmountInTransactionCurrency is missing")
    currencies.add(element.get("currencyCode") or "")
    side = soap.text(of, "DebitCreditCode")
    if side and (side == "H") != (value < 0) and value:
        raise business("RW/023", f"Amount {value} does not agree with debit/credit code {side}")
    local = soap.amount(of, "AmountInCompanyCodeCurrency")
    more = _texts(of, ITEM)
    if kind == "T":
        code = soap.must(of, "TaxCode", 2)
        return Line("S", OUTPUT_TAX, value, local, {**more, "TaxCode": code, **_tax_amounts(of)})
    if kind == "S":
        account = soap.must(of, "GLAccount", 10)
        told = soap.text(of, "ValueDate")
        more |= {"ValueDate": date.fromisoformat(told) if told else None}
        tax = soap.child(of, "Tax")
        return Line(
            "S",
            _ten(account, "G/L account"),
            value,
            local,
            {**more, "TaxCode": soap.text(tax, "TaxCode") if tax is not None else ""},
        )
    return Line(
        "D", unpadded(_ten(soap.must(of, "Debtor", 10), "Customer")), value, local, {**more, **_debtor(of)}
    )


def _tax_amounts(of: Element) -> dict[str, Any]:
    base = soap.amount(of, "TaxBaseAmountInTransCrcy")
    if base is None:
        raise soap.SoapFault("Error in XML: TaxBaseAmountInTransCrcy is missing")
    return {"TaxBaseAmountInTransCrcy": base}


def _ten(number: str, what: str) -> str:
    """SOAP converts no numbers: they come with their leading zeros."""
    if number.isdigit() and len(number) != 10:
        raise business("F5/102", f"{what} {number} is not defined")
    return number


def _debtor(of: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    terms = soap.child(of, "CashDiscountTerms")
    if terms is not None:
        told = soap.text(terms, "DueCalculationBaseDate")
        if told:
            found["DueCalculationBaseDate"] = date.fromisoformat(told)
        for name, column in _TERMS.items():
            days = _DAYS.match(soap.text(terms, name))
            if days:
                found[column] = Decimal(days.group(1))
        percent = soap.text(terms, "CashDiscount1Percent")
        if percent:
            found["CashDiscount1Percent"] = exact(percent)
    payment = soap.child(of, "PaymentDetails")
    if payment is not None:
        found["PaymentReference"] = soap.text(payment, "PaymentReference")
        found["PaymentMethod"] = soap.text(payment, "PaymentMethod")
    down = soap.child(of, "DownPaymentTerms")
    if down is not None:
        found["SpecialGLCode"] = soap.text(down, "SpecialGLCode")
    return {k: v for k, v in found.items() if v not in ("", None)}


def logged(items: Sequence[tuple[str, str, str]], severity: str) -> str:
    """The log of a confirmation."""
    inner = "".join(
        f"<Item><TypeID>{escape(type_)}</TypeID><SeverityCode>{code}</SeverityCode>"
        f"<Note>{escape(note[:200])}</Note></Item>"
        for type_, code, note in items
    )
    return f"<Log><MaximumLogItemSeverityCode>{severity}</MaximumLogItemSeverityCode>{inner}</Log>"
