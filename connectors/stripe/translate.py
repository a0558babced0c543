"""Stripe's objects as mappings see them: units and seconds as decimals and days beside Stripe's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from connectors.stripe.amounts import from_minor
from connectors.stripe.client import REFERENCE, id_of, metadata
from hub.sdk import Record, Unmappable

# What Stripe's reporting categories are to the hub (docs, "reporting categories"); any other is `other`.
CATEGORIES: Mapping[str, str] = {
    "charge": "payment",
    "charge_failure": "payment",
    "refund": "refund",
    "refund_failure": "refund",
    "dispute": "dispute",
    "dispute_reversal": "dispute",
    "fee": "fee",
    "network_cost": "fee",
    "payout_reversal": "failed_payout",
    "other_adjustment": "adjustment",
}
_MOVED_BY = frozenset({"payment", "refund", "dispute", "failed_payout"})  # types whose source is of ours
_WITH_FEE = frozenset({"dispute", "fee", "adjustment", "other"})  # types that may carry a fee of their own
# An inquiry that is closed and a dispute that was prevented took no money in the end.
_WON = frozenset({"won", "warning_closed", "prevented", "charge_refunded"})


def moment(seconds: Any) -> datetime | None:
    """An instant from Stripe's seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and seconds else None


def day(seconds: Any, zone: tzinfo) -> date | None:
    """The business date of an instant."""
    at = moment(seconds)
    return at.astimezone(zone).date() if at else None


def expanded(found: Record, name: str) -> Record | None:
    """An object that was asked for with `expand`; None: there is none. Raises Unmappable for a bare id."""
    told = found.get(name)
    if told is None:
        return None
    if not isinstance(told, Mapping):
        raise Unmappable("stripe", name, f"Stripe did not expand {name} of {found.get('id')}", told)
    return told


def is_payment(charge: Record) -> bool:
    """Did money move? Not by an authorisation, a pending debit or one that never succeeded."""
    if charge.get("status") == "failed":
        return charge.get("balance_transaction") is not None
    return charge.get("status") == "succeeded" and charge.get("captured") is True


def payment_record(
    charge: Record, paid: Sequence[Record], *, zone: tzinfo, keys: Sequence[str] = ()
) -> Record:
    """A charge that moved money. `paid`: its invoice payments. Raises Unmappable.

    What Stripe kept of a charge that it holds in another currency is told by its payout.
    """
    currency = str(charge["currency"])
    moved = expanded(charge, "balance_transaction") or {}
    failure = expanded(charge, "failure_balance_transaction")
    fee = moved.get("fee", 0) if moved.get("currency") == currency else 0
    failed = charge.get("status") == "failed"
    applied = [one for one in paid if _share(one, currency) and (one.get("status") == "paid" or failed)]
    ours = [one for one in applied if _is_ours(one.get("invoice"))]
    buyer = charge.get("customer")
    settled = moved.get("created")
    back = (failure or {}).get("created") or settled
    return {
        **charge,
        "o2c": {
            "amount": from_minor(charge["amount"] if failed else charge["amount_captured"], currency),
            "fee": from_minor(fee, currency, "balance_transaction.fee"),
            "booked_on": day(settled, zone),
            "available_on": day(moved.get("available_on"), UTC),
            "method": (charge.get("payment_method_details") or {}).get("type"),
            "payment_intent": id_of(charge.get("payment_intent")),
            "customer": id_of(buyer) if _is_ours(buyer) else None,
            "cancelled_on": day(back, zone) if failed else None,
            "references": list(_references(charge, keys)),
            "applications": [_applied(one, currency) for one in ours],
            "documents": [_paid(one, currency) for one in applied if not _is_ours(one.get("invoice"))],
        },
    }


def _is_ours(found: object) -> bool:
    return isinstance(found, Mapping) and bool(metadata(found).get(REFERENCE))


def _applied(one: Record, currency: str) -> Record:
    return {"invoice": id_of(one["invoice"]), "amount": _share(one, currency)}


def _paid(one: Record, currency: str) -> Record:
    invoice = one["invoice"]
    number = invoice.get("number") if isinstance(invoice, Mapping) else None
    return {"number": number or id_of(invoice), "amount": _share(one, currency)}


def _share(one: Record, currency: str) -> Decimal:
    """Of a payment that failed later Stripe tells no longer what was paid, but still what was asked for."""
    paid = one.get("amount_paid")
    return from_minor(one.get("amount_requested") if paid is None else paid, currency, "amount_paid")


def excess(one: Record, all_paid: Sequence[Record], over: int) -> int:
    """What of an invoice payment is beyond its invoice: the last to pay paid too much."""

    def paid_at(each: Record) -> tuple[int, str]:
        return (each.get("status_transitions") or {}).get("paid_at") or 0, str(each["id"])

    for each in sorted((x for x in all_paid if x.get("status") == "paid"), key=paid_at, reverse=True):
        part = min(over, int(each.get("amount_paid") or 0))
        if each["id"] == one["id"]:
            return part
        over -= part
    return 0


def _references(charge: Record, keys: Sequence[str]) -> Iterator[str]:
    told = metadata(charge)
    for text in (charge.get("description"), *(told.get(key) for key in keys)):
        if text:
            yield str(text)[:400]


def has_moved(refund: Record) -> bool:
    """Has a refund left our balance? One that waits for funds, or was cancelled before, has not."""
    return refund.get("balance_transaction") is not None


def refund_record(refund: Record, charge: str, *, zone: tzinfo) -> Record:
    """A refund that has left our balance; `cancelled_on`: it failed and the money came back."""
    currency = str(refund["currency"])
    moved = expanded(refund, "balance_transaction") or {}
    failure = expanded(refund, "failure_balance_transaction")
    back = failure is not None or refund.get("status") in ("failed", "canceled")
    told = [refund.get("reason"), refund.get("failure_reason"), refund.get("description")]
    return {
        **refund,
        "o2c": {
            "amount": from_minor(refund["amount"], currency),
            "booked_on": day(moved.get("created"), zone),
            "payment": charge,
            "reason": ", ".join(str(text) for text in told if text),
            "cancelled_on": day((failure or moved).get("created"), zone) if back else None,
        },
    }


def dispute_record(dispute: Record, charge: str, *, zone: tzinfo) -> Record:
    """A dispute with what it took of our balance so far, by its balance transactions."""
    currency = str(dispute["currency"])
    moves = dispute.get("balance_transactions") or []
    taken, fee = -sum(one["amount"] for one in moves), sum(one["fee"] for one in moves)
    if any(one["currency"] != currency for one in moves):  # held in another: the payout tells the fee
        taken, fee = dispute["amount"] if taken > 0 else 0, None
    status = str(dispute.get("status"))
    due = (dispute.get("evidence_details") or {}).get("due_by")
    reasons = [dispute.get("reason"), dispute.get("network_reason_code")]
    return {
        **{name: value for name, value in dispute.items() if name != "evidence"},
        "o2c": {
            "amount": from_minor(dispute["amount"], currency),
            "withdrawn": from_minor(taken, currency),
            "fee": None if fee is None else from_minor(fee, currency),
            "payment": charge,
            "reason": " ".join(str(text) for text in reasons if text),
            "opened_on": day(dispute.get("created"), zone),
            "respond_by": day(due, zone),
            "outcome": "lost" if status == "lost" else "won" if status in _WON else "open",
        },
    }


def is_itemised(payout: Record) -> bool:
    """Can everything be told about it now? Of an automatic one only once Stripe has reconciled it."""
    return payout.get("reconciliation_status") != "in_progress"


def payout_record(payout: Record, moves: Sequence[Record], *, zone: tzinfo) -> Record:
    """A payout with everything it is made of; a manual one has no items (docs, "payout reconciliation")."""
    currency = str(payout["currency"])
    failure = expanded(payout, "failure_balance_transaction")
    failed = payout.get("status") in ("failed", "canceled")
    trace = payout.get("trace_id") or {}
    bank = payout.get("destination")
    return {
        **payout,
        "o2c": {
            "amount": from_minor(payout["amount"], currency),
            "arrives_on": day(payout.get("arrival_date"), UTC),  # Stripe writes a day as its midnight in UTC
            "account": str(bank.get("last4") or "") if isinstance(bank, Mapping) else "",
            "trace": trace.get("value"),
            "descriptor": payout.get("statement_descriptor"),
            "failed_on": day((failure or {}).get("created") or payout["created"], zone) if failed else None,
            "items": [item for one in moves for item in _items(one, payout, currency)],
        },
    }


def _items(move: Record, payout: Record, currency: str) -> Iterator[Record]:
    """One movement of the balance; two where a fee goes with something that cannot carry one."""
    source = id_of(move.get("source"))
    if move["id"] == id_of(payout.get("balance_transaction")) or source == payout["id"]:
        return  # the payout itself
    if move.get("currency") != currency:
        text = f"{move['id']} is in {move.get('currency')}, payout {payout['id']} in {currency}"
        raise Unmappable("stripe", "items.currency", text, move.get("currency"))
    kind = CATEGORIES.get(str(move.get("reporting_category") or ""), "other")
    gross, fee = move["amount"], move["fee"]
    carries = not fee or kind in _WITH_FEE or (kind == "payment" and gross > 0)
    said = " ".join(str(part) for part in (move.get("type"), move.get("description")) if part)
    own = {
        "reference": move["id"], "type": kind, "document": source if kind in _MOVED_BY else None,
        "text": said[:400],
    }  # fmt: skip
    yield {**own, **_sums(gross, fee if carries else 0, currency)}
    if not carries:
        apart = {"reference": f"{move['id']}#fee", "type": "fee", "document": None}
        yield {**apart, "text": f"fee of {said}"[:400], **_sums(-fee, 0, currency)}


def _sums(gross: int, fee: int, currency: str) -> Record:
    named = {"gross": gross, "fee": fee, "net": gross - fee}
    return {name: from_minor(minor, currency, name) for name, minor in named.items()}


def invoice_record(invoice: Record, *, zone: tzinfo) -> Record:
    """An invoice of ours in Stripe: what matters of it is the page where it can be paid."""
    currency = str(invoice["currency"])
    changes = invoice.get("status_transitions") or {}
    taxes = sum(one["amount"] for one in invoice.get("total_taxes") or ())
    finalised = changes.get("finalized_at") or invoice["created"]
    return {
        **invoice,
        "customer": id_of(invoice.get("customer")),
        "o2c": {
            "issue_date": day(invoice.get("effective_at") or finalised, zone),
            "due_date": day(invoice.get("due_date") or finalised, zone),
            "total": from_minor(invoice["total"], currency),
            "tax_exclusive": from_minor(invoice["total"] - taxes, currency),
            "cancelled_on": day(changes.get("voided_at"), zone),
            "lines": [_line(one, currency) for one in (invoice.get("lines") or {}).get("data") or ()],
        },
    }


def _line(line: Record, currency: str) -> Record:
    return {
        "sku": metadata(line).get("o2c_sku") or line["id"],
        "name": str(line.get("description") or "")[:400],
        "amount": from_minor(line["amount"], currency),
    }
