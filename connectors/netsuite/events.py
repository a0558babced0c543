"""What a poll found, as deliveries: which transaction changed or went, and what it is to the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from connectors.netsuite import suiteql, times
from connectors.netsuite.client import SUITEQL, Wire
from hub.sdk import Arrival, Delivery, Invalid, Page, Rejected

OVERLAP = timedelta(minutes=5)  # a save may commit after a later one; repeats are recognised by event id


class Kindred(NamedTuple):
    """A transaction type of SuiteQL, its record type in REST, and the kind of document it can be."""

    record: str
    kind: str


# transaction.type; a deposit's applications and refunds tell of the deposit or payment they belong to
TYPES: Mapping[str, Kindred] = {
    "ItemShip": Kindred("itemFulfillment", "shipment"),
    "CustInvc": Kindred("invoice", "invoice"),
    "CustCred": Kindred("creditMemo", "credit_memo"),
    "CustPymt": Kindred("customerPayment", "payment"),
    "CustDep": Kindred("customerDeposit", "payment"),
    "DepAppl": Kindred("depositApplication", "payment"),
    "CustRfnd": Kindred("customerRefund", "payment"),
    "Journal": Kindred("journalEntry", "adjustment"),
}
_BY_RECORD = {one.record.lower(): code for code, one in TYPES.items()}
_FIRST = {kind: next(c for c, one in TYPES.items() if one.kind == kind) for kind in
          ("shipment", "invoice", "credit_memo", "payment", "adjustment")}  # fmt: skip


class Hint(NamedTuple):
    """One transaction to look at."""

    code: str  # transaction.type as the poll saw it
    id: str
    seen: datetime | None  # when it changed, UTC
    deleted: bool = False


class Watch(NamedTuple):
    """What a poll looks at, and where."""

    codes: Sequence[str]
    deletions: bool
    zone: tzinfo
    address: str
    first: str | None  # local time before which nothing is read
    margin: timedelta


def codes_of(kinds: Sequence[str]) -> Sequence[str]:
    """The transaction types behind some kinds of documents."""
    return [code for code, one in TYPES.items() if one.kind in kinds]


def poll(client: Wire, watch: Watch, cursor: str | None, now: datetime) -> Page:
    """Changed and deleted transactions, one page. A sweep ends a margin before now; the next overlaps it."""
    at = times.load_cursor(cursor)
    until = at.until if at.after and at.until else now.replace(microsecond=0) - watch.margin
    since = times.window_start(at.since - OVERLAP, watch.zone) if at.since else watch.first
    # a sweep always goes on from its last key, so no query comes near NetSuite's 100,000 rows
    window = suiteql.Window(since, times.stamp(until, watch.zone), at.after)
    gone = sorted(TYPES[code].record.lower() for code in watch.codes) if watch.deletions else ()
    rows = client.query(suiteql.changed(watch.codes, gone, window))
    arrivals = [arrival for row in rows.items if (arrival := _arrival(row, watch))]
    if rows.more and rows.items:
        last = rows.items[-1]
        after = (str(last["lastmodified"]), int(last["id"]))
        return Page(arrivals, times.dump_cursor(at._replace(until=until, after=after)), more=True)
    return Page(arrivals, times.dump_cursor(times.Cursor(since=until)))


def _arrival(row: Mapping[str, Any], watch: Watch) -> Arrival | None:
    deleted = row.get("deleted") == "T"
    named = str(row.get("type", ""))
    code = _BY_RECORD.get(named.lower(), "") if deleted else named
    if code not in watch.codes:
        return None
    return told(code, str(row["id"]), str(row["lastmodified"]), watch, deleted=deleted)


def told(code: str, id: str, changed: str, watch: Watch, *, deleted: bool = False) -> Arrival:
    """The delivery of one change; `changed` is the account's local time. The same over REST and SOAP."""
    body = {"type": code, "id": id, "lastmodified": changed, "deleted": deleted}
    event = f"{code.lower()}:{id}:{changed}" + (":deleted" if deleted else "")
    return Arrival([event], _delivery(body, watch.address))


def _delivery(body: Mapping[str, Any], address: str) -> Delivery:
    return Delivery(
        headers={"content-type": "application/json"},
        body=json.dumps(body).encode(),
        url=address + SUITEQL,
        received_at=datetime.now(UTC),
    )


def arrival(kind: str, external_id: str, address: str) -> Arrival:
    """A delivery that makes read() tell of this object as it is now. Raises Rejected if it cannot."""
    id = external_id.partition(":")[0]
    if kind not in _FIRST or not id.isascii() or not id.isdigit():
        text = f"{kind} {external_id!r} cannot be read again: it is no transaction of NetSuite"
        raise Rejected(text, code="kind", sent=False)
    now = datetime.now(UTC)
    body = {"type": _FIRST[kind], "id": id, "lastmodified": "", "deleted": False}
    return Arrival([f"again:{kind}:{external_id}:{now.isoformat()}"], _delivery(body, address))


def hint(delivery: Delivery, zone: tzinfo) -> Hint:
    """What a delivery of a poll is about. Raises Invalid for anything else."""
    try:
        body = json.loads(delivery.body)
        code, id, changed = str(body["type"]), str(body["id"]), body["lastmodified"]
        seen = times.unstamp(changed, zone) if changed else None
        deleted = body.get("deleted") is True
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Invalid("not a delivery of a NetSuite poll", field="body") from None
    if code not in TYPES or not id.isascii() or not id.isdigit():
        raise Invalid("not a transaction of a NetSuite poll", field="body")
    return Hint(code, id, seen, deleted)
