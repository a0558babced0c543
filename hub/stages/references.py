"""Reading a payment's text for numbers of ours: candidates only, the issued numbers decide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hub.model import Payment

TOKENS_MAX = 400
JOINED_MAX = 4  # "INV 2026 000 017" is one number in four pieces
DOCUMENTS_MAX = 200  # of a payment whose numbers are looked for one by one
LONGEST = 120  # of a normalised number
SHORTEST = 4  # shorter runs of letters and digits are noise


def candidates(payment: Payment) -> frozenset[str]:
    """Every normalised string in the payment that could be an invoice number, bounded."""
    documents = (document.number for document in payment.documents[:DOCUMENTS_MAX])
    texts = (payment.creditor_reference, *payment.remittance_information, payment.end_to_end_id, *documents)
    return frozenset(_runs(texts))


def key(number: str) -> str:
    """A number as it is compared: only its letters and digits, upper case."""
    return re.sub(r"[^A-Z0-9]", "", number.upper())[:LONGEST]


def keys(number: str) -> Sequence[str]:
    """What a number that a payer wrote may be called here, likeliest first: all of it, then its parts."""
    whole = key(number)
    parts = sorted(set(_runs([number])) - {whole}, key=lambda run: (-len(run), run))
    return [whole, *parts] if whole else parts


def _runs(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        tokens = [token for token in re.split(r"[^A-Z0-9]+", text.upper()) if token][:TOKENS_MAX]
        for start in range(len(tokens)):
            for length in range(1, JOINED_MAX + 1):
                run = "".join(tokens[start : start + length])
                if len(run) >= SHORTEST and any(c.isdigit() for c in run):
                    yield run
