"""Drawing pages: one Jinja environment that escapes everything, and how money, times and states look."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hub.api.mapping_showing import wire
from hub.model import Money
from hub.ui import words

HERE = Path(__file__).parent
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
VALUE_MAX = 160  # characters of a value in a table
_FIGURES = frozenset({"unit_price", "quantity", "tax_percent", "percent"})
_DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_SHORT = {"url": "URL", "id": "ID", "sku": "SKU", "iban": "IBAN"}


def money(value: Money | None) -> str:
    """12,345.60 USD; a dash where there is none."""
    return "—" if value is None else str(value)


def moment(value: datetime | None) -> Markup:
    """A time in UTC, machine readable too."""
    if value is None:
        return Markup("—")
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), at.strftime("%d %b %Y %H:%M"))


def clock_time(value: datetime) -> Markup:
    """A time within a day, to the second."""
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), at.strftime("%H:%M:%S"))


def day(value: date | None) -> str:
    """A business date."""
    return "—" if value is None else value.strftime("%d %b %Y")


def age(value: datetime | None, now: datetime) -> str:
    """How long ago, in the largest fitting unit."""
    if value is None:
        return "never"
    seconds = max(int((now - value).total_seconds()), 0)
    if seconds < _MINUTE:
        return "just now"
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "just now"


def share(part: Money, whole: Money) -> Decimal:
    """Per cent of the whole, between 0 and 100, for bars."""
    if whole.amount <= 0:
        return Decimal(0)
    return round(max(Decimal(0), min(Decimal(100), part.amount * 100 / whole.amount)), 2)


def quantity(value: Decimal) -> str:
    """A quantity without trailing zeros."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(value: Decimal) -> str:
    """A unit price: at least two decimals, as many as it has."""
    return f"{value:,.2f}" if value == round(value, 2) else quantity(value)


def pretty(value: Any) -> str:
    """JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


def plain_json(value: Any) -> str:
    """A record as JSON for people, its decimals exact."""
    return pretty(wire(value))


def brief(value: Any, longest: int = VALUE_MAX) -> str:
    """Any value of a record in one bounded line; a dash for none. What is cut says so."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, Mapping | list | tuple):
        text = orjson.dumps(wire(value), default=str).decode()
    else:
        text = str(wire(value))
    return cut(" ".join(text.split()), longest)


def cut(text: str, longest: int) -> str:
    """A text of bounded length, which says how much of it there is."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… (cut: {len(text):,} characters in all)"


def humane(name: str) -> str:
    """A field's name as a label."""
    text = " ".join(_SHORT.get(word, word) for word in name.replace("_", " ").replace(".", " ").split())
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """A text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def as_money(value: Mapping[str, Any]) -> Money | None:
    """The amount that an object of a body stands for, if it is one."""
    return Money(**value) if set(value) == {"amount", "currency"} else None


def filled_columns(rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """The fields of the first that have a value in any of them."""
    return [name for name in rows[0] if any(row.get(name) not in (None, "", [], {}) for row in rows)]


def readable(value: Any, name: str = "") -> Any:
    """A stored value as people write it: a price without zeros at its end, a moment as everywhere else."""
    text = str(value)
    if name in _FIGURES and _DECIMAL.fullmatch(text):
        return price(Decimal(text)) if name == "unit_price" else quantity(Decimal(text))
    return moment(datetime.fromisoformat(text)) if _MOMENT.fullmatch(text) else value


def is_mapping(value: Any) -> bool:
    """Is it an object?"""
    return isinstance(value, Mapping)


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    env.filters.update(
        money=money, moment=moment, clock_time=clock_time, day=day, age=age, quantity=quantity, pretty=pretty,
        humane=humane, sentence=sentence, price=price, brief=brief, cut=cut, plain_json=plain_json,
        readable=readable,
    )  # fmt: skip
    env.tests["object"] = is_mapping
    env.globals.update(words=words, share=share, as_money=as_money, filled_columns=filled_columns)
    return env


_ENVIRONMENT = _environment()


def draw(template: str, **values: Any) -> str:
    """A page or fragment as HTML."""
    return _ENVIRONMENT.get_template(template).render(**values)
