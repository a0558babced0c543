"""Postings and clearings at a system that keeps books: what we say happened is what its open items show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from connectors.sap import clearing, idoc, journal
from connectors.sap.auth import auth_of
from connectors.sap.client import CUBE, Client
from connectors.sap.connector import Sap
from connectors.sap.cube import SET
from connectors.sap.settings import Settings
from connectors.sap.soap_rows import CUBE_FIELDS
from hub.sdk import Door, NotYet, Rejected, Transient, Write
from sandbox import kit
from sandbox.sap import SapSandbox

TODAY = date(2026, 11, 21)
CUSTOMER = "10100001"
TYPES = {"invoice": "DR", "payment": "DZ", "credit_memo": "DG", "adjustment": "SA"}


class System(NamedTuple):
    """The simulator, and what a connector has to reach it."""

    sap: SapSandbox
    door: Door
    settings: Settings

    def ask(self, told: str) -> Sequence[dict[str, Any]]:
        """Rows of its cube."""
        query = {"$filter": told, "$select": ",".join(CUBE_FIELDS)}
        return Client(self.door, self.settings).rows(CUBE, SET, query)

    def book(self, kind: str, at: int, amount: str, **more: Any) -> str:
        """Book a document whose id is made of a number."""
        record = {
            "document_type": TYPES[kind],
            "company_code": "1010", "document_date": TODAY, "posting_date": TODAY, "currency": "EUR",
            "customer": CUSTOMER, "amount": Decimal(amount), "reference": f"DOC-{at}", **more,
        }  # fmt: skip
        if kind in ("invoice", "credit_memo"):
            net = (Decimal(amount) / Decimal("1.19")).quantize(Decimal("0.01"))
            record["lines"] = [{"amount": net, "tax_code": "A1"}]
            record["taxes"] = [{"tax_code": "A1", "base": net, "amount": Decimal(amount) - net}]
        write = Write(kind, record, None, f"{at:032x}", f"key-{at}")
        return journal.book(self.door, self.settings, self.ask, write)

    def settle(self, source: str, **invoices: Any) -> None:
        """Ask for a clearing, once."""
        told = [
            {"invoice": id, "amount": Decimal(amount), "currency": "EUR"} for id, amount in invoices.items()
        ]
        clearing.settle(self.door, self.settings, self.ask, posted=source, on=TODAY, allocations=told)

    def settled(self, source: str, **invoices: Any) -> None:
        """Ask until the books show it, a few times."""
        for _ in range(5):
            try:
                return self.settle(source, **invoices)
            except NotYet:
                self.sap.run_clearings()
        raise AssertionError(f"{source} is not cleared after five looks: {self.sap.aif}")

    def open(self, *ids: str) -> Decimal:
        """What is open of these documents and of the items that refer to them."""
        keys = {tuple(id.split("-")[1:]) for id in ids}
        rows = self.ask(f"FinancialAccountType eq 'D' and Customer eq '{CUSTOMER}'")
        mine = [
            row
            for row in rows
            if keys & {(row["FiscalYear"], row[name]) for name in ("AccountingDocument", "InvoiceReference")}
        ]
        amounts = [Decimal(row["AmountInTransactionCurrency"]) for row in mine if not row["IsCleared"]]
        return sum(amounts, Decimal(0))


@pytest.fixture
def system() -> Iterator[System]:
    sap = SapSandbox(now=lambda: datetime(2026, 11, 21, 10, tzinfo=UTC))
    accounts = {
        "bank_clearing": "11010000", "revenue": "41000000", "write_off": "44000000", "discount": "44100000",
        "fee": "44200000", "exchange": "44300000",
    }  # fmt: skip
    company = {
        "company_code": "1010", "sales_organization": "1010", "accounts": accounts, "house_bank": "BANK1",
        "house_bank_account": "GIRO1",
    }  # fmt: skip
    with kit.serve(sap.app) as url:
        own = Settings.model_validate({
            "base_url": url, "private_hosts": ["127.0.0.1"], "username": sap.credentials["user"],
            "password": sap.credentials["password"], "sellers": {"": company},
        })  # fmt: skip
        door = Door(url, auth=auth_of(own))
        yield System(sap, door, own)
        door.close()


def test_an_invoice_is_booked_once_however_often_it_is_sent(system: System) -> None:
    first = system.book("invoice", 1, "119.00")
    assert journal.find(system.ask, f"{1:032x}") == first
    assert system.open(first) == Decimal("119.00")
    posted = [one for one in system.sap.kit.effects if one["action"] == "post"]
    assert [one["id"] for one in posted] == [first]


def test_a_payment_is_not_booked_again_after_waiting_for_its_clearing(system: System) -> None:
    invoice = system.book("invoice", 1, "119.00")
    payment = system.book("payment", 2, "119.00")
    with pytest.raises(NotYet):
        system.settle(payment, **{invoice: "119.00"})
    assert system.book("payment", 2, "119.00") == payment
    system.settled(payment, **{invoice: "119.00"})
    assert system.open(invoice, payment) == 0
    assert sum(1 for one in system.sap.kit.effects if one["action"] == "post") == 2
    assert system.sap.check() == []


def test_two_part_payments_and_a_write_off_close_an_invoice(system: System) -> None:
    invoice = system.book("invoice", 1, "119.00")
    first = system.book("payment", 2, "50.00")
    system.settled(first, **{invoice: "50.00"})
    assert system.open(invoice) == Decimal("69.00")
    second = system.book("payment", 3, "60.00")
    system.settled(second, **{invoice: "60.00"})
    rest = system.book("adjustment", 4, "9.00", reason="write_off")
    system.settled(rest, **{invoice: "9.00"})
    assert system.open(invoice, first, second, rest) == 0
    assert system.sap.check() == []


def test_one_payment_for_two_invoices_keeps_what_is_over(system: System) -> None:
    one, two = system.book("invoice", 1, "119.00"), system.book("invoice", 2, "23.80")
    payment = system.book("payment", 3, "200.00")
    system.settled(payment, **{one: "119.00", two: "23.80"})
    assert system.open(one, two) == 0
    assert system.open(payment) == Decimal("-57.20")
    three = system.book("invoice", 4, "57.20")
    system.settled(payment, **{one: "119.00", two: "23.80", three: "57.20"})
    assert system.open(one, two, three, payment) == 0
    assert system.sap.check() == []


def test_a_credit_memo_settles_its_invoice(system: System) -> None:
    invoice, memo = system.book("invoice", 1, "119.00"), system.book("credit_memo", 2, "19.00")
    system.settled(memo, **{invoice: "19.00"})
    assert system.open(invoice) == Decimal("100.00")
    assert system.open(memo) == 0


def test_an_invoice_that_a_person_cleared_meanwhile_is_a_case(system: System) -> None:
    invoice = system.book("invoice", 1, "119.00")
    payment = system.book("payment", 2, "119.00")
    system.sap.pay(CUSTOMER, "119.00", [[invoice, None]])
    with pytest.raises(Rejected, match="was cleared by"):
        system.settle(payment, **{invoice: "119.00"})


def test_a_closed_period_is_told_in_the_systems_words(system: System) -> None:
    system.sap.close_period("1010", "2026-11-30")
    with pytest.raises(Rejected, match="eriod") as caught:
        system.book("invoice", 1, "119.00")
    assert caught.value.code.startswith("F5/")


def test_an_unknown_customer_is_refused_with_the_reason(system: System) -> None:
    with pytest.raises(Rejected, match="99999999"):
        system.book("invoice", 1, "119.00", customer="99999999")


def test_a_clearing_that_fails_there_stays_open_and_is_waited_for(system: System) -> None:
    invoice, payment = system.book("invoice", 1, "119.00"), system.book("payment", 2, "119.00")
    system.sap.fail_clearing("Account is locked")
    for _ in range(3):
        with pytest.raises(NotYet, match="Message Dashboard"):
            system.settle(payment, **{invoice: "119.00"})
        system.sap.run_clearings()
    assert system.open(invoice) == Decimal("119.00")
    assert sum(1 for one in system.sap.kit.effects if one["action"] == "clear") == 0


def test_a_reversed_payment_leaves_the_account_as_it_was(system: System) -> None:
    payment = system.book("payment", 1, "119.00")
    reversing = journal.reverse(system.door, system.settings, payment, document_type="DZ", on=TODAY)
    assert reversing != payment
    assert system.open(payment, reversing) == 0


def test_a_lost_reply_to_a_posting_is_found_and_not_repeated(system: System) -> None:
    system.sap.fault("lost_reply", method="POST", path="/sap/bc/srt/")
    with pytest.raises(Transient) as caught:
        system.book("payment", 1, "119.00")
    assert caught.value.sent
    again = system.book("payment", 1, "119.00")
    assert [one["id"] for one in system.sap.kit.effects if one["action"] == "post"] == [again]


def test_a_lost_reply_to_a_clearing_is_waited_for_and_done_once(system: System) -> None:
    invoice, payment = system.book("invoice", 1, "119.00"), system.book("payment", 2, "200.00")
    system.sap.fault("lost_reply", method="POST", path="/sap/bc/srt/")
    with pytest.raises(Transient):
        system.settle(payment, **{invoice: "50.00"})
    system.settled(payment, **{invoice: "50.00"})
    assert system.open(invoice) == Decimal("69.00")
    assert sum(1 for one in system.sap.kit.effects if one["action"] == "clear") == 1


def test_what_the_system_sends_as_idocs_is_what_it_did(system: System) -> None:
    order = system.sap.create_order(CUSTOMER, [["TG11", "4", None], ["TG12", "1", None]])
    delivery = system.sap.deliver(order)
    billing = system.sap.bill(delivery=delivery)
    (left,) = idoc.read(system.sap.send_idoc("DESADV", delivery).encode())
    assert (left.kind, left.external_id, left.problem) == ("shipment", delivery, None)
    record = dict(left.record or {})
    assert [
        (item["Material"], item["ActualDeliveryQuantity"]) for item in record["to_DeliveryDocumentItem"]
    ] == [
        ("TG11", Decimal(4)),
        ("TG12", Decimal(1)),
    ]
    assert {item["ReferenceSDDocument"] for item in record["to_DeliveryDocumentItem"]} == {order}
    (billed,) = idoc.read(system.sap.send_idoc("INVOIC", billing).encode())
    assert (billed.kind, billed.external_id, billed.problem) == ("invoice", billing, None)
    record = dict(billed.record or {})
    (owed,) = [row for row in system.ask(f"BillingDocument eq '{billing}' and FinancialAccountType eq 'D'")]
    assert record["TotalGrossAmount"] == Decimal(owed["AmountInTransactionCurrency"])
    assert record["PayerParty"] == CUSTOMER


def test_a_payment_pushed_again_while_it_waits_is_posted_once(system: System) -> None:
    invoice = system.book("invoice", 1, "119.00")
    told = [{"invoice": invoice, "amount": Decimal("119.00"), "currency": "EUR"}]
    record = {
        "document_date": TODAY, "posting_date": TODAY, "currency": "EUR", "customer": CUSTOMER,
        "amount": Decimal("119.00"), "allocations": told,
    }  # fmt: skip
    write = Write("payment", record, None, f"{2:032x}", "key-2")
    connector = Sap(system.settings)
    with pytest.raises(NotYet):
        connector.push(write)
    system.sap.run_clearings()
    payment = connector.push(write)  # after NotYet the hub does not look first
    posted = [one["id"] for one in system.sap.kit.effects if one["action"] == "post"]
    assert posted == [invoice, payment]
    assert system.open(invoice, payment) == 0
