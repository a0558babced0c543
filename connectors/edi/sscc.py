"""Serial shipping container codes (GS1 General Specifications, 3.2): 18 digits, the last one a check."""

from __future__ import annotations

from hub.sdk import Invalid

_DIGITS = 17  # before the check digit: extension digit, company prefix, serial


def check_digit(digits: str) -> str:
    """Modulo 10 with weights 3 and 1 from the right, as in every number of GS1."""
    total = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def made(prefix: str, serial: int) -> str:
    """The SSCC of a serial, extension digit 0. When all serials were used, they begin anew.

    Raises Invalid without a company prefix.
    """
    if not prefix.isdigit():
        raise Invalid(
            "cartons want an SSCC, and the connection has no GS1 company prefix", field="gs1_prefix"
        )
    width = _DIGITS - 1 - len(prefix)
    digits = f"0{prefix}{serial % 10**width:0{width}d}"
    return digits + check_digit(digits)


def checked(code: str) -> str:
    """An SSCC that the shipment tells, without application identifier 00. Raises Invalid where it is none."""
    plain = code.strip()
    plain = plain[2:] if len(plain) == 20 and plain.startswith("00") else plain
    if len(plain) != 18 or not (plain.isascii() and plain.isdigit()) or check_digit(plain[:-1]) != plain[-1]:
        raise Invalid(f"{code!r} is no SSCC: 18 digits, the last one a check digit", field="packages.sscc")
    return plain
