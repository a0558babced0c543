"""How a stored record looks on the wire: references, derived figures, sublists as links or in full."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sandbox.netsuite import cash
from sandbox.netsuite.books import ZERO, Books, Row
from sandbox.netsuite.fields import RECORDS, REFS
from sandbox.netsuite.lists import LISTS, decimals, name_of
from sandbox.netsuite.standing import Standing
from sandbox.netsuite.statuses import ORDER_NAMES, SHIP_NAMES

_WHOLE = frozenset({"line", "orderLine", "lineUniqueKey"})
_CHOICES = {"orderStatus": ORDER_NAMES, "shipStatus": SHIP_NAMES}
_NAMES = ("companyName", "itemId", "tranId", "lastName", "entityId")


class Renderer:
    """Records to JSON, as seen from one address."""

    def __init__(self, standing: Standing, origin: str) -> None:
        self.standing, self.rules, self.books = standing, standing.rules, standing.books
        self.base = f"{origin}/services/rest/record/v1"

    def record(self, row: Row, *, expand: bool) -> dict[str, Any]:
        """One record; sublists are links only unless expanded ("Getting a Record Instance")."""
        told: dict[str, Any] = {"links": self.links(f"{row.type}/{row.id}"), "id": row.id}
        if row.external_id is not None:
            told["externalId"] = row.external_id
        kind = RECORDS[row.type]
        for name, value in {**row.values, **self.figures(row)}.items():
            if value is not None:
                told[name] = self._value(kind.body.get(name) or self._custom(name), name, value)
        if row.created and row.modified:
            created = "dateCreated" if row.type == "customer" else "createdDate"
            told[created] = stamp(row.created)
            told["lastModifiedDate"] = stamp(row.modified)
        if kind.sequence == "transaction" and self.rules.status(row)[0]:
            id, words = self.rules.status(row)
            told["status"] = {"id": id, "refName": words}
        for name in kind.sublists:
            path = f"{row.type}/{row.id}/{name}"
            told[name] = self.sublist(row, name) if expand else {"links": self.links(path)}
        return told

    def _custom(self, name: str) -> str:
        field = self.books.custom_fields.get(name)
        return field.type if field else "text"

    def links(self, path: str) -> list[dict[str, str]]:
        """The self link of a resource."""
        return [{"rel": "self", "href": f"{self.base}/{path}"}]

    def sublist(self, row: Row, name: str) -> dict[str, Any]:
        """A sublist with its lines."""
        columns = RECORDS[row.type].sublists[name].columns
        items = [
            {
                "links": self.links(f"{row.type}/{row.id}/{name}/{index}"),
                **{
                    k: self._value(columns.get(k) or self._custom(k), k, v)
                    for k, v in line.items()
                    if v is not None
                },
            }
            for index, line in enumerate(self.lines(row, name), 1)
        ]
        told = {"links": self.links(f"{row.type}/{row.id}/{name}"), "items": items}
        return {**told, "totalResults": len(items), "count": len(items), "hasMore": False, "offset": 0}

    def lines(self, row: Row, name: str) -> Iterable[dict[str, Any]]:
        """A sublist's lines with what NetSuite adds to them."""
        lines = row.lines.get(name, [])
        if name == "apply":
            return self._refunded(row) if row.type == "customerRefund" else self._applications(row)
        if name == "credit":
            return self._credits(row)
        if row.type == "salesOrder":
            return [
                {
                    **line,
                    "quantityFulfilled": self.rules.made(row, "itemFulfillment", line["line"]),
                    "quantityBilled": self.rules.made(row, "invoice", line["line"]),
                }
                for line in lines
            ]
        return lines

    def _applications(self, row: Row) -> Iterable[dict[str, Any]]:
        """What the form offers: all this customer still owes in this currency, ticked or not."""
        applied = {line["doc"]: line for line in row.lines.get("apply", ())}
        documents = {id: self.books.transactions[id] for id in applied}
        documents |= {x.id: x for x in self.standing.opened(row.customer) if cash.fits(self.rules, row, x)}
        for document in documents.values():
            due = self.rules.remaining(document, but=row.id)
            line = applied.get(document.id, {"doc": document.id, "apply": False})
            yield {**line, **self._facts(document), "due": due}

    def _facts(self, document: Row) -> dict[str, Any]:
        total = cash.worth(document) or self.rules.remaining(document)
        currency = name_of("currency", document.values.get("currency") or "")
        return {
            "total": total,
            "type": RECORDS[document.type].label,
            "line": ZERO,
            "refNum": document.values["tranId"],
            "applyDate": document.values["tranDate"],
            "currency": currency,
        }

    def _refunded(self, row: Row) -> Iterable[dict[str, Any]]:
        for line in row.lines.get("apply", ()):
            yield {**line, **self._facts(self.books.transactions[line["doc"]])}

    def _credits(self, row: Row) -> Iterable[dict[str, Any]]:
        """Credit memos the payment could use; those it used settle invoices themselves."""
        for document in self.books.of_customer.get(row.customer, {}).values():
            if document.type == "creditMemo" and cash.fits(self.rules, row, document):
                left = self.rules.unapplied(document)
                if left > 0:
                    facts = self._facts(document)
                    yield {"doc": document.id, "apply": False, "due": left, **facts}

    def figures(self, row: Row) -> dict[str, Any]:
        """What NetSuite works out: amounts paid, applied and open, the posting period."""
        told: dict[str, Any] = {}
        if period := self.rules.period(row):
            told["postingPeriod"] = period
        if row.type == "invoice":
            left = self.rules.remaining(row)
            return {**told, "amountPaid": row.number("total") - left, "amountRemaining": left}
        if row.type in ("customerPayment", "creditMemo", "customerDeposit"):
            worth, left = cash.worth(row), self.rules.unapplied(row)
            used = worth - left if not row.voided else ZERO
            told |= {"total": worth, "applied": used, "unapplied": left}
            return told | ({"amountRemaining": left} if row.type == "creditMemo" else {})
        if row.type == "depositApplication":
            return {**told, "applied": row.number("total")}
        if row.type == "customer":
            return balances(self.standing, row)
        return told

    def _value(self, kind: str, name: str, value: Any) -> Any:
        if isinstance(value, Decimal):
            return int(value) if name in _WHOLE else float(value)
        if kind.startswith("ref") and isinstance(value, str):
            return self.reference(name, value)
        return value

    def reference(self, name: str, id: str) -> dict[str, Any]:
        """A reference field: links, id and the name people see."""
        target = REFS.get(name, "")
        row = self.books.target(target, id)
        links = self.links(f"{row.type}/{id}") if row is not None else []
        return {"links": links, "id": id, "refName": display(self.books, name, id)}

    def entry(self, name: str, id: str, closed: bool) -> dict[str, Any]:
        """One entry of a list, such as a currency or an accounting period."""
        entry = LISTS[name][id]
        told: dict[str, Any] = {"links": self.links(f"{name}/{id}"), "id": id}
        for key, value in entry.items():
            told[key] = value.isoformat() if isinstance(value, date) else value
        if "exchangeRate" in entry:
            told |= {"symbol": entry["symbol"], "exchangeRate": float(entry["exchangeRate"])}
        if name == "accountingPeriod":
            told |= {"periodName": entry["name"], "closed": closed, "isAdjust": False}
        return {**told, "isInactive": False}


def display(books: Books, name: str, id: str) -> str:
    """What the user interface shows for a reference (BUILTIN.DF in SuiteQL)."""
    if name in _CHOICES:
        return _CHOICES[name].get(id, "")
    if name in books.custom_fields:
        return dict(books.custom_fields[name].options).get(id, "")
    target = REFS.get(name, "")
    if target in LISTS:
        return name_of(target, id)
    row = books.target(target, id)
    if row is None:
        return ""
    shown = next((str(row.values[name]) for name in _NAMES if row.values.get(name)), "")
    kind = RECORDS[row.type]
    return f"{kind.label} #{shown}" if kind.sequence == "transaction" else shown


def balances(standing: Standing, customer: Row) -> dict[str, Decimal]:
    """What a customer owes: open invoices less unapplied credits, and what of it is overdue."""
    return {
        "balance": standing.balance(customer.id),
        "overdueBalance": standing.overdue(customer.id),
        "depositBalance": standing.deposit(customer.id),
    }


def stamp(at: datetime) -> str:
    """A moment as REST writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def amount(row: Row, value: Decimal) -> str:
    """An amount with the decimals of its record's currency."""
    return f"{value:.{decimals(row.values.get('currency') or '')}f}"
