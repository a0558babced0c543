"""Reading over SOAP: what changed, by search; what was deleted; what transactions are now, by getList."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from connectors.netsuite import events, reading, times
from connectors.netsuite.events import OVERLAP, TYPES, Hint, Watch
from connectors.netsuite.settling import Links
from connectors.netsuite.soap_client import Criterion, Found, SoapClient, forgotten
from connectors.netsuite.soap_names import SHAPES, XSI
from hub.sdk import Arrival, Change, Page, Record, Rejected, Transient

_CODES: Mapping[str, str] = {
    SHAPES[one.record].type: code for code, one in TYPES.items() if one.record in SHAPES
}
_BY_RECORD: Mapping[str, str] = {TYPES[code].record: code for code in _CODES.values()}
CODES = tuple(_CODES.values())
"""The transaction types that SOAP is used for."""


class _At(NamedTuple):
    """Where a poll stands: `search` and `page` amid a long one."""

    since: datetime | None
    until: datetime | None
    search: str = ""
    page: int = 1


def _load(cursor: str | None) -> _At:
    at = times.load_cursor(cursor)
    told = json.loads(cursor) if cursor else {}
    search, page = told.get("search"), told.get("page")
    if isinstance(search, str) and isinstance(page, int) and at.until:
        return _At(at.since, at.until, search, page)
    return _At(at.since, None)


def _dump(at: _At) -> str:
    told = json.loads(times.dump_cursor(times.Cursor(since=at.since, until=at.until)))
    return json.dumps({**told, "search": at.search, "page": at.page})


def poll(client: SoapClient, watch: Watch, cursor: str | None, now: datetime) -> Page:
    """Changed and deleted transactions, one page of a search; unchanged, one call, two with deletions.

    A search that NetSuite has forgotten begins anew: repeats are recognised by their event ids.
    """
    at = _load(cursor)
    until = at.until or now.replace(microsecond=0) - watch.margin
    found, at = _page(client, watch, at)
    arrivals = [*_changed(found, watch, until)]
    if found.page == 1 and watch.deletions and at.since:
        arrivals += _deleted(client, watch, at.since, until)
    arrivals.sort(key=_moment)
    told = [arrival for _, arrival in arrivals]
    if found.page < found.pages:
        return Page(told, _dump(_At(at.since, until, found.search, found.page + 1)), more=True)
    return Page(told, times.dump_cursor(times.Cursor(since=until)))


def _moment(one: tuple[datetime, Arrival]) -> datetime:
    return one[0]


def _page(client: SoapClient, watch: Watch, at: _At) -> tuple[Found, _At]:
    if at.search:
        try:
            return client.more(at.search, at.page), at
        except Rejected as error:
            if not forgotten(error):
                raise
    types = Criterion("type", "anyOf", [f"_{TYPES[code].record}" for code in watch.codes if code in CODES])
    since = _since(watch, at.since)
    dated = [Criterion("lastModifiedDate", "onOrAfter", [since])] if since else []
    return client.search("TransactionSearchBasic", [*dated, types]), at


def _since(watch: Watch, since: datetime | None) -> str:
    if since:
        return (since - OVERLAP).astimezone(watch.zone).isoformat()
    if watch.first:
        return times.unstamp(watch.first, watch.zone).astimezone(watch.zone).isoformat()
    return ""


def _changed(found: Found, watch: Watch, until: datetime) -> Iterator[tuple[datetime, Arrival]]:
    for element in found.records:
        code = _CODES.get(element.get(f"{{{XSI}}}type", "").rpartition(":")[2])
        id, changed = element.get("internalId"), times.moment(element.findtext("{*}lastModifiedDate"))
        if code is None or not id:
            continue
        if changed is None:
            raise Transient(f"{code} {id} comes without the time of its last change", code="bad_xml")
        if changed < until:  # later ones are told by the next poll
            yield changed, events.told(code, id, times.stamp(changed, watch.zone), watch)


def _deleted(
    client: SoapClient, watch: Watch, since: datetime, until: datetime
) -> Iterator[tuple[datetime, Arrival]]:
    records = [TYPES[code].record for code in watch.codes if code in CODES]
    for element in client.deleted(records, (since - OVERLAP).astimezone(watch.zone).isoformat()):
        reference, at = element.find("{*}record"), times.moment(element.findtext("{*}deletedDate"))
        code = _BY_RECORD.get(reference.get("type", "")) if reference is not None else None
        id = reference.get("internalId") if reference is not None else None
        if code and id and at and at < until:
            yield at, events.told(code, id, times.stamp(at, watch.zone), watch, deleted=True)


def changes(client: SoapClient, wants: reading.Wants, hints: Sequence[Hint]) -> Sequence[Sequence[Change]]:
    """What each hint brings, in order; a transaction that several hints name is read once."""
    wanted = sorted({(h.code, h.id) for h in hints if not h.deleted and h.code in CODES}, key=_by_number)
    records = client.get_many([(TYPES[code].record, id) for code, id in wanted])
    seen = dict(zip(wanted, records, strict=True))
    told: dict[tuple[str, str], Sequence[Change]] = {}

    def of(hint: Hint) -> Sequence[Change]:
        key = (hint.code, hint.id)
        record = seen.get(key)
        if hint.code not in CODES:
            return ()  # such as a deposit, of which only SuiteQL tells enough
        if hint.deleted or record is None:
            return reading.gone(hint)
        if key not in told:
            told[key] = _told(wants, hint.code, record)
        return told[key]

    return [of(hint) for hint in hints]


def _by_number(key: tuple[str, str]) -> tuple[int, str]:
    return int(key[1]), key[0]


def _told(wants: reading.Wants, code: str, record: Record) -> Sequence[Change]:
    changed = times.moment(record.get("lastModifiedDate")) or datetime.now(UTC)
    head = {
        "id": record["id"], "type": code, "voided": "T" if _voided(record) else "F",
        "lastmodified": times.stamp(changed, wants.zone),
    }  # fmt: skip
    return list(reading.documents(wants, reading.Seen(head, Links(())), record, changed))


def _voided(record: Record) -> bool:
    """SOAP has no field for it: the status is the word "Voided"."""
    return "void" in str((record.get("status") or {}).get("refName", "")).lower()
