"""Reasons of payers in words: why less was paid than was owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.model import RemittedAdjustment

WORDS: Mapping[str, str] = {  # X12 element 426 in words of our own
    "01": "the price is wrong",
    "02": "an allowance or charge is wrong",
    "03": "quantity times price is wrong",
    "04": "goods not accepted: damaged",
    "05": "goods not accepted: quality",
    "06": "the quantity is contested",
    "07": "another product than was ordered",
    "11": "goods returned: damaged",
    "12": "goods returned: quality",
    "13": "goods returned: wrong product",
    "14": "goods returned",
    "15": "goods returned",
    "19": "billed twice",
    "24": "the discount is wrong",
    "43": "discount",
    "50": "late charge",
    "52": "credit for an earlier overpayment",
    "53": "payment of an earlier underpayment",
    "54": "freight deducted",
    "55": "tax deducted",
    "56": "advertising allowance",
    "57": "volume discount",
    "59": "goods not received",
    "90": "allowance for early payment",
    "ZZ": "agreed between the two of us",
}


def in_words(reason: str, text: str = "") -> str:
    """A reason code and what the payer wrote about it; a code we have no words for is shown as it is."""
    words = WORDS.get(reason.strip().upper().zfill(2) if reason.strip().isdigit() else reason.strip().upper())
    said = text.strip() or words or ""
    if words and text.strip() and words.lower() != text.strip().lower():
        said = f"{words}: {text.strip()}"
    if not said:
        return f"reason {reason.strip()}" if reason.strip() else "no reason given"
    return f"{said} ({reason.strip()})" if reason.strip() else said


def told(adjustments: Sequence[RemittedAdjustment]) -> list[str]:
    """Adjustments as lines for people: amount and reason."""
    return [f"{one.amount} {in_words(one.reason, one.text)}" for one in adjustments]
