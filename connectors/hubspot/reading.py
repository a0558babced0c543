"""Reads again what deliveries named, with everything around it, in as few calls as HubSpot allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connectors.hubspot.client import LINK_ROUNDS, Client, Links
from connectors.hubspot.events import Asked, Carried, Named
from connectors.hubspot.translate import (
    DEAL,
    Link,
    Stage,
    account_record,
    customer_record,
    deal_record,
    first,
    merged_ids,
    owner_record,
    primary,
    revision,
    stage_of,
    stages,
)
from hub.sdk import Change, Record, Unmappable

# How old what a search told may be when it comes in: the index may be five minutes behind, and a page of a
# backfill is handed over after its last search.
SEARCH_AGE = timedelta(minutes=10)
CHAIN_MAX = 10  # merges of merges that are followed

Wanted = Callable[[str], Sequence[str]]


class _Want(NamedTuple):
    """What all deliveries name together. Carried objects are not read unless somebody else names them."""

    deals: Sequence[str]
    companies: Sequence[str]
    line_items: Sequence[str]
    contacts: Sequence[str]
    carried: Mapping[Named, Carried]


class _Around(NamedTuple):
    """All objects that were read, by id, and how they are linked."""

    deals: Mapping[str, Record]
    companies: Mapping[str, Record]
    contacts: Mapping[str, Record]
    line_items: Mapping[str, Record]
    people: Mapping[str, str]  # company id to the id of its contact
    main: Mapping[str, str]  # deal id to the id of its primary company
    buyers: Mapping[str, str]  # deal id to the id of its contact
    lines: Links  # deal id to its line items
    owners: Links  # line item id to its deals
    employers: Links  # contact id to its companies
    as_of: Mapping[Named, datetime]  # of what a search told


class _Told(NamedTuple):
    """Every change once, by id, with what was merged into what and what is lost."""

    customers: Mapping[str, Change]
    orders: Mapping[str, Change]
    merged: Mapping[Named, Change]
    lost: dict[Named, Change]


def read_all(client: Client, wanted: Wanted, deliveries: Sequence[Asked]) -> Sequence[Sequence[Change]]:
    """What each delivery brings: customers before orders, merged ones before what they were merged into.

    Every object is read once for all of them. What no longer exists is a change without a record, a deal that
    cannot be expressed one with a problem.
    """
    around = _read(client, wanted, _together(deliveries))
    read = around.deals or around.companies
    account = account_record(client.account_details()) if read else {}
    told = _Told(
        customers={id: _customer(id, around, account) for id in around.companies},
        orders={change.external_id: change for change in _orders(client, around, account)},
        merged=_merged(deliveries, around),
        lost={},
    )
    return [_answer(one, around, told) for one in deliveries]


def _together(deliveries: Sequence[Asked]) -> _Want:
    carried: dict[Named, Carried] = {}
    fresh: dict[str, dict[str, None]] = {"deals": {}, "companies": {}, "line_items": {}, "contacts": {}}
    for one in deliveries:
        carried.update(one.carried)
        for kind, ids in one.named._asdict().items():
            fresh[kind].update((id, None) for id in ids if (kind, id) not in one.carried)
    still = {key: held for key, held in carried.items() if key[1] not in fresh[key[0]]}
    return _Want(**{kind: tuple(ids) for kind, ids in fresh.items()}, carried=still)


def _read(client: Client, wanted: Wanted, want: _Want) -> _Around:
    owners = client.links("line_items", "deals", want.line_items)
    fresh_deals = client.read_many("deals", (*want.deals, *_far(owners)), wanted("deals"))
    deals = {**_held(want, "deals"), **fresh_deals}
    main = _chosen(client.links("deals", "companies", deals), primary)
    buyers = _chosen(client.links("deals", "contacts", deals), first)
    lines = client.links("deals", "line_items", deals)
    employers = client.links("contacts", "companies", want.contacts)
    new = (*want.companies, *_far(employers), *(main[id] for id in fresh_deals if id in main))
    fresh = client.read_many("companies", new, wanted("companies"))
    held = _held(want, "companies")
    known = {*held, *new}
    rest = [id for id in main.values() if id not in known]
    looked_up = client.look_up("companies", rest, wanted("companies"))
    companies = {**looked_up, **held, **fresh}
    people = _chosen(client.links("companies", "contacts", companies, rounds=1), first)
    near = {
        *(people[id] for id in fresh if id in people),
        *(buyers[id] for id in fresh_deals if id in buyers),
    }
    far = [id for id in (*people.values(), *buyers.values()) if id not in near]
    contacts = {
        **client.look_up("contacts", far, wanted("contacts")),
        **client.read_many("contacts", sorted(near), wanted("contacts")),
    }
    own = dict.fromkeys(link.id for id in fresh_deals for link in lines.found.get(id, ()))
    more = [id for id in _far(lines) if id not in own]
    line_items = {
        **client.look_up("line_items", more, wanted("line_items")),
        **client.read_many("line_items", own, wanted("line_items")),
    }
    read = {"deals": fresh_deals, "companies": fresh}
    ages = {key: one.received_at - SEARCH_AGE for key, one in want.carried.items()}
    as_of = {key: at for key, at in ages.items() if key[1] not in read[key[0]]}
    if ages:  # companies are looked up for carried deals only
        as_of |= {("companies", id): min(ages.values()) for id in looked_up}
    return _Around(
        deals, companies, contacts, line_items, people, main, buyers, lines, owners, employers, as_of
    )


def _held(want: _Want, kind: str) -> dict[str, Record]:
    return {id: one.record for (type, id), one in want.carried.items() if type == kind}


def _far(links: Links) -> list[str]:
    return [link.id for many in links.found.values() for link in many]


def _chosen(links: Links, choose: Callable[[Sequence[Link]], str | None]) -> dict[str, str]:
    picks = ((id, choose(many)) for id, many in links.found.items())
    return {id: pick for id, pick in picks if pick is not None}


def _customer(id: str, around: _Around, account: Record) -> Change:
    company = around.companies[id]
    record = customer_record(company, around.contacts.get(around.people.get(id, "")), account)
    return Change("customer", id, record, revision(company), as_of=around.as_of.get(("companies", id)))


def _orders(client: Client, around: _Around, account: Record) -> Iterator[Change]:
    if not around.deals:
        return
    known = _stages(client, around.deals.values())
    owned = any(deal["properties"].get("hubspot_owner_id") for deal in around.deals.values())
    owners = client.owners() if owned else {}
    for id, deal in around.deals.items():
        as_of = around.as_of.get(("deals", id))
        try:
            record = _order(deal, around, stage_of(deal, known), account, owners)
        except Unmappable as error:  # the other deals are not to blame
            yield Change("order", id, None, revision(deal), as_of=as_of, problem=error)
        else:
            yield Change("order", id, record, revision(deal), as_of=as_of)


def _stages(client: Client, deals: Iterable[Record]) -> Mapping[str, Stage]:
    """Stages as remembered, asked anew when a deal is in one that is not among them."""
    known = stages(client.pipelines("deals"))
    used = {str(deal["properties"].get("dealstage") or "") for deal in deals} - {""}
    return known if used <= known.keys() else stages(client.pipelines("deals", fresh=True))


def _order(
    deal: Record, around: _Around, stage: Record, account: Record, owners: Mapping[str, Record]
) -> Record:
    id = str(deal["id"])
    if id in around.lines.over:
        text = f"deal {id} has more than {LINK_ROUNDS} pages of line_items; split it in HubSpot"
        raise Unmappable(DEAL, "line_items", text)
    company = around.companies.get(around.main.get(id, ""))
    named = [link.id for link in around.lines.found.get(id, ())]
    unread = [line for line in named if line not in around.line_items]
    if unread and stage["won"]:
        text = (
            f"line items {', '.join(unread[:5])} of deal {id} cannot be read; replay, or see what hides them"
        )
        raise Unmappable(DEAL, "line_items", text)
    return deal_record(
        deal,
        company=company,
        contact=around.contacts.get(around.buyers.get(id, "")),
        line_items=[around.line_items[line] for line in named if line in around.line_items],
        stage=stage,
        account=account,
        owner=owner_record(str(deal["properties"].get("hubspot_owner_id") or ""), owners),
    )


_KINDS = {"deals": "order", "companies": "customer"}


def _merged(deliveries: Sequence[Asked], around: _Around) -> Mapping[Named, Change]:
    """Told by events, and by the survivors themselves, whatever made us read them."""
    into: dict[Named, str] = {}
    for one in deliveries:
        into.update((key, survivor) for key, survivor in one.merged.items() if key[0] in _KINDS)
    for kind, found in (("companies", around.companies), ("deals", around.deals)):
        for id, record in found.items():
            into.update(((kind, old), id) for old in merged_ids(record))
    alive = {"deals": around.deals, "companies": around.companies}
    return {
        (kind, old): Change(_KINDS[kind], old, None, merged_into=_last(kind, survivor, into))
        for (kind, old), survivor in into.items()
        if old not in alive[kind]
    }


def _last(kind: str, survivor: str, into: Mapping[Named, str]) -> str:
    for _ in range(CHAIN_MAX):
        if (kind, survivor) not in into:
            break
        survivor = into[kind, survivor]
    return survivor


def _answer(one: Asked, around: _Around, told: _Told) -> Sequence[Change]:
    """The changes that one delivery is about."""
    lines = [link.id for id in one.named.line_items for link in around.owners.found.get(id, ())]
    employers = [link.id for id in one.named.contacts for link in around.employers.found.get(id, ())]
    deals = _followed("deals", (*one.named.deals, *lines), told)
    mains = [around.main[id] for id in deals if id in around.main]
    companies = _followed("companies", (*one.named.companies, *employers, *mains), told)
    return [
        *_replaced("companies", (*one.named.companies, *companies), around.companies, told),
        *(told.customers[id] for id in companies if id in told.customers),
        *_lost("companies", one.named.companies, around.companies, told),
        *_replaced("deals", (*one.named.deals, *deals), around.deals, told),
        *_lost("deals", one.named.deals, around.deals, told),
        *(told.orders[id] for id in deals if id in told.orders),
    ]


def _followed(kind: str, ids: Iterable[str], told: _Told) -> Sequence[str]:
    """Each id once, what was merged away replaced by what took its place."""
    merged = ((told.merged.get((kind, id)), id) for id in ids)
    return list(dict.fromkeys(change.merged_into if change else id for change, id in merged))


def _replaced(kind: str, ids: Iterable[str], alive: Mapping[str, Record], told: _Told) -> Iterator[Change]:
    """What was merged away, of these and into these."""
    olds = dict.fromkeys(ids)
    for id in list(olds):
        olds.update(dict.fromkeys(merged_ids(alive[id]) if id in alive else ()))
    return (told.merged[kind, id] for id in olds if (kind, id) in told.merged)


def _lost(kind: str, ids: Iterable[str], alive: Mapping[str, Record], told: _Told) -> Iterator[Change]:
    """What is no longer there."""
    for id in ids:
        if id not in alive and (kind, id) not in told.merged:
            yield told.lost.setdefault((kind, id), Change(_KINDS[kind], id, None))
