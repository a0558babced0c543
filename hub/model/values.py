"""Values that every document is made of: money, postal addresses, and the document base."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from hub.model.currency import EXPONENTS, exponent, smallest

AMOUNT_MAX = Decimal(10) ** 15  # above this an amount is a mistake, and would not fit the ledger


def _no_float(value: Any) -> Any:
    """Refuse binary floats: 0.1 + 0.2 must never become an amount."""
    if isinstance(value, float):
        raise ValueError("a binary float may not become an amount or a quantity; give text or a Decimal")
    return value


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError(f"{code!r} is not an active ISO 4217 currency code")
    return code


Exact = Annotated[
    Decimal, BeforeValidator(_no_float), Field(allow_inf_nan=False, lt=AMOUNT_MAX, gt=-AMOUNT_MAX)
]
Seller = Annotated[
    str,
    Field(
        description="which of our companies sells (UBL SellerSupplierParty); a code in policies.yaml",
        max_length=40,
    ),
]
Currency = Annotated[str, AfterValidator(_known_currency), Field(description="ISO 4217 alphabetic code")]


class Value(BaseModel):
    """An immutable value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Money(Value):
    """An exact amount in one currency. Adding two currencies raises ValueError."""

    amount: Exact = Field(description="exact decimal amount, sign included")
    currency: Currency

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in this currency."""
        return cls(amount=Decimal(0), currency=currency)

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Self:
        """From minor units: 1234 EUR cents are 12.34 EUR."""
        return cls(amount=Decimal(minor).scaleb(-exponent(currency)), currency=currency)

    @property
    def minor(self) -> int:
        """The amount in minor units. Raises ValueError where it has more decimals than its currency."""
        scaled = self.amount.scaleb(exponent(self.currency))
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{self} has more decimals than {self.currency} allows")
        return int(scaled)

    def rounded(self) -> Money:
        """To the currency's minor unit, half away from zero (what invoices and tax offices use)."""
        return Money(
            amount=self.amount.quantize(smallest(self.currency), ROUND_HALF_UP), currency=self.currency
        )

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(amount=self.amount - other.amount, currency=self.currency)

    def __neg__(self) -> Money:
        return Money(amount=-self.amount, currency=self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return (
            f"{self.amount:,.{exponent(self.currency)}f} {self.currency}" if self._exact() else self._long()
        )

    def _exact(self) -> bool:
        return self.amount == self.amount.quantize(smallest(self.currency))

    def _long(self) -> str:
        return f"{self.amount:,f} {self.currency}"


class Address(Value):
    """UBL PostalAddress: where a party is, or where goods go."""

    street: str = Field(default="", description="UBL StreetName (BT-50)", max_length=400)
    additional_street: str = Field(default="", description="UBL AdditionalStreetName (BT-51)", max_length=400)
    city: str = Field(default="", description="UBL CityName (BT-52)", max_length=200)
    postal_zone: str = Field(default="", description="UBL PostalZone (BT-53)", max_length=40)
    subdivision: str = Field(default="", description="UBL CountrySubentity (BT-54)", max_length=100)
    country: str = Field(
        default="", description="country as the source wrote it, ISO 3166-1 alpha-2 if known"
    )


class Document(Value):
    """Anything with an identity that the hub keeps in step across systems."""

    kind: ClassVar[str]
    id: str = Field(description="the hub's own id, for ever", min_length=1, max_length=36)
