"""Invoice items and the lines of invoices: amounts, quantities, periods and taxes."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.stripe import taxes
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import (
    AMOUNT,
    ANY,
    BOOLEAN,
    COUNT,
    CURRENCY,
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
from sandbox.stripe.products import product_of
from sandbox.stripe.refusals import invalid, unable
from sandbox.stripe.totals import recomputed
from sandbox.stripe.versions import BASIL, before

LINES_MAX = 250
PRICE = group(
    currency=CURRENCY,
    product=TEXT,
    product_data=group(
        name=need(TEXT), description=TEXT, metadata=METADATA, tax_code=TEXT, images=many(TEXT)
    ),
    tax_behavior=choice("exclusive", "inclusive", "unspecified"),
    unit_amount=AMOUNT,
    unit_amount_decimal=DECIMAL,
)
_CHARGED: Spec = {
    "amount": AMOUNT,
    "description": TEXT,
    "discountable": BOOLEAN,
    "discounts": many(ANY),
    "metadata": METADATA,
    "period": group(start=need(TIME), end=need(TIME)),
    "price_data": PRICE,
    "pricing": group(price=TEXT),
    "quantity": COUNT,
    "quantity_decimal": DECIMAL,
    "tax_rates": many(TEXT),
}
ITEM: Spec = {
    **EXPAND,
    **_CHARGED,
    "currency": CURRENCY,
    "customer": TEXT,
    "customer_account": TEXT,
    "invoice": TEXT,
    "subscription": TEXT,
    "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
    "tax_code": TEXT,
    "unit_amount": AMOUNT,
    "unit_amount_decimal": DECIMAL,
}
_CHANGED_ITEM: Spec = {
    name: one for name, one in ITEM.items() if name not in ("customer", "currency", "invoice")
}
LINE: Spec = {**_CHARGED, "invoice_item": TEXT, "tax_amounts": taxes.AMOUNTS}


def priced(given: dict[str, Any]) -> tuple[int, Decimal, Decimal]:
    """Amount, unit price and quantity. Raises Refused where they contradict each other or are missing."""
    price = given.get("price_data") or {}
    quantity = given.get("quantity_decimal", Decimal(given.get("quantity", 1)))
    units = [
        source[name]
        for source in (given, price)
        for name in ("unit_amount", "unit_amount_decimal")
        if source.get(name) is not None
    ]
    if "amount" in given and (units or "quantity" in given):
        raise invalid("You may only specify one of these parameters: amount, quantity.", "amount")
    if "amount" in given:
        return given["amount"], Decimal(given["amount"]), Decimal(1)
    if not units:
        raise invalid(
            "Must provide either amount, unit_amount_decimal, or price_data.", "amount", "parameter_missing"
        )
    unit = Decimal(units[0])
    return int((unit * quantity).quantize(Decimal(1), ROUND_HALF_UP)), unit, quantity


def _pricing(unit: Decimal, product: str, price: str) -> Thing:
    return {
        "price_details": {"price": price, "product": product},
        "type": "price_details",
        "unit_amount_decimal": format(unit.normalize(), "f"),
    }


def new_item(account: Account, customer: Thing, given: dict[str, Any]) -> Thing:
    """An invoice item; pending until an invoice takes it in."""
    currency = given.get("currency") or (given.get("price_data") or {}).get("currency")
    if not currency:
        raise invalid("Missing required param: currency.", "currency", "parameter_missing")
    amount, unit, quantity = priced(given)
    now = account.now()
    return account.add(
        "invoiceitem",
        {
            "amount": amount,
            "currency": currency,
            "customer": customer["id"],
            "customer_account": None,
            "date": now,
            "description": given.get("description"),
            "discountable": given.get("discountable", True),
            "discounts": [],
            "invoice": given.get("invoice"),
            "livemode": False,
            "metadata": metadata({}, given),
            "net_amount": amount,
            "parent": None,
            "period": given.get("period") or {"start": now, "end": now},
            "pricing": _pricing(
                unit, product_of(account, given.get("price_data") or {}), account.world.id("price")
            ),
            "proration": False,
            "quantity": int(quantity) if quantity == int(quantity) else 1,
            "quantity_decimal": format(quantity.normalize(), "f"),
            "tax_rates": taxes.rates(account, given.get("tax_rates") or (), "tax_rates"),
            "test_clock": None,
            "_taxes": taxes.fixed(account, given["tax_amounts"]) if given.get("tax_amounts") else None,
        },
    )


def new_line(account: Account, invoice: Thing, item: Thing) -> Thing:
    """The line that an item becomes on an invoice."""
    if len(account.of("line_item", "invoice", invoice["id"])) >= LINES_MAX:
        raise unable(f"An invoice can have at most {LINES_MAX} line items.", "invoice")
    item["invoice"] = invoice["id"]
    account.relate(item, "invoice")
    line = account.add(
        "line_item",
        {
            "discount_amounts": [],
            "discountable": item["discountable"],
            "discounts": [],
            "invoice": invoice["id"],
            "livemode": False,
            "parent": {
                "invoice_item_details": {
                    "invoice_item": item["id"],
                    "proration": False,
                    "proration_details": None,
                    "subscription": None,
                },
                "subscription_item_details": None,
                "type": "invoice_item_details",
            },
            "pretax_credit_amounts": [],
            "subscription": None,
        },
    )
    refresh_line(line, item, invoice)
    return line


def refresh_line(line: Thing, item: Thing, invoice: Thing) -> None:
    """Bring a line to what its item says now."""
    same = (
        "amount",
        "currency",
        "description",
        "metadata",
        "period",
        "pricing",
        "quantity",
        "quantity_decimal",
    )
    line |= {name: item[name] for name in same}
    rates = item["tax_rates"] or invoice["default_tax_rates"]
    line["_tax_rates"] = rates
    line["subtotal"] = item["amount"]
    line["taxes"] = item["_taxes"] if item["_taxes"] is not None else taxes.worked_out(item["amount"], rates)


def change_item(account: Account, item: Thing, given: dict[str, Any]) -> None:
    """What an update of an item or of its line says."""
    for name in ("description", "discountable", "period"):
        if given.get(name) is not None:
            item[name] = given[name]
    if {"amount", "unit_amount_decimal", "unit_amount", "price_data"} & given.keys():
        _reprice(account, item, given)
    elif {"quantity", "quantity_decimal"} & given.keys():
        unit = Decimal(item["pricing"]["unit_amount_decimal"])
        _reprice(account, item, {**given, "unit_amount_decimal": unit})
    if "tax_rates" in given:
        item["tax_rates"] = taxes.rates(account, given["tax_rates"] or (), "tax_rates")
        item["_taxes"] = None
    if given.get("tax_amounts"):
        item["_taxes"] = taxes.fixed(account, given["tax_amounts"])
    item["metadata"] = metadata(item["metadata"], given)


def _reprice(account: Account, item: Thing, given: dict[str, Any]) -> None:
    amount, unit, quantity = priced(given)
    known = item["pricing"]["price_details"]
    price = given.get("price_data")
    product = product_of(account, price) if price else known["product"]
    item |= {
        "amount": amount,
        "net_amount": amount,
        "pricing": _pricing(unit, product, known["price"]),
        "quantity": int(quantity) if quantity == int(quantity) else 1,
        "quantity_decimal": format(quantity.normalize(), "f"),
    }


def line_of(account: Account, item: Thing) -> Thing | None:
    """The line an item became."""
    lines = account.of("line_item", "invoice", item["invoice"]) if item["invoice"] else ()
    return next((one for one in lines if item_of(account, one) is item), None)


def item_of(account: Account, line: Thing) -> Thing:
    """The item a line came from."""
    return account.things[line["parent"]["invoice_item_details"]["invoice_item"]]


def draft(account: Account, id: str, param: str = "invoice") -> Thing:
    """An invoice that can still be edited. Raises Refused."""
    invoice = account.living("invoice", id, param)
    if invoice["status"] != "draft":
        told = f"Invoice {id} is no longer editable: its status is {invoice['status']}."
        raise unable(told, param, "invoice_not_editable")
    return invoice


def _create(call: Call) -> Thing:
    account, given = call.account, call.given
    if given.get("unit_amount") is not None and not before(call.version, BASIL):
        raise invalid("Received unknown parameter: unit_amount", "unit_amount", "parameter_unknown")
    invoice = draft(account, given["invoice"]) if given.get("invoice") else None
    customer = given.get("customer") or (invoice["customer"] if invoice else None)
    if customer is None:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    found = account.living("customer", customer, "customer")
    if invoice and invoice["customer"] != found["id"]:
        raise unable("The invoice belongs to another customer.", "customer")
    if invoice and given.get("currency", invoice["currency"]) != invoice["currency"]:
        raise unable(f"The invoice is in {invoice['currency']}.", "currency")
    if invoice and "currency" not in given:
        given = {**given, "currency": invoice["currency"]}
    item = new_item(account, found, given)
    if invoice:
        with account.changing(invoice, "invoice.updated"):
            new_line(account, invoice, item)
            recomputed(account, invoice)
    account.tell("invoiceitem.created", item)
    return item


def _update(call: Call) -> Thing:
    account = call.account
    item = account.living("invoiceitem", call.ids[0], status=404)
    if item["invoice"] is None:
        change_item(account, item, call.given)
        return item
    invoice = draft(account, item["invoice"])
    with account.changing(invoice, "invoice.updated"):
        change_item(account, item, call.given)
        refresh_line(line_of(account, item) or {}, item, invoice)
        recomputed(account, invoice)
    return item


def _delete(call: Call) -> Thing:
    account = call.account
    item = account.living("invoiceitem", call.ids[0], status=404)
    account.tell("invoiceitem.deleted", item)
    if item["invoice"] is None:
        return account.remove(item)
    invoice = draft(account, item["invoice"])
    with account.changing(invoice, "invoice.updated"):
        line = line_of(account, item)
        if line:
            account.remove(line)
        stub = account.remove(item)
        recomputed(account, invoice)
    return stub


def _list(call: Call) -> Thing:
    account, given = call.account, call.given
    among = None
    for name in ("invoice", "customer"):
        if given.get(name):
            among = account.of("invoiceitem", name, given[name])
    pending = given.get("pending")

    def fits(one: Thing) -> bool:
        wanted = pending is None or pending == (one["invoice"] is None)
        return wanted and within(given.get("created"), one["date"])

    return page(account, "invoiceitem", given, "/v1/invoiceitems", fits=fits, among=among)


OPERATIONS = (
    Op("POST", "/v1/invoiceitems", _create, ITEM, "create"),
    Op(
        *("GET", "/v1/invoiceitems", _list),
        {**PAGE, "customer": TEXT, "invoice": TEXT, "pending": BOOLEAN, "created": SPAN},
    ),
    Op(
        "GET", "/v1/invoiceitems/{}", lambda call: call.account.living("invoiceitem", call.ids[0], status=404)
    ),
    Op("POST", "/v1/invoiceitems/{}", _update, _CHANGED_ITEM, "update"),
    Op("DELETE", "/v1/invoiceitems/{}", _delete, {}, "delete"),
)
