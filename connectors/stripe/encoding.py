"""The form encoding of Stripe's v1 API, the same bytes for the same request every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

from hub.sdk import Unmappable

Form = Mapping[str, Any]


def encoded(form: Form) -> bytes:
    """A request body: names sorted, so that a repeat under the same Idempotency-Key has the same bytes."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs(form)).encode()


def pairs(form: Form) -> list[tuple[str, str]]:
    """Names in bracket notation (`metadata[o2c_id]`, `lines[0][amount]`) with their values as text.

    What is None is left out. Raises Unmappable for what has no plain text form.
    """
    return [pair for name in sorted(form) for pair in _flat(name, form[name])]


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _flat(f"{name}[{key}]", value[key])
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from _flat(f"{name}[{at}]", one)
    else:
        yield name, _text(name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, str | int):
        return str(value)
    raise Unmappable("stripe", name, f"a {type(value).__name__} has no place in a request", value)
