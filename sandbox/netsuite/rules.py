"""NetSuite's own bookkeeping: totals, statuses, what may be billed, shipped and applied, closed periods."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sandbox.netsuite.books import DECIMALS, TERM_DAYS, Body, Books, Row, merged
from sandbox.netsuite.fields import RECORDS, SHIPPED, RecordType
from sandbox.netsuite.refusals import invalid_value, user_error

ZERO = Decimal(0)
RECEIVABLE = "119"


@dataclass
class Preferences:
    """Account preferences that change what a write does."""

    time_zone: str = "GMT"
    tax_rounding: Literal["rate", "line"] = "rate"  # round tax once per rate, or on every line
    invoice_in_advance: bool = False  # may an order be billed before it is shipped?
    closed_through: date | None = None  # accounting periods up to this day are closed


class Rules:
    """Applies a parsed body to the books, or raises Refusal and changes nothing."""

    def __init__(self, books: Books, preferences: Preferences) -> None:
        self.books, self.preferences = books, preferences

    def today(self) -> date:
        """The business date in the account's time zone."""
        return self.books.now().astimezone(ZoneInfo(self.preferences.time_zone)).date()

    def write(self, kind: RecordType, body: Body, known: Row | None, external_id: str | None = None) -> Row:
        """Create or change a record."""
        row = copy.deepcopy(known) if known else Row(kind.name, "")
        self._open_period(kind, row)
        self._merge(kind, row, body)
        row.external_id = external_id or body.external_id or row.external_id
        self._defaults(kind, row)
        self._check(kind, row)
        self._open_period(kind, row)
        row.id = row.id or self.books.next_id(kind)
        self.books.commit(row)
        return row

    def _merge(self, kind: RecordType, row: Row, body: Body) -> None:
        row.values.update(body.values)
        for name, sent in body.lines.items():
            replace = name in body.replace
            row.lines[name] = merged(kind.sublists[name], row.lines.get(name, []), sent, replace=replace)
        for line in row.lines.get("item", ()):
            if line.get("line") is None:
                line["line"] = Decimal(row.next_line)
            row.next_line = max(row.next_line, int(line["line"]) + 1)

    def _open_period(self, kind: RecordType, row: Row) -> None:
        closed = self.preferences.closed_through
        day = row.values.get("tranDate")
        if kind.posting and closed and day and date.fromisoformat(day) <= closed:
            raise user_error(
                "You cannot create or change this transaction because its posting period is closed."
            )

    def _defaults(self, kind: RecordType, row: Row) -> None:
        values = row.values
        if kind.sequence == "entity":
            values.setdefault("entityId", f"CUST{self.books.counters['entity'] + 1}")
            values["currency"] = values.get("currency") or "1"
        if kind.sequence != "transaction":
            return
        values["tranDate"] = values.get("tranDate") or self.today().isoformat()
        values["tranId"] = values.get("tranId") or self.books.next_number(kind)
        customer = self.customer(row)
        if customer is not None:
            for name in {"currency", "subsidiary", "terms"} & set(kind.body):
                values[name] = values.get(name) or customer.values.get(name)
        if kind.name == "salesOrder":
            values["orderStatus"] = values.get("orderStatus") or "A"
        if kind.name == "invoice":
            values["account"] = values.get("account") or RECEIVABLE
            due = date.fromisoformat(values["tranDate"]) + timedelta(
                TERM_DAYS.get(values.get("terms") or "", 0)
            )
            values["dueDate"] = values.get("dueDate") or due.isoformat()

    def customer(self, row: Row) -> Row | None:
        """The customer of a transaction."""
        id = row.values.get("entity") or row.values.get("customer")
        return self.books.records["customer"].get(id or "")

    def _check(self, kind: RecordType, row: Row) -> None:
        if kind.name == "customer":
            person = row.values.get("isPerson")
            needed = (
                {"firstName": "First Name", "lastName": "Last Name"}
                if person
                else {"companyName": "Company Name"}
            )
            _require(row, {**needed, "subsidiary": "Subsidiary"})
            self._unique(row)
        elif kind.name == "customerPayment":
            _require(row, {"customer": "Customer"})
            self._currency(row)
            self._payment(row)
        elif kind.name == "itemFulfillment":
            self._fulfilment(row)
        elif "entity" in kind.body:
            _require(row, {"entity": "Customer"})
            self._currency(row)
            self._sums(row)
            if kind.name == "salesOrder":
                self._order(row)
            else:
                self._invoice(row)

    def _unique(self, row: Row) -> None:
        name = row.values["entityId"]
        others = self.books.records["customer"].values()
        if any(other.values["entityId"] == name and other.id != row.id for other in others):
            raise user_error(
                "A customer record with this ID already exists. "
                "You must enter a unique customer ID for each record you create."
            )

    def _currency(self, row: Row) -> None:
        customer = self.customer(row)
        if customer is None:
            raise invalid_value("entity", row.values.get("entity"))
        allowed = {customer.values["currency"]} | {
            line["currency"] for line in customer.lines.get("currencyList", ())
        }
        if row.values["currency"] not in allowed:
            raise invalid_value("currency", row.values["currency"])

    def cents(self, row: Row, amount: Decimal) -> Decimal:
        """Round to the currency's minor unit."""
        step = Decimal(1).scaleb(-DECIMALS.get(row.values.get("currency", ""), 2))
        return amount.quantize(step, ROUND_HALF_UP)

    def _sums(self, row: Row) -> None:
        lines = row.lines.get("item") or []
        if not lines:
            raise user_error("You must enter at least one line item for this transaction.")
        for line in lines:
            if not line.get("item"):
                raise user_error("Please enter value(s) for: Item.")
            line["quantity"] = Decimal(1) if line.get("quantity") is None else line["quantity"]
            if line.get("rate") is not None:
                line["amount"] = self.cents(row, line["quantity"] * line["rate"])
            if line.get("amount") is None:
                raise user_error("Please enter value(s) for: Amount.")
            line["tax1Amt"] = self.cents(row, line["amount"] * (line.get("taxRate1") or ZERO) / 100)
            line["grossAmt"] = line["amount"] + line["tax1Amt"]
        row.values["subTotal"] = sum((line["amount"] for line in lines), ZERO)
        row.values["discountTotal"] = ZERO
        if any(line.get("taxRate1") is not None for line in lines):
            row.values["taxTotal"] = self._tax(row)
        row.values["taxTotal"] = row.number("taxTotal")
        row.values["total"] = row.number("subTotal") + row.number("taxTotal") + row.number("shippingCost")

    def _tax(self, row: Row) -> Decimal:
        lines = row.lines["item"]
        if self.preferences.tax_rounding == "line":
            return sum((line["tax1Amt"] for line in lines), ZERO)
        bases: dict[Decimal, Decimal] = {}
        for line in lines:
            rate = (line.get("taxRate1") or ZERO).normalize()
            bases[rate] = bases.get(rate, ZERO) + line["amount"]
        return sum((self.cents(row, base * rate / 100) for rate, base in bases.items()), ZERO)

    def made(self, order: Row, record: str, line: Decimal, *, but: str = "") -> Decimal:
        """Quantity of an order line that is already on records of this type."""
        found = ZERO
        for row in self.books.children.get(order.id, ()):
            if row.type == record and row.id != but:
                found += sum((x["quantity"] for x in row.lines["item"] if x.get("orderLine") == line), ZERO)
        return found

    def _order(self, row: Row) -> None:
        known = self.books.records["salesOrder"].get(row.id)
        kept = {line["line"]: line for line in row.lines["item"]}
        for line in known.lines["item"] if known else ():
            used = max(self.made(row, record, line["line"]) for record in ("itemFulfillment", "invoice"))
            if used and (line["line"] not in kept or kept[line["line"]]["quantity"] < used):
                raise user_error("You cannot remove or reduce a line that was already fulfilled or billed.")

    def ships(self, line: dict[str, Any]) -> bool:
        """Is the line's item one that leaves the warehouse?"""
        item = self.books.item(line["item"])
        return item is not None and item.type in SHIPPED

    def _source(self, row: Row) -> Row | None:
        return self.books.records["salesOrder"].get(row.values.get("createdFrom") or "")

    def billable(self, order: Row, line: dict[str, Any], *, but: str = "") -> Decimal:
        """What may still be billed of an order line: what was shipped, or ordered where nothing ships."""
        early = self.preferences.invoice_in_advance or not self.ships(line)
        base = line["quantity"] if early else self.made(order, "itemFulfillment", line["line"])
        return max(base - self.made(order, "invoice", line["line"], but=but), ZERO)

    def _invoice(self, row: Row) -> None:
        order = self._source(row)
        lines = {line["line"]: line for line in order.lines["item"]} if order else {}
        for line in row.lines["item"]:
            source = lines.get(line.get("orderLine"))
            if order and source and line["quantity"] > self.billable(order, source, but=row.id):
                raise user_error("The quantity to bill is more than the quantity that was fulfilled.")
        if row.id and sum(self.books.paid.get(row.id, {}).values(), ZERO) > row.number("total"):
            raise user_error("The total cannot be less than the amount that was already paid.")

    def _fulfilment(self, row: Row) -> None:
        order = self._source(row)
        if order is None or not row.lines.get("item"):
            raise user_error("You must enter at least one line item for this transaction.")
        lines = {line["line"]: line for line in order.lines["item"]}
        for line in row.lines["item"]:
            source = lines[line["orderLine"]]
            left = source["quantity"] - self.made(order, "itemFulfillment", line["orderLine"], but=row.id)
            if line["quantity"] <= 0 or line["quantity"] > left:
                raise user_error(f"You cannot fulfill more than {left} of line {source['line']}.")

    def remaining(self, invoice: Row, *, but: str = "") -> Decimal:
        """What is still owed on an invoice, leaving one payment out of account."""
        paid = self.books.paid.get(invoice.id, {})
        return invoice.number("total") - sum((x for id, x in paid.items() if id != but), ZERO)

    def _payment(self, row: Row) -> None:
        values = row.values
        values["arAcct"] = values.get("arAcct") or RECEIVABLE
        if values.get("undepFunds") and values.get("account"):
            raise user_error("You cannot choose an account together with Undeposited Funds.")
        values["undepFunds"] = not values.get("account")
        applied = [line for line in row.lines.get("apply", ()) if line.get("apply", True)]
        for line in applied:
            self._application(row, line)
        row.lines["apply"] = applied
        total = sum((line["amount"] for line in applied), ZERO)
        values["payment"] = total if values.get("payment") is None else values["payment"]
        if values["payment"] <= 0 and not row.id:
            raise user_error("Please enter value(s) for: Payment Amount.")
        if total > values["payment"]:
            raise user_error("You cannot apply more than the amount of the payment.")

    def _application(self, row: Row, line: dict[str, Any]) -> None:
        invoice = self.books.records["invoice"].get(line.get("doc", ""))
        fits = invoice is not None and (
            invoice.values["entity"] == row.values["customer"]
            and invoice.values["currency"] == row.values["currency"]
            and invoice.values["account"] == row.values["arAcct"]
        )
        if invoice is None or not fits:
            raise user_error(
                "Unable to find a matching line for sublist apply with key: [doc, line] "
                f"and value: [{line.get('doc')}, {int(line.get('line') or 0)}]."
            )
        due = self.remaining(invoice, but=row.id)
        line["line"] = ZERO
        line["apply"] = True
        line["amount"] = due if line.get("amount") is None else line["amount"]
        if line["amount"] <= 0 or line["amount"] + (line.get("disc") or ZERO) > due:
            raise user_error(
                f"You cannot apply {line['amount']} to {invoice.values['tranId']}: {due} is due."
            )

    def transform(self, order: Row, target: str, body: Body) -> Row:
        """A new record from a sales order: its lines, changed by the body's lines, keyed by orderLine."""
        kind = RECORDS[target]
        if order.values["orderStatus"] == "A":
            raise user_error("The sales order is not approved yet: its status is Pending Approval.")
        lines = list(self._offered(order, target))
        offered = {line["orderLine"] for line in lines}
        for sent in body.lines.get("item", ()):
            if sent.get("orderLine") not in offered:
                raise user_error(
                    "Unable to find a matching line for sublist item with key: [orderLine] "
                    f"and value: [{sent.get('orderLine')}]."
                )
        sent_lines = body.lines.get("item", ())
        lines = merged(kind.sublists["item"], lines, sent_lines, replace="item" in body.replace)
        chosen = [x for x in lines if x["quantity"] != 0 and x.pop("itemReceive", True)]
        if not chosen:
            raise user_error("You must enter at least one line item for this transaction.")
        copied = ("entity", "currency", "subsidiary", "terms", "otherRefNum", "location", "shippingAddress")
        taken = {k: v for k, v in order.values.items() if k in copied and k in kind.body}
        values = {**taken, **body.values, "createdFrom": order.id}
        return self.write(
            kind, Body(values, {**body.lines, "item": chosen}, body.external_id, frozenset()), None
        )

    def _offered(self, order: Row, target: str) -> Iterable[dict[str, Any]]:
        for line in order.lines["item"]:
            keep = {k: v for k, v in line.items() if k.startswith("custcol") or k in ("item", "description")}
            if target == "invoice":
                open = line["quantity"] > self.made(order, "invoice", line["line"])
                quantity = self.billable(order, line)
                keep |= {k: line[k] for k in ("rate", "taxRate1", "taxCode") if line.get(k) is not None}
                if line.get("rate") is None:
                    keep["rate"] = line["amount"] / line["quantity"]
            else:
                done = self.made(order, "itemFulfillment", line["line"])
                open = self.ships(line) and line["quantity"] > done
                quantity = line["quantity"] - done
            if open and not line.get("isClosed"):
                yield {**keep, "orderLine": line["line"], "quantity": quantity}

    def status(self, row: Row) -> tuple[str, str]:
        """The status as NetSuite names it: its letter and its words."""
        if row.type == "invoice":
            return ("A", "Open") if self.remaining(row) > 0 else ("B", "Paid In Full")
        if row.type == "customerPayment":
            return ("B", "Not Deposited") if row.values["undepFunds"] else ("C", "Deposited")
        if row.type == "itemFulfillment":
            ship = row.values.get("shipStatus") or "C"
            return ship, {"A": "Picked", "B": "Packed", "C": "Shipped"}[ship]
        if row.type == "salesOrder":
            return self._progress(row)
        return "", ""

    def _progress(self, order: Row) -> tuple[str, str]:
        if order.values["orderStatus"] != "B":
            names = {"A": "Pending Approval", "C": "Cancelled", "H": "Closed"}
            return order.values["orderStatus"], names.get(order.values["orderStatus"], "Undefined")
        lines = order.lines["item"]
        ordered = [x["quantity"] for x in lines]
        billed = [self.made(order, "invoice", x["line"]) for x in lines]
        shipped = [
            self.made(order, "itemFulfillment", x["line"]) if self.ships(x) else x["quantity"] for x in lines
        ]
        if billed == ordered:
            return "G", "Billed"
        if shipped == ordered:
            return "F", "Pending Billing"
        if not any(self.made(order, "itemFulfillment", x["line"]) for x in lines):
            return "B", "Pending Fulfillment"
        waiting = any(self.billable(order, x) for x in lines)
        return ("E", "Pending Billing/Partially Fulfilled") if waiting else ("D", "Partially Fulfilled")


def _require(row: Row, labels: dict[str, str]) -> None:
    missing = [label for name, label in labels.items() if not row.values.get(name)]
    if missing:
        raise user_error(f"Please enter value(s) for: {', '.join(missing)}.")


def local(at: datetime, zone: str) -> datetime:
    """A moment in the account's time zone, without the zone, as the database keeps it."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
