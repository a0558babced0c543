"""Which properties of HubSpot's objects the hub reads and writes, and which of them an admin must create."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

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
    Field("o2c_seller", label="Selling company"),
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
    Field("o2c_due_date", "date", label="Next due date"),
    Field("o2c_overdue_amount", "decimal", label="Overdue amount"),
)
# Written by `invoice.out.yaml`. HubSpot calculates its amounts from line items, so ours have other places.
INVOICE = (
    Field("hs_currency", label="Currency"),
    Field("hs_number", label="Invoice number"),
    Field("hs_title", label="Title"),
    Field("hs_invoice_date", "datetime", label="Invoice date"),
    Field("hs_due_date", "datetime", label="Due date"),
    Field("hs_external_createdate", "datetime", label="External create date"),
    Field("hs_invoice_status", label="Status", options=("draft", "open", "paid", "voided")),
    Field("hs_invoice_billable", label="Billable", options=("true", "false")),
    Field("hs_purchase_order_number", label="Purchase order number"),
    Field("o2c_external_id", label="O2C document"),
    Field("o2c_order_number", label="Order number"),
    Field("o2c_invoice_amount", "decimal", label="Invoice amount"),
    Field("o2c_open_amount", "decimal", label="Open amount"),
    Field("o2c_paid_amount", "decimal", label="Paid amount"),
    Field("o2c_payment_status", label="Payment status"),
)
# Written by `payment.out.yaml`.
PAYMENT = (
    Field("hs_initial_amount", "decimal", label="Gross amount"),
    Field("hs_initiated_date", "datetime", label="Payment date"),
    Field("hs_currency_code", label="Currency"),
    Field("hs_latest_status", label="Status"),
    Field("o2c_external_id", label="O2C document"),
    Field("o2c_payment_number", label="Payment number"),
    Field("o2c_payment_state", label="Payment state"),
    Field("o2c_invoice_numbers", label="Invoice numbers"),
    Field("o2c_unapplied_amount", "decimal", label="Unapplied amount"),
    Field("o2c_remittance", label="Remittance information"),
)
NOTE = (
    Field("hs_timestamp", "datetime", label="Activity date"),
    Field("hs_note_body", label="Note body"),
    Field("o2c_external_id", label="O2C document"),
)

BASELINE: Mapping[str, Sequence[Field]] = {
    "deals": (*DEAL, *PROGRESS),
    "companies": COMPANY,
    "contacts": CONTACT,
    "line_items": LINE_ITEM,
    "invoices": INVOICE,
    "commerce_payments": PAYMENT,
    "notes": NOTE,
}
# HubSpot's object type ids: developers.hubspot.com, "object type IDs".
TYPE_IDS: Mapping[str, str] = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "line_items": "0-8",
    "notes": "0-46",
    "invoices": "0-53",
    "commerce_payments": "0-101",
}
MERGED = "hs_merged_object_ids"  # asked for with every object of the types that people merge
MERGING = frozenset({"deals", "companies"})
# Properties whose values HubSpot keeps apart, so that a repeated write finds the object of the first one.
UNIQUE = frozenset({"o2c_external_id"})
_CHOICES = {"o2c_delivery": ("goods", "service")}
GROUP, GROUP_LABEL = "o2c", "Order to cash"
_FORMS = {
    "text": ("string", "text"),
    "decimal": ("number", "number"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
}


def scope(kind: str, right: str, *, area: str = "objects") -> str:
    """The scope that lets us read or write objects of a type, or (area `schemas`) their definitions."""
    word = {"commerce_payments": "commercepayments", "notes": "contacts"}.get(kind, kind)
    return f"crm.{area}.{word}.{right}"


def definition(kind: str, name: str) -> Record:
    """What HubSpot wants to know of a property that the hub makes (`PropertyCreate`)."""
    one = next(one for one in BASELINE[kind] if one.name == name)
    choices = _CHOICES.get(name, ())
    type, form = ("enumeration", "select") if choices else _FORMS[one.type]
    options = [
        {"label": value.capitalize(), "value": value, "displayOrder": at, "hidden": False}
        for at, value in enumerate(choices)
    ]
    unique = {"hasUniqueValue": True} if name in UNIQUE else {}
    known = {"name": name, "label": one.label, "type": type, "fieldType": form, "groupName": GROUP, **unique}
    return {**known, "options": options} if options else known


# Not HubSpot's own: mappings read them where they exist.
_OPTIONAL = ("po_number", "payment_terms")


def custom(kind: str) -> Sequence[str]:
    """Properties of an object type that an admin creates, because HubSpot does not ship them."""
    return tuple(f.name for f in BASELINE[kind] if f.name.startswith("o2c_") or f.name in _OPTIONAL)


def field(found: Record, longest: Mapping[str, int] | None = None) -> Field:
    """One property definition (`Property` of the properties specification) as a field."""
    name = str(found["name"])
    return Field(
        name=name,
        type=_TYPES.get(str(found.get("type")), "text"),
        label=str(found.get("label") or ""),
        options=tuple(str(option["value"]) for option in found.get("options") or ()),
        max_length=(longest or {}).get(name, 0),
    )


def longest(rules: Iterable[Record]) -> Mapping[str, int]:
    """Most characters of the properties that have a rule for it (`PublicPropertyValidationRuleMap`)."""
    found = {
        str(one["propertyName"]): str((rule.get("ruleArguments") or ("",))[0])
        for one in rules
        for rule in one.get("propertyValidationRules") or ()
        if rule.get("ruleType") == "MAX_LENGTH"
    }
    return {name: int(told) for name, told in found.items() if told.isascii() and told.isdigit()}


# Which objects make up the record of each kind, and where in it their properties are.
PLACES: Mapping[str, Mapping[str, str]] = {
    "order": {
        "properties.": "deals",
        "company.properties.": "companies",
        "contact.properties.": "contacts",
        "line_items[].properties.": "line_items",
    },
    "customer": {"properties.": "companies", "contact.properties.": "contacts"},
    "invoice": {"properties.": "invoices"},
    "payment": {"properties.": "commerce_payments"},
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
        Field("account.currencies", "list"),
        Field("account.time_zone"),
        Field("owner", "object"),
        Field("owner.id"),
        Field("owner.email"),
        Field("owner.firstName"),
        Field("owner.lastName"),
        Field("notes", "object"),
        Field("notes.credit"),
        Field("notes.paid", "list"),
        Field("notes.paid[].text"),
    ),
    "customer": (
        Field("id"),
        Field("archived", "bool"),
        Field("contact", "object"),
        Field("contact.id"),
        Field("account.currency"),
        Field("account.currencies", "list"),
        Field("account.time_zone"),
    ),
    "invoice": (Field("associations.deals"), Field("associations.companies")),
    "payment": (Field("associations.deals", "list"), Field("associations.companies")),
}


def present(
    kind: str, definitions: Iterable[Record], wanted: Iterable[str], rules: Iterable[Record] = ()
) -> Sequence[Field]:
    """Fields of an object type that we read: as HubSpot defines them now, or as shipped where it lacks them.

    A property an admin added to the settings counts only when it exists; a shipped one reads as no value.
    """
    most = longest(rules)
    found = {str(one["name"]): field(one, most) for one in definitions}
    shipped = {one.name: one for one in BASELINE[kind]}
    known = {**shipped, **found}
    return [known[name] for name in wanted if name in known]


def assemble(kind: str, properties: Mapping[str, Iterable[Field]], *, complete: bool) -> Schema:
    """The record's fields from the fields of each object type in it."""
    fields = [
        replace(f, name=prefix + f.name)
        for prefix, source in PLACES[kind].items()
        for f in properties[source]
    ]
    return Schema(fields=(*_FIXED[kind], *fields), complete=complete)
