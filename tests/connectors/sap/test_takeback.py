"""What the hub takes back is taken back at SAP, once; what SAP cannot undo by itself is for a person."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.sap.connector import Sap
from hub.errors import NotYet, Rejected, Transient
from sandbox.sap import SapSandbox
from tests.connectors.sap.conftest import ADJUSTMENT, BUYER, DAY, INVOICE, MEMO, PAYMENT, entry, write

NET = {"lines": [{"amount": Decimal("100.00"), "tax_code": "A1"}]}
TAX = {"taxes": [{"tax_code": "A1", "base": Decimal("100.00"), "amount": Decimal("19.00")}]}


def pushed(system: SapSandbox, sap: Sap, kind: str, record: dict[str, Any], reference: str) -> str:
    """Push until its clearing shows."""
    for _ in range(4):
        try:
            return sap.push(write(kind, record, reference))
        except NotYet:
            system.run_clearings()
    raise AssertionError(system.aif)


def part(invoice: str, amount: str) -> dict[str, Any]:
    return {"allocations": [{"invoice": invoice, "amount": Decimal(amount), "currency": "EUR"}]}


def reversals(system: SapSandbox) -> int:
    return sum(1 for one in system.kit.effects if one["action"] == "reverse")


@pytest.mark.parametrize(
    ("kind", "reference", "more"),
    [
        ("invoice", INVOICE, {**NET, **TAX}),
        ("credit_memo", MEMO, {**NET, **TAX}),
        ("payment", PAYMENT, {}),
        ("adjustment", ADJUSTMENT, {"reason": "write_off"}),
    ],
)
def test_entry_of_a_document_that_is_taken_back_is_reversed_once(
    system: SapSandbox, sap: Sap, kind: str, reference: str, more: dict[str, Any]
) -> None:
    booked = sap.push(write(kind, entry("119.00", **more), reference))
    gone = entry("119.00", **more, reversed=True)
    for external_id in (booked, booked, None):
        assert sap.push(write(kind, gone, reference, external_id)) == booked
    assert reversals(system) == 1
    assert [one for one in sap.open_items(None).items if one.customer == BUYER] == []
    assert system.check() == []


def test_lost_reply_to_a_reversal_is_not_answered_with_a_second_one(system: SapSandbox, sap: Sap) -> None:
    booked = sap.push(write("payment", entry("50.00"), PAYMENT))
    system.fault("lost_reply", method="POST", path="/sap/bc/srt/")
    gone = write("payment", entry("50.00", reversed=True), PAYMENT, booked)
    with pytest.raises(Transient) as told:
        sap.push(gone)
    assert told.value.sent
    assert sap.push(gone) == booked
    assert reversals(system) == 1


def test_part_payments_are_undone_before_the_payment(system: SapSandbox, sap: Sap) -> None:
    invoice = sap.push(write("invoice", entry("119.00", **NET, **TAX), INVOICE))
    booked = pushed(system, sap, "payment", entry("50.00", **part(invoice, "30.00")), PAYMENT)
    assert sap.push(write("payment", entry("50.00", reversed=True), PAYMENT, booked)) == booked
    assert reversals(system) == 2
    (owed,) = [one for one in sap.open_items(None).items if one.customer == BUYER]
    assert (owed.external_id, owed.open) == (invoice, Decimal("119.00"))
    assert system.check() == []


def test_cleared_payment_is_for_a_person_and_goes_on_when_its_clearing_was_reset(
    system: SapSandbox, sap: Sap
) -> None:
    invoice = sap.push(write("invoice", entry("119.00", **NET, **TAX), INVOICE))
    booked = pushed(system, sap, "payment", entry("119.00", **part(invoice, "119.00")), PAYMENT)
    gone = write("payment", entry("119.00", reversed=True), PAYMENT, booked)
    with pytest.raises(Rejected, match=r"reset .* clearing .*FBRA") as told:
        sap.push(gone)
    assert told.value.code == "cleared"
    assert reversals(system) == 0
    clearing = system.item(booked)
    number = f"1010-{clearing['ClearingDocFiscalYear']}-{clearing['ClearingAccountingDocument']}"
    system.reverse_clearing(number)
    assert sap.push(gone) == booked
    (owed,) = [one for one in sap.open_items(None).items if one.customer == BUYER]
    assert (owed.external_id, owed.open) == (invoice, Decimal("119.00"))


def test_what_was_never_booked_is_not_booked_to_be_reversed(system: SapSandbox, sap: Sap) -> None:
    with pytest.raises(Rejected, match="never booked") as told:
        sap.push(write("payment", entry("50.00", reversed=True), PAYMENT))
    assert not told.value.sent
    assert system.kit.effects == []


def test_invoice_that_sap_billed_is_cancelled_there_once(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(system.create_order(BUYER, [["TG11", "1", None]])))
    gone = write("invoice", entry("20.83", reversed=True), INVOICE, billing)
    for _ in range(2):
        assert sap.push(gone) == billing
    assert [one for one in sap.open_items(None).items if one.customer == BUYER] == []
    assert system.count("A_BillingDocument") == 2
    with pytest.raises(Rejected, match="gone"):
        sap.push(gone._replace(external_id="99999999"))


def test_closed_period_is_told_in_the_vendors_words_and_is_no_lock(system: SapSandbox, sap: Sap) -> None:
    booked = sap.push(write("payment", entry("50.00"), PAYMENT))
    system.close_period("1010", "2099-12-31")
    with pytest.raises(Rejected, match="eriod") as told:
        sap.push(write("payment", entry("50.00", reversed=True), PAYMENT, booked))
    assert told.value.code == "F5/201"


@pytest.mark.parametrize("billed", [False, True], ids=["entry", "billing"])
def test_what_a_payment_no_longer_pays_is_freed_and_the_rest_stays(
    system: SapSandbox, sap: Sap, billed: bool
) -> None:
    def owing(reference: str) -> str:
        if billed:
            return system.bill(delivery=system.deliver(system.create_order(BUYER, [["TG12", "1", 100]])))
        return sap.push(write("invoice", entry("119.00", **NET, **TAX), reference))

    first, second = owing(INVOICE), owing("9" * 32)
    both = {"allocations": [*part(first, "40.00")["allocations"], *part(second, "30.00")["allocations"]]}
    paid = pushed(system, sap, "payment", entry("100.00", **part(first, "40.00")), PAYMENT)
    for _ in range(3):
        try:
            sap.push(write("payment", entry("100.00", **both), PAYMENT, paid))
        except NotYet:
            system.run_clearings()
    opened = {one.external_id: one.open for one in sap.items([("invoice", first), ("invoice", second)])}
    assert (opened[first], opened[second]) == (79, 89)
    before = reversals(system)
    for _ in range(2):
        assert sap.push(write("payment", entry("100.00", **part(second, "30.00")), PAYMENT, paid)) == paid
    assert reversals(system) - before == 1
    opened = {one.external_id: one.open for one in sap.items([("invoice", first), ("invoice", second)])}
    assert (opened[first], opened[second]) == (119, 89)
    assert system.check() == []


def test_what_people_moved_of_a_payment_of_ours_stays(system: SapSandbox, sap: Sap) -> None:
    invoice = sap.push(write("invoice", entry("119.00", **NET, **TAX), INVOICE))
    paid = pushed(system, sap, "payment", entry("100.00", **part(invoice, "40.00")), PAYMENT)
    table = system.store["A_OperationalAcctgDocItemCube"]
    for key, row in list(table.rows.items()):
        if row["AccountingDocumentType"] == "AB":
            table.swap(key, {**row, "DocumentReferenceID": "by hand"})
    assert sap.push(write("payment", entry("100.00"), PAYMENT, paid)) == paid
    assert reversals(system) == 0


def test_an_invoice_that_was_paid_as_a_whole_waits_for_a_person_to_reset_it(
    system: SapSandbox, sap: Sap
) -> None:
    invoice = sap.push(write("invoice", entry("119.00", **NET, **TAX), INVOICE))
    paid = pushed(system, sap, "payment", entry("119.00", **part(invoice, "119.00")), PAYMENT)
    with pytest.raises(NotYet, match=f"no longer pays {invoice} .* FBRA"):
        sap.push(write("payment", entry("119.00"), PAYMENT, paid))
    [cleared] = {system.item(one)["ClearingAccountingDocument"] for one in (invoice, paid)}
    system.reverse_clearing(f"1010-{DAY.year}-{cleared}")
    assert sap.push(write("payment", entry("119.00"), PAYMENT, paid)) == paid
    assert {one.external_id for one in sap.open_items(None).items} == {invoice, paid}
