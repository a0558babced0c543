"""Structured creditor references: which kind one is, whether its check digits are right, how it is compared.

Sources: ISO 11649 (RF, ISO 7064 modulo 97-10); Swiss payment standards, QR-bill annex B (modulo 10
recursive); Finance Finland (viitenumero, weights 7-3-1); Bits (Norwegian KID, modulo 10 or 11);
Bankgirot (Swedish OCR, modulo 10); Danish FIK type 71 (modulo 10).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.bank import translate
from connectors.bank.statement import Reference

_QRR = re.compile(r"(?<!\d)\d{2}(?: ?\d{5}){5}(?!\d)", re.ASCII)
# With the words behind it that may belong to it, each taken whole: parts of words would take for ever.
_RF = re.compile(
    r"(?<![A-Z0-9])RF\d\d[A-Z0-9]{0,21}+(?![A-Z0-9])(?: [A-Z0-9]{1,21}+(?![A-Z0-9])){0,6}+", re.ASCII
)


def normalised(reference: str) -> str:
    """As references are compared: upper case, letters and digits only."""
    return re.sub(r"[^A-Z0-9]", "", reference.upper())


def known(reference: str) -> Reference:
    """A reference a bank gave in a field of its own, with its kind: RF, QRR or OTHER."""
    value = normalised(reference)
    return Reference(value, translate.kind_of(value))


def found_in(narrative: Sequence[str]) -> tuple[Reference, ...]:
    """RF and QRR references with right check digits written in free text, each once, in order.

    National references are plain digits whose single check digit one number in ten has by chance: they
    are recognised only where a format has a field for them, never in text.
    """
    values: dict[str, Reference] = {}
    for line in narrative:
        words = line.upper()
        for one in _RF.findall(words) if "RF" in words else ():
            value = _longest_rf(one)
            if value:
                values.setdefault(value, Reference(value, "RF"))
        for one in _QRR.findall(words):
            value = normalised(one)
            if translate.is_qrr(value):
                values.setdefault(value, Reference(value, "QRR"))
    return tuple(values.values())


def _longest_rf(found: str) -> str:
    """The longest run of space-separated parts that is a valid reference: the next word may follow it."""
    parts = found.split(" ")
    for end in range(len(parts), 0, -1):
        value = "".join(parts[:end])
        if translate.is_rf(value):
            return value
    return ""


def is_fi(reference: str) -> bool:
    """Finnish viitenumero: 4 to 20 digits, the last one from weights 7, 3, 1 from the right."""
    value = normalised(reference).lstrip("0")
    if not re.fullmatch(r"\d{4,20}", value, re.ASCII):
        return False
    total = sum(int(digit) * (7, 3, 1)[place % 3] for place, digit in enumerate(reversed(value[:-1])))
    return (10 - total % 10) % 10 == int(value[-1])


def is_luhn(reference: str) -> bool:
    """Modulo 10 with weights 2, 1 from the right: Swedish OCR, Danish FIK type 71, half of the KIDs."""
    value = normalised(reference)
    if not re.fullmatch(r"\d{2,25}", value, re.ASCII) or not value.strip("0"):
        return False
    total = 0
    for place, digit in enumerate(reversed(value)):
        weighted = int(digit) * (2 if place % 2 else 1)
        total += weighted - 9 if weighted > 9 else weighted
    return total % 10 == 0


def is_ocr(reference: str) -> bool:
    """Swedish OCR: the last but one digit is the length modulo 10, the last one modulo 10 of all."""
    value = normalised(reference)
    return is_luhn(value) and len(value) > 2 and int(value[-2]) == len(value) % 10


def is_fik(reference: str) -> bool:
    """Danish payment slip +71: fifteen digits, modulo 10."""
    value = normalised(reference)
    return len(value) == 15 and is_luhn(value)


def is_kid(reference: str) -> bool:
    """Norwegian KID: 2 to 25 digits, modulo 10, or modulo 11 where 10 is written as a hyphen."""
    value = "".join(reference.split())
    if not re.fullmatch(r"\d{1,24}[\d-]", value, re.ASCII):
        return False
    if "-" not in value and is_luhn(value):
        return True
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(value[:-1])))
    rest = (11 - total % 11) % 11
    return value[-1] == ("-" if rest == 10 else str(rest)) and bool(value.strip("0-"))
