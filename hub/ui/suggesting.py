"""Which open invoices a payment or a credit may be for: proposals for a person, with reasons, best first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.model import CreditMemo, Invoice, Money, Payment
from hub.stages.applying import OWED, Source, money_of
from hub.stages.references import candidates
from hub.store import figures, views
from hub.store.tx import Tx

SUGGESTIONS_MAX = 20
FOUND_MAX = 30
_WORD_MIN = 4  # shorter words of a payer's name (AG, LTD, THE) fit too many customers


class Suggestion(NamedTuple):
    """An open invoice with what is open of it, and why it is proposed."""

    invoice: Invoice
    customer: str
    still: Money
    why: str


def suggestions(tx: Tx, payment: Source) -> Sequence[Suggestion]:
    """Open invoices in the payment's currency: named in it, of the same amount, of the payer.

    Of a credit memo: its customer's.
    """
    left = tx.reader.unapplied(payment.id, money_of(payment).currency)
    found: dict[str, Suggestion] = {}
    if isinstance(payment, CreditMemo):
        family = tx.reader.open_invoices(payment.customer, SUGGESTIONS_MAX)
        _add(tx, found, sorted(family, key=lambda one: one.due_date), "of this customer", payment)
        return list(found.values())
    named = tx.reader.invoices_named(candidates(payment))
    _add(tx, found, named, "named in the payment", payment)
    _add(tx, found, tx.reader.invoices_of_amount(left), "same amount", payment)
    for customer_id, why in _payers(tx, payment):
        family = tx.reader.open_invoices(customer_id, SUGGESTIONS_MAX)
        _add(tx, found, sorted(family, key=lambda one: one.due_date), why, payment)
    return list(found.values())[:SUGGESTIONS_MAX]


def searched(tx: Tx, payment: Source, search: str) -> Sequence[Suggestion]:
    """Open invoices whose number or customer's name a person typed."""
    rows = figures.open_invoices(tx.conn, currency=money_of(payment).currency, search=search, limit=FOUND_MAX)
    found: dict[str, Suggestion] = {}
    _add(tx, found, invoices_of(tx, [row.id for row in rows]), "found", payment)
    return list(found.values())


def invoices_of(tx: Tx, ids: Iterable[str]) -> Sequence[Invoice]:
    """The invoices among these documents."""
    return [one for one in (tx.reader.get(each) for each in ids) if isinstance(one, Invoice)]


def _add(
    tx: Tx, found: dict[str, Suggestion], invoices: Sequence[Invoice], why: str, payment: Source
) -> None:
    names = figures.labels(tx.conn, [one.customer for one in invoices])
    for one in invoices:
        if one.currency != money_of(payment).currency or one.state not in OWED:
            continue
        known = found.get(one.id)
        reason = f"{known.why}, {why}" if known is not None else why
        name = names.get(one.customer, ("", ""))[1]
        found[one.id] = Suggestion(one, name, tx.reader.open_amount(one), reason)


def _payers(tx: Tx, payment: Payment) -> Sequence[tuple[str, str]]:
    """Customers the money may come from: known, learned by account, or of a similar name."""
    known = payment.customer or tx.reader.payer_of_account(payment.payer.account)
    if known:
        return [(known, "of this payer")]
    words = [word for word in payment.payer.name.split() if len(word) >= _WORD_MIN]
    if not words:
        return []
    rows = views.documents(tx.conn, kind="customer", search=words[0], limit=3)
    return [(row.id, "payer has a similar name") for row in rows]
