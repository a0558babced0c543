"""Reads again what events named, with everything around it, in as few calls as HubSpot allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from connectors.hubspot.client import Client
from connectors.hubspot.events import Subjects
from connectors.hubspot.translate import (
    Link,
    Stage,
    customer_record,
    deal_record,
    first,
    primary,
    revision,
    stage_of,
    stages,
)
from hub.sdk import Change, Record, Unmappable

Wanted = Callable[[str], Sequence[str]]
_Links = Mapping[str, Sequence[Link]]


class _Around(NamedTuple):
    """All objects that were read, by id, and how the deals are linked to them."""

    deals: Mapping[str, Record]
    companies: Mapping[str, Record]
    contacts: Mapping[str, Record]
    line_items: Mapping[str, Record]
    people: Mapping[str, str]  # company id to the id of its contact
    main: Mapping[str, str]  # deal id to the id of its primary company
    buyers: Mapping[str, str]  # deal id to the id of its contact
    lines: _Links  # deal id to its line items


def changes(client: Client, wanted: Wanted, named: Subjects) -> Iterator[Change]:
    """Customers first, then orders. What no longer exists is a change without a record.

    Raises Unmappable for a deal that cannot be expressed, after everything else was yielded.
    """
    around = _read(client, wanted, named)
    for id, company in around.companies.items():
        contact = around.contacts.get(around.people.get(id, ""))
        yield Change("customer", id, customer_record(company, contact), revision(company))
    yield from (Change("customer", id, None) for id in named.companies if id not in around.companies)
    yield from (Change("order", id, None) for id in named.deals if id not in around.deals)
    yield from _orders(client, around)


def _read(client: Client, wanted: Wanted, named: Subjects) -> _Around:
    owners = client.links("line_items", "deals", named.line_items)
    deals = client.read_many("deals", (*named.deals, *_far(owners)), wanted("deals"))
    main = _chosen(client.links("deals", "companies", deals), primary)
    buyers = _chosen(client.links("deals", "contacts", deals), first)
    lines = client.links("deals", "line_items", deals)
    employers = client.links("contacts", "companies", named.contacts)
    company_ids = (*named.companies, *_far(employers), *main.values())
    companies = client.read_many("companies", company_ids, wanted("companies"))
    people = _chosen(client.links("companies", "contacts", companies, rounds=1), first)
    contacts = client.read_many("contacts", (*people.values(), *buyers.values()), wanted("contacts"))
    line_items = client.read_many("line_items", _far(lines), wanted("line_items"))
    return _Around(deals, companies, contacts, line_items, people, main, buyers, lines)


def _far(links: _Links) -> list[str]:
    return [link.id for many in links.values() for link in many]


def _chosen(links: _Links, choose: Callable[[Sequence[Link]], str | None]) -> dict[str, str]:
    picks = ((id, choose(many)) for id, many in links.items())
    return {id: pick for id, pick in picks if pick is not None}


def _orders(client: Client, around: _Around) -> Iterator[Change]:
    if not around.deals:
        return
    details = client.account_details()
    account = {"currency": details.get("companyCurrency"), "time_zone": details.get("timeZone")}
    known = _stages(client, around.deals.values())
    refused: list[Unmappable] = []
    for id, deal in around.deals.items():
        try:
            record = _order(deal, around, stage_of(deal, known), account)
        except Unmappable as error:
            refused.append(error)  # the other deals of this delivery are not to blame
            continue
        yield Change("order", id, record, revision(deal))
    if refused:
        raise refused[0]


def _stages(client: Client, deals: Iterable[Record]) -> Mapping[str, Stage]:
    """Stages as remembered, asked anew when a deal is in one that is not among them."""
    known = stages(client.pipelines("deals"))
    used = {str(deal["properties"].get("dealstage") or "") for deal in deals} - {""}
    return known if used <= known.keys() else stages(client.pipelines("deals", fresh=True))


def _order(deal: Record, around: _Around, stage: Record, account: Record) -> Record:
    id = str(deal["id"])
    company = around.companies.get(around.main.get(id, ""))
    found = [around.line_items.get(link.id) for link in around.lines.get(id, ())]
    return deal_record(
        deal,
        company=company,
        contact=around.contacts.get(around.buyers.get(id, "")),
        line_items=[line for line in found if line is not None],
        stage=stage,
        account=account,
    )
