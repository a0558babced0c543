"""The form that applies a payment or a credit to invoices: proposals, search, the running difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.datastructures import FormData

from hub.errors import Invalid
from hub.model import CreditMemo, Money
from hub.stages.applying import Source, money_of
from hub.store import views
from hub.store.tx import Tx
from hub.ui.suggesting import SUGGESTIONS_MAX, Suggestion, invoices_of, searched, suggestions

TICKED_MAX = 200
CUSTOMERS_MAX = 20


@dataclass(frozen=True)
class Line:
    """One invoice of the form: ticked or not, with the amount as it was typed."""

    suggestion: Suggestion
    ticked: bool
    amount: str


@dataclass(frozen=True)
class Balance:
    """The running difference. `problem` names an amount that is none."""

    left: Money
    applied: Money
    rest: Money
    problem: str = ""

    @property
    def tone(self) -> str:
        """good: everything is explained; bad: more than there is; warn: something stays unapplied."""
        if self.problem or self.rest.amount < 0:
            return "bad"
        return "warn" if self.rest else "good"


def lines(tx: Tx, payment: Source, form: FormData, search: str = "") -> Sequence[Line]:
    """The invoices to show: ticked ones first and kept, then what was searched, then proposals."""
    ticked = _ticked(form)
    kept = {one.id: one for one in invoices_of(tx, ticked)}
    proposed = list(suggestions(tx, payment))
    pool = {each.invoice.id: each for each in [*(searched(tx, payment, search) if search else ()), *proposed]}
    for each in proposed:  # their reason says more than that they were found
        pool[each.invoice.id] = each
    for invoice_id, invoice in kept.items():
        if invoice_id not in pool:
            pool[invoice_id] = Suggestion(invoice, "", tx.reader.open_amount(invoice), "chosen")
    left = tx.reader.unapplied(payment.id, money_of(payment).currency)
    ordered = sorted(pool.values(), key=lambda each: each.invoice.id not in kept)
    return [_line(each, form, kept, left) for each in ordered[: SUGGESTIONS_MAX + len(kept) + 30]]


def _line(each: Suggestion, form: FormData, kept: Mapping[str, Any], left: Money) -> Line:
    typed = form.get(f"amount-{each.invoice.id}")
    default = f"{min(each.still, left).amount:f}"
    return Line(each, each.invoice.id in kept, typed if isinstance(typed, str) and typed else default)


def balance(tx: Tx, payment: Source, form: FormData) -> Balance:
    """What the ticked amounts add up to against what is unapplied."""
    left = tx.reader.unapplied(payment.id, money_of(payment).currency)
    applied, problem = Money.zero(left.currency), ""
    for row in shares(form):
        try:
            applied += Money(amount=Decimal(row["amount"].replace(",", "")), currency=left.currency)
        except (InvalidOperation, ValueError):
            problem = f"“{row['amount'][:30]}” is not an amount."
    return Balance(left, applied, left - applied, problem)


def shares(form: FormData) -> Sequence[Mapping[str, str]]:
    """What the decision `apply` takes: [{invoice, amount}] of the ticked rows."""
    return [
        {"invoice": one, "amount": str(form.get(f"amount-{one}", "")).strip().replace(",", "")}
        for one in _ticked(form)
    ]


def _ticked(form: FormData) -> Sequence[str]:
    found = [one for one in form.getlist("invoice") if isinstance(one, str)]
    if len(found) > TICKED_MAX:
        raise Invalid(f"at most {TICKED_MAX} invoices at once", field="invoice")
    return list(dict.fromkeys(found))


def customers(tx: Tx, payment: Source, search: str) -> Sequence[tuple[str, str]]:
    """(id, name) of customers to keep the money for: the known one, else who fits the search or payer."""
    known = tx.reader.get(payment.customer) if payment.customer else None
    first = [(known.id, str(getattr(known, "name", "")))] if known is not None else []
    if isinstance(payment, CreditMemo):
        return first
    words = payment.payer.name.split()
    wanted = search or (words[0] if words and not first else "")
    rows = views.documents(tx.conn, kind="customer", search=wanted, limit=CUSTOMERS_MAX)
    if not rows and not search:
        rows = views.documents(tx.conn, kind="customer", limit=CUSTOMERS_MAX)
    return list(dict.fromkeys([*first, *((row.id, row.number) for row in rows)]))
