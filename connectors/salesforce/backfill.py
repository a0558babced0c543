"""Brings the history in: bulk jobs give whole records, so that reading a delivery of them needs no call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from connectors.salesforce.bulk import Joined, Kept, Plan, Related, Sought, backfill_step
from connectors.salesforce.client import Client
from connectors.salesforce.events import CONTENT_TYPE
from connectors.salesforce.reading import Wants, line_fields, org_of, stages_of
from connectors.salesforce.schema import LINES, PARENT, readable, visible
from connectors.salesforce.soql import instant, moment
from hub.sdk import Arrival, Delivery, Invalid, Page, Record, encode


class Place(NamedTuple):
    """Where a backfill stands: the bulk walk's own cursor, and the instant up to which it reads."""

    until: datetime
    walk: str

    def __str__(self) -> str:
        return encode({"until": moment(self.until), "walk": self.walk}).decode()

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises Invalid for what is not a cursor of ours."""
        try:
            told = json.loads(text)
            until = instant(str(told["until"]))
            if until is not None and isinstance(told["walk"], str):
                return cls(until, told["walk"])
        except (ValueError, KeyError, TypeError, RecursionError):
            until = None
        text = f"{text[:60]!r} is not a cursor of a Salesforce backfill; begin it again"
        raise Invalid(text, field="cursor")


def step(
    client: Client, wants: Wants, since: datetime, place: Place, *, version: str, kept: Kept, url: str
) -> Page:
    """One bounded step of the walk: begins it where `place.walk` is empty."""
    plan = _plan(client, wants, since, place.until)
    page = backfill_step(client, version, plan, place.walk or None, kept)
    around = _around(client, wants, plan) if page.records else {}
    arrivals = [_arrival(one, around, place.until, url) for one in page.records]
    cursor = str(Place(place.until, page.cursor))
    return Page(arrivals, cursor, page.more, page.total, page.wait)


def _plan(client: Client, wants: Wants, since: datetime, until: datetime) -> Plan:
    order_object = wants.order_object
    line_object = LINES[order_object]
    sought = {one: _sought(client, wants, one) for one in (order_object, "Account", "Contact")}
    lines = Sought(line_object, _types(client, line_object, line_fields(client, wants, line_object)))
    related = (
        Related("account", sought["Account"]),
        Related("contacts", sought["Contact"], key="AccountId"),
    )
    return Plan(sought[order_object], lines, PARENT[line_object], since, until, related)


def _sought(client: Client, wants: Wants, sobject: str) -> Sought:
    fields = readable(sobject, wants.added(sobject), client.describe(sobject))
    return Sought(sobject, _types(client, sobject, fields))


def _types(client: Client, sobject: str, fields: Sequence[str]) -> Mapping[str, str]:
    known = visible(client.describe(sobject))
    return {name: str(known[name].get("type", "string")) if name in known else "string" for name in fields}


def _around(client: Client, wants: Wants, plan: Plan) -> Mapping[str, Any]:
    """What all records share; stages only where the records do not tell themselves whether they are won."""
    hidden = wants.order_object == "Opportunity" and "IsWon" not in plan.record.fields
    return {"org": org_of(client, wants), "stages": stages_of(client) if hidden else {}}


def _arrival(one: Joined, around: Mapping[str, Any], until: datetime, url: str) -> Arrival:
    """What the rows say was true at `until` at the latest: whatever changed since then the polls bring."""
    accounts = one.related.get("account") or ()
    account = {**accounts[0], "Contacts": _oldest(one.related.get("contacts") or ())} if accounts else None
    rows = {
        "order": one.record,
        "lines": list(one.lines),
        "account": account,
        "as_of": moment(until),
        **around,
    }
    event = f"bulk/{one.record.get('Id')}@{one.record.get('SystemModstamp')}"
    return Arrival([event], Delivery(CONTENT_TYPE, encode({"rows": rows}), url, until))


def _oldest(contacts: Sequence[Record]) -> Mapping[str, Any] | None:
    """The oldest contact, in the form of a question within a question."""
    first = min(contacts, key=lambda one: (str(one.get("CreatedDate")), str(one.get("Id"))), default=None)
    return {"records": [first]} if first is not None else None
