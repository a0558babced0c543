"""Which properties of HubSpot's objects the hub reads and writes, and which of them an admin must create."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hub.sdk import Field, Record, Schema

# HubSpot's property types (`type` in the properties specification) in the hub's words.
_TYPES = {
    "string": "text",
    "number": "decimal",
    "date": "date",
    "datetime": "datetime",
    "bool": "bool",
    "enumeration": "text",
    "phone_number": "text",
}

DEAL = (
    Field("dealname", label="Deal name"),
    Field("amount", "decimal", label="Amount"),
    Field("dealstage", label="Deal stage"),
    Field("pipeline", label="Pipeline"),
    Field("closedate", "datetime", label="Close date"),
    Field("createdate", "datetime", label="Create date"),
    Field("deal_currency_code", label="Currency"),
    Field("description", label="Deal description"),
    Field("hubspot_owner_id", label="Deal owner"),
    Field("hs_is_closed", "bool", label="Is deal closed?"),
    Field("hs_is_closed_won", "bool", label="Is closed won"),
    Field("hs_lastmodifieddate", "datetime", label="Last modified"),
    Field("hs_object_id", label="Record ID"),
    Field("po_number", label="Purchase order number"),
    Field("payment_terms", label="Payment terms"),
    Field("o2c_requested_on", "date", label="Requested delivery date"),
)
COMPANY = (
    Field("name", label="Company name"),
    Field("domain", label="Company domain name"),
    Field("address", label="Street address"),
    Field("address2", label="Street address 2"),
    Field("city", label="City"),
    Field("state", label="State or region"),
    Field("zip", label="Postal code"),
    Field("country", label="Country"),
    Field("phone", label="Phone number"),
    Field("hs_lastmodifieddate", "datetime", label="Last modified"),
    Field("hs_object_id", label="Record ID"),
    Field("payment_terms", label="Payment terms"),
    Field("o2c_tax_id", label="Tax ID"),
    Field("o2c_currency", label="Currency"),
    Field("o2c_credit_limit", "decimal", label="Credit limit"),
    Field("o2c_credit_currency", label="Credit limit currency"),
)
CONTACT = (
    Field("email", label="Email"),
    Field("firstname", label="First name"),
    Field("lastname", label="Last name"),
    Field("phone", label="Phone number"),
    Field("company", label="Company name"),
    Field("lastmodifieddate", "datetime", label="Last modified"),
    Field("hs_object_id", label="Record ID"),
)
LINE_ITEM = (
    Field("name", label="Name"),
    Field("quantity", "decimal", label="Quantity"),
    Field("price", "decimal", label="Unit price"),
    Field("amount", "decimal", label="Net price"),
    Field("discount", "decimal", label="Unit discount"),
    Field("hs_discount_percentage", "decimal", label="Unit discount in percent"),
    Field("hs_sku", label="SKU"),
    Field("hs_product_id", label="Product ID"),
    Field("hs_line_item_currency_code", label="Currency"),
    Field("hs_tax_rate_group_id", label="Tax rate"),
    Field("hs_position_on_quote", "decimal", label="Position on quote"),
    Field("recurringbillingfrequency", label="Billing frequency"),
    Field("hs_lastmodifieddate", "datetime", label="Last modified"),
    Field("hs_object_id", label="Record ID"),
    Field("o2c_tax_percent", "decimal", label="Tax percent"),
    Field("o2c_delivery", label="Delivery"),
)
# Written by `order.out.yaml`: HubSpot refuses the whole write when one of them does not exist.
PROGRESS = (
    Field("o2c_order_number", label="Order number"),
    Field("o2c_order_status", label="Order status"),
    Field("o2c_invoice_numbers", label="Invoice numbers"),
    Field("o2c_payment_status", label="Payment status"),
    Field("o2c_invoiced_amount", "decimal", label="Invoiced amount"),
    Field("o2c_open_amount", "decimal", label="Open amount"),
    Field("o2c_paid_amount", "decimal", label="Paid amount"),
    Field("o2c_credit_reason", label="Credit decision"),
    Field("o2c_tracking", label="Tracking"),
)

BASELINE: Mapping[str, Sequence[Field]] = {
    "deals": (*DEAL, *PROGRESS),
    "companies": COMPANY,
    "contacts": CONTACT,
    "line_items": LINE_ITEM,
}
# Not HubSpot's own: mappings read them where they exist.
_OPTIONAL = ("po_number", "payment_terms")


def custom(kind: str) -> Sequence[str]:
    """Properties of an object type that an admin creates, because HubSpot does not ship them."""
    return tuple(f.name for f in BASELINE[kind] if f.name.startswith("o2c_") or f.name in _OPTIONAL)


def field(found: Record) -> Field:
    """One property definition (`Property` of the properties specification) as a field."""
    return Field(
        name=str(found["name"]),
        type=_TYPES.get(str(found.get("type")), "text"),
        label=str(found.get("label") or ""),
        options=tuple(str(option["value"]) for option in found.get("options") or ()),
    )


# Which objects make up the record of each kind, and where in it their properties are.
PLACES: Mapping[str, Mapping[str, str]] = {
    "order": {
        "properties.": "deals",
        "company.properties.": "companies",
        "contact.properties.": "contacts",
        "line_items[].properties.": "line_items",
    },
    "customer": {"properties.": "companies", "contact.properties.": "contacts"},
}
_FIXED: Mapping[str, Sequence[Field]] = {
    "order": (
        Field("id"),
        Field("archived", "bool"),
        Field("company", "object"),
        Field("company.id"),
        Field("contact", "object"),
        Field("contact.id"),
        Field("line_items", "list"),
        Field("line_items[].id"),
        Field("stage.id"),
        Field("stage.label"),
        Field("stage.pipeline"),
        Field("stage.closed", "bool"),
        Field("stage.won", "bool"),
        Field("account.currency"),
        Field("account.time_zone"),
    ),
    "customer": (
        Field("id"),
        Field("archived", "bool"),
        Field("contact", "object"),
        Field("contact.id"),
    ),
}


def present(kind: str, definitions: Iterable[Record], wanted: Iterable[str]) -> Sequence[Field]:
    """Fields of an object type that we read: as HubSpot defines them now, or as shipped where it lacks them.

    A property an admin added to the settings counts only when it exists; a shipped one reads as no value.
    """
    found = {str(one["name"]): field(one) for one in definitions}
    shipped = {one.name: one for one in BASELINE[kind]}
    known = {**shipped, **found}
    return [known[name] for name in wanted if name in known]


def assemble(kind: str, properties: Mapping[str, Iterable[Field]], *, complete: bool) -> Schema:
    """The record's fields from the fields of each object type in it."""
    fields = [
        Field(prefix + f.name, f.type, f.label, f.required, f.options)
        for prefix, source in PLACES[kind].items()
        for f in properties[source]
    ]
    return Schema(fields=(*_FIXED[kind], *fields), complete=complete)
