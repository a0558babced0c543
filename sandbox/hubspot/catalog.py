"""What a fresh simulated account knows: object types, properties, pipelines and association types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One CRM object type: addressed by plural name, singular name or type id alike."""

    name: str
    type_id: str
    singular: str
    changed: str = "hs_lastmodifieddate"  # contacts call it lastmodifieddate
    defaults: Sequence[str] = ()  # returned when a read asks for no properties


TYPES: Mapping[str, ObjectType] = {
    one.name: one
    for one in (
        ObjectType("contacts", "0-1", "contact", "lastmodifieddate", ("email", "firstname", "lastname")),
        ObjectType("companies", "0-2", "company", defaults=("domain", "name")),
        ObjectType(
            "deals", "0-3", "deal", defaults=("amount", "closedate", "dealname", "dealstage", "pipeline")
        ),
        ObjectType("line_items", "0-8", "line_item", defaults=("amount", "quantity")),
    )
}
ALIASES: Mapping[str, str] = {
    alias: one.name for one in TYPES.values() for alias in (one.name, one.type_id, one.singular)
}


@dataclass(frozen=True, slots=True)
class Property:
    """A property definition (`Property` of the properties specification)."""

    name: str
    type: str = "string"  # string, number, date, datetime, bool, enumeration
    label: str = ""
    read_only: bool = False
    unique: bool = False
    own: bool = True  # HubSpot's own; False: an admin created it
    options: Sequence[str] = ()


_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
}


def rendered(one: Property, group: str) -> dict[str, object]:
    """The definition as the API gives it."""
    return {
        "name": one.name,
        "label": one.label or one.name,
        "type": one.type,
        "fieldType": _FIELD_TYPES[one.type],
        "groupName": group,
        "description": "",
        "options": [
            {"label": value, "value": value, "displayOrder": at, "hidden": False}
            for at, value in enumerate(one.options)
        ],
        "hasUniqueValue": one.unique,
        "hubspotDefined": one.own,
        "hidden": False,
        "archived": False,
        "calculated": False,
        "modificationMetadata": {
            "archivable": not one.own,
            "readOnlyDefinition": one.own,
            "readOnlyValue": one.read_only,
        },
    }


def _many(type: str, names: str, *, read_only: bool = False, own: bool = True) -> list[Property]:
    return [Property(name, type, read_only=read_only, own=own) for name in names.split()]


_STAMPS = [
    Property("hs_object_id", "number", "Record ID", read_only=True),
    Property("createdate", "datetime", "Create date"),
    Property("hs_lastmodifieddate", "datetime", "Last modified date", read_only=True),
]
_OWN: Mapping[str, list[Property]] = {
    "deals": [
        *_STAMPS,
        *_many("string", "dealname description dealstage pipeline hubspot_owner_id"),
        *_many("number", "amount"),
        *_many("datetime", "closedate"),
        *_many("bool", "hs_is_closed hs_is_closed_won", read_only=True),
        Property(
            "deal_currency_code", "enumeration", "Currency", options=("USD", "EUR", "GBP", "JPY", "CHF")
        ),
    ],
    "companies": [
        *_STAMPS,
        *_many("string", "name domain address address2 city state zip country phone website"),
    ],
    "contacts": [
        Property("hs_object_id", "number", "Record ID", read_only=True),
        Property("createdate", "datetime", "Create date"),
        Property("lastmodifieddate", "datetime", "Last modified date", read_only=True),
        Property("email", unique=True),
        *_many("string", "firstname lastname phone company jobtitle"),
    ],
    "line_items": [
        *_STAMPS,
        *_many("string", "name hs_sku hs_product_id hs_line_item_currency_code recurringbillingfrequency"),
        *_many("string", "hs_tax_rate_group_id description"),
        *_many("number", "quantity price discount hs_discount_percentage hs_position_on_quote"),
        *_many("number", "amount", read_only=True),
    ],
}
# What the hub's set-up guide asks an admin to create.
_ADDED: Mapping[str, list[Property]] = {
    "deals": [
        *_many(
            "string",
            "po_number payment_terms o2c_order_number o2c_order_status o2c_invoice_numbers",
            own=False,
        ),
        *_many("string", "o2c_payment_status o2c_credit_reason o2c_tracking", own=False),
        *_many("number", "o2c_invoiced_amount o2c_open_amount o2c_paid_amount", own=False),
        *_many("date", "o2c_requested_on", own=False),
    ],
    "companies": [
        *_many("string", "payment_terms o2c_tax_id o2c_currency o2c_credit_currency", own=False),
        *_many("number", "o2c_credit_limit", own=False),
    ],
    "contacts": [],
    "line_items": [
        Property("o2c_delivery", "enumeration", "Delivery", own=False, options=("goods", "service")),
        *_many("number", "o2c_tax_percent", own=False),
    ],
}


def properties(*, with_added: bool) -> dict[str, dict[str, Property]]:
    """All properties per object type, with or without those an admin adds for the hub."""
    return {
        kind: {one.name: one for one in (*own, *(_ADDED[kind] if with_added else ()))}
        for kind, own in _OWN.items()
    }


@dataclass
class Stage:
    """One stage of a deal pipeline; ids are names in the default pipeline and numbers in others."""

    id: str
    label: str
    probability: str
    closed: bool = False


@dataclass
class Pipeline:
    """A deal pipeline."""

    id: str
    label: str
    stages: list[Stage] = field(default_factory=list)

    def won(self) -> Stage:
        """The stage of won deals."""
        return next(stage for stage in self.stages if stage.closed and stage.probability == "1.0")


def pipelines() -> list[Pipeline]:
    """HubSpot's default pipeline, and one an admin made, whose stage ids are numbers."""
    return [
        Pipeline(
            "default",
            "Sales Pipeline",
            [
                Stage("appointmentscheduled", "Appointment Scheduled", "0.2"),
                Stage("qualifiedtobuy", "Qualified To Buy", "0.4"),
                Stage("contractsent", "Contract Sent", "0.9"),
                Stage("closedwon", "Closed Won", "1.0", closed=True),
                Stage("closedlost", "Closed Lost", "0.0", closed=True),
            ],
        ),
        Pipeline(
            "75231940",
            "Reseller Pipeline",
            [
                Stage("148263501", "Offer", "0.3"),
                Stage("148263502", "Purchase order awaited", "0.8"),
                Stage("148263503", "Ordered", "1.0", closed=True),
                Stage("148263504", "No order", "0.0", closed=True),
            ],
        ),
    ]


# (from, to): type id without a label, and of the primary association where HubSpot has one.
ASSOCIATIONS: Mapping[tuple[str, str], tuple[int, int | None]] = {
    ("contacts", "companies"): (279, 1),
    ("companies", "contacts"): (280, 2),
    ("deals", "contacts"): (3, None),
    ("contacts", "deals"): (4, None),
    ("deals", "companies"): (341, 5),
    ("companies", "deals"): (342, 6),
    ("deals", "line_items"): (19, None),
    ("line_items", "deals"): (20, None),
}
