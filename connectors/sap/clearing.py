"""Applying cash and credits to invoices at SAP: clearing requested, and confirmed by looking.

Journal Entry - Clearing (Asynchronous), JournalEntryBulkClearingRequest_In: accepted with 202 and nothing
else; what became of it is seen in the open items only, errors in SAP's Message Dashboard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.sap.settings import Settings
from connectors.sap.soap_entry import entered_by
from connectors.sap.soap_plan import Part, Wanted, belongs, plan
from connectors.sap.soap_record import Allocation, Posted, allocations, is_posted, posted_by
from connectors.sap.soap_rows import Ask, Item, any_of, item_of, key_filter, partials_filter
from connectors.sap.soap_wire import Amount, Message, Node, header, message_uuid, opened, send
from connectors.sap.translate import padded, text
from hub.sdk import Door, NotYet, Rejected, Transient

OPERATION = "JournalEntryBulkClearingRequest_In"
_ASKED_AT_ONCE = 20  # documents per call: an address stays below 8,000 characters
# The answer to a message id that was taken before: the first one counts, and is being worked on.
_REPEATED = re.compile(r"duplicate|already (been )?(processed|received|exists?|used)", re.IGNORECASE)
ALLOCATIONS_MAX = 400  # per request, so that the clearing document stays below 999 items


class Cleared(NamedTuple):
    """What the books say about our allocations; `problem` is for a person and stands above the rest."""

    done: Mapping[str, Decimal]  # external id of the invoice to what is settled of it by ours
    missing: Sequence[Wanted]
    problem: str = ""

    @property
    def state(self) -> str:
        """cleared, partly, or not yet."""
        if not self.missing:
            return "cleared"
        return "partly" if any(self.done.values()) else "not yet"


def settle(
    door: Door,
    settings: Settings,
    ask: Ask,
    *,
    posted: str,
    on: date,
    allocations: Sequence[Mapping[str, Any] | Allocation],
) -> None:
    """Have a payment, credit memo or adjustment settle invoices; returns once the books show it.

    Looks first, asks for what is missing, and raises NotYet: come back and look again. `on` is the posting
    date of the clearing. A request is told by its content, so SAP takes a repeat for what it is. Raises
    Rejected, for a person, where an item is not there or was cleared with something else.
    """
    wanted = merged(allocations)
    if not wanted:
        return
    source = posted_by(posted)
    items = _look(ask, source, wanted)
    seen = confirmed(items, source, wanted)
    if seen.problem:
        raise Rejected(seen.problem, code="cleared_elsewhere", sent=False)
    if not seen.missing:
        return
    batch = seen.missing[:ALLOCATIONS_MAX]
    parts = plan(items, source, batch)
    own = message_uuid(_content(source, batch))
    message = request(settings, source, batch[0].allocation.currency, parts, on=on, own=own)
    try:
        opened(send(door, settings.clearing_path, settings.query, message))
    except (Rejected, Transient) as error:
        if not _REPEATED.search(error.message):
            raise
    raise NotYet(
        f"SAP took the request to clear {posted} with {len(batch)} invoices (message {own}) and does not "
        "show it done yet; if it stays so, look for that message in the Message Dashboard, namespace /FINAC"
    )


def merged(told: Sequence[Mapping[str, Any] | Allocation]) -> list[Wanted]:
    """One target per invoice. Raises Rejected where they are in several currencies."""
    sums: dict[str, Allocation] = {}
    for one in allocations(told):
        known = sums.get(one.invoice)
        names = ("amount", "discount", "deduction")
        added = {name: getattr(known, name) + getattr(one, name) for name in names} if known else {}
        sums[one.invoice] = one.model_copy(update=added)
    currencies = sorted({one.currency for one in sums.values()})
    if len(currencies) > 1:
        text = f"one clearing is in one currency, these are in {', '.join(currencies)}"
        raise Rejected(text, code="currency", sent=False)
    return [Wanted(one, Decimal(0)) for one in sums.values()]


def confirmed(items: Sequence[Item], source: Posted, wanted: Sequence[Wanted]) -> Cleared:
    """What of the wanted the books show as settled by this source: a pure decision.

    An invoice is settled by us where a document that took from our source cleared it, or holds partial
    items of at least that amount. An invoice or source that something else cleared is a problem.
    """
    ours = _touching(items, source)
    done: dict[str, Decimal] = {}
    missing: list[Wanted] = []
    for one in wanted:
        own = [item for item in items if belongs(item, one.allocation.invoice)]
        amount = _settled(items, own, ours, one.allocation.amount)
        done[one.allocation.invoice] = amount
        if amount >= one.allocation.amount:
            continue
        if own and all(item.cleared_by for item in own):
            by = ", ".join(sorted({str(item.cleared_by) for item in own}))
            return Cleared(done, missing, f"{one.allocation.invoice} was cleared by {by}, not with {source}")
        missing.append(Wanted(one.allocation, amount))
    base = [item for item in items if item.posted == source and item.settles is None]
    if missing and base and all(item.cleared_by for item in base):
        by = ", ".join(sorted({str(item.cleared_by) for item in base}))
        open_ = ", ".join(one.allocation.invoice for one in missing[:5])
        return Cleared(done, missing, f"{source} was used up by {by}, and {open_} is not settled by that")
    return Cleared(done, missing)


def request(
    settings: Settings, source: Posted, currency: str, parts: Sequence[Part], *, on: date, own: str
) -> Message:
    """The message that clears these items. Its clearing document carries the source's number."""
    at = datetime.now(UTC)
    entry: list[Node] = [
        ("CompanyCode", source.company_code),
        ("AccountingDocumentType", settings.documents.clearing),
        ("DocumentDate", on),
        ("PostingDate", on),
        ("CurrencyCode", currency),
        ("ReferenceDocument", source.document),
        ("CreatedByUser", entered_by(settings)),
        *(("APARItems", _item(number, part, source, currency)) for number, part in enumerate(parts, 1)),
    ]
    inner: list[Node] = [header(own, at, "_1"), ("JournalEntry", entry)]
    root: list[Node] = [header(own, at), ("JournalEntryClearingRequest", inner)]
    return Message(OPERATION, "JournalEntryBulkClearingRequest", root, own, strict=True)


def _item(number: int, part: Part, source: Posted, currency: str) -> list[Node]:
    item = part.item

    def optional(value: Decimal | None) -> Amount | None:
        return Amount(value, currency) if value else None

    return [
        ("ReferenceDocumentItem", str(number)),
        ("CompanyCode", source.company_code),
        ("AccountType", "D"),
        ("APARAccount", padded(item.customer)),
        ("FiscalYear", item.posted.fiscal_year),
        ("AccountingDocument", padded(item.posted.document)),
        ("AccountingDocumentItem", item.number.zfill(3)),
        ("PartialPaymentAmtInDspCrcy", optional(part.partial)),
        ("CashDiscountAmountInDspCrcy", optional(part.discount)),
        ("OtherDeductionAmountInDspCrcy", optional(part.deduction)),
        ("PaymentDifferenceReason", part.reason_code),
    ]


def _content(source: Posted, batch: Sequence[Wanted]) -> str:
    """What a request is about, in words that are the same whenever it is the same request."""
    told = [f"{one.allocation.invoice}:{one.allocation.amount}:{one.settled}" for one in batch]
    return "|".join([str(source), *sorted(told)])


def _look(ask: Ask, source: Posted, wanted: Sequence[Wanted]) -> list[Item]:
    """The items of the source and the invoices, with the partial items that refer to them."""
    known = [source] + [
        posted_by(one.allocation.invoice) for one in wanted if is_posted(one.allocation.invoice)
    ]
    billed = [one.allocation.invoice for one in wanted if not is_posted(one.allocation.invoice)]
    found = _asked(ask, [f"BillingDocument eq {text(number)}" for number in billed])
    keys = dict.fromkeys([*known, *(item.posted for item in found)])
    return list(dict.fromkeys([*found, *_asked(ask, [f for key in keys for f in _both(key)])]))


def _both(key: Posted) -> tuple[str, str]:
    return key_filter(key), partials_filter(key)


def _asked(ask: Ask, filters: Sequence[str]) -> list[Item]:
    pages = [filters[at : at + _ASKED_AT_ONCE] for at in range(0, len(filters), _ASKED_AT_ONCE)]
    return [item_of(row) for page in pages for row in ask(any_of(page))]


def _touching(items: Sequence[Item], source: Posted) -> set[Posted]:
    """The documents that took something from the source: cleared it, or hold a partial item of it."""
    own = [item for item in items if item.posted == source]
    cleared = {item.cleared_by for item in own if item.cleared_by}
    return cleared | {item.posted for item in items if item.settles and item.settles[0] == source}


def _settled(items: Sequence[Item], own: Sequence[Item], ours: set[Posted], amount: Decimal) -> Decimal:
    if own and all(item.cleared_by in ours for item in own):
        return amount
    keys = {item.key for item in own}
    partial = [abs(item.amount) for item in items if item.settles in keys and item.posted in ours]
    return sum(partial, Decimal(0))
