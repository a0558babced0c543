"""What transactions are now, in REST's words plus `applications` and `o2c`: a crowd of them in few calls.

One question tells the headers of all, one their links. What these tell completely is not read again: our own
payments, deposits, journals. Tax per line, tracking numbers and early-payment discounts stand in the records
only, so invoices, credit memos, fulfilments and payments that people entered are read one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.netsuite import settling, suiteql, times
from connectors.netsuite.cancelling import is_reversal
from connectors.netsuite.client import Wire
from connectors.netsuite.events import TYPES, Hint
from connectors.netsuite.normal import billed_lines, item_name
from connectors.netsuite.settling import Links
from connectors.netsuite.translate import decimal, lines_of
from hub.sdk import Change, Record

Head = Mapping[str, Any]
_CREDITS = frozenset({"CustPymt", "CustCred", "CustDep", "Journal"})
_PARTS = frozenset({"DepAppl", "CustRfnd"})  # told of as part of the deposit, payment or credit memo


class Wants(NamedTuple):
    """What reading needs to know of the settings."""

    zone: tzinfo
    write_off_items: Sequence[str] = ()
    body_fields: Sequence[str] = ()


class Seen(NamedTuple):
    """One transaction: its header and what it settles."""

    head: Head
    links: Links

    @property
    def id(self) -> str:
        return str(self.head["id"])


def changes(client: Wire, wants: Wants, hints: Sequence[Hint]) -> Sequence[Sequence[Change]]:
    """What each hint brings, in order; a transaction that several hints name is read once."""
    ids = sorted({hint.id for hint in hints if not hint.deleted}, key=int)
    heads = _heads(client, wants, ids)
    settlers = _settlers(client, [hint.id for hint in hints if hint.seen is None], heads)
    heads |= _heads(client, wants, sorted({id for found in settlers.values() for id in found} - set(heads)))
    parts = [id for id in heads if heads[id]["type"] in _PARTS]
    owners = _owners(settling.links_of(client, parts), parts) if parts else {}
    missing = sorted({id for found in owners.values() for id in found} - set(heads), key=int)
    heads = {**heads, **_heads(client, wants, missing)}
    credits_of = [id for id, head in heads.items() if head["type"] in _CREDITS]
    links = settling.links_of(client, credits_of) if credits_of else Links(())
    told: dict[str, Sequence[Change]] = {}

    def tell(id: str) -> Sequence[Change]:
        if id not in told:
            told[id] = _told(client, wants, Seen(heads[id], links))
        return told[id]

    def of(hint: Hint) -> Sequence[Change]:
        if hint.deleted or hint.id not in heads:
            return gone(hint)
        named = dict.fromkeys(
            id
            for one in (hint.id, *settlers.get(hint.id, ()))
            for id in (owners.get(one, ()) if heads[one]["type"] in _PARTS else (one,))
        )
        return _in_order(change for id in named if id in heads for change in tell(id))

    return [of(hint) for hint in hints]


_RANKS = {
    kind: rank for rank, kind in enumerate(("shipment", "invoice", "credit_memo", "payment", "adjustment"))
}


def _in_order(found: Iterator[Change]) -> Sequence[Change]:
    return sorted(found, key=lambda change: _RANKS[change.kind])


def _heads(client: Wire, wants: Wants, ids: Sequence[str]) -> dict[str, Head]:
    rows = (
        row for some in suiteql.chunks(ids) for row in client.rows(suiteql.heads(some, wants.body_fields))
    )
    return {str(row["id"]): row for row in rows if row.get("type") in TYPES}


def _settlers(client: Wire, asked: Sequence[str], heads: Mapping[str, Head]) -> Mapping[str, Sequence[str]]:
    """What settles invoices that are read again: a repair of what the hub does not know of needs that too."""
    invoices = [id for id in asked if id in heads and heads[id]["type"] == "CustInvc"]
    if not invoices:
        return {}
    links = settling.links_of(client, invoices)
    codes = ("CustCred", "CustPymt", "DepAppl", "Journal")
    return {invoice: [id for code in codes for id in links.others(invoice, code)] for invoice in invoices}


def _owners(links: Links, parts: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The payments, deposits and credit memos that deposit applications and refunds belong to."""
    codes = ("CustDep", "CustPymt", "CustCred")
    return {part: [id for code in codes for id in links.others(part, code)] for part in parts}


def gone(hint: Hint) -> Sequence[Change]:
    """Deleted there. A credit memo may have been a write-off: what the hub does not know it ignores."""
    if hint.code in _PARTS:
        return ()  # its deposit or payment is touched by that, and is told of itself
    kinds = ["credit_memo", "adjustment"] if hint.code == "CustCred" else [TYPES[hint.code].kind]
    return [Change(kind, hint.id, None, hint.seen) for kind in kinds]


def _told(client: Wire, wants: Wants, seen: Seen) -> Sequence[Change]:
    code = str(seen.head["type"])
    if code in ("CustDep", "Journal") or (code == "CustPymt" and _complete(seen)):
        record: Record | None = _of_head(seen, code)
        revision = times.unstamp(str(seen.head["lastmodified"]), wants.zone)
    else:
        record = client.get(TYPES[code].record, seen.id, expand=True)
        revision = times.moment((record or {}).get("lastModifiedDate")) or times.unstamp(
            str(seen.head["lastmodified"]), wants.zone
        )
    if record is None:  # deleted since its header was read
        return [Change(TYPES[code].kind, seen.id, None, revision)]
    return list(documents(wants, seen, record, revision))


def _complete(seen: Seen) -> bool:
    """A payment of ours whose figures tie out without a discount: nothing more stands in the record."""
    head = seen.head
    total, left = (
        abs(decimal(head.get(name) or 0, name)) for name in ("foreigntotal", "foreignpaymentamountunused")
    )
    used = sum(seen.links.settled(seen.id).values(), Decimal(0)) + seen.links.refunded(seen.id)
    return bool(head.get("externalid")) and used + left == total


def documents(wants: Wants, seen: Seen, record: Record, revision: datetime) -> Iterator[Change]:
    """The documents a transaction is to the hub, in the order of the canonical kinds."""
    code, cancelled = str(seen.head["type"]), _cancelled(seen.head, wants)
    told: dict[str, Any] = {**record, "o2c": {"cancelled_on": cancelled}}
    if code == "CustCred" and is_reversal(record):
        return  # our own way to cancel an invoice: no credit memo of the hub
    if code == "ItemShip":
        yield Change("shipment", seen.id, record, revision)
    elif code == "CustInvc":
        told["o2c"] |= {"lines": billed_lines(record)}
        yield Change("invoice", seen.id, told, revision)
    elif code == "Journal" or (code == "CustCred" and _writes_off(record, wants)):
        found = told.get("applications") or settling.told_by(record)
        yield from _adjustments(seen, told, found, revision)
    else:
        yield from _credit(seen, told, revision)


def _credit(seen: Seen, told: dict[str, Any], revision: datetime) -> Iterator[Change]:
    """A payment, deposit or credit memo, and the discounts taken with it as adjustments of their own."""
    code = str(seen.head["type"])
    found = told.get("applications")
    if found is None:
        found = settling.told_by(told)
    refunded = seen.links.refunded(seen.id)
    told = {**told, "applications": found}
    told["o2c"] = {**told["o2c"], "refunded": refunded}
    if code == "CustCred":
        told["o2c"] |= {"lines": billed_lines(told), "invoice": _corrected(told)}
        yield Change("credit_memo", seen.id, told, revision)
        return
    total = abs(decimal(told.get("payment") or 0, "payment"))
    if refunded and refunded >= total and not told["o2c"]["cancelled_on"]:
        told["o2c"]["cancelled_on"] = told.get("tranDate")
    told["o2c"]["kept"] = total if told["o2c"]["cancelled_on"] else total - refunded
    yield Change("payment", seen.id, told, revision)
    taken = [one for one in found if one["discount"]]
    for one in taken:
        discount = {**one, "amount": one["discount"]}
        yield _adjustment(f"{seen.id}:{one['invoice']['id']}", told, discount, "discount", revision)


def _corrected(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The invoice a credit memo is of: what it was made from, if that is one; else the one it settles."""
    source = told.get("createdFrom")
    if isinstance(source, Mapping) and source.get("id"):
        named = [source.get("refName"), *(link.get("href") for link in source.get("links") or ())]
        if any(str(one).startswith("Invoice") or "/invoice/" in str(one) for one in named):
            return {"id": str(source["id"])}
    found = told["applications"]
    return found[0]["invoice"] if len(found) == 1 else {}


def _writes_off(record: Record, wants: Wants) -> bool:
    names = [item_name(line) for line in lines_of(record)]
    return bool(names) and all(name in wants.write_off_items for name in names)


def _adjustments(
    seen: Seen, told: dict[str, Any], found: Sequence[Mapping[str, Any]], revision: datetime
) -> Iterator[Change]:
    """One per invoice. That of one invoice has the transaction's own id, as push() returns it."""
    if len(found) != 1:
        yield Change("adjustment", seen.id, None, revision)  # of no invoice, or no longer of one only
    for one in found:
        invoice = one["invoice"]["id"]
        id = seen.id if len(found) == 1 else f"{seen.id}:{invoice}"
        yield _adjustment(id, told, one, "write_off", revision)


def _adjustment(
    id: str, told: Mapping[str, Any], settles: Mapping[str, Any], reason: str, revision: datetime
) -> Change:
    names = ("externalId", "tranId", "tranDate", "memo", "currency", "subsidiary", "entity")
    record = {name: told[name] for name in names if name in told}
    record["entity"] = told.get("entity") or told.get("customer") or {}
    o2c = {"cancelled_on": told["o2c"]["cancelled_on"], "reason": reason}
    record |= {"id": id, "invoice": settles["invoice"], "amount": settles["amount"], "o2c": o2c}
    return Change("adjustment", id, record, revision)


def _cancelled(head: Head, wants: Wants) -> str | None:
    """The business date of a void: the day of the last change, in the account's zone."""
    return str(head["lastmodified"])[:10] if head.get("voided") == "T" else None


def _of_head(seen: Seen, code: str) -> dict[str, Any]:
    """A payment, deposit or journal as REST would put it, from its header and links."""
    head = seen.head
    party = {"id": str(head["entity"]), "refName": head.get("entityname", "")} if head.get("entity") else {}
    record: dict[str, Any] = {
        "id": seen.id,
        "tranId": head.get("tranid", ""),
        "tranDate": head.get("trandate"),
        "currency": {"id": str(head.get("currency", "")), "refName": head.get("currencyname", "")},
        "subsidiary": {"id": str(head.get("subsidiary", ""))},
        "entity" if code == "Journal" else "customer": party,
        "memo": head.get("memo", ""),
        "status": {"id": head.get("status", ""), "refName": head.get("statusname", "")},
        "applications": settling.applications(seen.links.settled(seen.id)),
    }
    if code != "Journal":
        record["payment"] = abs(decimal(head.get("foreigntotal") or 0, "foreigntotal"))
    if head.get("externalid"):
        record["externalId"] = head["externalid"]
    known = {"type", "voided", "foreigntotal", "foreignpaymentamountunused", "lastmodified", "links"}
    custom = {key: value for key, value in head.items() if key.startswith("cust") and key not in known}
    return {**record, **custom}
