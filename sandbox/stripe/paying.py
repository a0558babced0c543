"""Paying invoices: with a payment method, outside of Stripe, or by attaching payments made elsewhere."""

from __future__ import annotations

from sandbox.stripe import finalizing, intents, invoice_lines, methods, settling
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import (
    BOOLEAN,
    EXPAND,
    METADATA,
    PAGE,
    SPAN,
    TEXT,
    Spec,
    choice,
    group,
    many,
    need,
)
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata
from sandbox.stripe.refusals import Refused, invalid, unable
from sandbox.stripe.totals import recomputed


def retrieve(call: Call) -> Thing:
    """The invoice a call is about."""
    return call.account.living("invoice", call.ids[0], status=404)


def payable(invoice: Thing) -> None:
    """Raises Refused for an invoice that cannot be paid."""
    if invoice["status"] == "paid":
        raise unable("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise unable(f"Invoice cannot be paid: its status is {invoice['status']}.", code="invoice_not_open")


def _pay(call: Call) -> Thing:
    account, given, invoice = call.account, call.given, retrieve(call)
    if invoice["status"] == "draft":
        finalizing.finalize(account, invoice, None)
    if invoice["status"] == "paid" and not invoice["amount_due"]:
        return invoice
    payable(invoice)
    if given.get("paid_out_of_band"):
        settling.out_of_band(account, invoice)
        return invoice
    chosen = given.get("payment_method") or _usual(account, invoice)
    if not chosen:
        told = "There is no `default_payment_method` set on this Customer or Invoice. Please set one."
        raise unable(told, code="missing_payment_method")
    intents.confirm(account, default_intent(account, invoice), _chosen(account, invoice, chosen))
    return invoice


def _usual(account: Account, invoice: Thing) -> str | None:
    customer = account.things[invoice["customer"]]
    of_customer: str | None = (customer.get("invoice_settings") or {}).get("default_payment_method")
    return invoice["default_payment_method"] or of_customer


def collect(account: Account, invoice: Thing) -> None:
    """What auto_advance does with an open invoice that is charged automatically."""
    chosen = _usual(account, invoice)
    wanted = invoice["collection_method"] == "charge_automatically" and invoice["auto_advance"]
    if invoice["status"] != "open" or not wanted or not chosen:
        return
    try:
        intents.confirm(account, default_intent(account, invoice), _chosen(account, invoice, chosen))
    except Refused as refused:
        if refused.status != 402:
            raise


def unattended(account: Account, invoice: Thing) -> None:
    """What auto_advance does an hour after the draft was made."""
    if invoice.get("status") == "draft" and invoice["auto_advance"]:
        finalizing.finalize(account, invoice, None)
        collect(account, invoice)


def _chosen(account: Account, invoice: Thing, id: str) -> Thing:
    method = methods.method(account, id)
    intent = default_intent(account, invoice)
    if method["type"] not in intent["payment_method_types"]:
        intent["payment_method_types"] = [*intent["payment_method_types"], method["type"]]
    return method


def default_intent(account: Account, invoice: Thing) -> Thing:
    """The payment intent that the invoice was finalized with."""
    return account.get("payment_intent", invoice["_intent"])


def attach(account: Account, invoice: Thing, intent: Thing) -> Thing:
    """Count another payment intent towards an invoice. Raises Refused."""
    payable(invoice)
    if intent["customer"] not in (None, invoice["customer"]) or intent["currency"] != invoice["currency"]:
        raise unable("The payment must be of the invoice's customer and in its currency.", "payment_intent")
    if account.of("invoice_payment", "_intent", intent["id"]):
        raise unable("This payment is attached to an invoice already.", "payment_intent")
    if intent["status"] == "canceled":
        raise unable("A canceled PaymentIntent cannot be attached.", "payment_intent")
    payment = finalizing.ask(account, invoice, intent, intent["amount"], default=False)
    intent["_invoice"] = invoice["id"]
    if intent["status"] == "succeeded":
        settling.succeeded(account, intent)
    return payment


def _attach(call: Call) -> Thing:
    account, given, invoice = call.account, call.given, retrieve(call)
    if given.get("payment_record"):
        _attach_record(
            account, invoice, account.get("payment_record", given["payment_record"], "payment_record")
        )
        return invoice
    if not given.get("payment_intent"):
        raise invalid("Must provide payment_intent or payment_record.", "payment_intent", "parameter_missing")
    intent = account.get("payment_intent", given["payment_intent"], "payment_intent", status=400)
    attach(account, invoice, intent)
    return invoice


def _attach_record(account: Account, invoice: Thing, record: Thing) -> None:
    payable(invoice)
    if record["_invoice"]:
        raise unable("This payment record is attached to an invoice already.", "payment_record")
    record["_invoice"] = invoice["id"]
    amount = record["amount_guaranteed"]["value"]
    now = account.now()
    payment = account.add(
        "invoice_payment",
        {
            "amount_paid": amount,
            "amount_requested": amount,
            "created": now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": False,
            "livemode": False,
            "payment": {"payment_record": record["id"], "type": "payment_record"},
            "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": now},
            "_intent": None,
        },
    )
    account.tell("invoice_payment.paid", payment)
    invoice["amount_paid_off_stripe"] += amount
    settling.receive(account, invoice, amount)


def _payments(call: Call) -> Thing:
    account, given, among = call.account, call.given, None
    wanted = given.get("payment") or {}
    if given.get("invoice"):
        among = account.of("invoice_payment", "invoice", given["invoice"])
    elif wanted.get("payment_intent"):
        among = account.of("invoice_payment", "_intent", wanted["payment_intent"])

    def fits(one: Thing) -> bool:
        paid = one["payment"]
        same = all(
            wanted.get(name) in (None, paid.get(name))
            for name in ("type", "payment_intent", "payment_record")
        )
        return (
            same
            and given.get("status") in (None, one["status"])
            and within(given.get("created"), one["created"])
        )

    return page(account, "invoice_payment", given, "/v1/invoice_payments", fits=fits, among=among)


def _lines(call: Call) -> Thing:
    invoice = retrieve(call)
    things = call.account.of("line_item", "invoice", invoice["id"])[::-1]  # in the order of the invoice
    return page(call.account, "line_item", call.given, f"/v1/invoices/{invoice['id']}/lines", among=things)


def _add_lines(call: Call) -> Thing:
    account, invoice = call.account, invoice_lines.draft(call.account, call.ids[0], "id")
    customer = account.living("customer", invoice["customer"], "customer")
    with account.changing(invoice, "invoice.updated"):
        for one in call.given["lines"]:
            if one.get("invoice_item"):
                item = account.living("invoiceitem", one["invoice_item"], "lines[invoice_item]")
            else:
                item = invoice_lines.new_item(account, customer, {"currency": invoice["currency"], **one})
            invoice_lines.new_line(account, invoice, item)
        invoice["metadata"] = metadata(
            invoice["metadata"], {"metadata": call.given.get("invoice_metadata", {})}
        )
        recomputed(account, invoice)
    return invoice


def _update_line(call: Call) -> Thing:
    account, invoice = call.account, invoice_lines.draft(call.account, call.ids[0], "id")
    line = account.living("line_item", call.ids[1], status=404)
    item = invoice_lines.item_of(account, line)
    with account.changing(invoice, "invoice.updated"):
        invoice_lines.change_item(account, item, call.given)
        invoice_lines.refresh_line(line, item, invoice)
        recomputed(account, invoice)
    return line


def _remove_lines(call: Call) -> Thing:
    account, invoice = call.account, invoice_lines.draft(call.account, call.ids[0], "id")
    with account.changing(invoice, "invoice.updated"):
        for one in call.given["lines"]:
            line = account.living("line_item", one["id"], "lines[id]")
            item = invoice_lines.item_of(account, line)
            account.remove(line)
            if one["behavior"] == "delete":
                account.remove(item)
            else:
                item["invoice"] = None
        recomputed(account, invoice)
    return invoice


_PAY: Spec = {
    **EXPAND,
    "forgive": BOOLEAN,
    "mandate": TEXT,
    "off_session": BOOLEAN,
    "paid_out_of_band": BOOLEAN,
    "payment_method": TEXT,
    "source": TEXT,
}
_PAYMENT = group(type=need(TEXT), payment_intent=TEXT, payment_record=TEXT)
_STATUS = choice("open", "paid", "canceled")
_AT = "/v1/invoices/{}"
OPERATIONS = (
    Op("POST", _AT + "/pay", _pay, _PAY, "pay"),
    Op(
        "POST",
        _AT + "/attach_payment",
        _attach,
        {**EXPAND, "payment_intent": TEXT, "payment_record": TEXT},
        "attach",
    ),
    Op("GET", _AT + "/lines", _lines, PAGE),
    Op(
        *("POST", _AT + "/add_lines", _add_lines),
        {**EXPAND, "invoice_metadata": METADATA, "lines": need(many(group(**invoice_lines.LINE)))},
        "update",
    ),
    Op("POST", _AT + "/lines/{}", _update_line, {**EXPAND, **invoice_lines.LINE}, "update"),
    Op(
        *("POST", _AT + "/remove_lines", _remove_lines),
        {**EXPAND, "lines": need(many(group(id=need(TEXT), behavior=need(choice("delete", "unassign")))))},
        "update",
    ),
    Op(
        *("GET", "/v1/invoice_payments", _payments),
        {**PAGE, "created": SPAN, "invoice": TEXT, "payment": _PAYMENT, "status": _STATUS},
    ),
    Op("GET", "/v1/invoice_payments/{}", lambda call: call.account.get("invoice_payment", call.ids[0])),
)
