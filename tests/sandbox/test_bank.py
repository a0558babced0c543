"""The simulated bank: statements valid by the ISO schema, chained balances, and its HTTP interface."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from lxml import etree

from connectors.bank import camt_stream
from connectors.bank.connector import Bank, Settings
from connectors.bank.translate import compact
from hub.sdk import Delivery
from sandbox.bank import BankSandbox
from sandbox.kit import serve

IBAN = "DE89370400440532013000"
DAY = date(2026, 3, 2)
XSD = Path(__file__).parents[3] / "shared" / "samples" / "bank" / "xsd" / "camt.053.001.08.xsd"
BEARER = {"authorization": "Bearer bank-key"}


def make() -> BankSandbox:
    return BankSandbox(IBAN, "EUR", lambda: datetime(2026, 3, 2, 9, tzinfo=UTC), opening=Decimal("1000.00"))


@pytest.fixture
def bank() -> BankSandbox:
    return make()


@pytest.fixture
def url(bank: BankSandbox) -> Iterator[str]:
    with serve(bank.app) as base:
        yield base


def busy(bank: BankSandbox) -> None:
    bank.pay("Ada & Söhne GmbH", "FI2112345600000785", Decimal("119.00"), "INV-1 " * 50)
    paid = bank.pay("Bob", "", Decimal("7.5"), creditor_reference="RF18539007547034", end_to_end_id="E2E-1")
    bank.spend("Landlord", "FI2112345600000785", Decimal("800"), "rent")
    bank.reverse(paid)


def test_statement_is_valid_by_the_iso_schema(bank: BankSandbox) -> None:
    if not XSD.exists():
        pytest.skip("the ISO schema is not beside the checkout")
    schema = etree.XMLSchema(etree.parse(XSD))
    busy(bank)
    for body in (bank.statement(DAY), bank.statement(DAY)):
        schema.assertValid(etree.fromstring(body))


def test_balances_chain_from_statement_to_statement(bank: BankSandbox) -> None:
    busy(bank)
    (first,), (second,) = (camt_stream.read(bank.statement(day)) for day in (DAY, date(2026, 3, 3)))
    assert first.opening
    assert first.closing
    assert second.opening
    assert first.opening.amount == Decimal("1000.00")
    assert first.closing.amount == second.opening.amount == Decimal("319.00")


def test_connector_reads_what_the_bank_wrote(bank: BankSandbox) -> None:
    busy(bank)
    delivery = Delivery({}, bank.statement(DAY), "", datetime(2026, 3, 2, tzinfo=UTC))
    changes = list(Bank(Settings(account=IBAN)).read(delivery))
    assert [one.kind for one in changes] == ["statement", "payment", "payment", "payment"]
    records = [change.record for change in changes[1:] if change.record]
    assert [r["amount"] for r in records] == [Decimal("119.00"), Decimal("7.5"), Decimal("-7.5")]
    assert records[0]["debtor"]["name"] == "Ada & Söhne GmbH"
    assert compact("".join(records[0]["remittance_information"])) == "INV-1" * 50
    assert records[1]["creditor_reference_kind"] == "RF"
    assert records[1]["end_to_end_id"] == "E2E-1"
    assert (records[2]["reversal"], records[2]["return_reason"]) == (True, "MD06")


def test_unknown_booking_cannot_be_reversed(bank: BankSandbox) -> None:
    with pytest.raises(KeyError):
        bank.reverse("nothing")


def test_control_characters_are_refused_before_they_break_a_statement(bank: BankSandbox) -> None:
    with pytest.raises(ValueError, match="control characters"):
        bank.pay("Ada", "", Decimal(1), "a\x00b")


def test_file_appears_under_its_name_only_when_complete(bank: BankSandbox, tmp_path: Path) -> None:
    busy(bank)
    body = bank.statement(DAY)
    path = bank.drop(tmp_path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.suffix == ".xml"
    assert path.read_bytes() == body


def test_nothing_to_drop_before_the_first_statement(bank: BankSandbox, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no statement yet"):
        bank.drop(tmp_path)


@pytest.mark.parametrize(
    "method", ["GET /statements", "POST /statements", "GET /statements/x", "POST /payments"]
)
def test_interface_asks_for_its_key(url: str, method: str) -> None:
    verb, path = method.split()
    for headers in ({}, {"authorization": "Bearer wrong"}):
        assert httpx.request(verb, url + path, headers=headers).status_code == 401


def test_payment_over_http_reaches_a_statement_over_http(bank: BankSandbox, url: str) -> None:
    order = {"debtor_name": "Ada", "debtor_iban": "FI2112345600000785", "amount": 119.10, "text": "INV-1"}
    reference = httpx.post(f"{url}/payments", json=order, headers=BEARER).json()["reference"]
    id = httpx.post(f"{url}/statements", headers=BEARER).json()["id"]
    listed = httpx.get(f"{url}/statements", headers=BEARER).json()
    assert listed["statements"] == [{"id": id, "date": "2026-03-02"}]
    assert listed["balance"] == "1119.10"
    body = httpx.get(f"{url}/statements/{id}", headers=BEARER)
    assert body.headers["content-type"].startswith("application/xml")
    (statement,) = camt_stream.read(body.content)
    (line,) = statement.entries[0].transactions
    assert (line.amount, line.bank_reference) == (Decimal("119.1"), reference)
    effects = httpx.get(f"{url}/_sandbox/effects").json()["effects"]
    assert [(e["action"], e["kind"]) for e in effects] == [("pay", "payment"), ("issue", "statement")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"debtor_name": "A", "amount": 0}',
        b'{"debtor_name": "A", "amount": 1.005}',
        b'{"debtor_name": "A", "amount": 1, "text": "\\u0000"}',
        b'{"debtor_name": "A", "amount": 1, "debtor_iban": "no"}',
    ],
)
def test_payment_that_makes_no_sense_is_refused(url: str, body: bytes) -> None:
    assert httpx.post(f"{url}/payments", content=body, headers=BEARER).status_code == 400


def test_unknown_statement_is_not_found(url: str) -> None:
    assert httpx.get(f"{url}/statements/none", headers=BEARER).status_code == 404


def test_upload_carries_the_key_and_returns_the_answer(bank: BankSandbox, url: str) -> None:
    bank.statement(DAY)
    assert bank.upload(f"{url}/payments", "bank-key") == 400  # authorised; a statement is no payment order
    assert bank.upload(f"{url}/payments", "wrong") == 401


def test_faults_are_carried_out(bank: BankSandbox, url: str) -> None:
    httpx.post(f"{url}/_sandbox/faults", json={"kind": "refuse", "status": 503})
    assert httpx.get(f"{url}/statements", headers=BEARER).status_code == 503
    assert httpx.get(f"{url}/statements", headers=BEARER).status_code == 200
