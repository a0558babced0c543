"""The SuiteQL view of the books: one table per function, columns in lower case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sandbox.netsuite.books import LISTS, Row
from sandbox.netsuite.fields import ITEM_TYPES, RECORDS
from sandbox.netsuite.rules import Rules, local

TableRow = Mapping[str, Any]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _stamps(rules: Rules, row: Row) -> dict[str, datetime | None]:
    zone = rules.preferences.time_zone
    return {
        "createddate": local(row.created, zone) if row.created else None,
        "lastmodifieddate": local(row.modified, zone) if row.modified else None,
    }


def _transactions(rules: Rules) -> Iterable[TableRow]:
    for row in rules.books.all():
        kind = RECORDS[row.type]
        if not kind.code:
            continue
        values = row.values
        total = row.number("payment" if row.type == "customerPayment" else "total")
        unpaid = rules.remaining(row) if row.type == "invoice" else None
        yield {
            "id": int(row.id),
            "tranid": values.get("tranId"),
            "type": kind.code,
            "recordtype": row.type.lower(),
            "status": rules.status(row)[0],
            "entity": _number(values.get("entity") or values.get("customer")),
            "trandate": _day(values.get("tranDate")),
            "duedate": _day(values.get("dueDate")),
            "externalid": row.external_id,
            "otherrefnum": values.get("otherRefNum"),
            "memo": values.get("memo"),
            "currency": _number(values.get("currency")),
            "terms": _number(values.get("terms")),
            "foreigntotal": total,
            "foreignamountunpaid": unpaid,
            "foreignamountpaid": None if unpaid is None else total - unpaid,
            "posting": kind.posting,
            "voided": False,
            **_stamps(rules, row),
            **_custom(rules, "custbody", values),
        }


def _lines(rules: Rules) -> Iterable[TableRow]:
    for row in rules.books.all():
        if not RECORDS[row.type].code:
            continue
        source = _number(row.values.get("createdFrom"))
        yield {"transaction": int(row.id), "id": 0, "linesequencenumber": 0, "mainline": True}
        for line in row.lines.get("item", ()):
            number = int(line["line"])
            yield {
                "transaction": int(row.id),
                "id": number,
                "linesequencenumber": number,
                "mainline": False,
                "item": _number(line.get("item")),
                "quantity": line.get("quantity"),
                "rate": line.get("rate"),
                "foreignamount": line.get("amount"),
                "createdfrom": source,
                **_custom(rules, "custcol", line),
            }


def _custom(rules: Rules, prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    names = (name for name in rules.books.custom_fields if name.startswith(prefix))
    return {name: values.get(name) for name in names}


def _items(rules: Rules) -> Iterable[TableRow]:
    for row in rules.books.all():
        if row.type in ITEM_TYPES:
            yield {
                "id": int(row.id),
                "itemid": row.values["itemId"],
                "itemtype": ITEM_TYPES[row.type],
                "displayname": row.values.get("displayName"),
                "externalid": row.external_id,
                "isinactive": bool(row.values.get("isInactive")),
                **_stamps(rules, row),
            }


def _customers(rules: Rules) -> Iterable[TableRow]:
    for row in rules.books.records["customer"].values():
        values = row.values
        yield {
            "id": int(row.id),
            "entityid": values.get("entityId"),
            "companyname": values.get("companyName"),
            "email": values.get("email"),
            "phone": values.get("phone"),
            "externalid": row.external_id,
            "currency": _number(values.get("currency")),
            "terms": _number(values.get("terms")),
            "creditlimit": values.get("creditLimit"),
            "isinactive": bool(values.get("isInactive")),
            "isperson": bool(values.get("isPerson")),
            **_stamps(rules, row),
        }


def _list(name: str, column: str) -> Callable[[Rules], Iterable[TableRow]]:
    def rows(rules: Rules) -> Iterable[TableRow]:
        return ({"id": int(id), "name": words, column: words} for id, words in LISTS[name].items())

    return rows


TABLES: Mapping[str, Callable[[Rules], Iterable[TableRow]]] = {
    "transaction": _transactions,
    "transactionline": _lines,
    "item": _items,
    "customer": _customers,
    "currency": _list("currency", "symbol"),
    "term": _list("term", "fullname"),
    "subsidiary": _list("subsidiary", "fullname"),
}

_LISTED = frozenset({"id", "name", "symbol", "fullname"})
_STAMPED = frozenset({"createddate", "lastmodifieddate"})
_COLUMNS: Mapping[str, frozenset[str]] = {
    "transaction": _STAMPED
    | frozenset(
        [
            "id",
            "tranid",
            "type",
            "recordtype",
            "status",
            "entity",
            "trandate",
            "duedate",
            "externalid",
            "otherrefnum",
            "memo",
            "currency",
            "terms",
            "foreigntotal",
            "foreignamountunpaid",
            "foreignamountpaid",
            "posting",
            "voided",
        ]
    ),
    "transactionline": frozenset(
        [
            "transaction",
            "id",
            "linesequencenumber",
            "mainline",
            "item",
            "quantity",
            "rate",
            "foreignamount",
            "createdfrom",
        ]
    ),
    "item": _STAMPED | frozenset(["id", "itemid", "itemtype", "displayname", "externalid", "isinactive"]),
    "customer": _STAMPED
    | frozenset(
        [
            "id",
            "entityid",
            "companyname",
            "email",
            "phone",
            "externalid",
            "currency",
            "terms",
            "creditlimit",
            "isinactive",
            "isperson",
        ]
    ),
}


def columns(rules: Rules, table: str) -> frozenset[str]:
    """The columns a query may name, custom ones included, whether or not there are rows."""
    known = _COLUMNS.get(table, _LISTED)
    prefix = {"transaction": "custbody", "transactionline": "custcol"}.get(table)
    own = (n for n in rules.books.custom_fields if n.startswith(prefix)) if prefix else ()
    return known | frozenset(own)
