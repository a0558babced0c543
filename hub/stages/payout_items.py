"""Payout items: what a payout is made of, explained by documents of ours, or the reasons why it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hub import ledger
from hub.ledger import Posting
from hub.model import Dispute, Document, Money, Payment, Payout, PayoutItem, Refund
from hub.stages.outcome import Reader

_FIRST = {"payment": 1, "dispute": -1}  # which way the movement goes that a fee belongs to
_KINDS = {"payment": "payment", "refund": "refund", "dispute": "dispute", "failed_payout": "payout"}


class Explained(NamedTuple):
    """What follows from the items of a payout.

    `wrong`: it cannot be as told. `foreign`: it moved money for what is not in these books, which a person
    may accept; `postings` has it then. `fees`: what it tells of fees that our documents did not know.
    """

    wrong: Sequence[str]
    foreign: Sequence[str]
    postings: Sequence[Posting]
    fees: Sequence[Document]


def explain(payout: Payout, read: Reader) -> Explained:
    """Check every item against its document and the sum against the payout; work out what is left to post."""
    wrong, foreign = list[str](), list[str]()
    postings, fees = list[Posting](), list[Document]()
    read.prefetch({item.document for item in payout.items if item.document})
    for item in payout.items:
        document = read.get(item.document) if item.document else None
        if strange := _strange(item, payout):
            wrong.append(strange)
        elif item.type == "fee":
            postings += ledger.charged(payout, -item.net)
        elif document is None:
            foreign.append(
                f"{item.reference}: {item.type} of {item.net} is not in these books {item.text}".strip()
            )
            postings += ledger.elsewhere(payout, item.net)
        elif misfit := _misfit(item, document, payout.held_by):
            wrong.append(f"{item.reference}: {misfit}")
        else:
            postings += _rest(payout, item, document)
            fees += _told_fee(item, document)
    return Explained([*wrong, *_sum(payout)], foreign, postings, fees)


def _strange(item: PayoutItem, payout: Payout) -> str:
    currencies = {item.gross.currency, item.fee.currency, item.net.currency}
    if currencies != {payout.amount.currency}:
        return f"{item.reference} is in {', '.join(sorted(currencies))}, not {payout.amount.currency}"
    if item.gross - item.fee != item.net:
        return f"{item.reference}: {item.gross} less {item.fee} is {item.gross - item.fee}, not {item.net}"
    return ""


def _sum(payout: Payout) -> Iterator[str]:
    """The arithmetic, where it does not hold. A manual payout has no items."""
    total = Money.zero(payout.amount.currency)
    if any(item.net.currency != total.currency for item in payout.items):
        return
    for item in payout.items:
        total += item.net
    if payout.items and total != payout.amount:
        said = f"its {len(payout.items)} items add up to {total}, it is over {payout.amount}"
        yield f"{said}: {payout.amount - total} is unexplained"


def _misfit(item: PayoutItem, document: Document, provider: str) -> str:
    """Why the item cannot be of this document."""
    if getattr(document, "held_by", provider) != provider:
        return f"{document.kind} {getattr(document, 'number', '')} is not held by {provider}"
    if document.kind != _KINDS.get(item.type, document.kind):
        return f"it is a {item.type}, and its document is a {document.kind}"
    if not isinstance(document, Payment | Refund | Payout):
        return ""
    same = document.amount.currency == item.gross.currency
    if same and abs(item.gross.amount) != abs(document.amount.amount):
        return f"{item.gross} is not the {document.amount} of {document.kind} {document.number}"
    fee = document.fee if isinstance(document, Payment) else None
    charged = item.gross.amount > 0 and fee and fee.currency == item.fee.currency
    if charged and fee != item.fee:
        return f"its fee is {item.fee}, and {fee} for {document.kind} {document.number}"
    return ""


def _rest(payout: Payout, item: PayoutItem, document: Document) -> Iterator[Posting]:
    """What the document itself did not move: a fee it does not know, and the exchange of its currency."""
    fee = getattr(document, "fee", None)
    knows = _bears(item, document)
    if not isinstance(document, Payment | Refund | Dispute):
        yield from ledger.charged(payout, item.fee)
        return
    if document.amount.currency == item.net.currency:
        if not knows:
            yield from ledger.charged(payout, item.fee)
        return
    sign = 1 if item.gross.amount > 0 else -1
    nominal = Money(amount=sign * document.amount.amount, currency=document.amount.currency)
    if knows and fee and fee.currency == nominal.currency and sign == _FIRST[document.kind]:
        yield from ledger.exchanged(payout, nominal - fee, item.net)
        return
    yield from ledger.exchanged(payout, nominal, item.gross)
    if not (knows and fee):
        yield from ledger.charged(payout, item.fee)


def _bears(item: PayoutItem, document: Document) -> bool:
    """Is its fee that of the document itself?

    A payment's is that of its coming in; what bounces bears one of its own. A dispute tells all of its fees,
    those that are given back too.
    """
    if isinstance(document, Dispute) and document.fee is not None:
        return True
    return document.kind in _FIRST and (item.gross.amount > 0) == (_FIRST[document.kind] > 0)


def _told_fee(item: PayoutItem, document: Document) -> Iterator[Document]:
    """The document with the fee that only its payout tells, in its own currency."""
    if not isinstance(document, Payment | Dispute) or not _bears(item, document) or document.fee is not None:
        return
    if item.fee and item.fee.currency == document.amount.currency and document.held_by:
        yield document.model_copy(update={"fee": item.fee})
