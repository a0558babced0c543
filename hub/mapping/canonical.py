"""The canonical kinds as schemas, so that both ends of a mapping are checked in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from hub.connector import Field, Schema
from hub.model import KINDS, Money
from hub.model.tax import TaxSubtotal

_TYPES: Mapping[Any, str] = {
    Decimal: "decimal",
    int: "integer",
    bool: "bool",
    date: "date",
    datetime: "datetime",
}
_HUB_GIVES = frozenset({"id"})


class _Claim(BaseModel):
    number: str
    state: str
    payable_amount: Money
    open_amount: Money
    due_date: date


class _Progress(BaseModel):
    invoice_numbers: str
    invoice_count: int
    invoiced: Money
    open: Money
    paid: Money
    payment_status: str
    invoices: tuple[_Claim, ...]


class _Allocation(BaseModel):
    invoice: str
    invoice_number: str
    amount: Money


PRESENTED: Mapping[str, Mapping[str, Any]] = {
    "order": {
        "tax_exclusive_amount": Money,
        "payable_amount": Money,
        "tax_subtotals": tuple[TaxSubtotal, ...],
        "lines[].line_extension_amount": Money,
        "customer_name": str,
        "progress": _Progress,
        "tracking": str,
    },
    "invoice": {"open_amount": Money, "paid_amount": Money, "customer_name": str},
    "payment": {"allocations": tuple[_Allocation, ...], "unapplied": Money, "customer_name": str},
}
"""What the hub works out and adds to a document before an outgoing mapping reads it."""


@cache
def canonical_schema(kind: str, *, presented: bool = False) -> Schema:
    """The fields of a canonical kind by their paths, such as `lines[].sku`.

    `presented`: as outgoing mappings read it, with what the hub adds; else as incoming mappings fill it,
    without the id, which is the hub's to give.
    """
    fields = list(_fields(KINDS[kind], ""))
    if presented:
        for path, annotation in PRESENTED.get(kind, {}).items():
            fields += _field(path, annotation, required=False)
    else:
        fields = [field for field in fields if field.name not in _HUB_GIVES]
    return Schema(tuple(fields), complete=True)


def _fields(model: type[BaseModel], prefix: str) -> Iterator[Field]:
    for name, field in model.model_fields.items():
        yield from _field(f"{prefix}{name}", field.annotation, required=field.is_required())


def _field(path: str, annotation: Any, *, required: bool) -> Iterator[Field]:
    bare = _unwrapped(annotation)
    if get_origin(bare) is tuple:
        item = _unwrapped(get_args(bare)[0])
        yield Field(path, "list", required=required)
        if isinstance(item, type) and issubclass(item, BaseModel):
            yield from _fields(item, f"{path}[].")
    elif isinstance(bare, type) and issubclass(bare, BaseModel):
        yield Field(path, "object", required=required)
        yield from _fields(bare, f"{path}.")
    elif get_origin(bare) is dict:
        yield Field(path, "object", required=required)
    else:
        yield Field(path, _TYPES.get(bare, "text"), required=required, options=_options(bare))


def _options(annotation: Any) -> tuple[str, ...]:
    """What a field may hold, where that is a closed list."""
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(map(str, annotation))
    return ()


def _unwrapped(annotation: Any) -> Any:
    """Without Annotated and without the `| None` of what may be missing."""
    if get_origin(annotation) is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not NoneType]
        return _unwrapped(parts[0]) if len(parts) == 1 else annotation
    return annotation
