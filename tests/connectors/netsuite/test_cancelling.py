"""What the hub cancelled is taken back in NetSuite, or a person is told what to do: never dropped."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.netsuite.connector import NetSuite
from hub.errors import NotYet, Rejected
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import (
    INVOICE,
    PAYMENT,
    Connect,
    invoice,
    line,
    payment,
    write,
)
from tests.connectors.netsuite.test_writing import MEMO, WRITE_OFF, memo, write_off

GONE = {"cancelled": True}


@pytest.fixture(params=["rest", "soap"])
def hub(request: pytest.FixtureRequest, connect: Connect) -> NetSuite:
    """A connector, over each protocol."""
    return connect(protocol=request.param)


@pytest.fixture
def billed(account: NetSuiteSandbox, netsuite: NetSuite, sold: tuple[str, str]) -> tuple[str, str]:
    """A customer and an invoice of 47.60 for them."""
    account.add_item("WRITE-OFF", "otherChargeSaleItem")
    account.fulfil(sold[1], {"BOLT-1": 4})
    return sold[0], netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))


def figure(account: NetSuiteSandbox, record: str, id: str, name: str) -> Decimal:
    return Decimal(str(account.get(record, id).get(name) or 0))


def test_a_cancelled_invoice_is_credited_whole_and_only_once(
    account: NetSuiteSandbox, hub: NetSuite, billed: tuple[str, str]
) -> None:
    record = {**invoice("1", {"l1": 4}, "47.60"), **GONE}
    for _ in range(2):
        assert hub.push(write("invoice", record, INVOICE, billed[1])) == billed[1]
    assert figure(account, "invoice", billed[1], "amountRemaining") == 0
    assert (account.count("creditMemo"), account.balance(billed[0])) == (1, 0)


def test_the_credit_memo_that_cancels_an_invoice_does_not_come_back_as_one(
    account: NetSuiteSandbox, hub: NetSuite, billed: tuple[str, str]
) -> None:
    hub.push(write("invoice", GONE, INVOICE, billed[1]))
    made = account.find("creditMemo", f"{INVOICE}-reversal")
    assert made is not None
    assert list(hub.read(hub.arrival("credit_memo", made["id"]).delivery)) == []


def test_an_invoice_that_is_still_settled_in_part_waits(
    account: NetSuiteSandbox, hub: NetSuite, billed: tuple[str, str]
) -> None:
    account.people.pay(billed[0], "40", apply=[{"invoice": billed[1], "amount": "40"}])
    with pytest.raises(NotYet, match="settled in part"):
        hub.push(write("invoice", GONE, INVOICE, billed[1]))
    assert account.count("creditMemo") == 0


def test_a_reversed_payment_settles_nothing_and_leaves_the_bank_again(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    paid = netsuite.push(write("payment", payment(billed[0], {billed[1]: "40"}, "50"), PAYMENT))
    for _ in range(2):
        assert netsuite.push(write("payment", GONE, PAYMENT, paid)) == paid
    assert figure(account, "invoice", billed[1], "amountRemaining") == Decimal("47.6")
    assert figure(account, "customerPayment", paid, "unapplied") == 0
    assert (account.count("customerRefund"), account.balance(billed[0])) == (1, Decimal("47.6"))
    [told] = netsuite.read(netsuite.arrival("payment", paid).delivery)
    assert told.record is not None
    assert told.record["o2c"]["cancelled_on"]  # it comes back as what it is here: taken back


def test_a_payment_in_undeposited_funds_needs_an_account_to_leave_from(
    account: NetSuiteSandbox, connect: Connect, billed: tuple[str, str]
) -> None:
    record: dict[str, Any] = {**payment(billed[0], {}, "50"), "undepFunds": True}
    del record["account"]
    paid = connect().push(write("payment", record, PAYMENT))
    with pytest.raises(
        Rejected, match="Undeposited Funds there: void it in NetSuite, or set reversal_account"
    ):
        connect().push(write("payment", GONE, PAYMENT, paid))
    assert connect(reversal_account="1").push(write("payment", GONE, PAYMENT, paid)) == paid
    assert account.count("customerRefund") == 1


def test_what_cannot_be_taken_back_says_what_a_person_must_do_and_notices_that_they_did(
    account: NetSuiteSandbox, hub: NetSuite, billed: tuple[str, str]
) -> None:
    record = memo(billed[0], "11.90", [line("l1", "BOLT-1", 1)], billed[1])
    credit = hub.push(write("credit_memo", record, MEMO))
    off = hub.push(write("adjustment", write_off(billed[1], "0.60"), WRITE_OFF))
    for kind, reference, id in (("credit_memo", MEMO, credit), ("adjustment", WRITE_OFF, off)):
        with pytest.raises(Rejected, match="void it there, then retry this case") as refused:
            hub.push(write(kind, GONE, reference, id))
        assert not refused.value.sent
        account.people.void("creditMemo", id)
        assert hub.push(write(kind, GONE, reference, id)) == id


def test_a_deleted_one_is_taken_back_already_and_one_never_written_is_told(
    account: NetSuiteSandbox, hub: NetSuite, billed: tuple[str, str]
) -> None:
    account.people.delete("invoice", billed[1])
    assert hub.push(write("invoice", GONE, INVOICE, billed[1])) == billed[1]
    with pytest.raises(Rejected, match="cancelled before it was written"):
        hub.push(write("invoice", GONE, "f" * 32))


def test_an_account_that_wants_no_reversing_entries_gets_cases(
    account: NetSuiteSandbox, connect: Connect, billed: tuple[str, str]
) -> None:
    with pytest.raises(Rejected, match="invoice INV-1 was cancelled"):
        connect(cancelled="case").push(write("invoice", GONE, INVOICE, billed[1]))
    assert account.count("creditMemo") == 0
