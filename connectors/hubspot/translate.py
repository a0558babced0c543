"""Pure conversions: how HubSpot's objects become the records mappings see, and how values go back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from hub.sdk import Record, Unmappable

DEAL = "hubspot.deal"
OUT = "what is written to HubSpot"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Link(NamedTuple):
    """One association as the far end's id and its type labels (`Primary` is one HubSpot gives)."""

    id: str
    type_ids: Sequence[int]


# HubSpot's own type ids: 5 is deal to primary company (SDK enum AssociationTypes).
_PRIMARY = 5


def primary(links: Sequence[Link]) -> str | None:
    """The company that is marked primary, else the oldest one, so that the choice does not flap."""
    marked = [link for link in links if _PRIMARY in link.type_ids]
    return first(marked or links)


def first(links: Sequence[Link]) -> str | None:
    """The oldest object among the links: ids grow with time."""
    return min((link.id for link in links), key=int, default=None)


class Stage(NamedTuple):
    """One stage of a deal pipeline."""

    id: str
    label: str
    pipeline: str
    closed: bool
    won: bool


def stages(pipelines: Iterable[Record]) -> Mapping[str, Stage]:
    """All stages by id; won means closed with a probability of 1 (pipelines page, `metadata`)."""
    return {
        str(stage["id"]): _stage(stage, str(pipeline["id"]))
        for pipeline in pipelines
        for stage in pipeline.get("stages") or ()
    }


def _stage(stage: Record, pipeline: str) -> Stage:
    facts = stage.get("metadata") or {}
    closed = _is_true(facts.get("isClosed"))
    return Stage(
        id=str(stage["id"]),
        label=str(stage.get("label", "")),
        pipeline=pipeline,
        closed=closed,
        won=closed and _number(facts.get("probability")) == 1,
    )


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def stage_of(deal: Record, known: Mapping[str, Stage]) -> Record:
    """Where the deal stands. HubSpot's own verdict (hs_is_closed_won) goes before the stage's settings.

    Raises Unmappable for a stage that no active pipeline has.
    """
    properties = deal["properties"]
    name, pipeline = str(properties.get("dealstage") or ""), str(properties.get("pipeline") or "")
    stage = known.get(name) if name else Stage("", "", pipeline, closed=False, won=False)
    if stage is None:
        raise Unmappable(
            DEAL,
            "properties.dealstage",
            f"deal {deal['id']} is in stage {name!r}, which no active deal pipeline has; restore it "
            "in HubSpot, or move the deal to another stage, then replay",
            name,
        )
    closed, won = properties.get("hs_is_closed"), properties.get("hs_is_closed_won")
    return {
        "id": stage.id,
        "label": stage.label,
        "pipeline": stage.pipeline,
        "closed": _is_true(closed) if closed else stage.closed,
        "won": _is_true(won) if won else stage.won,
    }


def deal_record(
    deal: Record,
    *,
    company: Record | None,
    contact: Record | None,
    line_items: Iterable[Record],
    stage: Record,
    account: Record,
    owner: Record | None,
) -> Record:
    """A deal with all that belongs to it, the way `order.in.yaml` sees it."""
    lines = sorted(line_items, key=_position)
    if stage["won"]:
        _one_currency(deal, lines, account)
    return {
        **_plain(deal),
        "company": company,
        "contact": contact,
        "line_items": lines,
        "stage": stage,
        "account": account,
        "owner": owner,
    }


def account_record(details: Record) -> Record:
    """What mappings may know of the account: its currencies (ISO 4217, its own first) and its time zone."""
    own = details.get("companyCurrency")
    more = details.get("additionalCurrencies") or ()
    known = dict.fromkeys(str(one) for one in (own, *more) if one)
    return {"currency": own, "currencies": list(known), "time_zone": details.get("timeZone")}


def owner_record(id: str, owners: Mapping[str, Record]) -> Record | None:
    """Who owns a deal, without a name where HubSpot does not tell; None where nobody does."""
    if not id:
        return None
    known = owners.get(id, {})
    return {"id": id, **{name: known.get(name) for name in ("email", "firstName", "lastName")}}


def merged_ids(found: Record) -> Sequence[str]:
    """Ids of what was merged into an object: HubSpot lists them with semicolons between."""
    told = str((found.get("properties") or {}).get("hs_merged_object_ids") or "")
    return [id for part in told.split(";") if (id := part.strip()).isdigit() and id != str(found["id"])]


def customer_record(company: Record, contact: Record | None, account: Record) -> Record:
    """A company with the person to write to, the way `customer.in.yaml` sees it."""
    return {**_plain(company), "contact": contact, "account": account}


def _plain(found: Record) -> Record:
    return {
        "id": str(found["id"]),
        "properties": found["properties"],
        "archived": bool(found.get("archived")),
    }


def _position(line: Record) -> tuple[Decimal, int]:
    """By place on the quote; lines without a place follow, oldest first."""
    place = _number(line["properties"].get("hs_position_on_quote"))
    return (place if place is not None else Decimal("Infinity"), int(line["id"]))


def _one_currency(deal: Record, lines: Iterable[Record], account: Record) -> None:
    currency = deal["properties"].get("deal_currency_code") or account.get("currency")
    for line in lines:
        own = line["properties"].get("hs_line_item_currency_code")
        if own and currency and own != currency:
            raise Unmappable(
                DEAL,
                f"line_items[{line['id']}].properties.hs_line_item_currency_code",
                f"the line is priced in {own}, deal {deal['id']} is in {currency}; use one currency",
                own,
            )


def revision(found: Record) -> datetime | None:
    """When HubSpot last changed the object: contacts say `lastmodifieddate`, others `hs_lastmodifieddate`."""
    properties = found.get("properties") or {}
    told = properties.get("hs_lastmodifieddate") or properties.get("lastmodifieddate")
    text = told or found.get("updatedAt")
    return instant(str(text)) if text else None


def instant(text: str) -> datetime:
    """An instant as HubSpot writes it: ISO 8601 or milliseconds since 1970, always UTC. Raises Unmappable."""
    try:
        if text.isascii() and text.isdigit():
            return _EPOCH + timedelta(milliseconds=int(text))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Unmappable("hubspot", "hs_lastmodifieddate", f"{text!r} is not a time", text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, the way HubSpot's search filters want an instant."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def outgoing(record: Record) -> Mapping[str, str]:
    """Property values as HubSpot takes them: all text. Raises Unmappable for what has no plain text form."""
    properties = record.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise Unmappable(OUT, "properties", "the mapping gave no properties to write")
    return {name: plain_text(name, value) for name, value in properties.items()}


def plain_text(name: str, value: Any) -> str:
    """A value as text; None clears the property. Raises Unmappable for what has no plain text form."""
    if value is None:
        return ""  # HubSpot clears a property that is set to empty text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, str | int | date):
        return str(value)
    raise Unmappable(OUT, f"properties.{name}", f"a {type(value).__name__} is not a property value")
