"""A remittance advice (820) as a record: what is paid, when, by whom, and for which documents.

Sources: X12 elements 305 (BPR01), 591 (BPR04), 426 (reason of an adjustment), 782. Whether its parts make its
total is judged by the hub, for the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.edi import footing, order_parts
from connectors.edi.guide import release_of
from connectors.edi.purchase_order import Made, Part, SetPlace
from connectors.edi.settings import Settings
from connectors.edi.translate import check_single, many, number, one, text
from hub.sdk import Invalid, Unmappable

MAPPING = "edi.remittance"
NEGATIVE_REDUCES_SINCE = 3050  # the note of ADX01 up to 003040 has it the other way round
_ANNOUNCES = ("C", "D", "U", "X", "I")  # BPR01 I: the money comes apart, and its trace is the same
_TELLS_ONLY = ("H", "P")
_OUR_INVOICE = ("IV", "OI")  # ADX03; CM and DB are claims of the payer's own


def read(tree: Mapping[str, Any], place: SetPlace, settings: Settings) -> Made:
    """What an 820 means. Never raises Unmappable: it stands in the answer."""
    external_id = _external_id(tree, place)
    try:
        return Made("remittance", external_id, _record(tree, place, settings))
    except Unmappable as error:
        return Made("remittance", external_id, None, error)


def _external_id(tree: Mapping[str, Any], place: SetPlace) -> str:
    """Trace and day: the same advice is told again by them."""
    trace = text(one(tree, "TRN"), "reference") or f"{place.interchange}:{place.control_number}"
    return f"{trace}@{_paid_on(tree)}"


def _paid_on(tree: Mapping[str, Any]) -> str:
    """BPR16; where it is empty the effective day (DTM 007)."""
    told = order_parts.day(text(one(tree, "BPR"), "date"))
    by_qualifier = {entry["qualifier"]: entry["date"] for entry in order_parts.dates(tree)}
    return told or by_qualifier.get("007", "")


def sign(version: str, settings: Settings) -> int:
    """What an ADX is multiplied with, so that it is below zero where it makes the payment smaller."""
    if settings.adx_sign:
        return -1 if settings.adx_sign == "reduces" else 1
    return 1 if (release_of(version) or NEGATIVE_REDUCES_SINCE) >= NEGATIVE_REDUCES_SINCE else -1


def _record(tree: Mapping[str, Any], place: SetPlace, settings: Settings) -> Part:
    check_single(tree, MAPPING, "BPR", "TRN", "CUR")
    pay = one(tree, "BPR")
    handling, amount = text(pay, "handling"), number(pay, "amount", MAPPING, "amount")
    if handling not in (*_ANNOUNCES, *_TELLS_ONLY):
        words = f"whether BPR01 {handling or '(empty)'} announces money is not known: ask the partner"
        raise Unmappable(MAPPING, "money_follows", words, handling)
    if amount is None or amount < 0:
        raise Unmappable(MAPPING, "amount", "BPR02 is no amount of zero or more", text(pay, "amount"))
    if text(pay, "credit_debit") == "D":
        words = "the payer takes money back (BPR03 D): this is no payment to us, see what it is about"
        raise Unmappable(MAPPING, "amount", words, str(amount))
    currency, turned = order_parts.currency(tree, settings.default_currency), sign(place.version, settings)
    parties = order_parts.parties(tree, "")
    documents = [
        _document(loop, currency, turned) for group in _groups(tree) for loop in many(group, "documents")
    ]
    apart = [entry for group in _groups(tree) for entry in _apart(group, currency, turned)]
    documents += [entry["document"] for entry in apart if entry["document"]]
    payer = order_parts.of_role(parties, "PR") or order_parts.party("PR", "", "")
    payee = order_parts.of_role(parties, "PE") or order_parts.party("PE", "", "")
    return {
        "amount": amount,
        "currency": currency,
        "handling": handling,
        "money_follows": handling in _ANNOUNCES,
        "method": text(pay, "payment_method"),
        "trace": text(one(tree, "TRN"), "reference"),
        "paid_on": _paid_on(tree),
        "payer": {**payer, "account": text(pay, "account")},
        "payer_id": text(pay, "originator") or text(one(tree, "TRN"), "originator") or payer["code"],
        "payee": payee,
        "references": order_parts.references(tree),
        "dates": order_parts.dates(tree),
        "documents": documents,
        "adjustments": [entry["adjustment"] for entry in apart if not entry["document"]],
        "notes": [*_texts(tree), *_doubt(tree, turned)],
        "customer": settings.customer,
        "set": place._asdict(),
    }


def _groups(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The set itself, for payers who leave ENT out, and its entities."""
    yield tree
    yield from many(tree, "entities")


def _document(loop: Mapping[str, Any], currency: str, turned: int) -> Part:
    head = one(loop, "RMR")
    days = {entry["qualifier"]: entry["date"] for entry in order_parts.dates(loop)}
    paid, original, discount = (
        _amount(head, name) for name in ("amount", "original_amount", "discount_taken")
    )
    adjustments = [_adjustment(one(inner, "ADX"), inner, turned) for inner in many(loop, "adjustments")]
    own = _amount(head, "amount_2")
    if own:
        reason = text(head, "adjustment_reason")
        adjustments.insert(0, {"amount": turned * own, "reason": reason, "text": ""})
    return {
        "number": text(head, "reference"),
        "type": text(head, "reference_qualifier"),
        "action": text(head, "payment_action"),
        "dated": days.get("003") or next(iter(days.values()), ""),
        "currency": currency,
        "paid": paid,
        "original": original,
        "discount": discount,
        "adjustments": adjustments,
        "references": order_parts.references(loop),
        "notes": _texts(loop),
    }


def _amount(head: Mapping[str, Any], name: str) -> Decimal | None:
    return number(head, name, MAPPING, f"documents.{name}")


def _adjustment(head: Mapping[str, Any], loop: Mapping[str, Any], turned: int) -> Part:
    amount = number(head, "amount", MAPPING, "adjustments.amount")
    if amount is None:
        raise Unmappable(MAPPING, "adjustments.amount", "ADX01 tells no amount")
    return {"amount": turned * amount, "reason": text(head, "adjustment_reason"), "text": _words(head, loop)}


def _words(head: Mapping[str, Any], loop: Mapping[str, Any]) -> str:
    """What a dispute needs: the payer's claim number, its references and what it wrote."""
    numbers = [(text(head, "reference_qualifier"), text(head, "reference"))]
    for inner in many(loop, "references"):
        segment = one(inner, "REF") or inner
        numbers.append((text(segment, "reference_qualifier"), text(segment, "reference")))
        numbers.append(("", text(segment, "description")))
    told = [" ".join(part for part in pair if part) for pair in numbers if pair[1]]
    return "; ".join(dict.fromkeys((*told, *_texts(loop))))[:400]


def _apart(group: Mapping[str, Any], currency: str, turned: int) -> Iterator[Part]:
    """ADX that stand under no RMR: of a document they name, else of the payment as a whole."""
    for loop in many(group, "adjustments"):
        head = one(loop, "ADX")
        adjustment = _adjustment(head, loop, turned)
        kind, name = text(head, "reference_qualifier"), text(head, "reference")
        named = bool(name) and kind in _OUR_INVOICE
        document = {
            "number": name, "type": kind, "action": "", "dated": "", "currency": currency, "paid": None,
            "original": None, "discount": None, "adjustments": [adjustment], "references": [], "notes": [],
        }  # fmt: skip
        yield {"adjustment": adjustment, "document": document if named else None}


def _texts(tree: Mapping[str, Any]) -> list[str]:
    return [words for segment in many(tree, "NTE") if (words := text(segment, "description"))]


def _doubt(tree: Mapping[str, Any], turned: int) -> Sequence[str]:
    """A hint where adjustments read the other way round would make the total."""
    try:
        ours = footing.remittance(dict(tree), negative_reduces=turned > 0)
        theirs = footing.remittance(dict(tree), negative_reduces=turned < 0)
    except (Invalid, LookupError, TypeError, AttributeError):
        return ()
    if ours.holds or not theirs.holds:
        return ()
    word = "reduces" if turned > 0 else "adds"
    return [
        f"It adds up if positive adjustments are read the other way: set adx_sign to {word} for this partner."
    ]
