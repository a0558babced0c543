"""What the readers of flat files share: text from bytes, lines, implied decimals, days, masking."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import IO, NamedTuple

from hub.sdk import Invalid

BYTES_MAX = 64 * 1024 * 1024  # one file; the largest real statement files seen are under 10 MB
LINES_MAX = 1_000_000
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_UNITS = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_DIGITS = re.compile(r"\d{4,}", re.ASCII)
# Currencies whose amounts have other than two implied decimals (ISO 4217 minor unit).
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"


class Line(NamedTuple):
    """One physical line and its number, counted from 1 in the file as sent."""

    number: int
    text: str


def taken(source: bytes | IO[bytes]) -> bytes:
    """The bytes of a file, at most one more than allowed, so that `decoded` can refuse it."""
    return source if isinstance(source, bytes) else source.read(BYTES_MAX + 1)


def decoded(body: bytes, encoding: str = "") -> str:
    """The text of a file: in the encoding told, else UTF-8 or, where it is not that, Windows-1252.

    Raises Invalid for a file that is empty, too large or not text.
    """
    if len(body) > BYTES_MAX:
        raise Invalid(
            f"the file has {len(body)} bytes, over {BYTES_MAX}: ask the bank to split it", field="body"
        )
    if not body.strip(b"\0 \t\r\n\x1a"):
        raise Invalid("the file is empty", field="body")
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    for one in (encoding,) if encoding else ("utf-8-sig", "cp1252", "latin-1"):
        try:
            return body.decode(one).replace("\x00", "")
        except (UnicodeDecodeError, LookupError):
            continue
    raise Invalid(f"the file is not text in {encoding}: declare its true encoding", field="encoding")


def lines(text: str) -> list[Line]:
    """The lines with anything on them. Raises Invalid above LINES_MAX."""
    found = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(found) > LINES_MAX:
        raise Invalid(f"over {LINES_MAX} lines in one file: ask the bank to split it", field="body")
    return [Line(number, one) for number, one in enumerate(found, 1) if one.strip(" \t\x1a")]


def exponent(currency: str) -> int:
    """How many decimals an amount written without a point has in this currency (ISO 4217)."""
    return 0 if currency in _ZERO else 3 if currency in _THREE else 2


def implied(digits: str, currency: str, place: str) -> Decimal:
    """The amount of digits without a decimal point, for example 1234 USD is 12.34.

    Raises Invalid naming `place` where it is not such a number.
    """
    words = digits.strip()
    if not _UNITS.fullmatch(words):
        raise Invalid(f"{place}: {words[:24]!r} is not an amount in whole minor units", field="amount")
    return Decimal(words).scaleb(-exponent(currency))


def whole(digits: str, place: str) -> int:
    """A count. Raises Invalid naming `place` where it is not one."""
    words = digits.strip()
    if not _WHOLE.fullmatch(words):
        raise Invalid(f"{place}: {words[:24]!r} is not a number", field="count")
    return int(words)


@lru_cache(maxsize=4_096)
def yymmdd(text: str) -> date | None:
    """A day written YYMMDD or YYYYMMDD; two-digit years are of this century. None where it is none."""
    words = text.strip()
    if re.fullmatch(r"\d{6}", words, re.ASCII):
        words = f"20{words}"
    if not re.fullmatch(r"\d{8}", words, re.ASCII):
        return None
    try:
        return date(int(words[:4]), int(words[4:6]), int(words[6:]))
    except ValueError:
        return None


def masked(account: str) -> str:
    """An account number as messages show it: the last four characters only."""
    words = "".join(account.split())
    return f"...{words[-4:]}" if len(words) > 4 else "..." if words else "(none)"


def excerpt(text: str) -> str:
    """The start of a line for a message, long digit runs masked: they may be account numbers."""
    return repr(_DIGITS.sub("#", text.strip())[:40])
