"""A bank line becomes a canonical payment, and a repeated or older file adds nothing wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.bank.connector import Bank, Settings
from hub.mapping import compile_mapping, load
from hub.model import Payment
from hub.sdk import Change, Delivery, Unmappable
from sandbox.bank import BankSandbox

TRANSLATOR = compile_mapping(load(Path(__file__).parents[3] / "mappings" / "bank" / "payment.in.yaml"))
IBAN, PAYER = "DE89370400440532013000", "FI2112345600000785"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class NoLookup:
    def xref(self, kind: str, value: str) -> str:
        raise AssertionError("a bank line refers to nothing")


@pytest.fixture
def bank() -> BankSandbox:
    return BankSandbox(IBAN, "EUR", lambda: NOW)


def read(body: bytes) -> list[Change]:
    """The payments."""
    return [one for one in Bank(Settings()).read(Delivery({}, body, "", NOW)) if one.kind == "payment"]


def payment(record: Any) -> Payment:
    return Payment.model_validate({"id": "p1", **TRANSLATOR.apply(record, NoLookup())})


def payments(body: bytes) -> list[Payment]:
    return [payment(change.record) for change in read(body)]


def test_credit_becomes_a_payment_with_everything_matching_needs(bank: BankSandbox) -> None:
    reference = bank.pay("Ada GmbH", PAYER, Decimal("119.10"), "INV-1", creditor_reference="RF18539007547034")
    (found,) = payments(bank.statement(date(2026, 3, 2)))
    assert (found.amount.amount, found.amount.currency) == (Decimal("119.10"), "EUR")
    assert (found.account, found.booked_on, found.value_on) == (IBAN, date(2026, 3, 2), date(2026, 3, 2))
    assert (found.payer.name, found.payer.account) == ("Ada GmbH", PAYER)
    assert (found.creditor_reference, found.remittance_information) == ("RF18539007547034", ("INV-1",))
    assert (found.end_to_end_id, found.bank_reference) == ("", reference)


def test_end_to_end_id_is_kept_when_it_is_one(bank: BankSandbox) -> None:
    bank.pay("Ada", PAYER, Decimal(1), end_to_end_id="E2E-9")
    assert payments(bank.statement(date(2026, 3, 2)))[0].end_to_end_id == "E2E-9"


def test_reversed_credit_is_a_payment_below_zero_that_names_the_payer(bank: BankSandbox) -> None:
    bank.reverse(bank.pay("Ada GmbH", PAYER, Decimal("119.10"), "INV-1"))
    found = payments(bank.statement(date(2026, 3, 2)))[1]
    assert found.amount.amount == Decimal("-119.10")
    assert (found.payer.account, found.remittance_information) == (PAYER, ("INV-1",))


def test_own_money_coming_back_identifies_nobody(bank: BankSandbox) -> None:
    bank.pay("Ada GmbH", PAYER, Decimal("119.10"), "INV-1", creditor_reference="RF18539007547034")
    (change,) = read(bank.statement(date(2026, 3, 2)))
    assert change.record
    returned = {**change.record, "reversal": True, "return_reason": "AC04"}
    found = payment(returned)
    assert found.amount.amount == Decimal("119.10")
    assert (found.payer.name, found.payer.account, found.creditor_reference) == ("", "", "")
    assert found.remittance_information == ("money of ours returned: AC04",)
    bare = payment({**returned, "return_reason": ""})
    assert bare.remittance_information == ("money of ours returned: no reason",)


def test_line_with_an_unreadable_date_fails_alone_and_names_the_field(bank: BankSandbox) -> None:
    bank.pay("Ada", PAYER, Decimal(1))
    (change,) = read(bank.statement(date(2026, 3, 2)).replace(b"<BookgDt>\n", b"<BookgDt>x", 1))
    assert change.record
    with pytest.raises(Unmappable, match="booked_on"):
        payment({**change.record, "booked_on": "soon"})


def test_backfill_of_old_files_in_any_order_adds_every_line_once(bank: BankSandbox) -> None:
    files = []
    for day in (2, 3, 4):
        bank.pay("Ada", PAYER, Decimal(10), f"INV-{day}")
        files.append(bank.statement(date(2026, 3, day)))
    forward = {change.external_id for body in files for change in read(body)}
    backward = {change.external_id for body in reversed([*files, files[1]]) for change in read(body)}
    assert forward == backward
    assert len(forward) == 3
