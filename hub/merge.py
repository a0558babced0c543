"""Merging what a system says into what we know: owned fields only, and nothing that is already agreed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from hub.errors import Unmappable, plain_fault
from hub.model import KINDS, Application, ChangedLine, Document, Money

# Fields that a source may still change in each state; a kind or state that is not listed is wide open.
_AGREED_ORDER = frozenset({"title", "note"})
_BOOKED = frozenset({"cancelled_on"})
_APPLYING = frozenset({"cancelled_on", "applications", "fee"})  # applications may only grow
_CHARGED = frozenset({"fee"})  # providers tell what they kept when they know it
_DISPUTED = frozenset({"withdrawn", "fee", "outcome", "reason", "respond_by"})
_PAID_OUT = frozenset({"items", "trace", "descriptor", "account", "arrives_on", "failed_on"})
_TELLING = frozenset({"documents", "trace"})
_CLOSED = frozenset[str]()
STILL_OPEN: Mapping[str, Mapping[str, frozenset[str]]] = {
    "order": dict.fromkeys(("approved", "part_invoiced", "invoiced", "closed", "cancelled"), _AGREED_ORDER),
    "shipment": {"confirmed": frozenset({"tracking"})},
    "payment": {
        # a later file of the bank may tell more of the same line: what it pays, and its trace
        **dict.fromkeys(("unidentified", "unapplied", "part_applied", "applied"), _APPLYING | _TELLING),
        "transferred": _BOOKED | _TELLING,
        "reversed": _CHARGED,
    },
    "invoice": dict.fromkeys(("issued", "part_paid", "paid", "cancelled"), _BOOKED | {"payment_link"}),
    "credit_memo": {**dict.fromkeys(("issued", "part_applied", "applied"), _APPLYING), "cancelled": _CLOSED},
    "adjustment": {"booked": _BOOKED, "reversed": _CLOSED},
    "refund": {"booked": frozenset({"cancelled_on", "reason"}), "reversed": frozenset({"reason"})},
    "dispute": dict.fromkeys(("opened", "won", "lost"), _DISPUTED),
    "payout": dict.fromkeys(("announced", "settled", "failed"), _PAID_OUT),
    "remittance": {"matched": _CLOSED},
    "statement": {"accepted": _CLOSED},
    "order_change": {"accepted": _CLOSED, "rejected": _CLOSED},
    "order_response": {"issued": _CLOSED},
}
# Of what the hub or another system made and is only kept there: that it is applied, and what it is over.
ELSEWHERE: Mapping[str, frozenset[str]] = {
    "invoice": frozenset({"payable_amount", "currency", "payment_link"}),
    "credit_memo": frozenset({"payable_amount", "currency", "applications"}),
    "payment": frozenset({"amount", "applications"}),
    "adjustment": frozenset({"amount"}),
}

# Filled in by the hub where the source has nothing: an empty value there does not clear them.
_HUB_FILLS: Mapping[str, frozenset[str]] = {
    "order": frozenset({"number", "issue_date", "payment_terms", "seller"}),
    "payment": frozenset({"number", "customer", "seller", "documents", "trace", "fee"}),
    "refund": frozenset({"customer", "seller", "held_by", "cancelled_on"}),  # what failed does not unfail
    "dispute": frozenset({"customer", "seller", "held_by", "fee"}),
    "payout": frozenset({"payment", "trace", "items", "failed_on"}),
    "remittance": frozenset({"customer", "payment"}),
    "invoice": frozenset(
        {"order", "order_number", "purchase_order", "payment_terms", "seller", "tax_subtotals"}
    ),
    "credit_memo": frozenset({"number", "invoice", "order", "seller", "tax_subtotals"}),
    "adjustment": frozenset({"number", "customer", "seller"}),
}
_EMPTY: tuple[Any, ...] = ("", None, ())


class Merged(NamedTuple):
    """The document after the merge, and the changes that came too late: field -> (ours, theirs)."""

    document: Document
    changed: bool
    too_late: Mapping[str, tuple[Any, Any]]


def make(kind: str, document_id: str, fields: Mapping[str, Any], mapping: str) -> Document:
    """A document from translated fields. Raises Unmappable naming the first field that does not fit."""
    try:
        return KINDS[kind].model_validate({**fields, "id": document_id})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unmappable(mapping, place, plain_fault(first), first.get("input")) from None


def merge(known: Document, seen: Document, owns: Collection[str], *, elsewhere: bool = False) -> Merged:
    """Take the owned fields of `seen` that may still change; everything else stays as it is.

    `elsewhere`: the document is not from the system that tells; few fields of what it books for us count.
    """
    state = str(getattr(known, "state", ""))
    still_open = STILL_OPEN.get(known.kind, {}).get(state)
    counts = ELSEWHERE.get(known.kind) if elsewhere else None
    taken: dict[str, Any] = {}
    too_late: dict[str, tuple[Any, Any]] = {}
    for name in sorted(owns):
        ours, theirs = getattr(known, name), getattr(seen, name)
        if name == "lines":
            theirs = _lines_named(ours, theirs)
        filled = name in _HUB_FILLS.get(known.kind, ()) and theirs in _EMPTY
        if ours == theirs or filled or (counts is not None and name not in counts):
            continue
        if name == "applications" and not _grows(ours, theirs):
            if counts is None:  # else what it lacks is on its way there
                too_late[name] = (ours, theirs)
        elif still_open is None or name in still_open:
            taken[name] = theirs
        else:
            too_late[name] = (ours, theirs)
    merged = known.model_copy(update=taken) if taken else known
    return Merged(merged, bool(taken), too_late)


def _lines_named(ours: Any, theirs: Any) -> Any:
    """Their lines with the order lines that we found for them, where they name none themselves."""
    both = (*ours, *theirs)
    name = "line_id" if all(isinstance(line, ChangedLine) for line in both) else "order_line"
    if len(ours) != len(theirs) or not all(hasattr(line, name) for line in both):
        return theirs
    return tuple(
        line if getattr(line, name) else line.model_copy(update={name: getattr(known, name)})
        for known, line in zip(ours, theirs, strict=True)
    )


def _grows(ours: tuple[Application, ...], theirs: tuple[Application, ...]) -> bool:
    """Is everything we know of still applied, to the same invoices and by at least as much?"""
    before, now = _sums(ours), _sums(theirs)
    return all(key in now and now[key].amount >= money.amount for key, money in before.items())


def _sums(applications: tuple[Application, ...]) -> Mapping[tuple[str, str], Money]:
    found: dict[tuple[str, str], Money] = {}
    for one in applications:
        key = (one.invoice, one.amount.currency)
        found[key] = found.get(key, Money.zero(key[1])) + one.amount
    return found
