"""What people do in the account with their own hands: ship, bill, credit, take payments, write off, mend."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.netsuite import cash
from sandbox.netsuite.books import ZERO, Body, Row
from sandbox.netsuite.fields import BY_LOWER, ITEM_TYPES, RECORDS, CustomField
from sandbox.netsuite.lists import RECEIVABLE
from sandbox.netsuite.parsing import Parser
from sandbox.netsuite.refusals import user_error

if TYPE_CHECKING:
    from sandbox.netsuite.account import NetSuiteSandbox

Quantity = Decimal | int | str
Quantities = Mapping[str, Quantity] | Mapping[int, Quantity] | Mapping[str | int, Quantity]
BAD_DEBT = "58"


class People:
    """The users of one account. Each method is also an action under /_sandbox/actions."""

    def __init__(self, account: NetSuiteSandbox) -> None:
        self.account, self.books, self.rules = account, account.books, account.rules
        self.lock_of_all = account.kit.lock

    # -- goods and invoices -----------------------------------------------------
    def ship(
        self,
        order: str,
        quantities: Quantities | None = None,
        *,
        shipped_on: str | date | None = None,
        tracking: str = "",
    ) -> str:
        """Ship quantities by sku or line number, or all that is open; returns the fulfilment's id."""
        with self.lock_of_all:
            source = self.books.find("salesOrder", order)
            values = {"shipStatus": "C", **({"tranDate": str(shipped_on)} if shipped_on else {})}
            lines: dict[str, Any] = {"package": [{"packageTrackingNumber": tracking}] if tracking else []}
            if quantities is not None:
                named = self._named(source, quantities)
                left_out = [
                    x for x in source.lines["item"] if x["line"] not in named and self._ships(source, x)
                ]
                lines["item"] = [{"orderLine": n, "quantity": q} for n, q in named.items()]
                lines["item"] += [{"orderLine": x["line"], "itemReceive": False} for x in left_out]
            return self.account.rules.transform(source, "itemFulfillment", Body(values, lines)).id

    def bill(
        self,
        order: str,
        quantities: Quantities | None = None,
        *,
        number: str = "",
        on: str = "",
        due: str = "",
    ) -> str:
        """Invoice what was shipped, or these quantities of it, under the account's own numbers."""
        with self.lock_of_all:
            source = self.books.find("salesOrder", order)
            values = {k: v for k, v in {"tranId": number, "tranDate": on, "dueDate": due}.items() if v}
            lines = {} if quantities is None else {"item": self._only(source, quantities)}
            body = Body(values, lines, None, frozenset({"item"} if lines else ()))
            if lines:
                lines["item"] = _with_prices(source, lines["item"])
            return self.account.rules.transform(source, "invoice", body).id

    def credit(
        self,
        invoice: str,
        quantities: Quantities | None = None,
        *,
        amount: Quantity | None = None,
        apply: bool = True,
        number: str = "",
        on: str = "",
    ) -> str:
        """Credit an invoice: all of it, some quantities, or a net amount of its first line's item."""
        with self.lock_of_all:
            source = self.books.find("invoice", invoice)
            values: dict[str, Any] = {k: v for k, v in {"tranId": number, "tranDate": on}.items() if v}
            lines: dict[str, Any] = {}
            if amount is not None:
                first = source.lines["item"][0]
                priced = {**_priced(first), "rate": None, "amount": Decimal(str(amount))}
                lines["item"] = [{**priced, "orderLine": first["line"], "quantity": Decimal(1)}]
            elif quantities is not None:
                lines["item"] = _with_prices(source, self._only(source, quantities))
            body = Body({**values, "autoApply": apply}, lines, None, frozenset({"item"} if lines else ()))
            return self.account.rules.transform(source, "creditMemo", body).id

    # -- money ------------------------------------------------------------------
    def pay(
        self,
        customer: str,
        amount: Quantity,
        *,
        apply: Sequence[Mapping[str, Any]] = (),
        currency: str = "",
        account: str = "1",
        on: str = "",
        number: str = "",
        rate: str = "",
    ) -> str:
        """Record a customer's payment and what it settles; the rest stays on account.

        `rate`: what one unit of its currency is worth that day; what it settles was booked at another one.
        """
        named = {"currency": currency, "tranDate": on, "tranId": number}
        values: dict[str, Any] = {k: v for k, v in named.items() if v}
        values |= {"exchangeRate": Decimal(rate)} if rate else {}
        values |= {"customer": customer, "payment": Decimal(str(amount)), "account": account}
        with self.lock_of_all:
            return self._write("customerPayment", values, {"apply": _applied(apply)}).id

    def realised(self, payment: str) -> Decimal:
        """The exchange difference of a payment with what it settles, in the account's own currency."""
        with self.lock_of_all:
            row = self.books.find("customerPayment", payment)
            gain = ZERO
            for line in row.lines.get("apply", ()):
                if line.get("apply"):
                    invoice = self.books.find("invoice", str(line["doc"]))
                    worth = row.values["exchangeRate"] - invoice.values["exchangeRate"]
                    gain += line["amount"] * worth
            return gain

    def reapply(self, record: str, id: str, apply: Sequence[Mapping[str, Any]] = ()) -> str:
        """Choose anew what a payment or credit memo settles."""
        with self.lock_of_all:
            row = self.books.find(BY_LOWER[record.lower()], id)
            body = Body({}, {"apply": _applied(apply)}, None, frozenset({"apply"}))
            return self.account.rules.write(RECORDS[row.type], body, row).id

    def deposit(self, customer: str, amount: Quantity, *, order: str = "", on: str = "") -> str:
        """Take a prepayment."""
        values: dict[str, Any] = {"customer": customer, "payment": Decimal(str(amount)), "account": "1"}
        values |= {k: v for k, v in {"salesOrder": order, "tranDate": on}.items() if v}
        if order:
            values["currency"] = self.books.find("salesOrder", order).values["currency"]
        with self.lock_of_all:
            return self._write("customerDeposit", values, {}).id

    def apply_deposit(self, deposit: str, invoice: str, amount: Quantity) -> str:
        """Settle an invoice with a deposit."""
        with self.lock_of_all:
            source = self.books.find("customerDeposit", deposit)
            lines = {"apply": _applied([{"invoice": invoice, "amount": amount}])}
            return self.account.rules.transform(source, "depositApplication", Body({}, lines)).id

    def refund(self, source_record: str, source: str, amount: Quantity | None = None) -> str:
        """Pay back what is left of a payment, deposit or credit memo, or part of it."""
        with self.lock_of_all:
            row = self.books.find(BY_LOWER[source_record.lower()], source)
            line: dict[str, Any] = {"doc": row.id, "line": ZERO, "apply": True}
            lines = [line if amount is None else {**line, "amount": Decimal(str(amount))}]
            body = Body({"account": "1"}, {"apply": lines})
            return self.account.rules.transform(row, "customerRefund", body).id

    def write_off(
        self,
        invoice: str,
        amount: Quantity,
        *,
        account: str = BAD_DEBT,
        memo: str = "Write-off",
        on: str = "",
    ) -> str:
        """Give up part of an invoice: a journal against receivables, applied to it; returns the journal."""
        with self.lock_of_all:
            source, value = self.books.find("invoice", invoice), Decimal(str(amount))
            if value <= 0 or value > self.rules.remaining(source):
                raise user_error(f"You cannot write off {value}: {self.rules.remaining(source)} is due.")
            values = {k: source.values.get(k) for k in ("currency", "subsidiary", "exchangeRate")}
            values |= {"memo": memo, **({"tranDate": on} if on else {})}
            lines = [
                {"account": account, "debit": value, "memo": memo},
                {"account": RECEIVABLE, "credit": value, "entity": source.customer, "memo": memo},
            ]
            row = copy.deepcopy(self._write("journalEntry", values, {"line": lines}))
            cash.add_application(row, source.id, value)
            self.books.commit(row)
            return row.id

    # -- mending ----------------------------------------------------------------
    def delete(self, record: str, id: str, *, wire: bool = False) -> str:
        """Delete a record; what it settled is open again."""
        with self.lock_of_all:
            row = self.books.find(BY_LOWER[record.lower()], id)
            self.account.rules.editable(row)
            self.books.remove(row)
            if wire:
                self.account.record_effect("delete", row)
            return row.id

    def void(self, record: str, id: str) -> str:
        """Void a transaction: it stays, worth nothing, and what it settled is open again."""
        with self.lock_of_all:
            row = copy.deepcopy(self.books.find(BY_LOWER[record.lower()], id))
            self.account.rules.editable(row)
            if self.rules.settled(row):
                raise user_error("You cannot void this transaction because others are applied to it.")
            row.lines["apply"], row.lines["deposit"] = [], []
            row.values["memo"] = "VOID"
            row.values |= {k: ZERO for k in ("total", "subTotal", "taxTotal", "payment") if k in row.values}
            for line in row.lines.get("item", ()):
                line |= {k: ZERO for k in ("rate", "amount", "tax1Amt", "grossAmt") if line.get(k)}
            row.voided = True
            self.books.commit(row)
            return row.id

    def edit(self, record: str, id: str, values: Mapping[str, Any], *, replace: str = "") -> str:
        """Change fields and lines in a form; takes what the REST service takes."""
        with self.lock_of_all:
            kind = RECORDS[BY_LOWER[record.lower()]]
            body = Parser(self.books, kind).body(values, replace=replace)
            return self.account.rules.write(kind, body, self.books.find(kind.name, id)).id

    def copy(self, record: str, id: str) -> str:
        """Actions > Make Copy: the same once more, with a number of its own and nobody's external id."""
        with self.lock_of_all:
            source = self.books.find(BY_LOWER[record.lower()], id)
            own = ("entity", "currency", "subsidiary", "tranDate", "terms", "dueDate", "exchangeRate")
            values = {name: source.values[name] for name in own if source.values.get(name)}
            told = ("item", "quantity", "rate", "amount", "taxCode", "description")
            lines = [{k: line[k] for k in told if k in line} for line in source.lines["item"]]
            return self._write(source.type, values, {"item": lines}).id

    def set_custom(self, record: str, id: str, field: str, value: Any) -> str:
        """Fill a custom field."""
        return self.edit(record, id, {field: value})

    def close_line(self, order: str, line: int | str) -> str:
        """Close an order line: the rest of it will be neither shipped nor billed."""
        changed = {"items": [{"line": int(line), "isClosed": True}]}
        return self.edit("salesOrder", order, {"item": changed})

    def lock(self, record: str, id: str) -> str:
        """A workflow locks the record."""
        return self._set_lock(record, id, True)

    def unlock(self, record: str, id: str) -> str:
        """And lets go of it."""
        return self._set_lock(record, id, False)

    def _set_lock(self, record: str, id: str, locked: bool) -> str:
        with self.lock_of_all:
            row = self.books.find(BY_LOWER[record.lower()], id)
            row.locked = locked
            return row.id

    # -- set-up -----------------------------------------------------------------
    def close_period(self, through: str | date) -> str:
        """Close the accounting periods up to and including this day."""
        with self.lock_of_all:
            self.account.preferences.closed_through = date.fromisoformat(str(through))
            return str(through)

    def open_period(self) -> str:
        """Open all periods again."""
        with self.lock_of_all:
            self.account.preferences.closed_through = None
            return ""

    def add_field(self, id: str, type: str = "text") -> str:
        """Make a custom field; its prefix says where it appears."""
        with self.lock_of_all:
            self.books.custom_fields[id] = CustomField(id, type)
            return id

    def add_segment(self, id: str, values: Sequence[str]) -> str:
        """Make a custom segment with its values, numbered from 1."""
        with self.lock_of_all:
            options = tuple((str(n), name) for n, name in enumerate(values, 1))
            self.books.custom_fields[id] = CustomField(id, "ref", options)
            return id

    def add_item(self, sku: str, type: str = "inventoryItem", *, name: str = "", upc: str = "") -> str:
        """A new item; returns its internal id. `type` is a record type such as serviceSaleItem."""
        if type not in ITEM_TYPES:
            raise ValueError(f"type must be one of {', '.join(ITEM_TYPES)}")
        with self.lock_of_all:
            if sku in self.books.items:
                raise ValueError(f"there already is an item {sku}")
            values = {"itemId": sku, "displayName": name or sku, "upcCode": upc or None}
            return self._write(type, values, {}).id

    # -- in common --------------------------------------------------------------
    def _write(self, record: str, values: dict[str, Any], lines: dict[str, Any]) -> Row:
        return self.account.rules.write(RECORDS[record], Body(values, lines), None)

    def _named(self, source: Row, quantities: Quantities) -> dict[Decimal, Decimal]:
        return {self.line(source, key): Decimal(str(value)) for key, value in quantities.items()}

    def _only(self, source: Row, quantities: Quantities) -> list[dict[str, Any]]:
        return [{"orderLine": n, "quantity": q} for n, q in self._named(source, quantities).items()]

    def line(self, order: Row, key: str | int) -> Decimal:
        """A line's number, by its number or sku."""
        sku = self.books.items.get(str(key))
        for line in order.lines["item"]:
            if str(line["line"]) == str(key) or (sku and line["item"] == sku):
                return Decimal(line["line"])
        raise ValueError(f"{order.type} {order.id} has no line {key!r}")

    def _ships(self, order: Row, line: Mapping[str, Any]) -> bool:
        done = self.account.rules.made(order, "itemFulfillment", line["line"])
        wanted = bool(line["quantity"] > done) and not line.get("isClosed")
        return self.account.rules.ships(dict(line)) and wanted


def _applied(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Apply lines from what people say: invoice, amount, discount taken."""
    return [
        {
            "doc": str(line["invoice"]),
            "line": ZERO,
            "apply": True,
            "amount": Decimal(str(line["amount"])),
            **({"disc": Decimal(str(line["disc"]))} if line.get("disc") else {}),
        }
        for line in lines
    ]


def _with_prices(source: Row, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines made from a document's lines, with what those say of items and prices."""
    offered = {x["line"]: x for x in source.lines["item"]}
    return [{**_priced(offered[line["orderLine"]]), **line} for line in lines]


def _priced(line: Mapping[str, Any]) -> dict[str, Any]:
    """What a line made from another one keeps of it."""
    names = ("item", "description", "rate", "taxRate1", "taxCode")
    kept = {k: v for k, v in line.items() if k in names or k.startswith(("custcol", "cseg_"))}
    if kept.get("rate") is None and line.get("quantity"):
        kept["rate"] = line["amount"] / line["quantity"]
    return kept
