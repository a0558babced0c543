"""What people do in accounting and the warehouse is told as it is; what the hub did is no news."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.sap.connector import Sap
from hub.connector import Change
from sandbox.sap import SapSandbox
from tests.connectors.sap.conftest import (
    ADJUSTMENT,
    BUYER,
    DAY,
    INVOICE,
    MEMO,
    ORDER,
    Connect,
    entry,
    line,
    order,
    polled,
    write,
)  # fmt: skip
from tests.connectors.sap.test_takeback import NET, TAX, part, pushed


def told(found: dict[tuple[str, str], Change], kind: str) -> dict[str, Any]:
    """The only record of a kind."""
    (record,) = [one.record for one in found.values() if one.kind == kind]
    assert record is not None
    return dict(record)


def test_invoice_entered_in_accounting_comes_in_with_tax_and_due_date(system: SapSandbox, sap: Sap) -> None:
    number = system.enter_invoice(BUYER, "100.00", reference="RENT-11")
    found, _ = polled(sap)
    record = found["invoice", number].record
    assert record is not None
    assert (record["BillingDocument"], record["PayerParty"], record["seller"]) == ("RENT-11", BUYER, "DE")
    assert (record["TotalNetAmount"], record["memo"]["gross"]) == (Decimal("100.00"), Decimal("119.00"))
    assert (record["accounting"]["net_due_date"] - DAY).days == 30
    (item,) = record["to_Item"]
    assert (item["tax_code"], item["tax_percent"], item["TaxAmount"]) == ("A1", 19, Decimal("19.00"))


def test_payment_of_an_entered_invoice_names_it_as_it_came_in(system: SapSandbox, sap: Sap) -> None:
    number = system.enter_invoice(BUYER, "100.00")
    paid = system.pay(BUYER, "119.00", [[number, None]])
    found, _ = polled(sap)
    record = found["payment", paid].record
    assert record is not None
    assert record["applications"] == [{"invoice": number, "amount": Decimal("119.00"), "currency": "EUR"}]
    again = [(one.kind, one.external_id) for one in sap.read(sap.arrival("invoice", number).delivery)]
    assert again == [("invoice", number), ("payment", paid)], "what is referred to comes first"


def test_entered_invoice_that_is_reversed_tells_its_day_and_nothing_else(
    system: SapSandbox, sap: Sap
) -> None:
    number = system.enter_invoice(BUYER, "100.00")
    _, cursor = polled(sap)
    system.reverse_document(number)
    found, _ = polled(sap, cursor)
    assert list(found) == [("invoice", number)]
    assert told(found, "invoice")["cancelled_on"] is not None


def test_what_the_hub_booked_comes_back_as_no_news(system: SapSandbox, sap: Sap) -> None:
    invoice = sap.push(write("invoice", entry("119.00", **NET, **TAX), INVOICE))
    sap.push(write("credit_memo", entry("119.00", **NET, **TAX), MEMO))
    record = entry("9.00", reason="write_off", **part(invoice, "9.00"))
    pushed(system, sap, "adjustment", record, ADJUSTMENT)
    found, _ = polled(sap)
    assert found == {}


def test_entries_of_the_hub_that_people_reverse_tell_their_day(system: SapSandbox, sap: Sap) -> None:
    invoice = sap.push(write("invoice", entry("119.00", **NET, **TAX), INVOICE))
    memo = sap.push(write("credit_memo", entry("119.00", **NET, **TAX), MEMO))
    for one in (invoice, memo):
        system.reverse_document(one)
    found, _ = polled(sap)
    assert sorted(found) == [("credit_memo", memo), ("invoice", invoice)]
    assert all(one.record and one.record["cancelled_on"] for one in found.values())


def test_credit_memo_of_the_hub_that_people_apply_tells_the_invoice(system: SapSandbox, sap: Sap) -> None:
    invoice = sap.push(write("invoice", entry("119.00", **NET, **TAX), INVOICE))
    memo = sap.push(write("credit_memo", entry("119.00", **NET, **TAX), MEMO))
    pushed(system, sap, "credit_memo", entry("119.00", **NET, **TAX, **part(invoice, "119.00")), MEMO)
    found, _ = polled(sap)
    record = found["credit_memo", memo].record
    assert record is not None
    assert record["applications"] == [{"invoice": invoice, "amount": Decimal("119.00"), "currency": "EUR"}]


def test_cancelled_billing_document_is_no_credit_memo(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(system.create_order(BUYER, [["TG11", "1", None]])))
    system.cancel_billing(billing)
    found, _ = polled(sap)
    assert {kind for kind, _ in found} == {"shipment", "invoice"}


def test_reversed_goods_issue_is_told_and_a_second_one_too(system: SapSandbox, sap: Sap) -> None:
    id = sap.push(write("order", order(line("l1", "TG11", "1", "17.50"), total="17.50"), ORDER))
    delivery = system.deliver(id)
    found, cursor = polled(sap)
    assert told(found, "shipment")["OverallGoodsMovementStatus"] == "C"
    system.reverse_goods_issue(delivery)
    found, cursor = polled(sap, cursor)
    assert told(found, "shipment")["OverallGoodsMovementStatus"] == "A"
    system.post_goods_issue(delivery)
    before = sap.poll(cursor)
    assert len({id for one in before.arrivals for id in one.event_ids}) == 1
    found, _ = polled(sap, cursor)
    assert told(found, "shipment")["OverallGoodsMovementStatus"] == "C"


def test_exchange_difference_by_people_is_an_adjustment(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(system.create_order(BUYER, [["TG12", "1", None]])))
    system.exchange_difference(billing, "1.50")
    found, _ = polled(sap)
    record = told(found, "adjustment")
    assert (record["invoice"], record["amount"], record["reason"]) == (billing, Decimal("1.50"), "exchange")


@pytest.mark.parametrize(
    "watch", [["deliveries", "accounting"], ["deliveries", "billing", "accounting"], ["accounting"]]
)
def test_quiet_poll_costs_one_call_and_a_round_of_them_asks_every_service(
    system: SapSandbox, connect: Connect, watch: list[str]
) -> None:
    sap = connect(watch=watch)
    system.bill(delivery=system.deliver(system.create_order(BUYER, [["TG11", "1", None]])))
    _, cursor = polled(sap)
    seen: set[str] = set()
    for _ in range(2):
        fresh: set[str] = set()
        for _ in range(sap.turns):
            before = system.kit.calls
            page = sap.poll(cursor)
            assert (system.kit.calls - before, page.more) == (1, False)
            cursor = page.cursor
            fresh |= {id for one in page.arrivals for id in one.event_ids}
        assert fresh
        assert not seen or fresh <= seen, "what did not change is told under the same names"
        seen = fresh
    assert sap.turns == len(watch)


def test_quiet_poll_of_a_busy_day_costs_one_call(system: SapSandbox, sap: Sap) -> None:
    system.page_size = 10_000
    system.pay(BUYER, "5.00", [])
    table = system.store["A_OperationalAcctgDocItemCube"]
    for key, row in list(table.rows.items()):
        for number in range(1, 700):
            again = str(int(key[2]) + number)
            table.swap((*key[:2], again, *key[3:]), {**row, "AccountingDocument": again})
    before, cursor, found = system.kit.calls, None, 0
    for _ in range(2 * sap.turns):
        page = sap.poll(cursor)
        cursor, found = page.cursor, max(found, len(page.arrivals))
    assert system.kit.calls - before == 2 * sap.turns
    assert found > 600


def test_accounting_alone_tells_of_billing_posted_paid_credited_and_cancelled(
    system: SapSandbox, connect: Connect
) -> None:
    sap = connect(watch=["accounting"])
    open_, paid, gone = (
        system.bill(delivery=system.deliver(system.create_order(BUYER, [["TG12", "1", None]])))
        for _ in range(3)
    )
    system.pay(BUYER, "119.00", [[paid, None]])
    memo = system.credit_memo(open_, amount="10.00")
    found, cursor = polled(sap)
    ids = {id for kind, id in found if kind in ("invoice", "credit_memo")}
    assert ids == {open_, paid, gone, memo}
    system.cancel_billing(gone)
    found, _ = polled(sap, cursor)
    record = found["invoice", gone].record
    assert record is not None
    assert record["cancelled_on"] is not None


def test_payment_in_another_currency_tells_what_each_invoice_took_of_it(system: SapSandbox, sap: Sap) -> None:
    system.set_rate("USD", "EUR", "0.90")
    buyer = system.add_customer("Buyer Inc", company="1010", currency="USD")
    first = system.bill(delivery=system.deliver(system.create_order(buyer, [["TG12", "1", 100]])))
    second = system.bill(delivery=system.deliver(system.create_order(buyer, [["TG12", "2", 100]])))
    paid = system.pay(buyer, "330.00", [[first, None], [second, None]], currency="EUR")
    assert system.check() == []
    found, _ = polled(sap)
    record = found["payment", paid].record
    assert record is not None
    assert (record["amount"], record["currency"]) == (Decimal("330.00"), "EUR")
    shares = [(one["invoice"], one["currency"], one["taken"]) for one in record["applications"]]
    assert shares == [(first, "USD", Decimal("110.00")), (second, "USD", Decimal("220.00"))]
    assert {one["taken_currency"] for one in record["applications"]} == {"EUR"}
    assert [kind for kind, _ in found if kind == "adjustment"] == [], "the difference is no debt of theirs"


def test_exchange_difference_in_the_companys_currency_alone_is_no_news(system: SapSandbox, sap: Sap) -> None:
    system.set_rate("USD", "EUR", "0.90")
    buyer = system.add_customer("Buyer Inc", company="1010", currency="USD")
    billing = system.bill(delivery=system.deliver(system.create_order(buyer, [["TG12", "1", 100]])))
    system.set_rate("USD", "EUR", "0.95")
    (owed,) = sap.items([("invoice", billing)])
    paid = system.pay(buyer, owed.open, [[billing, None]])
    found, _ = polled(sap)
    record = found["payment", paid].record
    assert record is not None
    assert record["applications"] == [{"invoice": billing, "amount": owed.open, "currency": "USD"}]
    assert [kind for kind, _ in found if kind == "adjustment"] == []
