"""Credit notes: take something off an open invoice, or give back what was paid on a paid one."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from sandbox.stripe import customers, refunds, settling, taxes
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import (
    AMOUNT,
    COUNT,
    DECIMAL,
    EXPAND,
    METADATA,
    PAGE,
    SPAN,
    TEXT,
    TIME,
    Spec,
    choice,
    group,
    many,
    need,
)
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata
from sandbox.stripe.refusals import invalid, unable

REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")
_LINE = group(
    amount=AMOUNT,
    description=TEXT,
    invoice_line_item=TEXT,
    metadata=METADATA,
    quantity=COUNT,
    tax_amounts=many(group(amount=need(AMOUNT), tax_rate=need(TEXT), taxable_amount=need(AMOUNT))),
    tax_rates=many(TEXT),
    type=need(choice("invoice_line_item", "custom_line_item")),
    unit_amount=AMOUNT,
    unit_amount_decimal=DECIMAL,
)
_CREATE: Spec = {
    **EXPAND,
    "amount": COUNT,
    "credit_amount": COUNT,
    "effective_at": TIME,
    "email_type": choice("credit_note", "none"),
    "invoice": need(TEXT),
    "lines": many(_LINE),
    "memo": TEXT,
    "metadata": METADATA,
    "out_of_band_amount": COUNT,
    "reason": choice(*REASONS),
    "refund_amount": COUNT,
    "refunds": many(group(refund=TEXT, amount_refunded=COUNT, type=TEXT)),
}


class Credited(NamedTuple):
    """What one line of a credit note takes back."""

    line: Thing | None
    amount: int
    quantity: int
    described: str | None
    taxes: list[Thing]


class Split(NamedTuple):
    """How the amount reaches the customer: off what is owed, or given back in one of three ways."""

    pre: int
    refund: int
    credit: int
    outside: int
    linked: int


def _credited(account: Account, invoice: Thing, given: dict[str, Any]) -> list[Credited]:
    if given.get("lines"):
        return [_line(account, invoice, one) for one in given["lines"]]
    wanted = given.get("amount")
    parts = (given.get(name) for name in ("refund_amount", "credit_amount", "out_of_band_amount"))
    amount = wanted if wanted is not None else sum(part or 0 for part in parts)
    amount = amount or sum(one.get("amount_refunded") or 0 for one in given.get("refunds") or ())
    if not amount:
        raise invalid("Either `amount` or `lines` must be given.", "amount", "parameter_missing")
    return _spread(account, invoice, amount)


def _spread(account: Account, invoice: Thing, amount: int) -> list[Credited]:
    """An amount (taxes contained) taken from the lines in their shares."""
    lines = account.of("line_item", "invoice", invoice["id"])
    whole = sum(one["amount"] + taxes.exclusive(one["taxes"]) for one in lines)
    found, left = [], amount
    for at, line in enumerate(lines, 1):
        gross = line["amount"] + taxes.exclusive(line["taxes"])
        share = left if at == len(lines) else _rounded(Decimal(amount) * gross / whole)
        left -= share
        tax = [_part(one, Decimal(share) / gross) for one in line["taxes"]] if gross else []
        net = share - taxes.exclusive(tax)
        found.append(Credited(line, net, 1, line["description"], tax))
    return found


def _part(tax: Thing, share: Decimal) -> Thing:
    amount, base = _rounded(tax["amount"] * share), _rounded(tax["taxable_amount"] * share)
    return {**tax, "amount": amount, "taxable_amount": base}


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _line(account: Account, invoice: Thing, given: dict[str, Any]) -> Credited:
    quantity = given.get("quantity") or 1
    if given["type"] == "custom_line_item":
        unit = given.get("unit_amount_decimal", given.get("unit_amount"))
        if unit is None and "amount" not in given:
            raise invalid(
                "A custom line needs unit_amount or amount.", "lines[unit_amount]", "parameter_missing"
            )
        amount = given["amount"] if unit is None else _rounded(Decimal(unit) * quantity)
        rates = taxes.rates(account, given.get("tax_rates") or (), "lines[tax_rates]")
        return Credited(None, amount, quantity, given.get("description"), taxes.worked_out(amount, rates))
    line = account.living("line_item", given.get("invoice_line_item"), "lines[invoice_line_item]")
    if line["invoice"] != invoice["id"]:
        raise unable("The line belongs to another invoice.", "lines[invoice_line_item]")
    if "amount" in given:
        amount = given["amount"]
    else:
        amount = _rounded(Decimal(line["amount"]) * quantity / max(line["quantity"], 1))
    if amount > line["amount"]:
        raise unable(
            "You cannot credit more than the amount of the line.", "lines[amount]", "amount_too_large"
        )
    share = Decimal(amount) / line["amount"] if line["amount"] else Decimal(0)
    tax = [_part(one, share) for one in line["taxes"]]
    return Credited(line, amount, quantity, given.get("description") or line["description"], tax)


def _split(invoice: Thing, total: int, given: dict[str, Any]) -> Split:
    asked = [given.get(name) or 0 for name in ("refund_amount", "credit_amount", "out_of_band_amount")]
    linked = sum(one.get("amount_refunded") or 0 for one in given.get("refunds") or ())
    back = sum(asked) + linked
    pre = (
        total - back
        if invoice["status"] == "open"
        else min(invoice["amount_remaining"], max(total - back, 0))
    )
    if pre < 0 or pre > invoice["amount_remaining"] or pre + back != total:
        told = (
            f"The sum of credit amount, refund amount and out of band amount ({back}) must equal the "
            f"credit note amount ({total}) less what is still unpaid ({invoice['amount_remaining']})."
        )
        raise unable(told, "amount")
    return Split(pre, asked[0], asked[1], asked[2], linked)


def _check(account: Account, invoice: Thing, total: int) -> None:
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        told = f"You can only create a credit note for finalized invoices; this one is {invoice['status']}."
        raise unable(told, "invoice", "invoice_not_open")
    notes = account.of("credit_note", "invoice", invoice["id"])
    before = sum(one["amount"] for one in notes if one["status"] == "issued")
    if total <= 0 or before + total > invoice["total"]:
        left = invoice["total"] - before
        told = f"The credit note amount ({total}) is greater than what can be credited ({left})."
        raise unable(told, "amount", "amount_too_large")


def _create(call: Call) -> Thing:
    account, given = call.account, call.given
    invoice = account.living("invoice", given["invoice"], "invoice")
    ones = _credited(account, invoice, given)
    total = sum(one.amount + taxes.exclusive(one.taxes) for one in ones)
    _check(account, invoice, total)
    split = _split(invoice, total, given)
    _refundable(account, invoice, split, given)
    note = account.add("credit_note", _blank(account, invoice, ones, split, given))
    for one in ones:
        _add_line(account, note, one)
    _give_back(account, invoice, note, split, given)
    if split.pre:
        settling.credited(account, invoice, split.pre)
    if split.pre != total:
        with account.changing(invoice, "invoice.updated"):
            invoice["post_payment_credit_notes_amount"] += total - split.pre
    account.tell("credit_note.created", note)
    return note


def _blank(
    account: Account, invoice: Thing, ones: list[Credited], split: Split, given: dict[str, Any]
) -> Thing:
    found = taxes.added_up(tax for one in ones for tax in one.taxes)
    subtotal = sum(one.amount for one in ones)
    total, post = subtotal + taxes.exclusive(found), sum(split) - split.pre
    count = len(account.of("credit_note", "invoice", invoice["id"])) + 1
    return {
        "amount": total,
        "amount_shipping": 0,
        "created": account.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": given.get("effective_at") or account.now(),
        "invoice": invoice["id"],
        "livemode": False,
        "memo": given.get("memo"),
        "metadata": metadata({}, given),
        "number": f"{invoice['number']}-CN-{count:02d}",
        "out_of_band_amount": split.outside or None,
        "pdf": f"{account.world.base_url}/credit_notes/{account.id}/{account.world.token(24)}/pdf",
        "post_payment_amount": post,
        "pre_payment_amount": split.pre,
        "pretax_credit_amounts": [],
        "reason": given.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - taxes.inclusive(found),
        "total": total,
        "total_excluding_tax": subtotal - taxes.inclusive(found),
        "total_taxes": found,
        "type": "mixed" if split.pre and post else "pre_payment" if split.pre else "post_payment",
        "voided_at": None,
    }


def _add_line(account: Account, note: Thing, one: Credited) -> None:
    unit = Decimal(one.amount) / one.quantity
    whole = unit == int(unit)
    account.add(
        "credit_note_line_item",
        {
            "amount": one.amount,
            "description": one.described,
            "discount_amount": 0,
            "discount_amounts": [],
            "invoice_line_item": one.line["id"] if one.line else None,
            "livemode": False,
            "metadata": {},
            "pretax_credit_amounts": [],
            "quantity": one.quantity,
            "tax_rates": [],
            "taxes": one.taxes,
            "type": "invoice_line_item" if one.line else "custom_line_item",
            "unit_amount": int(unit) if whole else None,
            "unit_amount_decimal": format(round(unit, 12).normalize(), "f"),
            "_note": note["id"],
        },
    )


def _refundable(account: Account, invoice: Thing, split: Split, given: dict[str, Any]) -> None:
    """Raises Refused, before anything is written, for what could not be given back."""
    charge = account.things.get(invoice["_charge"] or "")
    if split.refund and charge is None:
        raise unable("The invoice has no payment that could be refunded.", "refund_amount")
    if split.refund and charge:
        refunds.check(account, charge, split.refund)
    for one in given.get("refunds") or ():
        account.get("refund", one.get("refund"), "refunds[refund]", status=400)
    if split.credit:
        account.living("customer", invoice["customer"], "invoice")


def _give_back(account: Account, invoice: Thing, note: Thing, split: Split, given: dict[str, Any]) -> None:
    if split.refund:
        made = refunds.refund(account, account.things[invoice["_charge"]], split.refund)
        note["refunds"].append({"amount_refunded": split.refund, "refund": made["id"], "type": "refund"})
    for one in given.get("refunds") or ():
        known = account.get("refund", one.get("refund"), "refunds[refund]", status=400)
        note["refunds"].append(
            {
                "amount_refunded": one.get("amount_refunded", known["amount"]),
                "refund": known["id"],
                "type": "refund",
            }
        )
    if split.credit:
        customer = account.living("customer", invoice["customer"], "invoice")
        with account.changing(customer, "customer.updated"):
            moved = customers.credit(
                *(account, customer, -split.credit, "credit_note"), invoice=invoice["id"], note=note["id"]
            )
        note["customer_balance_transaction"] = moved["id"]


def _void(call: Call) -> Thing:
    account, note = call.account, call.account.get("credit_note", call.ids[0])
    invoice = account.things[note["invoice"]]
    if note["status"] == "void":
        raise unable("This credit note is voided already.", code="credit_note_voided")
    if note["type"] != "pre_payment" or invoice["status"] != "open":
        raise unable("You can only void a credit note of an open invoice that was not paid back.")
    with account.changing(note, "credit_note.voided"):
        note["status"], note["voided_at"] = "void", account.now()
    settling.credited(account, invoice, -note["pre_payment_amount"])
    return note


def _update(call: Call) -> Thing:
    note = call.account.get("credit_note", call.ids[0])
    with call.account.changing(note, "credit_note.updated"):
        if "memo" in call.given:
            note["memo"] = call.given["memo"]
        note["metadata"] = metadata(note["metadata"], call.given)
    return note


def _list(call: Call) -> Thing:
    account, given, among = call.account, call.given, None
    for name in ("customer", "invoice"):
        if given.get(name):
            among = account.of("credit_note", name, given[name])
    return page(
        *(account, "credit_note", given, "/v1/credit_notes"),
        fits=lambda one: within(given.get("created"), one["created"]),
        among=among,
    )


def _lines(call: Call) -> Thing:
    note = call.account.get("credit_note", call.ids[0])
    things = call.account.of("credit_note_line_item", "_note", note["id"])[::-1]
    url = f"/v1/credit_notes/{note['id']}/lines"
    return page(call.account, "credit_note_line_item", call.given, url, among=things)


_AT = "/v1/credit_notes/{}"
OPERATIONS = (
    Op("POST", "/v1/credit_notes", _create, _CREATE, "create"),
    Op("GET", "/v1/credit_notes", _list, {**PAGE, "customer": TEXT, "invoice": TEXT, "created": SPAN}),
    Op("GET", _AT, lambda call: call.account.get("credit_note", call.ids[0])),
    Op("POST", _AT, _update, {**EXPAND, "memo": TEXT, "metadata": METADATA}, "update"),
    Op("POST", _AT + "/void", _void, EXPAND, "void"),
    Op("GET", _AT + "/lines", _lines, PAGE),
)
