"""What a fresh simulated account knows: object types, pipelines and association types."""

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
    created: str = "createdate"  # younger types call it hs_createdate
    defaults: Sequence[str] = ()  # returned when a read asks for no properties
    required: Sequence[str] = ()  # without these there is no create
    scope: str = ""  # the word in crm.objects.<word>.read, where it is not the name

    def scopes(self, right: str, *, schema: bool = False) -> tuple[str, ...]:
        """Any one of these lets a caller in; the definitions of a type have scopes of their own."""
        word = self.scope or self.name
        own = (f"crm.objects.{word}.{right}",)
        if not schema:
            return own
        return (f"crm.schemas.{word}.{right}", *(own if right == "read" else ()))


_YOUNG = "hs_createdate"
# Required properties: the guides of invoices, notes and commerce payments in the vendor's documentation.
TYPES: Mapping[str, ObjectType] = {
    one.name: one
    for one in (
        ObjectType(
            "contacts", "0-1", "contact", "lastmodifieddate", defaults=("email", "firstname", "lastname")
        ),
        ObjectType("companies", "0-2", "company", defaults=("domain", "name")),
        ObjectType(
            "deals", "0-3", "deal", defaults=("amount", "closedate", "dealname", "dealstage", "pipeline")
        ),
        ObjectType("line_items", "0-8", "line_item", defaults=("amount", "quantity")),
        ObjectType("products", "0-7", "product", defaults=("description", "name", "price")),
        ObjectType("invoices", "0-53", "invoice", created=_YOUNG, required=("hs_currency",)),
        ObjectType(
            "commerce_payments",
            "0-101",
            "commerce_payment",
            created=_YOUNG,
            required=("hs_initial_amount", "hs_initiated_date"),
            scope="commercepayments",
        ),
        ObjectType("orders", "0-123", "order", created=_YOUNG),
        # a note is a record of a contact's timeline: the guide asks for the scopes of contacts
        ObjectType("notes", "0-46", "note", created=_YOUNG, required=("hs_timestamp",), scope="contacts"),
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
    group: str = ""
    field_type: str = ""
    description: str = ""


_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
    "phone_number": "phonenumber",
}


def rendered(one: Property, group: str) -> dict[str, object]:
    """The definition as the API gives it."""
    return {
        "name": one.name,
        "label": one.label or one.name,
        "type": one.type,
        "fieldType": one.field_type or _FIELD_TYPES[one.type],
        "groupName": one.group or group,
        "description": one.description,
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


def order_pipelines() -> list[Pipeline]:
    """The pipeline that every account with orders starts with."""
    steps = ("Open", "Processed", "Shipped", "Delivered", "Cancelled")
    stages = [Stage(f"o-{n}", label, "", closed=n > 3) for n, label in enumerate(steps, 1)]
    return [Pipeline("o-default", "Order Pipeline", stages)]


# (from, to): type id without a label, and of the primary association where HubSpot has one. Ids of contacts,
# companies, deals, line items and notes are those of the vendor's own client; ids of invoices, orders and
# payments are read from the labels endpoint at run time by any caller that means well.
_TWO_WAY: Sequence[tuple[str, str, int, int]] = (
    ("deals", "contacts", 3, 4),
    ("deals", "line_items", 19, 20),
    ("notes", "contacts", 202, 201),
    ("notes", "companies", 190, 189),
    ("notes", "deals", 214, 213),
    ("invoices", "deals", 175, 176),
    ("invoices", "contacts", 177, 178),
    ("invoices", "companies", 179, 180),
    ("invoices", "line_items", 409, 410),
    ("commerce_payments", "contacts", 387, 388),
    ("commerce_payments", "companies", 389, 390),
    ("commerce_payments", "deals", 391, 392),
    ("commerce_payments", "line_items", 395, 396),
    ("commerce_payments", "invoices", 541, 542),
    ("commerce_payments", "orders", 524, 523),
    ("orders", "contacts", 507, 508),
    ("orders", "companies", 509, 510),
    ("orders", "deals", 512, 511),
    ("orders", "line_items", 513, 514),
    ("orders", "invoices", 518, 517),
)
ASSOCIATIONS: Mapping[tuple[str, str], tuple[int, int | None]] = {
    ("contacts", "companies"): (279, 1),
    ("companies", "contacts"): (280, 2),
    ("deals", "companies"): (341, 5),
    ("companies", "deals"): (342, 6),
    ("contacts", "contacts"): (449, None),
    ("companies", "companies"): (450, None),
    ("deals", "deals"): (451, None),
    **{(near, far): (there, None) for near, far, there, _ in _TWO_WAY},
    **{(far, near): (back, None) for near, far, _, back in _TWO_WAY},
}
