"""Real and made-up files of many banks: nothing crashes, nothing is miscounted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from connectors.bank import camt
from connectors.bank.connector import Bank, Settings
from hub.sdk import Delivery, Invalid, Rejected, encode

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "bank"
FOLDERS = ("camt053", "_bulk_camt053", "camt052", "camt054", "camtother")
FILES = [path for folder in FOLDERS for path in sorted((SAMPLES / folder).glob("*"))]

pytestmark = pytest.mark.skipif(not FILES, reason=f"no bank samples beside the checkout ({SAMPLES.name})")


def local(path: str) -> str:
    """An XPath over local names: `a/b` finds b in a in any namespace."""
    return "/".join(f"*[local-name()='{step}']" for step in path.split("/"))


def signed(node: etree._Element) -> Decimal:
    amount = Decimal(str(node.xpath(f"string({local('Amt')})")))
    return -amount if node.xpath(f"string({local('CdtDbtInd')})") == "DBIT" else amount


def is_booked(node: etree._Element) -> bool:
    return str(node.xpath(f"normalize-space({local('Sts')})")) in ("", "BOOK")


def entries(body: bytes) -> list[etree._Element]:
    """Booked entries of camt.053 statements, found independently of the reader."""
    root = etree.fromstring(body)
    steps = local("Stmt/Ntry")
    found = root.xpath(f"//*[starts-with(local-name(),'BkToCstmrStmt')]/{steps}")
    return [node for node in found if is_booked(node)]


def counted(body: bytes) -> Counter[str]:
    """How many transactions, how much, and how many texts the file holds."""
    told: Counter[str] = Counter()
    for node in entries(body):
        told["entries"] += 1
        told["moved"] += signed(node)
        told["transactions"] += max(1, int(node.xpath(f"count(.//{local('TxDtls')})")))
        told["texts"] += int(node.xpath(f"count(.//{local('RmtInf/Ustrd')}[normalize-space()])"))
    return told


def read(body: bytes) -> list[camt.Statement] | None:
    try:
        return camt.read(body)
    except (Invalid, Rejected):
        return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_sample_is_read_right_or_refused_clearly(path: Path) -> None:
    body = path.read_bytes()
    statements = read(body)
    if statements is None:
        return
    told = counted(body)
    lines = [line for s in statements for e in s.entries for line in e.transactions]
    assert sum(len(s.entries) for s in statements) == told["entries"]
    assert sum((line["amount"] for line in lines), Decimal(0)) == told["moved"]
    assert sum(1 for x in lines for block in x["remittance"] if "text" in block) == told["texts"]
    unsplit = [x for x in lines if x["unsplit"]]
    whole = len([x for x in lines if not x["residual"]]) + sum(x["batch_size"] - 1 for x in unsplit)
    assert whole == told["transactions"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_changes_of_a_sample_are_distinct_and_encode(path: Path) -> None:
    delivery = Delivery({}, path.read_bytes(), "", datetime(2026, 3, 2, tzinfo=UTC))
    try:
        changes = Bank(Settings()).read(delivery)
    except (Invalid, Rejected):
        return
    assert len({change.external_id for change in changes}) == len(changes)
    assert all(encode(change.record) for change in changes)


def test_every_bulk_file_balances() -> None:
    bulk = [path for path in FILES if path.parent.name == "_bulk_camt053"]
    if not bulk:
        pytest.skip("no bulk samples beside the checkout")
    statements = [s for path in bulk for s in camt.read(path.read_bytes())]
    assert len(statements) >= len(bulk)
    assert all(s.balance(camt.CLOSING, last=True) for s in statements)
