"""The fields of what partners send, for mappings: orders, changes, remittances, interchanges ... as read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.edi import schema_out
from hub.sdk import Field, Schema

_PARTY = "role name qualifier code street additional_street city subdivision postal_zone country"
_SET = "set.version set.control_number set.group set.interchange"
_TERMS = "type basis code discount_percent discount_days net_days text discount_date net_due"
_DAYS = (
    "deliver_on deliver_from deliver_by required_by promised ship_on ship_from ship_by pick_up cancel_after"
)
_TEXT_OF_LINE = (
    "line_id line_number unit unit_code basis sku gtin name requested_on pack pack_size inner_pack"
)
_FAULT = "segment element code message value"


def _fields(names: str, type: str = "text", within: str = "") -> Iterator[Field]:
    for name in names.split():
        yield Field(f"{within}{name}", type)


def _list(name: str, *inner: Iterable[Field]) -> Iterator[Field]:
    """A list and what is in each of its items."""
    yield Field(name, "list")
    for fields in inner:
        yield from fields


def _pairs(name: str, names: str) -> Iterator[Field]:
    yield from _list(name, _fields(names, within=f"{name}[]."))


def _party(name: str) -> Iterator[Field]:
    yield Field(name, "object")
    yield from _fields(_PARTY, within=f"{name}.")
    yield Field(f"{name}.located", "bool", label="is an address told, or only a code?")


def _dates(within: str = "") -> Iterator[Field]:
    name = f"{within}dates"
    yield from _list(name, (Field(f"{name}[].qualifier"), Field(f"{name}[].date", "date")))


def _references(within: str = "") -> Iterator[Field]:
    yield from _pairs(f"{within}references", "qualifier value text")


def _allowances(within: str = "") -> Iterator[Field]:
    name = f"{within}allowances"
    inner = f"{name}[]."
    yield from _list(
        name,
        (Field(f"{inner}indicator", label="A or C where it changes the price of this order, else empty"),),
        _fields("told_indicator code unit handling text", within=inner),
        _fields("amount percent rate", "decimal", inner),
    )


def _described(within: str) -> Iterator[Field]:
    """What PO1 and POC have in common."""
    yield from _fields(_TEXT_OF_LINE, within=within)
    yield Field(f"{within}quantity", "decimal")
    yield Field(f"{within}ordered", "decimal", label="quantity of the line as it was sent")
    yield Field(f"{within}unit_price", "decimal", label="exact, of one, after allowances")
    yield Field(f"{within}told_price", "decimal", label="as it was sent (PO104)")
    yield from _pairs(f"{within}ids", "qualifier id")
    yield from _dates(within)
    yield from _references(within)
    yield Field(f"{within}notes", "list")
    prices = f"{within}prices"
    yield from _list(prices, (Field(f"{prices}[].type"), Field(f"{prices}[].price", "decimal")))
    yield from _allowances(within)
    parts = f"{within}sublines"
    yield from _list(
        parts,
        _fields("line_number relationship unit name", within=f"{parts}[]."),
        _fields("quantity unit_price", "decimal", f"{parts}[]."),
        _pairs(f"{parts}[].ids", "qualifier id"),
    )
    days = f"{within}schedules"
    yield from _list(
        days,
        _fields("unit qualifier", within=f"{days}[]."),
        (Field(f"{days}[].quantity", "decimal"), Field(f"{days}[].date", "date")),
    )


def _head() -> Iterator[Field]:
    """What an 850 and an 860 have in common."""
    yield Field("purchase_order", label="BEG03", required=True)
    yield from _fields("release purpose type response store")
    yield from (Field("date", "date"), Field("requested_on", "date"))
    yield from _dates()
    yield Field("days", "object", label="the days of DTM by name")
    yield from _fields(_DAYS, "date", "days.")
    yield from _references()
    yield from _list("parties", _fields(_PARTY, within="parties[]."), (Field("parties[].located", "bool"),))
    yield Field("notes", "list")
    yield from (Field(f"partner.{name}", label="the setting") for name in ("customer", "seller", "name"))
    yield Field("not_placed", "list", label="segments without a place in the guide")
    yield from _fields(_SET)


def _order() -> Iterator[Field]:
    yield from _head()
    yield from _fields("currency contract freight sales_requirement")
    yield Field("response_wanted", "bool", label="an 855 is wanted, by the order or by the profile")
    yield Field("total", "decimal", label="AMT with qualifier TT")
    yield from _list(
        "contacts",
        _fields("role name", within="contacts[]."),
        _pairs("contacts[].numbers", "qualifier number"),
    )
    yield from (*_party("ship_to"), *_party("buyer"))
    yield Field("terms", "object")
    yield from _fields(_TERMS, within="terms.")
    yield Field("carrier", "object")
    yield from _fields("scac qualifier code method routing", within="carrier.")
    yield from _allowances()
    yield from _list("lines", _described("lines[]."))


def _order_change() -> Iterator[Field]:
    yield from _head()
    yield Field("order_key", label="external id of the order", required=True)
    yield Field("action", options=("change", "cancel"), required=True)
    yield from (Field("sequence", label="BCH05"), Field("ordered_on", "date"))
    yield from _list(
        "lines",
        _fields("line_id line_number change_type sku unit action", within="lines[]."),
        _fields("quantity left unit_price", "decimal", "lines[]."),
        (Field("lines[].requested_on", "date"), Field("lines[].line", "object", label="the whole new line")),
        _pairs("lines[].ids", "qualifier id"),
        _described("lines[].line."),
    )


def _remittance() -> Iterator[Field]:
    yield Field("amount", "decimal", required=True)
    yield from _fields("currency handling method trace payer_id customer")
    yield Field("money_follows", "bool")
    yield Field("paid_on", "date")
    yield from (*_party("payer"), *_party("payee"), Field("payer.account"))
    yield from (*_references(), *_dates(), Field("notes", "list"))
    yield from _list(
        "documents",
        _fields("number type action currency", within="documents[]."),
        _fields("paid original discount", "decimal", "documents[]."),
        (Field("documents[].dated", "date"), Field("documents[].notes", "list")),
        _references("documents[]."),
        _adjustments("documents[].adjustments"),
    )
    yield from _adjustments("adjustments")
    yield from _fields(_SET)


def _adjustments(name: str) -> Iterator[Field]:
    below = "below zero: it makes the payment smaller"
    yield from _list(
        name,
        (Field(f"{name}[].amount", "decimal", label=below),),
        _fields("reason text", within=f"{name}[]."),
    )


def _groups() -> Iterator[Field]:
    sets = "groups[].sets"
    yield from _list(
        "groups",
        _fields("code version number status", within="groups[]."),
        (Field("groups[].notes", "list"),),
        _list(
            sets,
            _fields("set_id number reference status reason", within=f"{sets}[]."),
            _list(
                f"{sets}[].faults",
                _fields(_FAULT, within=f"{sets}[].faults[]."),
                (Field(f"{sets}[].faults[].position", "integer"),),
            ),
        ),
    )


def _interchange() -> Iterator[Field]:
    yield Field("number", label="ISA13", required=True)
    yield from _fields("direction sender receiver version digest body name partner")
    yield from (Field("is_test", "bool"), Field("notes", "list"), *_groups())
    yield from (Field("exchanged_at", "datetime"), Field("unique_days", "integer"))


def _acknowledgment() -> Iterator[Field]:
    yield Field("number", label="GS06 or ISA13 of what it answers")
    yield from _fields("direction level status interchange_key order_key")
    yield Field("technical", "object", label="TA1")
    yield from _fields("number status code message", within="technical.")
    yield from (*_groups(), Field("answer", "object", label="what we answer, without control numbers"))
    yield Field("received_at", "datetime")
    yield from _fields(_SET)


def _message() -> Iterator[Field]:
    yield from (Field("topic"), Field("body", "object"))


_INBOUND = {
    "order": _order, "order_change": _order_change, "remittance": _remittance, "interchange": _interchange,
    "acknowledgment": _acknowledgment, "message": _message,
}  # fmt: skip
_COMPLETE = ("order", "order_change", "remittance")


def of(kind: str) -> Schema:
    """The fields of a kind; those of what we send are as the partner's guide has them, none is refused."""
    made = _INBOUND.get(kind)
    if made is None:
        return schema_out.of(kind) or Schema(())
    return Schema(tuple(made()), complete=kind in _COMPLETE)
