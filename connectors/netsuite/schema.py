"""Which fields NetSuite's records have: asked of the account, else the baseline that ships here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hub.sdk import Field, Record, Schema

RECORDS: Mapping[str, str] = {
    "customer": "customer",
    "order": "salesOrder",
    "shipment": "itemFulfillment",
    "invoice": "invoice",
    "credit_memo": "creditMemo",
    "payment": "customerPayment",
    "adjustment": "creditMemo",
}
"""The record that is written, and described, for each kind."""
_READ: Mapping[str, Sequence[str]] = {
    "payment": ("customerPayment", "customerDeposit"),
    "adjustment": ("journalEntry",),
}
LISTS: Mapping[str, str] = {
    "currency": "name",
    "term": "name",
    "subsidiary": "name",
    "salestaxitem": "itemid",
}
"""Lists that mapping tables translate to, and the column people know their entries by."""
_CHOSEN = {
    "currency.id": "currency",
    "terms.id": "term",
    "subsidiary.id": "subsidiary",
    "item.items[].taxCode.id": "salestaxitem",
}

# Names and types: SuiteTalk 2023.2 XSDs, in REST's spelling of sublists (`itemList.item` -> `item.items`).
# A name without a type is text; `ref` is an object with an id.
_BODY: Mapping[str, str] = {
    "customer": "entityId companyName isPerson:bool firstName lastName email phone url comments "
    "subsidiary:ref currency:ref terms:ref creditLimit:decimal isInactive:bool vatRegNumber resaleNumber "
    "salesRep:ref parent:ref entityStatus:ref receivablesAccount:ref taxItem:ref taxable:bool "
    "balance:decimal overdueBalance:decimal depositBalance:decimal unbilledOrders:decimal "
    "daysOverdue:integer lastModifiedDate:datetime",
    "salesOrder": "entity:ref tranDate:date tranId otherRefNum currency:ref exchangeRate:decimal "
    "subsidiary:ref terms:ref orderStatus:ref status:ref shipDate:date shipMethod:ref shippingCost:decimal "
    "billingAddress:object shippingAddress:object discountItem:ref discountRate taxItem:ref subTotal:decimal "
    "discountTotal:decimal taxTotal:decimal total:decimal memo opportunity:ref location:ref department:ref "
    "class:ref createdFrom:ref startDate:date endDate:date lastModifiedDate:datetime",
    "itemFulfillment": "entity:ref createdFrom:ref tranDate:date tranId memo shipStatus:ref shipMethod:ref "
    "shippedDate:date pickedDate:date packedDate:date shippingAddress:object postingPeriod:ref "
    "createdDate:datetime lastModifiedDate:datetime",
    "invoice": "entity:ref createdFrom:ref tranDate:date dueDate:date tranId postingPeriod:ref "
    "approvalStatus:ref terms:ref currency:ref exchangeRate:decimal subsidiary:ref account:ref otherRefNum "
    "memo subTotal:decimal discountTotal:decimal taxTotal:decimal total:decimal amountPaid:decimal "
    "amountRemaining:decimal status:ref lastModifiedDate:datetime",
    "creditMemo": "entity:ref createdFrom:ref tranDate:date tranId postingPeriod:ref currency:ref "
    "exchangeRate:decimal subsidiary:ref account:ref otherRefNum memo subTotal:decimal "
    "discountTotal:decimal taxTotal:decimal total:decimal applied:decimal unapplied:decimal "
    "amountRemaining:decimal autoApply:bool location:ref department:ref class:ref status:ref "
    "lastModifiedDate:datetime",
    "customerPayment": "customer:ref payment:decimal pending:decimal applied:decimal unapplied:decimal "
    "total:decimal balance:decimal autoApply:bool arAcct:ref undepFunds:bool account:ref paymentMethod:ref "
    "checkNum tranDate:date tranId postingPeriod:ref currency:ref exchangeRate:decimal memo subsidiary:ref "
    "status:ref lastModifiedDate:datetime",
}
_LINE = "item:ref line:integer quantity:decimal description rate:decimal amount:decimal price:ref "
_TAXED = "taxCode:ref taxRate1:decimal tax1Amt:decimal grossAmt:decimal units:ref "
_SUBLISTS: Mapping[str, Mapping[str, str]] = {
    "customer": {},
    "salesOrder": {
        "item": f"{_LINE}{_TAXED}isClosed:bool quantityBilled:decimal quantityFulfilled:decimal "
        "expectedShipDate:date location:ref"
    },
    "itemFulfillment": {
        "item": "item:ref orderLine:integer quantity:decimal itemReceive:bool description location:ref",
        "package": "packageTrackingNumber packageDescr packageWeight:decimal",
    },
    "invoice": {"item": f"{_LINE}{_TAXED}orderLine:integer"},
    "creditMemo": {
        "item": f"{_LINE}{_TAXED}orderLine:integer",
        "apply": "apply:bool doc:ref line:integer amount:decimal due:decimal total:decimal refNum type "
        "applyDate:date",
    },
    "customerPayment": {
        "apply": "apply:bool doc:ref line:integer amount:decimal disc:decimal due:decimal total:decimal "
        "refNum type applyDate:date"
    },
}
# Not in the XSDs: custom columns of the set-up guide, and what this connector itself resolves or strips.
_NAMED = ("item.items[].custcol_o2c_line_id", "item.items[].item.sku", "item.items[].item.gtin")
_CUSTOM: Mapping[str, Sequence[str]] = {
    "salesOrder": _NAMED,
    "invoice": _NAMED,
    "creditMemo": _NAMED,
    "itemFulfillment": ("item.items[].custcol_o2c_line_id",),
}
_EXPECTED = (
    Field("expected.total", "decimal", "stripped before sending; compared with NetSuite's own total"),
    Field("expected.currency", "text", "stripped before sending; compared with NetSuite's own currency"),
)
_LOOKED_FOR = "stripped before sending; what to look for before a new one is created"
_APPLICATIONS = (
    "applications:list applications[].invoice:ref applications[].amount:decimal "
    "applications[].discount:decimal "
)
_BILLED = (
    "o2c.lines:list o2c.lines[].line_id o2c.lines[].sku o2c.lines[].name o2c.lines[].quantity:decimal "
    "o2c.lines[].unit_price:decimal o2c.lines[].amount:decimal o2c.lines[].tax_percent:decimal "
    "o2c.lines[].tax_code "
)
# What read() adds to a record, and what push() takes out of it, by kind.
_EXTRA: Mapping[str, str] = {
    "invoice": f"o2c.cancelled_on:date {_BILLED}",
    "credit_memo": f"o2c.cancelled_on:date o2c.refunded:decimal o2c.invoice:ref {_BILLED}{_APPLICATIONS}",
    "payment": f"o2c.cancelled_on:date o2c.refunded:decimal o2c.kept:decimal {_APPLICATIONS}",
    "adjustment": "o2c.cancelled_on:date o2c.reason invoice:ref amount:decimal settles.invoice "
    "settles.amount:decimal settles.sku",
}
_JSON_TYPES = {
    "boolean": "bool",
    "integer": "integer",
    "number": "decimal",
    "array": "list",
    "object": "object",
}


def _fields(words: str, prefix: str = "") -> Iterator[Field]:
    for word in words.split():
        name, _, kind = word.partition(":")
        yield Field(prefix + name, "object" if kind == "ref" else kind or "text")
        if kind == "ref":
            yield from (Field(f"{prefix}{name}.{part}") for part in ("id", "refName"))


def used(kinds: Sequence[str]) -> Sequence[str]:
    """Record types that are written always, and those that are read for these kinds."""
    read = [record for kind in kinds for record in _READ.get(kind, ())]
    return list(dict.fromkeys([*RECORDS.values(), *read]))


def baseline(kind: str) -> Schema:
    """The standard fields behind a kind; an account may have more."""
    record = RECORDS[kind]
    found = [Field("id"), Field("externalId"), *_fields(_BODY[record])]
    for name, words in _SUBLISTS[record].items():
        found += [Field(name, "object"), Field(f"{name}.items", "list")]
        found += _fields(words, f"{name}.items[].")
    return Schema([*found, *_own(kind, record)])


def _own(kind: str, record: str) -> Iterator[Field]:
    yield from (Field(name) for name in _CUSTOM.get(record, ()))
    yield from _fields(_EXTRA.get(kind, ""))
    if kind in ("invoice", "credit_memo", "payment", "adjustment"):
        yield Field("cancelled", "bool", "stripped before sending; true: to be taken back in NetSuite")
    if kind in ("order", "invoice", "credit_memo", "payment", "adjustment"):
        yield from _EXPECTED
    if kind == "customer":
        yield from (
            Field(f"match.{name}", "text", _LOOKED_FOR) for name in ("tax_id", "duns", "domain", "name")
        )


def introspected(kind: str, catalog: Record) -> Schema:
    """The fields of the account's own metadata catalog, custom ones included, added to the baseline.

    Sublists are separate resources there, so their columns come from the baseline.
    """
    properties = catalog.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return baseline(kind)
    told = {name: _described(name, facts) for name, facts in properties.items() if isinstance(facts, Mapping)}
    known = {field.name: field for field in baseline(kind).fields}
    return Schema([*({**known, **told}).values()])


def chosen(schema: Schema, lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> Schema:
    """The schema with the ids this account really has as options, so that mapping tables are held to them."""
    return replace(schema, fields=[_optioned(field, lists) for field in schema.fields])


def _optioned(field: Field, lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> Field:
    rows = lists.get(_CHOSEN.get(field.name, ""), ())
    if not rows:
        return field
    named = "; ".join(f"{row.get('id')} {row.get('name', '')}" for row in rows[:50])
    return replace(field, options=tuple(str(row["id"]) for row in rows), label=named)


def _described(name: str, facts: Mapping[str, Any]) -> Field:
    kind = _JSON_TYPES.get(str(facts.get("type")), "text")
    if facts.get("format") in ("date", "date-time"):
        kind = "date" if facts["format"] == "date" else "datetime"
    if "$ref" in facts:
        kind = "object"
    options = tuple(str(option) for option in facts.get("enum") or () if option is not None)
    return Field(name, kind, str(facts.get("title", "")), options=options)
