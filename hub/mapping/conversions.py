"""The named conversions of `via`: one value in, one exact value out, or a refusal that says why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.mapping.country import country_code
from hub.mapping.finding import GrammarError, nearest
from hub.mapping.units import unit_code
from hub.mapping.values import Refusal, binary_float, exact, finite, quantum, shown, text
from hub.model import KINDS
from hub.model.currency import EXPONENTS

Convert = Callable[[Any], Any]

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)").fullmatch
_INTEGER = re.compile(r"[+-]?[0-9]{1,100}(?:\.0*)?").fullmatch
_EPOCH_MS = re.compile(r"[0-9]{11,14}").fullmatch  # since 1973; fewer digits could be a date or seconds
_CONVERSION = re.compile(r"([A-Za-z_]+)(?:\(\s*([^()]*?)\s*\))?").fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOOLS = {
    **dict.fromkeys(("true", "1", "yes", "t"), True),
    **dict.fromkeys(("false", "0", "no", "f"), False),
}


def decimal(value: Any) -> Decimal:
    """A number in plain notation (`-1234.50`). No thousands separators, no exponents, no binary floats."""
    # strip() leaves nothing exactly when every character is an ASCII digit or a dot: three times as quick as
    # the pattern, and Decimal() itself refuses a second dot
    kind = value.__class__
    if kind is Decimal:
        return finite(value)
    if kind is str and not value.strip("0123456789."):
        try:
            return Decimal(value)
        except InvalidOperation:
            raise _not_decimal(value) from None
    if isinstance(value, Decimal):
        return finite(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL(value):
        return Decimal(value)
    raise _not_decimal(value)


def _not_decimal(value: object) -> Refusal:
    if isinstance(value, float):
        return binary_float(value)
    return Refusal(f"{shown(value)} is not a plain decimal number such as 1234.50", value)


def integer(value: Any) -> int:
    """A whole number; `12` and `12.0` pass, `12.5` is refused."""
    if isinstance(value, str) and _INTEGER(value):
        return int(value.partition(".")[0])
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal) and finite(value) == value.to_integral_value():
        return int(value)
    raise Refusal(f"{shown(value)} is not a whole number", value)


def boolean(value: Any) -> bool:
    """`true`/`false`, `1`/`0`, `yes`/`no`, `T`/`F`, in any case."""
    if isinstance(value, bool):
        return value
    known = _BOOLS.get(str(value).lower()) if isinstance(value, str | int) else None
    if known is None:
        raise Refusal(f"{shown(value)} is neither true nor false", value)
    return known


def moment(value: Any) -> datetime:
    """A point in time in UTC: ISO date and time (without offset: UTC), or epoch milliseconds as text."""
    read = _datetime(value)
    if read is None:
        raise Refusal(f"{shown(value)} is not a date with a time such as 2026-01-31T09:30:00Z", value)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def day(value: Any, zone: tzinfo = UTC) -> date:
    """A day: ISO date, or ISO date and time or epoch milliseconds seen in UTC (or the given zone)."""
    if isinstance(value, str) and len(value) in {8, 10}:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise _not_day(value) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    read = _datetime(value)
    if read is None:
        raise _not_day(value)
    return (read.astimezone(zone) if read.tzinfo else read).date()  # no offset: wall-clock time of the zone


def local_moment(value: Any, zone: tzinfo) -> datetime:
    """A point in time in UTC, where a time without offset is wall-clock time of the zone.

    Refuses what the clock there showed twice or never, when it was put back or forward.
    """
    read = _datetime(value)
    if read is None or read.tzinfo:
        return moment(value)
    first, second = (read.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(zone).replace(tzinfo=None) == read:
        how = "twice, when clocks were put back"
    else:
        how = "never, when clocks were put forward"
    told = (
        f"{shown(value)} was shown {how} in {zone}; the source must give it with its offset, such as +01:00"
    )
    raise Refusal(told, value)


def _not_day(value: object) -> Refusal:
    return Refusal(f"{shown(value)} is not a date such as 2026-01-31", value)


def _datetime(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = text(value)
    if not isinstance(value, str):
        return None
    if _EPOCH_MS(value):
        return _EPOCH + timedelta(milliseconds=int(value))
    try:
        return datetime.fromisoformat(value) if len(value) > 10 else None
    except ValueError:
        return None


def currency(value: Any) -> str:
    """An ISO 4217 code, in upper case."""
    code = value.strip().upper() if isinstance(value, str) else None
    if code not in EXPONENTS:
        raise Refusal(f"unknown currency {shown(value)}", value)
    return code


def country(value: Any) -> str:
    """An ISO 3166-1 alpha-2 code from a code in any case or an English country name."""
    code = country_code(value) if isinstance(value, str) else None
    if code is None:
        raise Refusal(f"unknown country {shown(value)}; use its ISO 3166-1 code or English name", value)
    return code


def unit(value: Any) -> str:
    """A UN/ECE Recommendation 20 code from a code in any case or an English word: `each` is C62, `kg` KGM."""
    code = unit_code(value) if isinstance(value, str) else None
    if code is None:
        remedy = "use its UN/ECE Recommendation 20 code, or a table"
        raise Refusal(f"unknown unit {shown(value)}; {remedy}", value)
    return code


def money(value: Any, code: str = "") -> dict[str, Any]:
    """An amount with its currency: an object of amount and currency as it is or, in a named currency, a
    number. More decimals than the currency has are refused, never rounded."""
    if isinstance(value, Mapping):
        given_code = currency(value.get("currency"))
        if code and given_code != code:
            raise Refusal(f"the amount is in {given_code}, not in {code}", value)
        return _amount(value.get("amount"), given_code)
    if not code:
        raise Refusal(f"{shown(value)} is not an object with amount and currency; name it: money(EUR)", value)
    return _amount(value, code)


def _amount(value: Any, code: str) -> dict[str, Any]:
    amount = decimal(value)
    places = EXPONENTS[code]
    if amount != amount.quantize(quantum(places)):
        remedy = f'round it: ROUND_MONEY(..., "{code}")'
        raise Refusal(f"{shown(amount)} has more decimals than {code}, which has {places}; {remedy}", value)
    return {"amount": amount, "currency": code}


def lower(value: Any) -> str:
    """Text in small letters."""
    return text(value).lower()


def upper(value: Any) -> str:
    """Text in capital letters."""
    return text(value).upper()


def trimmed(value: Any) -> str:
    """Text without white space at both ends; where nothing is left, it is refused."""
    found = text(value).strip()
    if not found:
        raise Refusal("nothing but white space", value)
    return found


def as_list(value: Any) -> list[Any]:
    """A list as it is; a single value becomes a list of one (systems send one item without its list)."""
    if value is None or value == "":
        raise Refusal("expected a list, got no value", value)
    exact(value)
    return list(value) if isinstance(value, list | tuple) else [value]


class Table(dict[str, Any]):
    """One of the mapping's `tables`. A key it lacks is a question for a person, never a guess."""

    def __init__(self, name: str, entries: Mapping[str, Any]) -> None:
        super().__init__(entries)
        self.name = name

    def __missing__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self[text(key)]
        raise Refusal(f"{shown(key)} is not in table '{self.name}'; add it to the table and replay", key)

    def find(self, key: Any) -> Any:
        """The entry for a key of any type; numbers are looked up by their plain notation."""
        return self[text(key)]

    def knows(self, key: Any) -> bool:
        """Is there an entry for this key?"""
        return text(key) in self


class Conversion(NamedTuple):
    """One step of `via`, as written: `date(Europe/Berlin)` has name `date` and argument `Europe/Berlin`."""

    name: str
    argument: str = ""


class Form(NamedTuple):
    """How a conversion is written and what it does."""

    convert: Convert | None  # None: needs the mapping's tables or the lookup, see compile.py
    argument: str = ""  # what goes between the parentheses; `?` after it: may be left out
    purpose: str = ""


CONVERSIONS: Mapping[str, Form] = {
    "text": Form(text),
    "decimal": Form(decimal),
    "integer": Form(integer),
    "bool": Form(boolean),
    "date": Form(day, "Zone?"),
    "datetime": Form(
        moment,
        "Zone?",
        "A point in time in UTC: ISO date and time, or epoch milliseconds as text. Without offset it is UTC, "
        "or time of the given zone, where what the clock showed twice or never is refused.",
    ),
    "currency": Form(currency),
    "country": Form(country),
    "unit": Form(unit),
    "money": Form(money, "CURRENCY?"),
    "lower": Form(lower),
    "upper": Form(upper),
    "trim": Form(trimmed),
    "list": Form(as_list),
    "table": Form(None, "NAME", "The entry of the mapping's table NAME. A missing key makes a case."),
    "xref": Form(
        None,
        "KIND",
        "In: the vendor's id of a KIND to the hub's document id. Out: the reverse. Unknown: waits. Where "
        "it may be of several kinds: `xref(payment/refund)`. `xref(customer/elsewhere)` also takes what "
        "another connection calls it, as CONNECTION:ID; with `/nothing` what is unknown is no value.",
    ),
}


EXTRAS = frozenset({"elsewhere", "nothing"})  # among the kinds of an xref, and none themselves


def bound(step: Conversion) -> Convert | None:
    """The function of a conversion with its argument filled in; None where it takes a table or the lookup."""
    convert = CONVERSIONS[step.name].convert
    if convert is None or not step.argument:
        return convert
    if step.name == "money":
        return partial(money, code=step.argument)
    return partial(day if step.name == "date" else local_moment, zone=time_zone(step.argument))


def parse_conversion(written: object) -> Conversion:
    """Read one step of `via`. Raises GrammarError for a name, zone or kind that does not exist."""
    found = _CONVERSION(written) if isinstance(written, str) else None
    if found is None:
        raise GrammarError(
            f"{shown(written)} is not a conversion", remedy="write for example decimal or table(terms)"
        )
    name, argument = found[1], found[2] or ""
    if name not in CONVERSIONS:
        raise GrammarError(f"unknown conversion '{name}'", remedy=nearest(name, CONVERSIONS))
    wanted = CONVERSIONS[name].argument
    if argument and not wanted:
        raise GrammarError(f"'{name}' takes nothing in parentheses", remedy=f"write {name}")
    if wanted and not argument and not wanted.endswith("?"):
        raise GrammarError(f"'{name}' needs a name in parentheses", remedy=f"write {name}({wanted})")
    _check_argument(name, argument)
    return Conversion(name, argument)


def _check_argument(name: str, argument: str) -> None:
    for kind in argument.split("/") if name == "xref" else ():
        if kind not in KINDS and kind not in EXTRAS:
            raise GrammarError(f"unknown kind '{kind}'", remedy=nearest(kind, KINDS))
    if name in ("date", "datetime") and argument:
        time_zone(argument)
    if name == "money" and argument and argument not in EXPONENTS:
        raise GrammarError(f"unknown currency '{argument}'", remedy="use an ISO 4217 code such as EUR")


def time_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises GrammarError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise GrammarError(
            f"unknown time zone '{name[:60]}'", remedy="use an IANA name such as Europe/Berlin"
        ) from None
