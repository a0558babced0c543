"""Nacha (ACH) files into their 94-character records, with or without line breaks, and their fields by name.

Source: Nacha Operating Rules, appendix three (ACH record format specifications). Positions count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.bank.flat import Line, excerpt
from hub.sdk import Invalid

WIDTH = 94
TYPES = "156789"

FILE_HEADER = {
    "destination": (4, 13), "origin": (14, 23), "created": (24, 29), "modifier": (34, 34),
    "record_size": (35, 37), "blocking": (38, 39), "format_code": (40, 40),
    "destination_name": (41, 63), "origin_name": (64, 86),
}  # fmt: skip
BATCH_HEADER = {
    "service_class": (2, 4), "company": (5, 20), "discretionary": (21, 40), "company_id": (41, 50),
    "entry_class": (51, 53), "description": (54, 63), "dated": (64, 69), "effective": (70, 75),
    "settlement": (76, 78), "odfi": (80, 87), "batch": (88, 94),
}  # fmt: skip
_ENTRY = {
    "code": (2, 3), "rdfi": (4, 11), "check_digit": (12, 12), "account": (13, 29), "amount": (30, 39),
    "individual_id": (40, 54), "name": (55, 76), "payment_type": (77, 78), "indicator": (79, 79),
    "trace": (80, 94),
}  # fmt: skip
# Entries that carry several addenda: their number stands where other names begin.
_COUNTED = {**_ENTRY, "addenda": (55, 58), "name": (59, 74)}
_IAT = {**_ENTRY, "addenda": (13, 16), "account": (40, 74), "individual_id": (0, 0), "name": (0, 0)}
_ADV = {
    **_ENTRY, "account": (13, 27), "amount": (28, 39), "individual_id": (0, 0), "name": (55, 76),
    "trace": (80, 94),
}  # fmt: skip
ENTRIES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "CTX": _COUNTED, "ACX": _COUNTED, "ATX": _COUNTED, "ENR": _COUNTED, "TRX": _COUNTED,
    "IAT": _IAT, "ADV": _ADV,
}  # fmt: skip
ORDINARY = _ENTRY
ADDENDA = {"type": (2, 3), "text": (4, 83), "sequence": (84, 87), "entry": (88, 94)}
RETURN = {
    "type": (2, 3), "reason": (4, 6), "original_trace": (7, 21), "original_rdfi": (28, 35),
    "text": (36, 79), "trace": (80, 94),
}  # fmt: skip
BATCH_CONTROL = {
    "service_class": (2, 4), "count": (5, 10), "hash": (11, 20), "debits": (21, 32), "credits": (33, 44),
    "company_id": (45, 54), "odfi": (80, 87), "batch": (88, 94),
}  # fmt: skip
ADV_BATCH_CONTROL = {**BATCH_CONTROL, "debits": (21, 40), "credits": (41, 60), "company_id": (0, 0)}
FILE_CONTROL = {
    "batches": (2, 7), "blocks": (8, 13), "count": (14, 21), "hash": (22, 31), "debits": (32, 43),
    "credits": (44, 55),
}  # fmt: skip
ADV_FILE_CONTROL = {**FILE_CONTROL, "debits": (32, 51), "credits": (52, 71)}


def records(found: Sequence[Line]) -> list[Line]:
    """Every record, 94 characters each, padding blocks of nines left out.

    A file without line breaks is cut every 94 characters; a shorter line lost its trailing spaces on the
    way and gets them back. Raises Invalid naming the line where text goes beyond a record's end.
    """
    cut: list[Line] = []
    for number, text in found:
        words = text.rstrip(" \t\x1a") if len(text) % WIDTH else text
        if len(words) > WIDTH and not _every_record_begins(words):
            raise Invalid(
                f"line {number}: {len(words)} characters from {excerpt(words)}, a Nacha record has {WIDTH}",
                field="record",
            )
        cut += [Line(number, words[at : at + WIDTH].ljust(WIDTH)) for at in range(0, len(words), WIDTH)]
    return [one for one in cut if one.text.strip() and not _is_padding(one.text)]


def _every_record_begins(words: str) -> bool:
    return all(words[at] in TYPES for at in range(0, len(words), WIDTH))


def _is_padding(text: str) -> bool:
    words = text.strip()
    return len(words) > 60 and not words.strip("9")


def field(text: str, layout: Mapping[str, tuple[int, int]], name: str) -> str:
    """One field of a record without the space around it; positions 0 mean the record has none."""
    start, end = layout[name]
    return text[start - 1 : end].strip() if start else ""


def entry_layout(entry_class: str) -> Mapping[str, tuple[int, int]]:
    """Where the fields of an entry stand, which depends on the class of its batch."""
    return ENTRIES.get(entry_class, ORDINARY)
