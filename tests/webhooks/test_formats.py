"""From a file of any format, by any door, to documents in the hub: once; parked where it does not add up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from hub.api.actions import save_connection
from hub.clock import poll
from hub.model import Payment, Statement
from tests.connectors.bank.test_bai2 import PLAIN as BAI2
from tests.connectors.bank.test_lockbox import PLAIN as LOCKBOX
from tests.connectors.bank.test_mt940 import file as mt940
from tests.connectors.bank.test_nacha import CTX
from tests.connectors.bank.test_read import entry
from tests.connectors.bank.test_read import file as camt053
from tests.sftp_server import by_password
from tests.webhooks.office import ADMIN, Office, office, statement
from webhooks.folder import pick_up

MT940 = mt940(":61:2603020302C100,00NTRFINV-1//BANK7", ":86:INV-1")


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as made:
        yield made


def collect(bank: Office) -> list[str]:
    found = pick_up(bank.hub, bank.folder.parent, bytes_max=1_000_000)
    return [str(verdict) for _, verdict in found]


def payments(bank: Office) -> list[Payment]:
    return [Payment.model_validate_json(row.body) for row in bank.documents("payment")]


def test_every_format_becomes_documents_and_its_copies_add_nothing(bank: Office) -> None:
    files = {"a.ach": CTX, "b.bai": BAI2, "c.sta": MT940.decode(), "d.txt": LOCKBOX}
    for name, text in files.items():
        bank.drop(name, text.encode())
    assert collect(bank) == ["accepted"] * 4
    amounts = sorted(one.amount.amount for one in payments(bank))
    assert amounts == [Decimal(one) for one in ("25.50", "100.00", "150.00", "300.00", "500.00", "1500.00")]
    assert len(bank.documents("statement")) == 4
    (ctx,) = [one for one in payments(bank) if one.method == "ach_credit" and one.documents]
    assert [(one.number, one.paid and one.paid.amount) for one in ctx.documents] == [
        ("INV-1", Decimal(100)), ("INV-2", Decimal(50)),
    ]  # fmt: skip
    for name, text in files.items():
        bank.drop(f"copy-{name}", text.encode())
        bank.drop(f"changed-{name}", f"{text}\n\n".encode())
    assert sorted(collect(bank)) == ["accepted"] * 4 + ["repeated"] * 4
    assert len(payments(bank)) == 6
    assert len(bank.documents("statement")) == 4


def test_a_statement_that_does_not_add_up_waits_and_the_other_goes_on(bank: Office) -> None:
    good, bad = camt053([entry("5.00", ref="G")], "5.00"), camt053([entry("7.00", ref="B")], "8.00")
    inner = bad.split(b"<BkToCstmrStmt>")[1].split(b"</BkToCstmrStmt>")[0].replace(b"S1", b"S2")
    bank.drop("two.xml", good.replace(b"</BkToCstmrStmt>", inner + b"</BkToCstmrStmt>"))
    assert collect(bank) == ["accepted"]
    assert [one.amount.amount for one in payments(bank)] == [Decimal("5.00")]
    (told,) = [title for title in bank.cases() if "does not balance" in title]
    assert "opening 0.00 plus entries 7.00 is 7.00, closing says 8.00, difference 1.00 EUR" in told
    assert "DE89370400440532013000" not in told


def test_a_bank_is_fetched_from_by_sftp(bank: Office, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "march.xml").write_bytes(statement("77.07"))
    with by_password(there) as server:
        given = {**server.settings, "sftp_folder": "/", "sftp_settled": 0}
        save_connection(bank.hub, ADMIN, "far", connector="bank", given=given, poll_seconds=60)
        assert [poll(bank.hub, "far"), poll(bank.hub, "far")] == [1, 0]
    assert [one.amount.amount for one in payments(bank)] == [Decimal("77.07")]
    (row,) = bank.rows()
    assert orjson.loads(row.headers)["x-file-name"] == "march.xml"
    (told,) = [Statement.model_validate_json(one.body) for one in bank.documents("statement")]
    assert (told.final, told.source_format) == (True, "camt.053")
