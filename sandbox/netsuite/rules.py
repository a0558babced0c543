"""NetSuite's own bookkeeping: totals, what may be billed and shipped, closed periods, locks, transforms."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sandbox.netsuite import cash, journals, statuses, transforms
from sandbox.netsuite.books import ZERO, Body, Books, Row, settlements
from sandbox.netsuite.fields import RECORDS, SHIPPED, RecordType
from sandbox.netsuite.lists import BASE_CURRENCY, LISTS, RECEIVABLE, decimals, period_of
from sandbox.netsuite.parsing import merged
from sandbox.netsuite.refusals import Refusal, invalid_value, locked, period_closed, user_error

_BY_LINES = ("item", "line")  # sublists whose lines are numbered by the account


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
        self.editable(row)
        self._merge(kind, row, body)
        row.external_id = external_id or body.external_id or row.external_id
        self._defaults(kind, row)
        credits = self._check(kind, row)
        self.open_period(kind, row)
        row.id = row.id or self.books.next_id(kind)
        self.books.commit(row)
        for credit in credits:
            self.books.commit(credit)
        return row

    def editable(self, row: Row) -> None:
        """May this record be changed at all? Raises Refusal in its vendor's words."""
        if row.locked:
            raise locked()
        if row.voided:
            raise user_error("This transaction has been voided and cannot be changed.")
        self.open_period(RECORDS[row.type], row)

    def _merge(self, kind: RecordType, row: Row, body: Body) -> None:
        row.values.update(body.values)
        for name, sent in body.lines.items():
            replace = name in body.replace
            row.lines[name] = merged(kind.sublists[name], row.lines.get(name, []), sent, replace=replace)
        for line in (line for name in _BY_LINES for line in row.lines.get(name, ())):
            if line.get("line") is None:
                line["line"] = Decimal(row.next_line)
            row.next_line = max(row.next_line, int(line["line"]) + 1)

    def open_period(self, kind: RecordType, row: Row) -> None:
        """Refuses where the posting period is closed: the one chosen, or the one of the date."""
        closed, day = self.preferences.closed_through, row.values.get("tranDate")
        if not kind.posting or closed is None or not day:
            return
        chosen = LISTS["accountingPeriod"].get(row.values.get("postingPeriod") or "")
        ends = chosen["endDate"] if chosen else date.fromisoformat(day)
        if ends <= closed:
            raise period_closed()

    def period(self, row: Row) -> str:
        """The posting period's id; empty for what does not post."""
        day = row.values.get("tranDate")
        if not RECORDS[row.type].posting or not day:
            return ""
        return row.values.get("postingPeriod") or period_of(date.fromisoformat(day))

    def _defaults(self, kind: RecordType, row: Row) -> None:
        values = row.values
        if kind.sequence == "entity":
            values["entityId"] = values.get("entityId") or self._entity_id()
            values["currency"] = values.get("currency") or BASE_CURRENCY
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
        if kind.name in ("invoice", "creditMemo"):
            values["account"] = values.get("account") or RECEIVABLE
        if kind.name == "invoice":
            days = int(LISTS["term"].get(values.get("terms") or "", {}).get("daysUntilNetDue", 0))
            due = date.fromisoformat(values["tranDate"]) + timedelta(days)
            values["dueDate"] = values.get("dueDate") or due.isoformat()
        if "exchangeRate" not in kind.body:
            return
        rate = LISTS["currency"].get(values.get("currency") or "", {}).get("exchangeRate", "1")
        values["exchangeRate"] = values.get("exchangeRate") or Decimal(rate)

    def _entity_id(self) -> str:
        """The name of a customer who was given none: the next number (auto-numbering is on)."""
        return f"CUST{self.books.counters['entity'] + 1}"

    def customer(self, row: Row) -> Row | None:
        """The customer of a transaction."""
        return self.books.records["customer"].get(row.customer)

    def _check(self, kind: RecordType, row: Row) -> list[Row]:
        """All rules of one record; gives back other records that change with it."""
        if kind.name == "customer":
            self._check_customer(row)
        elif kind.sequence == "item":
            self._check_item(row)
        elif kind.name == "itemFulfillment":
            self._fulfilment(row)
        elif kind.name == "journalEntry":
            journals.check(row)
        elif "customer" in kind.body:
            require(row, {"customer": "Customer"})
            self._currency(row)
            return cash.check(self, row)
        else:
            require(row, {"entity": "Customer"})
            self._currency(row)
            self._sums(row)
            {"salesOrder": self._order, "invoice": self._invoice}.get(kind.name, self._credit)(row)
        return []

    def _check_customer(self, row: Row) -> None:
        needed = (
            {"firstName": "First Name", "lastName": "Last Name"}
            if row.values.get("isPerson")
            else {"companyName": "Company Name"}
        )
        require(row, {**needed, "subsidiary": "Subsidiary"})
        if self.books.entity_ids.get(row.values["entityId"], row.id) != row.id:
            raise Refusal(
                "Error while accessing a resource. A customer record with this ID already exists. "
                "You must enter a unique customer ID for each record you create.",
                soap="UNIQUE_CUST_ID_REQD",
            )

    def _check_item(self, row: Row) -> None:
        require(row, {"itemId": "Item Name/Number"})
        if self.books.items.get(row.values["itemId"], row.id) != row.id:
            raise user_error("Uniqueness error - record is a duplicate of another record.", soap="DUP_ITEM")

    def _currency(self, row: Row) -> None:
        customer = self.customer(row)
        if customer is None:
            raise invalid_value("entity", row.customer)
        allowed = {customer.values["currency"]} | {
            line["currency"] for line in customer.lines.get("currencyList", ())
        }
        if row.values["currency"] not in allowed:
            raise invalid_value("currency", row.values["currency"])

    def cents(self, row: Row, amount: Decimal) -> Decimal:
        """Round to the currency's minor unit."""
        step = Decimal(1).scaleb(-decimals(row.values.get("currency", "")))
        return amount.quantize(step, ROUND_HALF_UP)

    def _sums(self, row: Row) -> None:
        lines = row.lines.get("item") or []
        if not lines:
            raise user_error("You must enter at least one line item for this transaction.")
        for line in lines:
            if not line.get("item"):
                raise user_error("Please enter value(s) for: Item.")
            line["quantity"] = Decimal(1) if line.get("quantity") is None else line["quantity"]
            if line.get("taxRate1") is None and line.get("taxCode"):
                line["taxRate1"] = Decimal(LISTS["salesTaxItem"][line["taxCode"]]["rate"])
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
            if row.type == record and row.id != but and not row.voided:
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
        source = row.values.get("createdFrom")
        if source and source not in self.books.transactions:
            raise invalid_value("createdFrom", source)
        order = self._source(row)
        lines = {line["line"]: line for line in order.lines["item"]} if order else {}
        for line in row.lines["item"]:
            ordered = lines.get(line.get("orderLine"))
            if order and ordered and line["quantity"] > self.billable(order, ordered, but=row.id):
                raise user_error("The quantity to bill is more than the quantity that was fulfilled.")
        if row.id and self.settled(row) > row.number("total"):
            raise user_error("The total cannot be less than the amount that was already paid.")

    def _credit(self, row: Row) -> None:
        cash.credit_memo(self, row)

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

    def settled(self, row: Row, *, but: str = "") -> Decimal:
        """What others settled of a document, early-payment discounts included."""
        return sum((x for id, x in self.books.paid.get(row.id, {}).items() if id != but), ZERO)

    def remaining(self, invoice: Row, *, but: str = "") -> Decimal:
        """What is still owed on an invoice or a journal's debit, leaving one payment out of account."""
        return journals.receivable(invoice) - self.settled(invoice, but=but)

    def unapplied(self, row: Row) -> Decimal:
        """What a payment, credit memo, deposit or journal's credit still has to give."""
        if row.voided:
            return ZERO
        used = sum((amount for _, amount, _ in settlements(row)), ZERO)
        return cash.worth(row) - used - self.settled(row)

    def transform(self, order: Row, target: str, body: Body) -> Row:
        """A new record from another one. Raises Refusal where the two do not fit."""
        made = transforms.made_from(self, order, target, body)
        return self.write(RECORDS[target], made, None)

    def status(self, row: Row) -> tuple[str, str]:
        """The status as NetSuite names it: its letter and its words."""
        return statuses.status(self, row)


def require(row: Row, labels: dict[str, str]) -> None:
    """Refuses a record that lacks mandatory fields, naming them as the form does."""
    missing = [label for name, label in labels.items() if not row.values.get(name)]
    if missing:
        raise user_error(f"Please enter value(s) for: {', '.join(missing)}.", soap="USER_ERROR")


def local(at: datetime, zone: str) -> datetime:
    """A moment in the account's time zone, without the zone, as the database keeps it."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
