"""Invoiced in one currency and paid in another, in the ERP first: all books agree in each currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from hub.ledger import Account
from sandbox.netsuite.refusals import Refusal
from tests.flows.erps import CUBE, Settled, Shop, on_stage
from tests.world import make_world

EURO = {"currency": "EUR"}


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Shop]:
    name, bills = request.param
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    with on_stage(world, name, bills=bills) as shop:
        shop.about = dict(EURO)
        yield shop
    world.hub.store.database.close()


def both(name: str) -> Any:
    """The hub's own invoices, and those of the ERP."""
    return pytest.mark.parametrize(
        "made", [(name, False), (name, True)], indirect=True, ids=["books", "bills"]
    )


def ledger(shop: Shop) -> Mapping[str, Mapping[str, Decimal]]:
    """The hub's balances: account -> currency -> amount."""
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    with shop.world.hub.store.look() as tx:
        for account, money in tx.books.balances():
            if money.amount:
                found[str(account)][money.currency] = money.amount
    return found


def posted(shop: Shop, field: str, **wanted: str) -> Decimal:
    """Lines of SAP's ledger."""
    rows = shop.erp.sandbox.store[CUBE].rows.values()
    return sum((row[field] for row in rows if all(row.get(k) == v for k, v in wanted.items())), Decimal(0))


@both("sap")
def test_in_sap_dollars_pay_euros_and_the_difference_is_nobodys_debt(made: Shop) -> None:
    shop, erp = made, made.erp
    erp.sandbox.set_rate("EUR", "USD", "1.10")
    invoice = shop.ship(shop.order(("A", "2", "100.00"), **EURO), A="2", billed=_bills(shop))
    there = shop.there(invoice)
    assert (invoice.currency, str(shop.open_of(invoice))) == ("EUR", "200.00")
    erp.sandbox.pay(shop.payer(invoice), "225.00", [[there, None]], currency="USD")
    shop.work()
    [payment] = shop.world.documents("payment")
    [one] = payment.applications
    assert (str(one.amount), str(one.taken), payment.state) == ("200.00 EUR", "225.00 USD", "applied")
    assert shop.now(invoice).state == "paid"
    books = ledger(shop)
    assert books[Account.CASH] == {"USD": 225}
    assert books[Account.EXCHANGE] == {"EUR": 200, "USD": -225}
    assert Account.RECEIVABLE not in books
    assert Account.UNAPPLIED not in books
    # 225 came in for what was worth 220: SAP's gain of 5 is in its own currency alone
    assert posted(shop, "AmountInCompanyCodeCurrency", GLAccount="0044300000") == -5
    assert posted(shop, "AmountInTransactionCurrency", TransactionCurrency="USD", HouseBank="USBK1") == 225
    assert shop.world.documents("adjustment") == []
    shop.ties_out()


@both("sap")
def test_a_difference_that_sap_takes_off_the_invoice_itself_is_an_adjustment_here(made: Shop) -> None:
    shop, erp = made, made.erp
    invoice = shop.ship(shop.order(("A", "2", "100.00"), **EURO), A="2", billed=_bills(shop))
    there = shop.there(invoice)
    erp.pay(shop.payer(invoice), "198.50", Settled(there, "198.50"))
    erp.sandbox.exchange_difference(there, "1.50")
    shop.work()
    [difference] = shop.world.documents("adjustment")
    assert (difference.reason, str(difference.amount), difference.state) == ("exchange", "1.50 EUR", "booked")
    books = ledger(shop)
    assert books[Account.CASH] == {"EUR": Decimal("198.50")}
    assert books[Account.EXCHANGE] == {"EUR": Decimal("1.50")}
    assert Account.RECEIVABLE not in books
    shop.ties_out()


@both("netsuite")
def test_in_netsuite_a_payment_has_the_invoices_currency_and_the_banks_line_is_the_same_money(
    made: Shop,
) -> None:
    shop, erp = made, made.erp
    invoice = shop.ship(shop.order(("A", "2", "100.00"), **EURO), A="2", billed=_bills(shop))
    there, payer = shop.there(invoice), shop.payer(invoice)
    with pytest.raises(Refusal):
        erp.people.pay(payer, "225.00", apply=[{"invoice": there, "amount": "225.00"}], currency="1")
    booked = erp.sandbox.get("invoice", there)["exchangeRate"]
    rate = str(Decimal(str(booked)) + Decimal("0.025"))
    paid = erp.people.pay(
        payer, "200.00", apply=[{"invoice": there, "amount": "200.00"}], currency="4", rate=rate
    )
    assert erp.people.realised(paid) == 5
    shop.work()
    assert shop.now(invoice).state == "paid"
    shop.bank("225.00", invoice.number)
    shop.decide("unmatched_payment", "duplicate")
    books = ledger(shop)
    assert books[Account.CASH] == {"EUR": 200}
    assert Account.RECEIVABLE not in books
    assert Account.UNAPPLIED not in books
    assert shop.world.documents("adjustment") == [], "the difference is NetSuite's own, in its own currency"
    shop.ties_out()


def _bills(shop: Shop) -> bool:
    return shop.world.hub.store.policies.invoicing.issuer != "hub"
