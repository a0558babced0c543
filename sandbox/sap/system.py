"""What all parts of the system share: the store, the clock, customizing, and who has what open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sandbox.sap.refusals import Refusal, business, locked
from sandbox.sap.store import Row, Store
from sandbox.sap.values import NO_DECIMALS

USER = "O2C_COMM"


class Company(NamedTuple):
    """A company code, which is also the sales organization and the plant of the same number."""

    code: str
    name: str
    country: str
    currency: str
    bank: str
    house_bank: str
    house_account: str


class Tax(NamedTuple):
    """A tax code with its rate in per cent."""

    code: str
    rate: Decimal


class Terms(NamedTuple):
    """Terms of payment: days until net, and the cash discount before."""

    days: int
    discount_days: int = 0
    discount: Decimal = Decimal(0)


COMPANIES = {
    "1010": Company("1010", "Company Code 1010", "DE", "EUR", "0011010000", "BANK1", "GIRO1"),
    "1710": Company("1710", "Company Code 1710", "US", "USD", "0011010000", "USBK1", "USCH1"),
}
TERMS = {
    "0001": Terms(0), "NT07": Terms(7), "NT14": Terms(14), "NT15": Terms(15), "NT30": Terms(30),
    "NT45": Terms(45), "NT60": Terms(60), "NT90": Terms(90), "0002": Terms(30, 14, Decimal(2)),
}  # fmt: skip
RECEIVABLES, REVENUE, OUTPUT_TAX = "0012100000", "0041000000", "0022000000"
WRITE_OFF, DISCOUNT, FEES, EXCHANGE = "0044000000", "0044100000", "0044200000", "0044300000"
ACCOUNTS = {
    RECEIVABLES: "Trade receivables", "0011010000": "Bank 1", "0024000000": "Cash clearing",
    REVENUE: "Revenue domestic", OUTPUT_TAX: "Output tax", WRITE_OFF: "Bad debt expense",
    DISCOUNT: "Cash discount granted", FEES: "Bank charges", EXCHANGE: "Exchange rate differences",
    "0044400000": "Sales deductions", "0021000000": "Down payments received",
}  # fmt: skip
REASONS = {"": "", "001": "", "010": WRITE_OFF, "020": FEES, "030": EXCHANGE, "040": DISCOUNT}
CURRENCIES = frozenset({"EUR", "USD", "GBP", "CHF", "JPY", "CAD", "SEK", "DKK", "NOK", "PLN", "CZK", "AUD"})
UNITS = {"PC": "PCE", "EA": "EA", "ST": "PCE", "H": "HUR", "HR": "HUR", "KG": "KGM", "L": "LTR", "M": "MTR"}


def _rates() -> dict[tuple[str, str], Decimal]:
    return {("USD", "EUR"): Decimal("0.90000"), ("EUR", "USD"): Decimal("1.10000")}


def _taxes() -> dict[str, dict[str, Tax]]:
    return {
        "1010": {"1": Tax("A1", Decimal(19)), "0": Tax("A0", Decimal(0)), "2": Tax("A2", Decimal(7))},
        "1710": {"1": Tax("O1", Decimal(0)), "0": Tax("O0", Decimal(0))},
    }


@dataclass
class System:
    """One client of one system. `closed` are the company codes with the last closed day."""

    store: Store
    clock: Callable[[], datetime]
    zone: str = "UTC"
    ahead: timedelta = timedelta()
    warnings: list[tuple[str, str]] = field(default_factory=list)
    closed: dict[str, date] = field(default_factory=dict)
    locks: dict[str, tuple[str, int]] = field(default_factory=dict)
    taxes: dict[str, dict[str, Tax]] = field(default_factory=_taxes)
    rates: dict[tuple[str, str], Decimal] = field(default_factory=_rates)
    documents: list[tuple[str, str]] = field(default_factory=list)  # to be sent as IDocs: (kind, number)

    def now(self) -> datetime:
        """The moment, to the millisecond, UTC."""
        at = self.clock().astimezone(UTC) + self.ahead
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def today(self) -> date:
        """The system's business day."""
        return self.now().astimezone(ZoneInfo(self.zone)).date()

    def stamp(self, row: Row | None = None) -> datetime:
        """A change stamp, later than the row's last."""
        before = row.get("LastChangeDateTime") if row else None
        at = self.now()
        return at if before is None or at > before else before + timedelta(milliseconds=1)

    def warn(self, code: str, text: str) -> None:
        """A message that goes with success."""
        self.warnings.append((code, text))

    def company(self, code: Any) -> Company:
        """A company code. Raises Refusal."""
        if code not in COMPANIES:
            raise business("F5/165", f"Company code {code or ''} is not defined")
        return COMPANIES[code]

    def open_period(self, company: str, day: date) -> None:
        """Raises the refusal of a closed posting period."""
        if company in self.closed and day <= self.closed[company]:
            text = f"Posting period {day.month:03d} {day.year} is not open"
            raise business("F5/201", text)

    def free(self, order: str) -> None:
        """Raises the lock error while somebody has the order open."""
        if order not in self.locks:
            return
        user, times = self.locks[order]
        if times > 0:
            self.locks[order] = (user, times - 1)
            if times == 1:
                del self.locks[order]
        raise locked(order, user)

    def local(self, amount: Decimal, currency: str, company: str) -> Decimal:
        """An amount in the company code's currency. Raises Refusal without a rate."""
        own = COMPANIES[company].currency
        if currency == own:
            return amount
        rate = self.rates.get((currency, own))
        if rate is None:
            raise business(
                "SG/105", f"Enter rate {currency} / {own} rate type M for today in the system settings"
            )
        return rounded(amount * rate, own)

    def created(self) -> dict[str, Any]:
        """Who created something and when."""
        at = self.now().astimezone(ZoneInfo(self.zone))
        return {
            "CreatedByUser": USER,
            "CreationDate": at.date(),
            "CreationTime": at.time().replace(microsecond=0),
            "LastChangeDate": at.date(),
        }


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount at the currency's decimals, halves away from zero."""
    return amount.quantize(Decimal(1) if currency in NO_DECIMALS else Decimal("0.01"), ROUND_HALF_UP)


def missing(field_name: str) -> Refusal:
    """A mandatory field is empty."""
    return business("00/055", f"Fill in all required entry fields: {field_name}")
