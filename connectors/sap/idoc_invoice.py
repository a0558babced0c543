"""INVOIC02: an invoice or credit memo as A_BillingDocument with its items."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from connectors.sap.idoc_segments import Segment, children, day, key, number, problem, qualified, text

# E1EDK01-BSART: invoice, credit memo; self-billing (SBIN, SBCM) is sent to us by customers, not by SAP.
_KINDS = {"INVO": "invoice", "CRME": "credit_memo"}
_CANCELS = frozenset({"S1", "S2"})  # billing types that take back another billing document
_Record = dict[str, Any]


def read(node: Segment, message: str) -> tuple[str, str, _Record]:
    """Kind, external id and record; amounts are as SAP prints them, positive also on a credit memo.

    Raises Unmappable, also where items and totals do not add up: a line may be missing.
    """
    head = node.find("{*}E1EDK01")
    if head is None:
        raise problem("E1EDK01", f"is missing: no header in {message}")
    told = text(head, "BSART")
    if told not in _KINDS:
        raise problem("E1EDK01-BSART", "is neither INVO nor CRME", told)
    own = qualified(node, "E1EDK02", "QUALF", "009")
    billing = key(own, "BELNR") or key(head, "BELNR")
    if not billing:
        raise problem("E1EDK02-BELNR", "the billing document's number (qualifier 009) is missing")
    items = [_item(one) for one in children(node, "E1EDP01")]
    if (billing_type := text(qualified(node, "E1EDK14", "QUALF", "015"), "ORGID")) in _CANCELS:
        reason = "takes back another document, which the message does not name; read it over OData"
        raise problem("E1EDK14-ORGID", reason, billing_type)
    record = {"BillingDocument": billing, **_header(node, head, own), "to_Item": items}
    _adds_up(record, items)
    return _KINDS[told], billing, record


def _header(node: Segment, head: Segment, own: Segment | None) -> _Record:
    def organisation(*qualifiers: str) -> str:
        return text(qualified(node, "E1EDK14", "QUALF", *qualifiers), "ORGID")

    def dated(*codes: str) -> date | None:
        return day(qualified(node, "E1EDK03", "IDDAT", *codes), "DATUM")

    def named(qualifier: str) -> Segment | None:
        return qualified(node, "E1EDK02", "QUALF", qualifier)

    def partner(*roles: str) -> str:
        return key(qualified(node, "E1EDKA1", "PARVW", *roles), "PARTN")

    def total(*codes: str) -> Decimal | None:
        return number(qualified(node, "E1EDS01", "SUMID", *codes), "SUMME")

    issued = day(own, "DATUM") or dated("026", "011")
    if issued is None:
        raise problem("E1EDK03-DATUM", "the billing date (026) is missing")
    return {
        "BillingDocumentType": organisation("015"),
        "BillingDocumentDate": issued,
        "BillingDocumentIsCancelled": False,
        "SalesOrganization": organisation("008"),
        "DistributionChannel": organisation("007"),
        "Division": organisation("006"),
        "CompanyCode": organisation("011", "003"),
        "SoldToParty": partner("AG"),
        "PayerParty": partner("RG", "RE", "AG"),
        "TransactionCurrency": text(head, "CURCY"),
        "CustomerPaymentTerms": text(head, "ZTERM"),
        "NetDueDate": dated("028"),
        "PurchaseOrderByCustomer": text(named("001"), "BELNR"),
        "SalesDocument": key(named("002"), "BELNR"),
        "ReferenceSDDocument": key(named("012"), "BELNR"),
        "PaymentReference": text(named("087"), "BELNR"),
        "TotalNetAmount": total("010"),
        "TaxAmount": total("005"),
        "TotalGrossAmount": total("011", "012"),
    }


def _item(line: Segment) -> _Record:
    order = qualified(line, "E1EDP02", "QUALF", "002")
    delivery = qualified(line, "E1EDP02", "QUALF", "016")
    material = qualified(line, "E1EDP19", "QUALF", "002")
    taxes = list(children(line, "E1EDP04"))
    quantity = number(line, "MENGE")
    if quantity is None:
        raise problem("E1EDP01-MENGE", f"item {text(line, 'POSEX')} has no quantity")

    def value(*codes: str) -> Decimal | None:
        return number(qualified(line, "E1EDP26", "QUALF", *codes), "BETRG")

    return {
        "BillingDocumentItem": key(line, "POSEX"),
        "SalesDocumentItemCategory": text(line, "PSTYV"),
        "HigherLevelItem": key(line, "UEPOS"),
        "SalesDocument": key(order, "BELNR"),
        "SalesDocumentItem": key(order, "ZEILE"),
        "ReferenceSDDocument": key(delivery, "BELNR") or key(order, "BELNR"),
        "ReferenceSDDocumentItem": key(delivery, "ZEILE") or key(order, "ZEILE"),
        "Material": key(material, "IDTNR_LONG", "IDTNR"),
        "InternationalArticleNumber": text(qualified(line, "E1EDP19", "QUALF", "003"), "IDTNR"),
        "BillingDocumentItemText": text(material, "KTEXT"),
        "BillingQuantity": quantity,
        "BillingQuantityUnit": text(line, "MENEE"),
        "NetAmount": value("003"),
        "TaxAmount": sum((number(one, "MWSBT") or Decimal(0) for one in taxes), Decimal(0)),
        "to_PricingElement": [_tax(one) for one in taxes],
    }


def _tax(segment: Segment) -> _Record:
    """As the tax condition of a billing item: category D, rate in percent."""
    rate, code = number(segment, "MSATZ"), text(segment, "MWSKZ")
    return {"ConditionCategory": "D", "TaxCode": code, "ConditionRateValue": rate or Decimal(0)}


def _adds_up(record: _Record, items: list[_Record]) -> None:
    net, tax, gross = record["TotalNetAmount"], record["TaxAmount"], record["TotalGrossAmount"]
    amounts = [item["NetAmount"] for item in items]
    if net is None or gross is None or any(amount is None for amount in amounts):
        raise problem("E1EDS01-SUMME", "totals (010, 011) and net value of each item (003) are needed")
    if net + (tax or 0) != gross:
        raise problem("E1EDS01-SUMME", f"net {net} and tax {tax} are not the total {gross}")
    if sum(amounts, Decimal(0)) != net:
        raise problem("E1EDP26-BETRG", f"the items add up to {sum(amounts, Decimal(0))}, the total is {net}")
