"""Messages: records that only travel from one system to others under a mapping."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from hub.model.states import MessageState
from hub.model.values import Document

DIGITS_MAX = 400


def _without_exponents(value: Any) -> Any:
    """JSON text of a decimal is its str(), which is 1E-7 for small ones: no mapping reads that again."""
    kind = value.__class__
    if kind is dict:
        for name, part in value.items():
            kind = part.__class__
            if kind is str:  # most parts of most records
                continue
            if kind is Decimal:
                text = str(part)
                if "E" in text or len(text) > DIGITS_MAX:
                    value[name] = _written_out(part)
            elif kind in _NESTED:
                value[name] = _without_exponents(part)
        return value
    if kind is list:
        return [_without_exponents(part) if part.__class__ in _NESTED else part for part in value]
    return _written_out(value) if kind is Decimal else value


def _written_out(number: Decimal) -> Decimal | str:
    if number.is_finite() and abs(number.adjusted()) > DIGITS_MAX:  # written out it would fill the memory
        raise ValueError(f"a number of more than {DIGITS_MAX} digits")
    return format(number, "f") if "E" in str(number) else number


_NESTED = frozenset({dict, list, Decimal})


class Message(Document):
    """A record outside order-to-cash: mapped, delivered once, traced like any document."""

    kind: ClassVar[str] = "message"
    topic: str = Field(default="", description="what it is about, for people and routes", max_length=200)
    body: Annotated[dict[str, Any], AfterValidator(_without_exponents)] = Field(
        default_factory=dict, description="the mapped record"
    )
    state: MessageState = MessageState.RECEIVED
