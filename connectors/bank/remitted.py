"""The documents of an X12 820 as a bank transaction carries them: paid, discount, adjustments."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.bank.statement import Document
from connectors.bank.x12_820 import Document as Advice
from connectors.bank.x12_820 import Reason, Remittance


def documents_of(remittances: Sequence[Remittance]) -> list[Document]:
    """One document per RMR, one more per further adjustment, and the part nothing explains.

    The part nothing explains has the kind `residual` and no number: what RMR and ADX say need not add up
    to the payment (BPR02), and nobody may guess what the rest is for.
    """
    found: list[Document] = []
    for one in remittances:
        currency = one.currency or "USD"
        for advice in one.documents:
            found += _document(advice, currency)
        found += [_adjustment(reason, "", currency) for reason in one.adjustments]
        if one.residual and (one.documents or one.adjustments):
            found.append(Document("", "residual", paid=one.residual, currency=currency))
    return found


def _document(advice: Advice, currency: str) -> list[Document]:
    """The document with its first adjustment; further ones name it again without amounts paid."""
    first = advice.reasons[0] if advice.reasons else None
    own = Document(
        number=advice.number,
        kind=advice.qualifier,
        dated=advice.dated,
        paid=advice.paid,
        original=advice.original,
        discount=advice.discount,
        adjustment=first.amount if first else None,
        reason=first.code if first else "",
        currency=currency,
    )
    return [own, *(_adjustment(one, advice.number, currency) for one in advice.reasons[1:])]


def _adjustment(reason: Reason, number: str, currency: str) -> Document:
    return Document(
        number=reason.document or number,
        kind="ADX",
        adjustment=reason.amount,
        reason=reason.code,
        currency=currency,
    )
