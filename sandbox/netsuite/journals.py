"""Journal entries: they balance, and a line on the receivables account is owed by or to its customer."""

from __future__ import annotations

from decimal import Decimal

from sandbox.netsuite.books import ZERO, Row
from sandbox.netsuite.lists import LISTS
from sandbox.netsuite.refusals import user_error


def check(row: Row) -> None:
    """Refuses a journal that does not balance or does not say whose receivable it changes."""
    lines = row.lines.get("line") or []
    if len(lines) < 2:
        raise user_error("You must enter at least two lines for this transaction.")
    for line in lines:
        if not line.get("account"):
            raise user_error("Please enter value(s) for: Account.")
        if bool(line.get("debit")) == bool(line.get("credit")):
            raise user_error("Each line must have either a debit or a credit.")
        if _receivable(line.get("account", "")) and not line.get("entity"):
            raise user_error("Accounts receivable lines need a customer: please enter value(s) for: Name.")
    debits, credits = (sum((x.get(side) or ZERO for x in lines), ZERO) for side in ("debit", "credit"))
    if debits != credits:
        raise user_error("The amounts in a journal entry must balance.", soap="JE_AMOUNTS_MUST_BALANCE")
    row.values["subsidiary"] = row.values.get("subsidiary") or "1"
    row.values["currency"] = row.values.get("currency") or "1"


def receivable(row: Row) -> Decimal:
    """What a document made its customer owe: an invoice's total, a journal's debits to receivables."""
    return row.number("total") if row.type == "invoice" else side(row, "debit")


def side(row: Row, name: str) -> Decimal:
    """A journal's debits or credits on receivables accounts."""
    lines = (x for x in row.lines.get("line", ()) if _receivable(x["account"]))
    return sum((x.get(name) or ZERO for x in lines), ZERO)


def _receivable(account: str) -> bool:
    return LISTS["account"].get(account, {}).get("acctType") == "AcctRec"
