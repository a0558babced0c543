"""The shipped mappings: canonical documents become records that NetSuite accepts, and shipments come back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.netsuite import schema
from connectors.netsuite.connector import NetSuite
from hub.errors import NotYet, Unmappable
from hub.mapping import Translator, check_mapping, compile_mapping, load
from hub.model import (
    Address,
    Contact,
    Customer,
    Invoice,
    InvoiceLine,
    Money,
    Order,
    OrderLine,
    Payment,
    Shipment,
)
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import CUSTOMER, INVOICE, ORDER, PAYMENT, write

FOLDER = Path(__file__).resolve().parents[3] / "mappings/netsuite"
FILES = sorted(path.name.removesuffix(".yaml") for path in FOLDER.glob("*.yaml"))


class Xrefs:
    """Cross-references of one connection."""

    def __init__(self, pairs: Mapping[tuple[str, str], str]) -> None:
        self.pairs = dict(pairs)

    def xref(self, kind: str, value: str) -> str:
        if (kind, value) not in self.pairs:
            raise NotYet(f"{kind} {value} is not there yet")
        return self.pairs[(kind, value)]


def translator(name: str) -> Translator:
    return compile_mapping(load(FOLDER / f"{name}.yaml"))


def eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def goods(line_id: str, sku: str, quantity: str, price: str, tax: int) -> OrderLine:
    return OrderLine(
        line_id=line_id,
        sku=sku,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        tax_percent=Decimal(tax),
    )


BUYER = Customer(
    id=CUSTOMER,
    name="Acme GmbH",
    tax_id="DE123456789",
    currency="EUR",
    payment_terms="NET30",
    credit_limit=eur("50000"),
    contact=Contact(email="ap@acme.example"),
)
BOUGHT = Order(
    id=ORDER,
    number="SO-1001",
    customer=CUSTOMER,
    purchase_order="4500001",
    title="Machines",
    currency="EUR",
    issue_date=date(2026, 11, 2),
    payment_terms="NET30",
    delivery_address=Address(street="Werkstr. 1", city="Ulm", postal_zone="89073", country="Germany"),
    lines=(
        goods("1", "BOLT-1", "10", "9.99", 19),
        goods("2", "O'RING", "2.5", "0.333", 7),
        goods("3", "SETUP", "1", "80", 19),
    ),
)


def shown(order: Order) -> dict[str, Any]:
    told = order.model_dump()
    return told | {"payable_amount": order.payable_amount.model_dump(), "customer_name": BUYER.name}


def invoice_of(quantity: str, number: str) -> Invoice:
    line = BOUGHT.lines[0]
    net = line.extension(Decimal(quantity), "EUR")
    tax = Money(amount=net.amount * Decimal("0.19"), currency="EUR").rounded()
    billed = InvoiceLine(
        order_line="1",
        sku=line.sku,
        quantity=Decimal(quantity),
        unit_price=line.unit_price,
        line_extension_amount=net,
        tax_category="S",
        tax_percent=line.tax_percent,
    )
    return Invoice(
        id=INVOICE,
        number=number,
        order=ORDER,
        shipment="s" * 32,
        customer=CUSTOMER,
        purchase_order=BOUGHT.purchase_order,
        currency="EUR",
        issue_date=date(2026, 11, 10),
        due_date=date(2026, 12, 10),
        payment_terms="NET30",
        lines=(billed,),
        tax_exclusive_amount=net,
        payable_amount=net + tax,
    )


@pytest.mark.parametrize("name", FILES)
def test_every_name_in_the_mapping_exists_on_both_sides(name: str) -> None:
    known = dataclasses.replace(schema.baseline(name.split(".")[0]), complete=True)
    assert [str(finding) for finding in check_mapping(load(FOLDER / f"{name}.yaml"), known)] == []


def pushed(netsuite: NetSuite, name: str, document: Mapping[str, Any], xrefs: Xrefs) -> str:
    kind = name.split(".")[0]
    record = translator(name).apply(document, xrefs)
    id = netsuite.push(write(kind, record, document["id"]))
    xrefs.pairs[(kind, document["id"])] = id
    return id


def test_an_order_goes_all_the_way_to_cash(account: NetSuiteSandbox, netsuite: NetSuite) -> None:
    xrefs = Xrefs({})
    buyer = pushed(netsuite, "customer.out", BUYER.model_dump(), xrefs)
    bought = pushed(netsuite, "order.out", shown(BOUGHT), xrefs)
    seen = account.get("salesOrder", bought)
    assert Decimal(str(seen["total"])) == BOUGHT.payable_amount.amount
    assert (seen["shippingAddress"]["country"], seen["terms"]["id"]) == ({"id": "DE"}, "2")

    account.books.now = lambda: datetime.now(UTC) - timedelta(seconds=5)
    shipped = account.fulfil(bought, {"BOLT-1": 4}, shipped_on=date(2026, 11, 9), tracking="1Z9")
    [arrival] = netsuite.poll(None).arrivals
    [change] = netsuite.read(arrival.delivery)
    assert change.record is not None
    inwards = translator("shipment.in")
    back = Xrefs({("order", bought): ORDER})
    assert inwards.applies(change.record, back)
    shipment = Shipment.model_validate({"id": "s" * 32, **inwards.apply(change.record, back)})
    assert (shipment.order, shipment.shipped_on, shipment.tracking) == (ORDER, date(2026, 11, 9), "1Z9")
    assert [(x.order_line, x.sku, x.quantity) for x in shipment.lines] == [("1", "BOLT-1", Decimal(4))]
    assert change.external_id == shipped

    invoice = invoice_of("4", "INV-1")
    billed = pushed(netsuite, "invoice.out", invoice.model_dump(), xrefs)
    assert (
        netsuite.push(
            write("invoice", translator("invoice.out").apply(invoice.model_dump(), xrefs), INVOICE, billed)
        )
        == billed
    )
    assert len([e for e in account.kit.effects if e["kind"] == "invoice"]) == 1

    cash = Payment(
        id=PAYMENT, number="R-1", amount=eur("50"), booked_on=date(2026, 11, 20), customer=CUSTOMER
    )
    rows = [{"invoice": INVOICE, "invoice_number": "INV-1", "amount": invoice.payable_amount.model_dump()}]
    told: dict[str, Any] = cash.model_dump() | {"allocations": rows, "unapplied": eur("2.45").model_dump()}
    paid = pushed(netsuite, "payment.out", told, xrefs)
    assert account.get("invoice", billed)["status"]["refName"] == "Paid In Full"
    assert account.get("customerPayment", paid)["unapplied"] == 2.45
    assert account.balance(buyer) == Decimal("-2.45")


def test_cash_of_an_unknown_payer_is_not_for_netsuite_yet() -> None:
    cash = Payment(id=PAYMENT, amount=eur("50"), booked_on=date(2026, 11, 20))
    outwards = translator("payment.out")
    assert not outwards.applies(cash.model_dump() | {"allocations": []}, Xrefs({}))
    known = cash.model_copy(update={"customer": CUSTOMER})
    record = outwards.apply(known.model_dump() | {"allocations": []}, Xrefs({("customer", CUSTOMER): "7"}))
    assert record["apply"] == {"items": []}


def test_a_shipment_that_is_only_packed_is_ignored(account: NetSuiteSandbox) -> None:
    assert not translator("shipment.in").applies({"shipStatus": {"id": "B"}}, Xrefs({}))


def test_what_netsuite_does_not_know_is_a_question_for_a_person() -> None:
    order = shown(BOUGHT.model_copy(update={"currency": "SEK"}))
    with pytest.raises(Unmappable, match=r"currency\.id"):
        translator("order.out").apply(order, Xrefs({("customer", CUSTOMER): "7"}))
    with pytest.raises(NotYet):
        translator("order.out").apply(shown(BOUGHT), Xrefs({}))
