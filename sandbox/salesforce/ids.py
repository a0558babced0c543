"""Record ids: 15 characters, or 18 with a suffix that keeps them apart where case is lost."""

from __future__ import annotations

import re

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def suffixed(id15: str) -> str:
    """The 18-character form: each of three letters says which of five characters are capitals."""
    parts = [id15[at : at + 5] for at in (0, 5, 10)]
    return id15 + "".join(
        _SUFFIX[sum(1 << n for n, c in enumerate(part) if "A" <= c <= "Z")] for part in parts
    )


def made(prefix: str, number: int) -> str:
    """The id of the n-th record; ids of one object ascend with the number."""
    tail = ""
    while number:
        number, digit = divmod(number, 62)
        tail = _DIGITS[digit] + tail
    return suffixed(f"{prefix}5g0{tail:0>9}")


def whole(id: str) -> str | None:
    """The 18-character form of what may be an id; None when it is none."""
    if not re.fullmatch(r"[0-9A-Za-z]{15}([0-5A-Z]{3})?", id):
        return None
    full = suffixed(id[:15])
    return full if len(id) == 15 or id == full else None
