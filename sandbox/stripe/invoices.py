"""Invoices: drafted, finalized with a number, sent, paid, voided or given up."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import finalizing, paying, settling, taxes
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.clock import DAY
from sandbox.stripe.fields import (
    ANY,
    BOOLEAN,
    COUNT,
    CURRENCY,
    EXPAND,
    METADATA,
    PAGE,
    SHIPPING,
    SPAN,
    TEXT,
    TIME,
    Spec,
    choice,
    group,
    many,
    need,
)
from sandbox.stripe.invoice_lines import draft, item_of, new_line, refresh_line
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import merged, metadata
from sandbox.stripe.paying import retrieve
from sandbox.stripe.refusals import invalid, unable
from sandbox.stripe.totals import recomputed

CUSTOM_FIELDS_MAX = 4
STATUSES = ("draft", "open", "paid", "uncollectible", "void")
_COMMON: Spec = {
    **EXPAND,
    "account_tax_ids": many(TEXT),
    "auto_advance": BOOLEAN,
    "automatic_tax": group(enabled=need(BOOLEAN), liability=group(type=TEXT, account=TEXT)),
    "automatically_finalizes_at": TIME,
    "collection_method": choice("charge_automatically", "send_invoice"),
    "custom_fields": many(group(name=need(TEXT), value=need(TEXT))),
    "days_until_due": COUNT,
    "default_payment_method": TEXT,
    "default_tax_rates": many(TEXT),
    "description": TEXT,
    "discounts": many(ANY),
    "due_date": TIME,
    "effective_at": TIME,
    "footer": TEXT,
    "issuer": group(type=TEXT, account=TEXT),
    "metadata": METADATA,
    "number": TEXT,
    "payment_settings": group(payment_method_types=many(TEXT), default_mandate=TEXT),
    "rendering": group(amount_tax_display=TEXT, pdf=group(page_size=TEXT), template=TEXT),
    "shipping_details": SHIPPING,
    "statement_descriptor": TEXT,
}
_CREATE: Spec = {
    **_COMMON,
    "currency": CURRENCY,
    "customer": TEXT,
    "customer_account": TEXT,
    "pending_invoice_items_behavior": choice("include", "exclude"),
    "subscription": TEXT,
}
_SIMPLE = (
    *("account_tax_ids", "auto_advance", "automatically_finalizes_at", "collection_method"),
    *(
        "custom_fields",
        "default_payment_method",
        "description",
        "due_date",
        "effective_at",
        "footer",
        "number",
    ),
    *("statement_descriptor", "shipping_details"),
)


_ZERO = (
    *("amount_due", "amount_overpaid", "amount_paid", "amount_paid_off_stripe", "amount_remaining"),
    *("amount_shipping", "attempt_count", "post_payment_credit_notes_amount"),
    *("pre_payment_credit_notes_amount", "starting_balance", "subtotal", "total"),
)
_NULL = (
    *(
        "account_tax_ids",
        "application",
        "automatically_finalizes_at",
        "custom_fields",
        "customer_account",
    ),
    *(
        "default_payment_method",
        "default_source",
        "description",
        "due_date",
        "effective_at",
        "ending_balance",
    ),
    *("footer", "from_invoice", "hosted_invoice_url", "invoice_pdf", "last_finalization_error"),
    *("latest_revision", "next_payment_attempt", "number", "on_behalf_of", "parent", "receipt_number"),
    *("shipping_cost", "shipping_details", "statement_descriptor", "status_details", "test_clock"),
    *("webhooks_delivered_at", "_charge", "_intent"),
)


def _blank(account: Account, customer: Thing, currency: str) -> Thing:
    now = account.now()
    return {
        **dict.fromkeys(_ZERO, 0),
        **dict.fromkeys(_NULL, None),
        "account_country": account.country,
        "account_name": account.name,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None
        },
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "livemode": False,
        "metadata": {},
        "payment_settings": {
            "default_mandate": None, "payment_method_options": None, "payment_method_types": None
        },
        "period_end": now,
        "period_start": now,
        "rendering": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None
        },
        "subtotal_excluding_tax": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "_out_of_band": False,
    }  # fmt: skip


def _fill(account: Account, invoice: Thing, given: dict[str, Any]) -> None:
    _check(account, invoice, given)
    for name in _SIMPLE:
        if name in given:
            invoice[name] = given[name]
    if "default_tax_rates" in given:
        invoice["default_tax_rates"] = taxes.rates(
            account, given["default_tax_rates"] or (), "default_tax_rates"
        )
        for line in account.of("line_item", "invoice", invoice["id"]):
            refresh_line(line, item_of(account, line), invoice)
    if given.get("days_until_due") is not None:
        invoice["due_date"] = account.now() + given["days_until_due"] * DAY
    if given.get("payment_settings"):
        invoice["payment_settings"] = {**invoice["payment_settings"], **given["payment_settings"]}
    if given.get("shipping_details"):
        invoice["shipping_details"] = merged(None, given["shipping_details"], SHIPPING)
    if invoice["account_tax_ids"] == []:
        invoice["account_tax_ids"] = None
    invoice["metadata"] = metadata(invoice["metadata"], given)


def _check(account: Account, invoice: Thing, given: dict[str, Any]) -> None:
    sends = given.get("collection_method", invoice["collection_method"]) == "send_invoice"
    if "days_until_due" in given and "due_date" in given:
        raise invalid("You may only specify one of these parameters: days_until_due, due_date.", "due_date")
    for name in ("days_until_due", "due_date"):
        if given.get(name) is not None and not sends:
            told = f"`{name}` can only be set if `collection_method` is `send_invoice`."
            raise invalid(told, name)
    if sends and invoice["due_date"] is None and not {"days_until_due", "due_date"} & given.keys():
        told = (
            "You must specify either `days_until_due` or `due_date` if `collection_method` is `send_invoice`."
        )
        raise invalid(told, "days_until_due", "parameter_missing")
    if given.get("due_date") is not None and given["due_date"] < account.now():
        raise invalid("The due date must be in the future.", "due_date", "parameter_invalid_integer")
    if given.get("automatic_tax", {}).get("enabled"):
        raise unable("Automatic tax is not set up for this account.", "automatic_tax[enabled]")
    if len(given.get("custom_fields") or ()) > CUSTOM_FIELDS_MAX:
        raise invalid(f"You can have at most {CUSTOM_FIELDS_MAX} custom fields.", "custom_fields")
    number = given.get("number")
    if number and (len(number) > 26 or _taken(account, number, invoice)):
        raise unable(
            f"Invoice number {number} is too long or used already.", "number", "invoice_number_taken"
        )
    if given.get("default_payment_method"):
        account.get("payment_method", given["default_payment_method"], "default_payment_method", status=400)


def _taken(account: Account, number: str, invoice: Thing) -> bool:
    return account.numbers.get(number, invoice.get("id")) != invoice.get("id")


def create(call: Call) -> Thing:
    """POST /v1/invoices."""
    account, given = call.account, call.given
    if not given.get("customer"):
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = account.living("customer", given["customer"], "customer")
    currency = given.get("currency") or customer["currency"] or account.currency
    made = _blank(account, customer, currency)
    made["id"] = ""
    _fill(account, made, given)
    del made["id"]
    invoice = account.add("invoice", made)
    if invoice["number"]:
        account.numbers[invoice["number"]] = invoice["id"]
    if given.get("pending_invoice_items_behavior") == "include":
        for item in account.of("invoiceitem", "customer", customer["id"]):
            if item["invoice"] is None and item["currency"] == currency:
                new_line(account, invoice, item)
    recomputed(account, invoice)
    account.tell("invoice.created", invoice)
    if invoice["auto_advance"]:
        account.world.clock.later(3600, lambda: paying.unattended(account, invoice))
    return invoice


def update(call: Call) -> Thing:
    """POST /v1/invoices/{id}: drafts wholly, later only what does not change the document."""
    account, given = call.account, call.given
    invoice = account.living("invoice", call.ids[0], status=404)
    allowed = {"metadata", "auto_advance", "default_payment_method", "payment_settings", "expand", "due_date"}
    fixed = sorted(set(given) - allowed) if invoice["status"] != "draft" else []
    if fixed:
        told = f"Finalized invoices can't be updated in this way: {', '.join(fixed)}."
        raise unable(told, fixed[0], "invoice_not_editable")
    with account.changing(invoice, "invoice.updated"):
        _fill(account, invoice, given)
        if invoice["number"]:
            account.numbers[invoice["number"]] = invoice["id"]
        if invoice["status"] == "draft":
            recomputed(account, invoice)
    return invoice


def delete(call: Call) -> Thing:
    """DELETE /v1/invoices/{id}: drafts only."""
    account = call.account
    invoice = draft(account, account.living("invoice", call.ids[0], status=404)["id"], "id")
    for line in account.of("line_item", "invoice", invoice["id"]):
        account.remove(item_of(account, line))
        account.remove(line)
    account.numbers.pop(invoice["number"] or "", None)
    account.tell("invoice.deleted", invoice)
    return account.remove(invoice)


def _list(call: Call) -> Thing:
    account, given = call.account, call.given
    among = account.of("invoice", "customer", given["customer"]) if given.get("customer") else None

    def fits(one: Thing) -> bool:
        same = all(given.get(name) in (None, one[name]) for name in ("status", "collection_method"))
        return (
            same
            and within(given.get("created"), one["created"])
            and within(given.get("due_date"), one["due_date"])
        )

    return page(account, "invoice", given, "/v1/invoices", fits=fits, among=among)


def _finalize(call: Call) -> Thing:
    invoice = retrieve(call)
    finalizing.finalize(call.account, invoice, call.given.get("auto_advance"))
    paying.collect(call.account, invoice)
    return invoice


def _send(call: Call) -> Thing:
    invoice = retrieve(call)
    if invoice["collection_method"] != "send_invoice":
        raise unable("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == "draft":
        finalizing.finalize(call.account, invoice, None)
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise unable(f"You can't send an invoice that is {invoice['status']}.")
    call.account.tell("invoice.sent", invoice)
    return invoice


def _void(call: Call) -> Thing:
    invoice = retrieve(call)
    if invoice["status"] not in ("open", "uncollectible"):
        told = f"You can only pass in open or uncollectible invoices. This one is {invoice['status']}."
        raise unable(told, code="invoice_not_open")
    settling.void(call.account, invoice)
    return invoice


def _give_up(call: Call) -> Thing:
    invoice = retrieve(call)
    if invoice["status"] != "open":
        told = f"You can only mark open invoices as uncollectible. This one is {invoice['status']}."
        raise unable(told, code="invoice_not_open")
    with call.account.changing(invoice, "invoice.updated", "invoice.marked_uncollectible"):
        invoice["status"] = "uncollectible"
        invoice["status_transitions"]["marked_uncollectible_at"] = call.account.now()
    return invoice


_PAGE: Spec = {
    **PAGE, "collection_method": TEXT, "created": SPAN, "customer": TEXT, "customer_account": TEXT,
    "due_date": SPAN, "status": choice(*STATUSES), "subscription": TEXT,
}  # fmt: skip
_AT = "/v1/invoices/{}"
OPERATIONS = (
    Op("POST", "/v1/invoices", create, _CREATE, "create"),
    Op("GET", "/v1/invoices", _list, _PAGE),
    Op("GET", _AT, retrieve),
    Op("POST", _AT, update, _COMMON, "update"),
    Op("DELETE", _AT, delete, {}, "delete"),
    Op("POST", _AT + "/finalize", _finalize, {**EXPAND, "auto_advance": BOOLEAN}, "finalize"),
    Op("POST", _AT + "/send", _send, EXPAND, "send"),
    Op("POST", _AT + "/void", _void, EXPAND, "void"),
    Op("POST", _AT + "/mark_uncollectible", _give_up, EXPAND, "mark_uncollectible"),
)
