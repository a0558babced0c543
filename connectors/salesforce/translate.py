"""Pure conversions: how Salesforce's rows become the records mappings see, and how values go back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.salesforce.schema import BASELINE
from connectors.salesforce.soql import instant
from hub.sdk import Record, Rejected, Unmappable

SCALE = 3  # decimals of the amounts in the package: Kuwaiti and other dinars have three
_ALONG = frozenset({"attributes", "Contacts", "Product2"})  # the envelope, and questions within the question
DIGITS_MAX = 18  # Salesforce keeps numbers of 18 digits


def plain(row: Record, sobject: str) -> dict[str, Any]:
    """A row's fields without what came along; a shipped field the org lacks reads as no value."""
    own = {name: value for name, value in row.items() if name not in _ALONG}
    return {**dict.fromkeys(one.name for one in BASELINE[sobject]), **own}


def order_record(
    row: Record,
    *,
    sobject: str,
    account: Record | None,
    contact: Record | None,
    lines: Iterable[Record],
    stage: Record,
    org: Record,
) -> Record:
    """An opportunity or order with all that belongs to it, the way order.in.yaml sees it."""
    return {
        **plain(row, sobject),
        "account": account,
        "contact": contact,
        "line_items": sorted(lines, key=_position),
        "stage": stage,
        "org": org,
    }


def line_record(row: Record, sobject: str) -> Record:
    """One line with its product. The code comes from the product: on the line it is a copy, or missing."""
    product = row.get("Product2")
    product = product if isinstance(product, Mapping) else {}
    code = product.get("ProductCode") or row.get("ProductCode")
    name = product.get("Name") or row.get("Name")
    return {
        **plain(row, sobject),
        "product": {"code": code, "name": name, "family": product.get("Family")},
    }


def _position(line: Record) -> tuple[bool, Decimal, str]:
    """As people sorted them; lines without a place follow, by number or id."""
    place = line.get("SortOrder")
    number = str(line.get("OrderItemNumber") or line.get("Id"))
    return (place is None, Decimal(place) if place is not None else Decimal(0), number)


def customer_record(row: Record, contact: Record | None, org: Record) -> Record:
    """An account with the person to write to, the way customer.in.yaml sees it."""
    return {**plain(row, "Account"), "contact": contact or _person(row), "org": org}


def _person(row: Record) -> Record | None:
    """A person account is its own contact (`IsPersonAccount`, `Person...` fields)."""
    if not row.get("IsPersonAccount"):
        return None
    return {
        **dict.fromkeys(one.name for one in BASELINE["Contact"]),
        "Id": row.get("PersonContactId"),
        "AccountId": row.get("Id"),
        "FirstName": row.get("FirstName"),
        "LastName": row.get("LastName"),
        "Email": row.get("PersonEmail"),
        "Phone": row.get("PersonMobilePhone") or row.get("Phone"),
    }


def stage_of(row: Record, sobject: str, stages: Mapping[str, Record]) -> Record:
    """Where it stands, by Salesforce's own verdict: IsWon of an opportunity, StatusCode of an order.

    Names of stages and statuses are what each org makes of them. Raises Unmappable where the verdict is
    hidden from us and no stage of the org has the name.
    """
    if sobject == "Order":
        active = row.get("StatusCode") == "Activated"
        return {"label": row.get("Status"), "closed": active, "won": active}
    label = row.get("StageName")
    if isinstance(row.get("IsWon"), bool):
        return {"label": label, "closed": bool(row.get("IsClosed")), "won": row["IsWon"]}
    known = stages.get(str(label))
    if known is None:
        text = f"no stage of the org is called {label!r}, and IsWon is hidden from the integration user"
        raise Unmappable("salesforce.Opportunity", "StageName", text, label)
    return {"label": label, "closed": bool(known.get("IsClosed")), "won": bool(known.get("IsWon"))}


def expressible(row: Record, sobject: str, lines: Sequence[Record]) -> None:
    """Raises Unmappable for what would become a wrong order: unseen lines, or a reduction."""
    id = row.get("Id")
    if row.get("HasOpportunityLineItem") is True and not lines:
        text = f"opportunity {id} has products, but the integration user may not read them"
        raise Unmappable(f"salesforce.{sobject}", "line_items", text)
    if row.get("IsReductionOrder") is True and row.get("StatusCode") == "Activated":
        text = f"order {id} takes back an earlier one; credit it by hand, a reduction is no order of its own"
        raise Unmappable(f"salesforce.{sobject}", "IsReductionOrder", text, True)


def revision(row: Record) -> datetime | None:
    """When Salesforce last changed the row, in UTC. System changes move only SystemModstamp."""
    text = row.get("SystemModstamp")
    return instant(str(text)) if text else None


def outgoing(record: Record) -> dict[str, Any]:
    """Field values as REST takes them. Raises Rejected for what has no place there, naming the field."""
    return {name: _value(name, value) for name, value in record.items()}


def _value(name: str, value: Any) -> Any:
    if value is None or value == "":
        return None  # empty text would be refused for numbers and dates; null clears every type
    if isinstance(value, Decimal):
        return _number(name, value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, str | int | date | bool):
        return value
    raise Rejected(f"{name}: a {type(value).__name__} is not a field value", code="bad_value", sent=False)


def _number(name: str, value: Decimal) -> Decimal:
    """Salesforce would round silently; an amount that does not fit is refused instead."""
    exact = value.normalize()
    exponent = exact.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if not value.is_finite() or decimals > SCALE or exact.adjusted() >= DIGITS_MAX - SCALE:
        raise Rejected(
            f"{name}: {value} has more digits than Salesforce keeps ({DIGITS_MAX}, {SCALE} after the point)",
            code="too_precise",
            sent=False,
        )
    return value
