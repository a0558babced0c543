"""The shipped mappings: a simulated deal becomes a valid order, and an order's progress a valid write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.schema import BASELINE
from hub.mapping import Translator, compile_mapping, load
from hub.model import Customer, Money, Order
from hub.sdk import Unmappable, Write
from tests.connectors.hubspot.account import Account, changed_deal

MAPPINGS = Path(__file__).resolve().parents[3] / "mappings" / "hubspot"


class Known:
    """Cross-references as if every vendor id had a document."""

    def xref(self, kind: str, value: str) -> str:
        return f"{kind}-{value}"


def mapping(name: str) -> Translator:
    return compile_mapping(load(MAPPINGS / f"{name}.yaml"))


def records(account: Account, deal: str) -> dict[str, Any]:
    return {change.kind: change.record for change in account.connect().read(changed_deal(deal))}


def to_order(account: Account, deal: str) -> Order:
    return Order(id="doc-1", **mapping("order.in").apply(records(account, deal)["order"], Known()))


def test_a_won_deal_becomes_a_valid_order(account: Account) -> None:
    deal = account.won_deal(po_number="PO-77", payment_terms="Net 30", closedate="2026-10-01T12:00:00Z")
    order = to_order(account, deal)
    assert order.customer.startswith("customer-")
    assert (order.title, order.purchase_order, order.payment_terms) == ("Autumn order", "PO-77", "NET30")
    assert (order.currency, order.issue_date) == ("EUR", date(2026, 10, 1))
    assert order.declared_amount == Money(amount=Decimal(300), currency="EUR")
    assert order.tax_exclusive_amount == order.declared_amount
    assert [(line.sku, line.quantity, line.unit_price, line.delivery) for line in order.lines] == [
        ("N-1", 4, 50, "goods"),
        ("B-1", 10, 10, "goods"),
    ]
    assert all((line.tax_category, line.tax_percent) == ("Z", 0) for line in order.lines)


def test_a_deal_that_is_not_won_is_not_for_us(account: Account) -> None:
    deal = account.sandbox.create_deal(dealname="Open")
    translator = mapping("order.in")
    assert not translator.applies(records(account, deal)["order"], Known())
    assert translator.applies(records(account, account.won_deal())["order"], Known())


@pytest.mark.parametrize(
    ("discount", "price"),
    [
        ({"hs_discount_percentage": "10"}, "90"),
        ({"discount": "2.50"}, "97.5"),
        ({"hs_discount_percentage": "33.333"}, "66.667"),
        ({"hs_discount_percentage": "0", "discount": "0"}, "100"),
    ],
)
def test_a_discount_is_a_percentage_or_an_amount_per_unit(
    account: Account, discount: dict[str, str], price: str
) -> None:
    deal = account.won_deal()
    account.sandbox.create_line_item(deal, hs_sku="D-1", quantity="3", price="100", **discount)
    line = to_order(account, deal).lines[-1]
    assert line.unit_price == Decimal(price)


def test_tax_and_delivery_come_from_the_line(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.create_line_item(
        deal, hs_sku="S-1", quantity="1", price="100", o2c_tax_percent="19", o2c_delivery="service"
    )
    line = to_order(account, deal).lines[-1]
    assert (line.tax_category, line.tax_percent, line.delivery) == ("S", 19, "service")


def test_without_a_currency_on_the_deal_the_accounts_own_counts(account: Account) -> None:
    deal = account.sandbox.create_deal(account.sandbox.create_company(name="Blue"), dealname="A")
    account.sandbox.win(deal)
    assert to_order(account, deal).currency == "USD"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"quantity": "1", "price": "1"}, "lines[2].sku"),
        ({"hs_sku": "A", "price": "1"}, "lines[2].quantity"),
        ({"hs_sku": "A", "quantity": "1"}, "lines[2].unit_price"),
    ],
)
def test_a_line_that_lacks_something_is_raised_with_its_place(
    account: Account, line: dict[str, str], field: str
) -> None:
    deal = account.won_deal()
    account.sandbox.create_line_item(deal, **line)
    with pytest.raises(Unmappable) as caught:
        to_order(account, deal)
    assert caught.value.field == field


def test_unknown_payment_terms_are_raised_and_not_guessed(account: Account) -> None:
    with pytest.raises(Unmappable, match="Net 31"):
        to_order(account, account.won_deal(payment_terms="Net 31"))


def test_a_deal_without_a_company_is_raised(account: Account) -> None:
    deal = account.sandbox.create_deal(dealname="Nobody's")
    account.sandbox.win(deal)
    with pytest.raises(Unmappable) as caught:
        to_order(account, deal)
    assert caught.value.field == "customer"


def to_customer(account: Account, **properties: str) -> Customer:
    company = account.sandbox.create_company(**properties)
    account.sandbox.create_contact(company, email="a@blue.test", firstname="Ann", lastname="Lee")
    deal = account.sandbox.create_deal(company, dealname="A")
    return Customer(id="doc-1", **mapping("customer.in").apply(records(account, deal)["customer"], Known()))


def test_a_company_becomes_a_valid_customer(account: Account) -> None:
    customer = to_customer(
        account,
        name="Blue Widgets",
        domain="blue.test",
        address="Main Street 1",
        zip="10115",
        city="Berlin",
        country="Germany",
        payment_terms="Net 30",
        o2c_credit_limit="50000",
        o2c_credit_currency="EUR",
        o2c_tax_id="DE123456789",
    )
    assert (customer.name, customer.payment_terms, customer.tax_id) == (
        "Blue Widgets",
        "NET30",
        "DE123456789",
    )
    assert customer.credit_limit == Money(amount=Decimal(50_000), currency="EUR")
    assert (customer.address.city, customer.address.country) == ("Berlin", "DE")
    assert (customer.contact.name, customer.contact.email) == ("Ann Lee", "a@blue.test")


def test_a_company_with_nothing_but_a_domain_is_a_customer_without_limit(account: Account) -> None:
    customer = to_customer(account, domain="blue.test")
    assert (customer.name, customer.credit_limit) == ("blue.test", None)


def test_a_limit_without_currency_is_in_that_of_the_account(account: Account) -> None:
    customer = to_customer(account, name="Blue", o2c_credit_limit="100")
    assert customer.credit_limit == Money(amount=Decimal(100), currency="USD")


def presented(order: Order, **progress: Any) -> dict[str, Any]:
    amounts = {name: {"amount": Decimal("0"), "currency": "EUR"} for name in ("invoiced", "open", "paid")}
    known = {"invoice_numbers": "", "payment_status": "not invoiced", **amounts, **progress}
    return {**order.model_dump(), "progress": known, "tracking": ""}


def test_an_orders_progress_is_a_write_the_account_accepts(account: Account) -> None:
    deal = account.won_deal()
    order = to_order(account, deal).model_copy(update={"number": "SO-1000"})
    shown = presented(
        order,
        invoice_numbers="INV-1, INV-2",
        payment_status="part paid",
        invoiced={"amount": Decimal("300.00"), "currency": "EUR"},
        open={"amount": Decimal("120.50"), "currency": "EUR"},
        paid={"amount": Decimal("179.50"), "currency": "EUR"},
    )
    record = mapping("order.out").apply(shown, Known())
    account.connect().push(Write("order", record, deal, "doc-1", "k"))
    seen = account.sandbox.properties("deals", deal)
    assert {name: seen[name] for name in seen if name.startswith("o2c_") and seen[name]} == {
        "o2c_order_number": "SO-1000",
        "o2c_order_status": "Received",
        "o2c_invoice_numbers": "INV-1, INV-2",
        "o2c_payment_status": "part paid",
        "o2c_invoiced_amount": "300.00",
        "o2c_open_amount": "120.50",
        "o2c_paid_amount": "179.50",
    }


@pytest.mark.parametrize("state", list(Order.model_fields["state"].annotation))
def test_every_state_has_a_name_people_understand(account: Account, state: Any) -> None:
    order = Order(id="doc-1", number="SO-1", customer="c", currency="EUR", state=state)
    record = mapping("order.out").apply(presented(order), Known())
    assert record["properties"]["o2c_order_status"]
    assert set(record["properties"]) <= {field.name for field in BASELINE["deals"]}


def test_writing_our_progress_changes_nothing_we_would_read(account: Account) -> None:
    deal = account.won_deal()
    before = to_order(account, deal)
    account.clock.forward(minutes=1)
    record = mapping("order.out").apply(presented(before), Known())
    account.connect().push(Write("order", record, deal, "doc-1", "k"))
    assert to_order(account, deal) == before
