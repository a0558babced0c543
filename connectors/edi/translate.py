"""Codes of X12 that mean something to us, in words of our own or in the codes of other standards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation, localcontext
from types import MappingProxyType
from typing import Any

from hub.sdk import Unmappable

Tree = Mapping[str, Any]
DIGITS = 50
_FINEST = Decimal(1).scaleb(-12)  # of a price for one

# X12 element 355 to UN/ECE Recommendation 20 (X codes: Recommendation 21 packages).
UNITS: Mapping[str, str] = MappingProxyType({
    "EA": "C62", "PC": "C62", "UN": "C62", "IT": "C62", "CA": "XCS", "CS": "XCS", "CT": "XCT", "BX": "XBX",
    "PK": "XPK", "PA": "XPK", "PL": "XPX", "BG": "XBG", "BO": "XBO", "BT": "XBO", "CN": "XCA", "DR": "XDR",
    "RL": "XRO", "RO": "XRO", "TU": "XTU", "ST": "SET", "SH": "XST", "KT": "KT", "PR": "PR", "DZ": "DZN",
    "GS": "GRO", "HU": "CEN", "TH": "MIL", "LB": "LBR", "OZ": "ONZ", "KG": "KGM", "GR": "GRM", "TN": "STN",
    "MP": "TNE", "FT": "FOT", "LF": "FOT", "IN": "INH", "YD": "YRD", "MR": "MTR", "CM": "CMT", "SF": "FTK",
    "SM": "MTK", "SY": "YDK", "CF": "FTQ", "GA": "GLL", "LT": "LTR", "ML": "MLT", "HR": "HUR", "DA": "DAY",
    "MO": "MON", "YR": "ANN", "P1": "P1",
})  # fmt: skip

# Element 92: firm orders; agreements under which releases follow; copies for information.
FIRM_ORDERS = frozenset(
    {"SA", "NE", "DS", "RL", "KN", "RO", "OS", "RE", "PR", "EO", "NS", "SS", "CP", "DR", "02", ""}
)
BLANKET_ORDERS = frozenset({"BK", "BE", "BL", "BQ"})
INFORMATION = frozenset({"IN"})

# Element 639 where it is only a label of the price; those that divide it are in footing.PRICED_FOR.
PRICE_LABELS = frozenset(
    {"", "PE", "TE", "WE", "LE", "QE", "RE", "CT", "CP", "QT", "SR", "NT", "CA", "UM", "NC", "PP"}
)
ORDER_PRICES = ("UCP", "CON", "NET")  # element 236: what the buyer pays; RES and MSR are what shops ask

RESULTS: Mapping[str, str] = MappingProxyType({  # elements 715, 717 and I17
    "A": "accepted", "E": "accepted_with_errors", "P": "partly_accepted", "R": "rejected", "M": "rejected",
    "W": "rejected", "X": "rejected",
})  # fmt: skip
SET_CODES: Mapping[str, str] = MappingProxyType({  # element 718
    "1": "the set is not supported", "2": "SE is missing", "3": "ST02 and SE02 differ",
    "4": "SE01 is not the number of segments", "5": "segments are in error", "6": "ST01 is wrong",
    "7": "ST02 is missing or was used before", "23": "ST02 was used in the group before",
})  # fmt: skip
GROUP_NOTES: Mapping[str, str] = MappingProxyType({  # element 716
    "1": "the group is not supported", "2": "the version is not supported", "3": "GE is missing",
    "4": "GS06 and GE02 differ", "5": "GE01 is not the number of sets",
    "6": "GS06 is wrong or was used before",
})  # fmt: skip
SEGMENT_CODES: Mapping[str, str] = MappingProxyType({  # element 720
    "1": "the segment is not known", "2": "the segment is not expected here", "3": "the segment is missing",
    "4": "the loop stands too often", "5": "the segment stands too often",
    "6": "the segment is not one of this set", "7": "the segment is out of sequence",
    "8": "the segment has elements in error",
})  # fmt: skip
ELEMENT_CODES: Mapping[str, str] = MappingProxyType({  # element 723
    "1": "is missing", "2": "is missing beside another", "3": "is one too many", "4": "is too short",
    "5": "is too long", "6": "has a character that may not be in it", "7": "is not one of its codes",
    "8": "is no date", "9": "is no time", "10": "may not stand beside another", "12": "stands too often",
    "13": "stands too often",
})  # fmt: skip
TECHNICAL_CODES: Mapping[str, str] = MappingProxyType({  # element I18
    "000": "no error", "001": "ISA13 and IEA02 differ", "005": "the sender's qualifier is not known",
    "006": "the sender is not known", "007": "the receiver's qualifier is not known",
    "008": "the receiver is not known", "014": "the date is wrong", "015": "the time is wrong",
    "017": "the version is not known", "018": "ISA13 is wrong", "020": "ISA15 is wrong",
    "021": "IEA01 is not the number of groups", "022": "the envelope is wrong",
    "023": "the interchange ends too early", "024": "the envelope is wrong", "025": "it came before",
})  # fmt: skip


def unit_of(code: str) -> str:
    """UN/ECE code of an X12 unit; empty where we know none."""
    return UNITS.get(code, "")


def many(tree: Tree, name: str) -> Sequence[Tree]:
    """The segments or loops of a name, whether one or several may stand there."""
    found = tree.get(name)
    if found is None:
        return ()
    return found if isinstance(found, list) else (found,)


def one(tree: Tree, name: str) -> Tree:
    """The first of a name; empty where there is none."""
    found = many(tree, name)
    return found[0] if found else {}


def check_single(tree: Tree, mapping: str, *names: str) -> None:
    """Raises Unmappable where a segment that may stand once stands more often and says different things."""
    for name in names:
        found = many(tree, name)
        if any(other != found[0] for other in found[1:]):
            words = f"{name} stands {len(found)} times and says different things: ask which one counts"
            raise Unmappable(mapping, name, words)


def text(tree: Tree, name: str) -> str:
    """A value as text; empty where there is none, or a composite."""
    value = tree.get(name)
    if value is None or value.__class__ is not str:
        return ""
    told: str = value
    return told.strip()


def number(tree: Tree, name: str, mapping: str, field: str) -> Decimal | None:
    """An exact number; None where there is none. Raises Unmappable naming `field` where it is no number."""
    words = text(tree, name)
    if not words:
        return None
    try:
        value = Decimal(words)
    except InvalidOperation:
        raise Unmappable(mapping, field, f"{words!r} is not a number", words) from None
    if not value.is_finite() or abs(value.adjusted()) > DIGITS:
        raise Unmappable(mapping, field, f"{words!r} is not a number", words)
    return value


def divided(value: Decimal, by: Decimal) -> Decimal | None:
    """The exact quotient; None where it has no end."""
    if not by:
        return None
    with localcontext() as context:
        context.prec = DIGITS
        found = value / by
        exact = found * by == value and found == found.quantize(_FINEST)
    return plain(found) if exact else None


def plain(value: Decimal) -> Decimal:
    """Without an exponent and without noughts at its end: 1.50 is 1.5, 1E+2 is 100."""
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if value == whole else value.normalize()


def check_digit_holds(code: str) -> bool:
    """GS1: is the last digit of a GTIN (8, 12, 13 or 14 digits) the right one?"""
    if not code.isascii() or not code.isdigit() or len(code) not in (8, 12, 13, 14):
        return False
    weights = (3, 1) * 7
    total = sum(int(digit) * weight for digit, weight in zip(reversed(code[:-1]), weights, strict=False))
    return (10 - total % 10) % 10 == int(code[-1])
