"""From what a poll found to changes: objects read in batches, with what mappings need of their relatives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from connectors.sap import cube, entered, ledger
from connectors.sap.client import BILLING, DELIVERIES, Client
from connectors.sap.orders import V2, V4
from connectors.sap.rates import percent, taxes
from connectors.sap.settings import Settings
from connectors.sap.translate import as_day, as_moment, entity, number, rows_of, unpadded
from hub.sdk import Change, Delivery, Invalid, Record, Unmappable

_BILL = {"$expand": "to_Item,to_Item/to_PricingElement"}
_DELIVERY = {"$expand": "to_DeliveryDocumentItem"}
_CREDIT_CATEGORIES = frozenset({"O"})  # SDDocumentCategory of credit memos [SAP domain VBTYPL]
_TAX_CATEGORY = "D"  # ConditionCategory of taxes [SAP domain KNTYP]
_WHATS = frozenset({"delivery", "billing", "entry"})


class Hint(NamedTuple):
    """What to read: delivery 80000001, billing 90000001, entry 1010-2026-1400000001.

    `again`: somebody wants to know all of it, a billing document with what settled it.
    """

    what: str
    id: str
    again: bool = False


def hint(delivery: Delivery) -> Hint:
    """The object a delivery of a poll is about. Raises Invalid for anything else."""
    try:
        told = json.loads(delivery.body)
        found = Hint(str(told["sap"]), str(told["id"]), told.get("again") is True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Invalid("not a delivery of an SAP poll", field="body") from None
    if found.what not in _WHATS or not found.id:
        raise Invalid("not a delivery of an SAP poll", field="body")
    return found


class Reader:
    """Reads what deliveries name. Raises ConnectorError."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client, self._settings = client, settings

    def changes(self, hints: Sequence[Hint]) -> list[list[Change]]:
        """What each hint brings; an object that several name is read once and stands in each as the same."""
        asked = list(dict.fromkeys(hints))
        known: dict[Hint, list[Change]] = {one: [] for one in asked}
        known |= self._deliveries([one for one in asked if one.what == "delivery"])
        known |= self._entries([one for one in asked if one.what == "entry"])
        known |= self._bills([one for one in asked if one.what == "billing"])
        settled = self._settled({one: known[one] for one in asked if one.what == "billing" and one.again})
        return [[*known[one], *settled.get(one, ())] for one in hints]

    def _settled(self, bills: Mapping[Hint, Sequence[Change]]) -> dict[Hint, list[Change]]:
        """What accounting knows of billing documents: who paid them, and what was let go."""
        records = {one: change.record for one, changes in bills.items() for change in changes}
        entries = {
            one: Hint("entry", record["accounting"]["document"])
            for one, record in records.items()
            if record is not None and record["accounting"]["document"]
        }
        found = self._entries(list(entries.values()))
        return {one: found[entry] for one, entry in entries.items()}

    def pushed(self, changes: Sequence[Change]) -> list[Change]:
        """What IDocs say, in the shape of what polls bring."""
        items = {"shipment": ("to_DeliveryDocumentItem", "ReferenceSDDocument")}
        fields = [(one, *items.get(one.kind, ("to_Item", "SalesDocument"))) for one in changes]
        orders = self._orders(row.get(key) for one, name, key in fields for row in rows_of(one.record, name))
        return [part for one in changes for part in self._shaped(one, orders)]

    def _shaped(self, change: Change, orders: Mapping[str, Record]) -> Iterator[Change]:
        record, settings = change.record, self._settings
        if record is None:
            yield change
        elif change.kind == "order":
            seller = settings.seller_of(sales_organization=str(record.get("SalesOrganization"))) or ""
            yield change._replace(record={**record, "seller": seller})
        elif change.kind == "shipment":
            yield from (
                one._replace(as_of=change.as_of)
                for one in shipments(change.external_id, record, orders, settings)
            )
        else:
            yield change._replace(record=bill_record(record, orders, None, settings))

    # deliveries

    def _deliveries(self, asked: Sequence[Hint]) -> dict[Hint, list[Change]]:
        if not asked:
            return {}
        paths = [(entity("A_OutbDeliveryHeader", one.id), _DELIVERY) for one in asked]
        found = self._client.entities(DELIVERIES, paths)
        orders = self._orders(
            item.get("ReferenceSDDocument")
            for one in found
            for item in rows_of(one, "to_DeliveryDocumentItem")
        )
        return {
            one: list(shipments(one.id, record, orders, self._settings))
            for one, record in zip(asked, found, strict=True)
        }

    def _orders(self, ids: Iterable[Any]) -> Mapping[str, Record]:
        wanted = sorted({unpadded(one) for one in ids if one})
        if not wanted:
            return {}
        said = V4 if self._settings.sales_api == "v4" else V2
        query = {"$expand": said.items}
        found = self._client.entities(said.api, [(entity(said.order, one), query) for one in wanted])
        return {one: record for one, record in zip(wanted, found, strict=True) if record is not None}

    # billing documents

    def _bills(self, asked: Sequence[Hint]) -> dict[Hint, list[Change]]:
        records = self._bill_records([one.id for one in asked])
        told: dict[Hint, list[Change]] = {}
        for one in asked:
            record = records.get(one.id)
            told[one] = [] if record is None else [bill_change(one.id, record, self._settings)]
            if record is None:
                told[one] = [Change("invoice", one.id, None)]
        return told

    def _bill_records(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        found = self._client.entities(BILLING, [(entity("A_BillingDocument", one), _BILL) for one in wanted])
        bills = {one: record for one, record in zip(wanted, found, strict=True) if record is not None}
        orders = self._orders(
            item.get("SalesDocument") for one in bills.values() for item in rows_of(one, "to_Item")
        )
        posted = [one for one, record in bills.items() if record.get("AccountingDocument")]
        rows = cube.due_dates(self._client, self._settings, posted)
        return {
            one: bill_record(record, orders, rows.get(one), self._settings) for one, record in bills.items()
        }

    # accounting documents

    def _entries(self, asked: Sequence[Hint]) -> dict[Hint, list[Change]]:
        if not asked:
            return {}
        books = ledger.Books(cube.around(self._client, [one.id for one in asked]), self._settings)
        told: dict[str, tuple[list[ledger.Application], Unmappable | None]] = {}
        for clearing in books.clearings():
            try:
                told[clearing] = (books.settled(clearing), None)
            except Unmappable as problem:
                told[clearing] = ([], problem)
        touched = {one: list(_touched(one.id, books, told)) for one in asked}
        memos = [c.id for credits in touched.values() for c in credits if "-" not in c.id]
        bills = self._bill_records(memos)
        made: dict[str, list[Change]] = {}
        for one in asked:
            for credit in touched[one]:
                if credit.id not in made:
                    made[credit.id] = list(self._credit(credit, books, told, bills))
        return {one: self._entry(one, books, told, [made[c.id] for c in touched[one]]) for one in asked}

    def _entry(
        self, one: Hint, books: ledger.Books, told: Mapping[str, tuple[Any, Unmappable | None]],
        made: Sequence[Sequence[Change]],
    ) -> list[Change]:  # fmt: skip
        rank = {"credit_memo": 0, "payment": 1, "adjustment": 2}
        found = sorted((change for part in made for change in part), key=lambda x: rank[x.kind])
        problem = told.get(one.id, ([], None))[1]
        found += [Change("payment", one.id, None, problem=problem)] if problem else []
        record = entered.invoice(books.of.get(one.id, ()), self._settings)
        return found if record is None else [Change("invoice", one.id, record), *found]

    def _credit(
        self, credit: ledger.Credit, books: ledger.Books, told: Mapping[str, tuple[Any, Any]],
        bills: Mapping[str, dict[str, Any]],
    ) -> Iterator[Change]:  # fmt: skip
        applied = [a for found, _ in told.values() for a in found if a.credit.id == credit.id]
        if credit.kind == "payment":
            yield Change(
                "payment", credit.id, ledger.payment_record(books, credit.id, applied, self._settings)
            )
        elif credit.kind == "adjustment":
            yield from _adjustments(credit, applied, books, self._settings)
        elif "-" in credit.id:
            record = ledger.memo_record(books, credit.id, applied, self._settings)
            if not _is_echo(record) or applied:
                yield Change("credit_memo", credit.id, record)
        elif credit.id in bills:
            record = {**bills[credit.id], "applications": ledger.applications(applied)}
            yield Change("credit_memo", credit.id, record, as_moment(record.get("LastChangeDateTime")))


def _touched(
    name: str, books: ledger.Books, told: Mapping[str, tuple[Sequence[ledger.Application], Any]]
) -> Iterator[ledger.Credit]:
    """The payments, credit memos and adjustments that a document is, settled with, or is settled by."""
    seen: set[str] = set()
    applied = [a for found, _ in told.values() for a in found]
    names = {name, *(cube.object_id(row) for row in books.of.get(name, ()) if cube.is_customer(row))}
    for one in applied:
        if names & {one.clearing, one.credit.id, one.invoice} and one.credit.id not in seen:
            seen.add(one.credit.id)
            yield one.credit
    for row in books.of.get(name, ()):
        itself = cube.is_customer(row) and cube.amount(row) < 0
        if itself and name not in seen and not row.get("IsReversal") and not _only_settles(row, books):
            try:
                credit = books.credit(row)
            except Unmappable:  # told by the clearing it takes part in, or nobody's business yet
                continue
            if credit.id not in seen and credit.kind != "adjustment":
                seen.add(credit.id)
                yield credit


def _only_settles(row: cube.Row, books: ledger.Books) -> bool:
    """A partial item of a clearing document is no payment of its own, unless money came with it."""
    return bool(cube.refers_to(row)) and not any(map(books.is_cash, books.of.get(cube.document(row), ())))


def _adjustments(
    credit: ledger.Credit, applied: Sequence[ledger.Application], books: ledger.Books, settings: Settings
) -> Iterator[Change]:
    invoices: dict[str, ledger.Application] = {}
    for one in applied:
        before = invoices.get(one.invoice)
        invoices[one.invoice] = one._replace(amount=one.amount + (before.amount if before else 0))
    for invoice, one in sorted(invoices.items()):
        id = credit.id if len(invoices) == 1 else f"{credit.id}-{invoice}"
        record = ledger.adjustment_record(one, books, settings)
        if not _is_echo(record):
            yield Change("adjustment", id, record)


def _is_echo(record: Record) -> bool:
    """One the hub made, and nothing happened to it since: telling of it again would say nothing."""
    return bool(record.get("reference")) and not record.get("cancelled_on")


def shipments(
    id: str, record: Record | None, orders: Mapping[str, Record], settings: Settings
) -> Iterator[Change]:
    """A delivery; one that serves several orders is a shipment of each."""
    if record is None:
        yield Change("shipment", id, None)
        return
    by_order: dict[str, list[dict[str, Any]]] = {}
    for item in rows_of(record, "to_DeliveryDocumentItem"):
        by_order.setdefault(unpadded(item.get("ReferenceSDDocument")), []).append(item)
    seen = as_moment(record.get("LastChangeDate"))
    for order, items in by_order.items():
        told = {
            **{name: value for name, value in record.items() if name != "to_DeliveryDocumentItem"},
            "order": order_of(order, orders, settings),
            "seller": settings.seller_of(sales_organization=str(record.get("SalesOrganization"))) or "",
            "items": [
                {
                    **item,
                    "order_line": line_of(orders.get(order), item.get("ReferenceSDDocumentItem"), settings),
                }
                for item in items
            ],
        }
        own = id if len(by_order) == 1 else f"{id}:{order}"
        yield Change("shipment", own, told, seen)


def order_of(order: str, orders: Mapping[str, Record], settings: Settings) -> dict[str, str]:
    """The sales order, with our reference where it carries one."""
    reference = str((orders.get(order) or {}).get(settings.reference_field) or "")
    return {"external_id": order if order != "0" else "", "reference": reference}


def line_of(order: Record | None, item: Any, settings: Settings) -> str:
    """Our line id of a sales order's item; empty: it is none of ours, or has only the header's reference."""
    said = V4 if settings.sales_api == "v4" else V2
    wanted = unpadded(item)
    for one in rows_of(order, said.items):
        if unpadded(one.get("SalesOrderItem")) == wanted:
            told = str(one.get(settings.item_reference) or "")
            return "" if told == str((order or {}).get(settings.reference_field) or "") else told
    return ""


def bill_record(
    bill: Record, orders: Mapping[str, Record], posted: Record | None, settings: Settings
) -> dict[str, Any]:
    """A billing document with what only its relatives know: order, delivery, lines, due date, tax rates."""
    items = rows_of(bill, "to_Item")
    sold = list(dict.fromkeys(unpadded(item["SalesDocument"]) for item in items if item.get("SalesDocument")))
    sent = list(dict.fromkeys(_delivery(item) for item in items))
    one_order = sold[0] if len(sold) == 1 else ""
    told = {name: value for name, value in bill.items() if name != "to_Item"}
    lines = [_item(item, orders, settings) for item in items]
    record = {
        **told,
        "order": order_of(one_order, orders, settings) if one_order else {"external_id": "", "reference": ""},
        "shipment": sent[0] if len(sent) == 1 and one_order else "",
        "seller": settings.seller_of(company_code=str(bill.get("CompanyCode"))) or "",
        "accounting": {
            "net_due_date": as_day((posted or bill).get("NetDueDate")),
            "document": cube.document(posted) if posted else "",
        },
        "to_Item": lines,
        "taxes": taxes(lines),
        "cancelled_on": cancelled_on(bill) if bill.get("BillingDocumentIsCancelled") else None,
        "applications": [],
    }
    return {**record, "memo": _memo(record, items, one_order)}


def cancelled_on(bill: Record) -> date | None:
    """The day of its last change: a cancelled billing document does not change any more."""
    changed = as_moment(bill.get("LastChangeDateTime"))
    return (
        changed.date() if changed else as_day(bill.get("LastChangeDate") or bill.get("BillingDocumentDate"))
    )


def _delivery(item: Record) -> str:
    return unpadded(item.get("ReferenceSDDocument")) if item.get("ReferenceSDDocumentCategory") == "J" else ""


def _memo(record: Record, items: Sequence[Record], order: str) -> dict[str, Any]:
    corrected = [
        unpadded(i["ReferenceSDDocument"]) for i in items if i.get("ReferenceSDDocumentCategory") == "M"
    ]
    same = set(corrected)
    return {
        "number": str(record.get("BillingDocument") or ""),
        "customer": unpadded(record.get("PayerParty") or record.get("SoldToParty")),
        "seller": record["seller"],
        "currency": str(record.get("TransactionCurrency") or ""),
        "issue_date": record.get("BillingDocumentDate"),
        "reason": str(next((i.get("SDDocumentReason") for i in items if i.get("SDDocumentReason")), "")),
        "net": abs(number(record.get("TotalNetAmount"), "TotalNetAmount")),
        "gross": abs(gross(record)),
        "invoice": corrected[0] if len(same) == 1 else "",
        "order": order if record["order"]["reference"] else "",
        "reference": "",
    }


def gross(bill: Record) -> Decimal:
    """What is to be paid: the total with tax, which older systems do not tell."""
    if bill.get("TotalGrossAmount") not in (None, ""):
        return number(bill["TotalGrossAmount"], "TotalGrossAmount")
    return number(bill.get("TotalNetAmount"), "TotalNetAmount") + number(bill.get("TaxAmount"), "TaxAmount")


def _item(item: Record, orders: Mapping[str, Record], settings: Settings) -> dict[str, Any]:
    taxes = [
        one for one in rows_of(item, "to_PricingElement") if one.get("ConditionCategory") == _TAX_CATEGORY
    ]
    told = {name: value for name, value in item.items() if name != "to_PricingElement"}
    net, tax = (number(item.get(name), name) for name in ("NetAmount", "TaxAmount"))
    quantity = number(item.get("BillingQuantity"), "BillingQuantity")
    order = orders.get(unpadded(item.get("SalesDocument")))
    return {
        **told,
        "order_line": line_of(order, item.get("SalesDocumentItem"), settings),
        "tax_code": str(next((one.get("TaxCode") for one in taxes if one.get("TaxCode")), "")),
        "tax_percent": percent(net, tax, taxes),
        "unit_price": (net / quantity).quantize(Decimal("0.000001"), ROUND_HALF_UP) if quantity else net,
    }


def bill_change(id: str, record: Record, settings: Settings) -> Change:
    """An invoice or a credit memo, by its type."""
    credit = record.get("BillingDocumentType") in settings.documents.credit_billing
    credit = credit or record.get("SDDocumentCategory") in _CREDIT_CATEGORIES
    kind = "credit_memo" if credit else "invoice"
    return Change(kind, id, record, as_moment(record.get("LastChangeDateTime")))
