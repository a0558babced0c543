"""How a stored record looks on the wire: references, derived figures, sublists as links or in full."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from sandbox.netsuite.books import LISTS, Books, Row
from sandbox.netsuite.fields import RECORDS, REFS
from sandbox.netsuite.rules import ZERO, Rules

_STATUS_NAMES = {"A": "Pending Approval", "B": "Pending Fulfillment", "C": "Cancelled", "H": "Closed"}
_WHOLE = frozenset({"line", "orderLine", "lineUniqueKey"})


class Renderer:
    """Records to JSON, as seen from one address."""

    def __init__(self, rules: Rules, origin: str) -> None:
        self.rules, self.books = rules, rules.books
        self.base = f"{origin}/services/rest/record/v1"

    def record(self, row: Row, *, expand: bool) -> dict[str, Any]:
        """One record; sublists are links only unless expanded ("Getting a Record Instance")."""
        told: dict[str, Any] = {"links": self.links(f"{row.type}/{row.id}"), "id": row.id}
        if row.external_id is not None:
            told["externalId"] = row.external_id
        kind = RECORDS[row.type]
        figures = {**row.values, **self._figures(row)}
        for name, value in figures.items():
            if value is not None:
                told[name] = self._value(kind.body.get(name, "text"), name, value)
        if row.created and row.modified:
            created = "dateCreated" if row.type == "customer" else "createdDate"
            told[created] = _stamp(row.created)
            told["lastModifiedDate"] = _stamp(row.modified)
        if row.type != "customer" and self.rules.status(row)[0]:
            id, words = self.rules.status(row)
            told["status"] = {"id": id, "refName": words}
        for name in kind.sublists:
            path = f"{row.type}/{row.id}/{name}"
            told[name] = self.sublist(row, name) if expand else {"links": self.links(path)}
        return told

    def links(self, path: str) -> list[dict[str, str]]:
        """The self link of a resource."""
        return [{"rel": "self", "href": f"{self.base}/{path}"}]

    def sublist(self, row: Row, name: str) -> dict[str, Any]:
        """A sublist with its lines."""
        columns = RECORDS[row.type].sublists[name].columns
        items = [
            {
                "links": self.links(f"{row.type}/{row.id}/{name}/{index}"),
                **{k: self._value(columns.get(k, "text"), k, v) for k, v in line.items() if v is not None},
            }
            for index, line in enumerate(self._lines(row, name), 1)
        ]
        told = {"links": self.links(f"{row.type}/{row.id}/{name}"), "items": items}
        return {**told, "totalResults": len(items), "count": len(items), "hasMore": False, "offset": 0}

    def _lines(self, row: Row, name: str) -> Iterable[dict[str, Any]]:
        lines = row.lines.get(name, [])
        if name == "apply":
            return self._applications(row)
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
        applied = {line["doc"]: line for line in row.lines.get("apply", ())}
        for invoice in self.books.records["invoice"].values():
            same = all(
                (
                    invoice.values["entity"] == row.values["customer"],
                    invoice.values["currency"] == row.values["currency"],
                )
            )
            due = self.rules.remaining(invoice, but=row.id)
            if same and (due > 0 or invoice.id in applied):
                facts = {"due": due, "total": invoice.number("total"), "type": "Invoice", "line": ZERO}
                line = applied.get(invoice.id, {"doc": invoice.id, "apply": False})
                yield {**line, **facts, "refNum": invoice.values["tranId"]}

    def _figures(self, row: Row) -> dict[str, Any]:
        if row.type == "invoice":
            left = self.rules.remaining(row)
            return {"amountPaid": row.number("total") - left, "amountRemaining": left}
        if row.type == "customerPayment":
            applied = sum((line["amount"] for line in row.lines.get("apply", ())), ZERO)
            payment = row.number("payment")
            return {"total": payment, "applied": applied, "unapplied": payment - applied}
        if row.type == "customer":
            return balances(self.rules, row)
        return {}

    def _value(self, kind: str, name: str, value: Any) -> Any:
        if isinstance(value, Decimal):
            return int(value) if name in _WHOLE else float(value)
        if kind.startswith("ref") and isinstance(value, str):
            return self.reference(name, value)
        return value

    def reference(self, name: str, id: str) -> dict[str, Any]:
        """A reference field: links, id and the name people see."""
        target = REFS.get(name, "")
        links = self.links(f"{target}/{id}") if target in self.books.records else []
        return {"links": links, "id": id, "refName": display(self.books, name, id)}


def display(books: Books, name: str, id: str) -> str:
    """What the user interface shows for a reference (BUILTIN.DF in SuiteQL)."""
    if name == "orderStatus":
        return _STATUS_NAMES.get(id, "")
    target = REFS.get(name, "")
    if target in LISTS:
        return LISTS[target].get(id, "")
    row = books.item(id) if target == "item" else books.records.get(target, {}).get(id)
    if row is None:
        return ""
    names = ("companyName", "itemId", "tranId", "entityId")
    return next((str(row.values[name]) for name in names if row.values.get(name)), "")


def balances(rules: Rules, customer: Row) -> dict[str, Decimal]:
    """What a customer owes: open invoices less unapplied payments, and what of it is overdue."""
    today = rules.today()
    owed = overdue = unapplied = ZERO
    for invoice in rules.books.records["invoice"].values():
        if invoice.values["entity"] == customer.id:
            left = rules.remaining(invoice)
            owed += left
            overdue += left if date.fromisoformat(invoice.values["dueDate"]) < today else ZERO
    for payment in rules.books.records["customerPayment"].values():
        if payment.values["customer"] == customer.id:
            applied = sum((line["amount"] for line in payment.lines.get("apply", ())), ZERO)
            unapplied += payment.number("payment") - applied
    return {"balance": owed - unapplied, "overdueBalance": overdue}


def _stamp(at: Any) -> str:
    return str(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
