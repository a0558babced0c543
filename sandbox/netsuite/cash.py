"""Money against invoices: payments, credit memos, deposits and refunds, and how much each may settle."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.netsuite import journals
from sandbox.netsuite.books import ZERO, Row
from sandbox.netsuite.lists import RECEIVABLE
from sandbox.netsuite.refusals import user_error

if TYPE_CHECKING:
    from sandbox.netsuite.rules import Rules

CREDITS = ("customerPayment", "creditMemo", "customerDeposit", "journalEntry")
"""What has something to give: to invoices, or back to the customer."""


def worth(row: Row) -> Decimal:
    """The whole amount of a document that settles others."""
    if row.type == "journalEntry":
        return journals.side(row, "credit")
    return row.number("payment" if row.type in ("customerPayment", "customerDeposit") else "total")


def check(rules: Rules, row: Row) -> list[Row]:
    """The rules of one cash record; gives back the credits that change with it."""
    rows: Mapping[str, Callable[[Rules, Row], list[Row]]] = {
        "customerPayment": _payment,
        "customerDeposit": _deposit,
        "depositApplication": _deposit_application,
        "customerRefund": _refund,
    }
    return rows[row.type](rules, row)


def _funds(row: Row) -> None:
    values = row.values
    values["arAcct"] = values.get("arAcct") or RECEIVABLE
    if values.get("undepFunds") and values.get("account"):
        raise user_error("You cannot choose an account together with Undeposited Funds.")
    values["undepFunds"] = not values.get("account")


def _payment(rules: Rules, row: Row) -> list[Row]:
    values = row.values
    _funds(row)
    credits = chosen(row, "credit")
    row.lines.pop("credit", None)
    applied = chosen(row, "apply")
    for line in applied:
        _application(rules, row, line)
    if values.pop("autoApply", False) and not applied:
        applied = _oldest(rules, row, row.number("payment"))
    row.lines["apply"] = applied
    total = sum((line["amount"] for line in applied), ZERO)
    given = sum((_credit_line(rules, row, line) for line in credits), ZERO)
    values["payment"] = total - given if values.get("payment") is None else values["payment"]
    if values["payment"] < 0 or (not values["payment"] and not row.id and not credits):
        raise user_error("Please enter value(s) for: Payment Amount.")
    if total > values["payment"] + given:
        raise user_error("You cannot apply more than the amount of the payment.")
    return _hand_over(rules, row, credits)


def chosen(row: Row, name: str) -> list[dict[str, Any]]:
    """The lines of an apply list that are ticked."""
    return [line for line in row.lines.get(name, ()) if line.get("apply", True)]


def _no_line(line: Mapping[str, Any], name: str = "apply") -> Exception:
    return user_error(
        f"Unable to find a matching line for sublist {name} with key: [doc, line] "
        f"and value: [{line.get('doc')}, {int(line.get('line') or 0)}].",
        soap="INVALID_KEY_OR_REF",
    )


def fits(rules: Rules, row: Row, document: Row) -> bool:
    """Same customer (or its parent), same currency, same receivables account."""
    owner = rules.books.records["customer"].get(document.customer)
    parent = owner.values.get("parent") if owner else None
    account = document.values.get("account") if document.type in ("invoice", "creditMemo") else RECEIVABLE
    return (
        row.customer in (document.customer, parent)
        and document.values.get("currency") == row.values.get("currency")
        and account == (row.values.get("arAcct") or row.values.get("account") or RECEIVABLE)
        and not document.voided
    )


def _application(rules: Rules, row: Row, line: dict[str, Any]) -> None:
    """One line of an apply list: what it settles must be owed by this customer, and still be open."""
    document = rules.books.transactions.get(str(line.get("doc") or ""))
    if document is None or document.type not in ("invoice", "journalEntry") or not fits(rules, row, document):
        raise _no_line(line)
    due = rules.remaining(document, but=row.id)
    line["line"], line["apply"] = ZERO, True
    line["amount"] = due if line.get("amount") is None else line["amount"]
    discount = line.get("disc") or ZERO
    if (line["amount"] <= 0 and not discount) or line["amount"] < 0 or line["amount"] + discount > due:
        raise user_error(f"You cannot apply {line['amount']} to {document.values['tranId']}: {due} is due.")


def _credit_line(rules: Rules, row: Row, line: dict[str, Any]) -> Decimal:
    """One line of a payment's credit list; gives back its amount."""
    document = rules.books.transactions.get(str(line.get("doc") or ""))
    if document is None or document.type not in ("creditMemo", "journalEntry"):
        raise _no_line(line, "credit")
    left = rules.unapplied(document)
    line["amount"] = left if line.get("amount") is None else line["amount"]
    if not fits(rules, row, document) or left <= 0:
        raise _no_line(line, "credit")
    if line["amount"] <= 0 or line["amount"] > left:
        raise user_error(f"You cannot use {line['amount']} of {document.values['tranId']}: {left} is left.")
    return Decimal(line["amount"])


def _hand_over(rules: Rules, row: Row, credits: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Credits chosen on a payment settle its invoices themselves; what they settle leaves the payment."""
    changed = []
    for line in credits:
        credit = copy.deepcopy(rules.books.transactions[line["doc"]])
        rules.editable(credit)
        left = line["amount"]
        for target in row.lines["apply"]:
            taken = min(left, target["amount"])
            if taken > 0:
                add_application(credit, target["doc"], taken)
                target["amount"] -= taken
                left -= taken
        changed.append(credit)
    row.lines["apply"] = [x for x in row.lines["apply"] if x["amount"] > 0 or x.get("disc")]
    return changed


def add_application(row: Row, doc: str, amount: Decimal) -> None:
    """Settle some more of a document."""
    lines = row.lines.setdefault("apply", [])
    known = next((line for line in lines if line["doc"] == doc), None)
    if known:
        known["amount"] += amount
    else:
        lines.append({"doc": doc, "line": ZERO, "apply": True, "amount": amount})


def _oldest(rules: Rules, row: Row, amount: Decimal) -> list[dict[str, Any]]:
    """What autoApply does: settle the oldest open invoices first, whether or not anybody meant them."""
    found: list[dict[str, Any]] = []
    documents = [
        x
        for x in rules.books.of_customer.get(row.customer, {}).values()
        if x.type == "invoice" and fits(rules, row, x)
    ]
    for invoice in sorted(documents, key=lambda x: (x.values["tranDate"], int(x.id))):
        taken = min(amount, rules.remaining(invoice, but=row.id))
        if taken > 0:
            found.append({"doc": invoice.id, "line": ZERO, "apply": True, "amount": taken})
            amount -= taken
    return found


def credit_memo(rules: Rules, row: Row) -> None:
    """A credit memo's apply list; made without one it applies itself, unless told not to."""
    automatic = row.values.pop("autoApply", None)
    applied = chosen(row, "apply")
    for line in applied:
        _application(rules, row, line)
    if not row.id and not row.lines.get("apply") and automatic is not False:
        applied = _own_invoice(rules, row) or _oldest(rules, row, row.number("total"))
    row.lines["apply"] = applied
    if sum((line["amount"] for line in applied), ZERO) + rules.settled(row) > row.number("total"):
        raise user_error("You cannot apply more than the amount of the credit memo.")


def _own_invoice(rules: Rules, row: Row) -> list[dict[str, Any]]:
    source = rules.books.records["invoice"].get(row.values.get("createdFrom") or "")
    taken = min(rules.remaining(source), row.number("total")) if source else ZERO
    return [{"doc": source.id, "line": ZERO, "apply": True, "amount": taken}] if source and taken > 0 else []


def _deposit(rules: Rules, row: Row) -> list[Row]:
    _funds(row)
    if row.number("payment") <= 0:
        raise user_error("Please enter value(s) for: Payment Amount.")
    if row.id and rules.unapplied(row) < 0:
        raise user_error("The amount cannot be less than what was already applied.")
    return []


def _deposit_application(rules: Rules, row: Row) -> list[Row]:
    deposit = rules.books.records["customerDeposit"].get(row.values.get("deposit") or "")
    if deposit is None:
        raise user_error("A deposit application can only be made from a customer deposit.")
    row.lines["apply"] = chosen(row, "apply")
    for line in row.lines["apply"]:
        _application(rules, row, line)
    total = sum((line["amount"] for line in row.lines["apply"]), ZERO)
    before = sum((x["amount"] for x in row.lines.get("deposit", ())), ZERO)
    if total <= 0 or total > rules.unapplied(deposit) + before:
        raise user_error(f"You cannot apply {total}: {rules.unapplied(deposit)} of the deposit is left.")
    row.lines["deposit"] = [{"doc": deposit.id, "amount": total}]
    row.values["total"] = total
    return []


def _refund(rules: Rules, row: Row) -> list[Row]:
    row.values["arAcct"] = row.values.get("arAcct") or RECEIVABLE
    applied = chosen(row, "apply")
    for line in applied:
        document = rules.books.transactions.get(str(line.get("doc") or ""))
        if document is None or document.type not in CREDITS or not fits(rules, row, document):
            raise _no_line(line)
        left = rules.unapplied(document) + rules.books.paid.get(document.id, {}).get(row.id, ZERO)
        line["line"], line["apply"] = ZERO, True
        line["amount"] = left if line.get("amount") is None else line["amount"]
        if line["amount"] <= 0 or line["amount"] > left:
            raise user_error(f"You cannot refund {line['amount']}: {left} is left.")
    row.lines["apply"] = applied
    row.values["total"] = sum((line["amount"] for line in applied), ZERO)
    if not applied:
        raise user_error("You must choose at least one credit to refund.")
    return []
