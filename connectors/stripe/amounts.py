"""Stripe's amounts: whole numbers of a currency's smallest unit there, exact decimals here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hub.sdk import Unmappable

PLACE = "stripe"
# Stripe's own lists (docs, "Supported currencies"), not those of ISO 4217: MGA has no minor unit there, while
# ISK and UGX are written with two decimals that must be zero.
_ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE = "BHD JOD KWD OMR TND"
_WHOLE = "ISK UGX"
_EXPONENTS = {**dict.fromkeys(_ZERO.split(), 0), **dict.fromkeys(_THREE.split(), 3)}
_STEPS = {**dict.fromkeys(_THREE.split(), 10), **dict.fromkeys(_WHOLE.split(), 100)}


def exponent(currency: str) -> int:
    """Decimals that Stripe's amounts in this currency have."""
    return _EXPONENTS.get(currency.upper(), 2)


def to_minor(amount: Any, currency: str, field: str = "amount") -> int:
    """A decimal in Stripe's smallest unit. Raises Unmappable where that would not be the same amount."""
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int):
        raise Unmappable(PLACE, field, f"{amount!r} is not an exact amount", amount)
    scaled = Decimal(amount).scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise Unmappable(PLACE, field, f"{amount} has more decimals than Stripe takes in {currency}", amount)
    minor, step = int(scaled), _STEPS.get(currency.upper(), 1)  # the same page tells what must end in zeros
    if minor % step:
        text = f"{amount} {currency}: Stripe takes only amounts that are a multiple of {step} in its units"
        raise Unmappable(PLACE, field, text, amount)
    return minor


def from_minor(minor: Any, currency: str, field: str = "amount") -> Decimal:
    """Stripe's whole number as a decimal. Raises Unmappable for what is not a whole number."""
    if isinstance(minor, bool) or not isinstance(minor, int):
        raise Unmappable(PLACE, field, f"{minor!r} is not an amount in whole units", minor)
    return Decimal(minor).scaleb(-exponent(currency))
