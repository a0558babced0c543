"""Taking back at SAP what the hub took back: entries reversed once, billing documents cancelled once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from connectors.sap import journal
from connectors.sap.client import BILLING, Client
from connectors.sap.settings import Settings
from connectors.sap.soap_record import Posted, is_posted, posted_by
from connectors.sap.soap_rows import Ask, Item, any_of, item_of, key_filter, partials_filter
from connectors.sap.translate import as_day, entity, text
from hub.sdk import Door, NotYet, Rejected, Transient, Write

IN_PERIOD, LATER = "01", "02"  # reversal reasons: on the entry's own day; on another day [mem]


class Books(NamedTuple):
    """Where entries are posted and looked at, and the business date there."""

    door: Door
    settings: Settings
    ask: Ask
    today: date


def entry(books: Books, write: Write) -> str:
    """Reverse the entry of a document that was reversed or cancelled in the hub; the entry's own id.

    Looks first, so a repeat does nothing. Partial clearings that used only this entry are reversed before it.
    Raises Rejected, for a person, where a clearing must be reset first: SAP has no service for that.
    """
    external_id = write.external_id or booked(books.ask, write.reference)
    if external_id is None:
        told = f"{write.kind} {write.record.get('reference') or write.reference} was never booked in SAP: "
        raise Rejected(told + "there is nothing to reverse", code="not_booked", sent=False)
    key = posted_by(external_id)
    items = _items(books.ask, [key_filter(key), partials_filter(key)])
    own = [item for item in items if item.posted == key]
    if not own:
        raise Transient(f"{external_id} is not seen in SAP's items", code="unconfirmed", sent=False)
    if all(item.reversed for item in own):
        return external_id
    _not_cleared(external_id, own)
    for one in dict.fromkeys(item.posted for item in items if _takes_from(item, key)):
        _reverse_partial(books, one, key)
    day = as_day(write.record.get("posting_date")) or books.today
    _reverse(books, external_id, str(write.record["document_type"]), day)
    return external_id


def booked(ask: Ask, reference: str) -> str | None:
    """The entry that carries our document id, reversed or not. Raises Rejected where several stand."""
    rows = list(ask(journal.by_reference(reference)))
    try:
        return journal.found(rows, reference)
    except Rejected as error:
        if error.code != "reversed":
            raise
    return next(str(item.posted) for item in map(item_of, rows) if item.reversed and not item.reversal)


def release(books: Books, external_id: str, kept: Sequence[str]) -> None:
    """Undo what an entry no longer settles: our own partial clearings to invoices that are not `kept`.

    Those of people stay. Raises NotYet where an invoice was cleared as a whole: people reset that in SAP, or
    we have not read yet what they cleared.
    """
    key = posted_by(external_id)
    items = _items(books.ask, [key_filter(key), partials_filter(key)])
    used = {item.cleared_by for item in items if item.posted == key and item.cleared_by and not item.reversed}
    partial = {item.posted for item in items if _takes_from(item, key)}
    stays = _posted(books.ask, kept) if used | partial else frozenset()
    for one in sorted(used | partial, key=str):
        rows = list(_rows(books.ask, [key_filter(one), _cleared_by(one)]))
        found = [item_of(row) for row in rows]
        cleared = [item for item in found if item.cleared_by == one and item.posted != one]
        whole = {item.posted for item in cleared if item.amount > 0} - stays
        if whole:
            told = f"{external_id} no longer pays {', '.join(sorted(map(str, whole)))} here, and does in SAP"
            raise NotYet(f"{told}: reset {one} there (Reset Cleared Items, FBRA)", sent=False)
        settles = {item.settles[0] for item in found if item.posted == one and item.settles} - {key}
        if settles and not settles & stays and _is_ours(rows, one, key):
            _reverse_partial(books, one, key)


def _is_ours(rows: Sequence[Mapping[str, Any]], clearing: Posted, source: Posted) -> bool:
    """A clearing that the hub asked for carries the number of what it was to be cleared with."""
    own = [row for row in rows if item_of(row).posted == clearing]
    return any(row.get("DocumentReferenceID") == source.document for row in own)


def _posted(ask: Ask, names: Sequence[str]) -> frozenset[Posted]:
    """The entries behind external ids, billing documents included."""
    billed = [f"BillingDocument eq {text(name)}" for name in names if not is_posted(name)]
    found = [item.posted for item in _items(ask, billed)] if billed else []
    return frozenset([*found, *(posted_by(name) for name in names if is_posted(name))])


def _cleared_by(clearing: Posted) -> str:
    by = f"CompanyCode eq {text(clearing.company_code)} and ClearingAccountingDocument eq "
    return by + text(clearing.document)


def billing(client: Client, number: str) -> str:
    """Cancel a billing document, unless it is cancelled already; its number. Raises ConnectorError."""
    known = client.get(BILLING, entity("A_BillingDocument", number))
    if known is None:
        raise Rejected(f"billing document {number} is gone from SAP", code="gone", sent=False)
    if not known.get("BillingDocumentIsCancelled"):
        client.act(BILLING, "Cancel", {"BillingDocument": text(number)}, str(known.get("etag") or ""))
    return number


def _items(ask: Ask, filters: Sequence[str]) -> list[Item]:
    return list(dict.fromkeys(item_of(row) for row in _rows(ask, filters)))


def _rows(ask: Ask, filters: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    yield from ask(any_of(filters))


def _takes_from(item: Item, key: Posted) -> bool:
    standing = not item.reversal and not item.reversed
    return standing and item.posted != key and item.settles is not None and item.settles[0] == key


def _not_cleared(name: str, items: Sequence[Item]) -> None:
    """Raises Rejected where items are cleared other than by being reversed."""
    by = sorted({str(item.cleared_by) for item in items if item.cleared_by and not item.reversed})
    if by:
        told = f"{name} is cleared by {', '.join(by)}: reset that clearing in SAP (Reset Cleared Items, FBRA)"
        raise Rejected(f"{told} and try again, or reverse it there", code="cleared", sent=False)


def _reverse_partial(books: Books, clearing: Posted, source: Posted) -> None:
    """Reverse a document that only moved parts of this entry to invoices; anything else is for a person."""
    rows = list(_rows(books.ask, [key_filter(clearing), _cleared_by(clearing)]))
    items = [item_of(row) for row in rows]
    _not_cleared(str(clearing), [item for item in items if item.posted == clearing])
    others = [item for item in items if item.posted != clearing and item.cleared_by == clearing]
    credits = {item.settles[0] for item in items if item.settles and item.amount > 0}
    if others or credits != {source}:
        told = f"{clearing} settles with {source}: undo it in SAP first (Reset Cleared Items, FBRA, or FB08)"
        raise Rejected(f"{told} and try again", code="cleared", sent=False)
    day = next((found for row in rows if (found := as_day(row.get("PostingDate")))), books.today)
    _reverse(books, str(clearing), books.settings.documents.clearing, day)


def _reverse(books: Books, external_id: str, document_type: str, day: date) -> None:
    """On the entry's own day in the same month, else today: its period may be closed by then."""
    same = (day.year, day.month) == (books.today.year, books.today.month)
    on, reason = (day, IN_PERIOD) if same else (books.today, LATER)
    journal.reverse(
        books.door, books.settings, external_id, document_type=document_type, on=on, reason=reason
    )
