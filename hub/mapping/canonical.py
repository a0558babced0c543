"""The canonical kinds as schemas, so that both ends of a mapping are checked in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from hub.connector import Field, Schema
from hub.model import KINDS, Address, Money, OrderLine
from hub.model.tax import TaxSubtotal

_TYPES: Mapping[Any, str] = {
    Decimal: "decimal",
    int: "integer",
    bool: "bool",
    date: "date",
    datetime: "datetime",
}
# How pydantic's names of faults begin, and what the value should have been.
_KINDS: Mapping[str, str] = {
    "string_type": "text; put it in quotes",
    "decimal": "a number",
    "finite": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "datetime": "a date with a time such as 2026-01-31T09:30:00Z",
    "date": "a date such as 2026-01-31",
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
    credited: Money
    overdue: Money
    next_due: date | None
    payment_status: str
    invoices: tuple[_Claim, ...]


class _Allocation(BaseModel):
    invoice: str
    invoice_number: str
    amount: Money


_RELATIVES: Mapping[str, Any] = {
    "customer_external_id": str,
    "invoice_external_id": str,
    "order_external_id": str,
    "invoice_number": str,
    "order_number": str,
}

_OF_PAYMENT: Mapping[str, Any] = {
    "customer_external_id": str,
    "payment_external_id": str,
    "payment_number": str,
}

# What answers to trading partners repeat of the order; only connectors that ask for it get these.
_ECHOED: Mapping[str, Any] = {
    "theirs": tuple[dict[str, Any], ...],
    "order_number": str,
    "purchase_order": str,
    "order_date": date,
    "release": str,
    "delivery_location": str,
    "delivery_address": Address,
    "order_lines": tuple[OrderLine, ...],
    "order_currency": str,
}

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
    "invoice": {
        "open_amount": Money,
        "paid_amount": Money,
        "credited_amount": Money,
        "adjusted_amount": Money,
        "payment_status": str,
        "overdue": bool,
        "customer_name": str,
        "customer_external_id": str,
        "order_external_id": str,
        **_ECHOED,
        "shipped_on": date,
        "shipment_number": str,
        "tracking": str,
        "carrier": str,
    },
    "shipment": {
        **_ECHOED,
        "lines[].name": str,
        "lines[].unit_code": str,
        "lines[].ordered_quantity": Decimal,
    },
    "order_response": {**_ECHOED, "change_number": str},
    "payment": {
        "allocations": tuple[_Allocation, ...],
        "unapplied": Money,
        "customer_name": str,
        "customer_external_id": str,
        "order_external_ids": tuple[str, ...],
    },
    "credit_memo": {
        "allocations": tuple[_Allocation, ...],
        "applied_amount": Money,
        "unapplied": Money,
        "customer_name": str,
        **_ECHOED,
        **_RELATIVES,
        "invoice_issue_date": date,
    },
    "adjustment": {"customer_name": str, **_RELATIVES},
    "refund": {"customer_name": str, **_OF_PAYMENT},
    "dispute": {"customer_name": str, **_OF_PAYMENT},
    "payout": {"payment_number": str, "fees": Money},
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


def complaint(kind: str, path: str, value: Any) -> str:
    """Why a canonical field would refuse this value, in words for a mapping's author; empty where it fits.

    What closed lists refuse is not told here: canonical_schema() has their options.
    """
    field = _found(kind, path)
    if field is None:
        return ""
    try:
        _adapter(field).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return _words(str(first["type"]), first.get("ctx", {}), str(first["msg"]), value)
    return ""


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    annotation: Any = field.annotation
    return TypeAdapter(Annotated[annotation, *field.metadata] if field.metadata else annotation)


def _words(fault: str, facts: Mapping[str, Any], message: str, value: Any) -> str:
    if fault in ("literal_error", "enum"):
        return ""
    if fault == "string_too_long":
        return f"is longer than {facts['max_length']} characters"
    if fault == "value_error":
        return str(facts["error"]).removeprefix(f"{value!r} ")
    kind = next((kind for start, kind in _KINDS.items() if fault.startswith(start)), "")
    limit = message.removeprefix("Input should be ")
    return f"is not {kind}" if kind and "_than" not in fault else f"must be {limit}"


def _found(kind: str, path: str) -> FieldInfo | None:
    """The field of the model at a path such as `lines[].sku`."""
    model: Any = KINDS[kind]
    field: FieldInfo | None = None
    for step in path.replace("[]", "").split("."):
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or step not in model.model_fields:
            return None
        field = model.model_fields[step]
        model = _unwrapped(field.annotation)
        if get_origin(model) is tuple:
            model = _unwrapped(get_args(model)[0])
    return field


def _fields(model: type[BaseModel], prefix: str) -> Iterator[Field]:
    for name, field in model.model_fields.items():
        most = next((rule.max_length for rule in field.metadata if isinstance(rule, MaxLen)), 0)
        yield from _field(f"{prefix}{name}", field.annotation, required=field.is_required(), most=most)


def _field(path: str, annotation: Any, *, required: bool, most: int = 0) -> Iterator[Field]:
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
        kind = _TYPES.get(bare, "text")
        length = most if kind == "text" else 0
        yield Field(path, kind, required=required, options=_options(bare), max_length=length)


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
