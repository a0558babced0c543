"""Every camt and MT940 sample is read with the right entries, transactions and sums, or is told to be wrong.

What is right is counted here by other means than the readers': ElementTree and regular expressions.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from connectors.bank import summary

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "bank"
CAMT = ("camt052", "camt053", "camt054", "camtother", "_bulk_camt052", "_bulk_camt053", "_bulk_camt054")
# Made to be wrong, or no statement at all: what is asked for is a problem that says so.
INVALID = {
    "test-camt-parse-invalid.xml": "no statement",
    "test-camt-parse-none.xml": "no statement",
    "invalid_namespace.xml": "no statement",
    "viafintech_camt_parser__valid_namespace.xml": "no statement",
    "pacs.004-DtoC.xml": "no statement",
    "msgdefidr_mismatch.xml": "the header announces WRONG.000.00",
    "camt_052_2025_invalid.xml": "the header announces",
    "camt_054_2025_invalid.xml": "the header announces",
    "camt_054_2026_invalid.xml": "the header announces",
    "test-camt-parse-5200108-invalid-saldo.xml": "does not balance",
}
WRONG_940 = {
    "sepa_snippet_broken_2.sta": "closing balance (:62F:) is missing",
    "missing_closing_record_62F.sta": "neither opening nor closing balance",
}
SHARE_CAMT, SHARE_MT940 = Decimal(1), Decimal("0.98")

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no {SAMPLES.name} samples beside the checkout")


class Counted(NamedTuple):
    entries: int
    transactions: int
    credits: Decimal
    debits: Decimal


def xml_local(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def child(node: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next((one for one in node if xml_local(one) == name), None)


def status(entry: ElementTree.Element) -> str:
    node = child(entry, "Sts")
    return "".join(node.itertext()).strip() if node is not None else ""


def camt_counted(path: Path) -> Counted:
    """Pending entries are not booked; what is for information counts in notifications only."""
    found = Counted(0, 0, Decimal(0), Decimal(0))
    for node in ElementTree.parse(path).iter():
        if xml_local(node) != "Ntry":
            continue
        if status(node) == "PDNG":
            continue
        amount = Decimal("".join(child(node, "Amt").itertext()).strip())
        credit = "".join(child(node, "CdtDbtInd").itertext()).strip() == "CRDT"
        parts = sum(1 for one in node.iter() if xml_local(one) == "TxDtls")
        found = Counted(
            found.entries + 1,
            found.transactions + max(1, parts),
            found.credits + (amount if credit else 0),
            found.debits + (0 if credit else amount),
        )
    return found


MT940_LINE = re.compile(
    r"^[ \t]*:61:[ \t]*\d{6}(?:\d{4}| {4})?[ ]?(RC|RD|EC|ED|C|D)[A-Z]?[ ]?(\d*[,.]?\d*)",
    re.ASCII | re.MULTILINE,
)


def mt940_counted(path: Path) -> Counted:
    text = path.read_bytes().decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    found = [
        (mark, Decimal(digits.replace(",", ".").rstrip("."))) for mark, digits in MT940_LINE.findall(text)
    ]
    credits = sum((value for mark, value in found if mark in ("C", "RD")), Decimal(0))
    debits = sum((value for mark, value in found if mark in ("D", "RC")), Decimal(0))
    return Counted(len(found), len(found), credits, debits)


def own(told: summary.Summary) -> Counted:
    totals = [one.totals for one in told.statements]
    return Counted(
        sum(one.entries for one in totals),
        sum(one.transactions for one in totals),
        sum((one.credits for one in totals), Decimal(0)),
        sum((one.debits for one in totals), Decimal(0)),
    )


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((SAMPLES / folder).glob("*"))


def expected_problem(path: Path, known: dict[str, str]) -> str:
    return next((words for name, words in known.items() if path.name.endswith(name)), "")


def table(name: str, read: int, right: int, sums: Counted) -> None:
    """One row of the table of formats, seen with `pytest -s`."""
    counts = f"{sums.entries:6} entries {sums.transactions:6} transactions"
    row = f"{name:14} {read:4} files {right:4} right {counts} +{sums.credits:f} -{sums.debits:f}\n"
    sys.stdout.write(row)


@pytest.mark.parametrize("folder", CAMT)
def test_every_camt_sample_has_the_right_counts_and_sums(folder: str) -> None:
    paths = list(files(folder))
    if not paths:
        pytest.skip(f"no samples in {folder}")
    wrong, whole = [], Counted(0, 0, Decimal(0), Decimal(0))
    for path in paths:
        told = summary.of_file(path)
        problem = expected_problem(path, INVALID)
        read = own(told)
        if problem:
            assert any(problem in one.message for one in told.problems), (path.name, told.problems)
        elif read != camt_counted(path) or not told.format.startswith("camt.05"):
            wrong.append((path.name, read, camt_counted(path), told.problems))
        whole = Counted(*(a + b for a, b in zip(whole, read, strict=True)))
    table(folder, len(paths), len(paths) - len(wrong), whole)
    assert Decimal(len(paths) - len(wrong)) / len(paths) >= SHARE_CAMT, wrong


def test_nearly_every_mt940_sample_has_the_right_counts_and_sums() -> None:
    paths = list(files("mt940"))
    if not paths:
        pytest.skip("no samples in mt940")
    wrong, whole = [], Counted(0, 0, Decimal(0), Decimal(0))
    for path in paths:
        told = summary.of_file(path)
        problem = expected_problem(path, WRONG_940)
        read = own(told)
        if problem:
            assert any(problem in one.message for one in told.problems), (path.name, told.problems)
        elif read != mt940_counted(path) or told.format not in ("mt940", "mt942"):
            wrong.append((path.name, read, mt940_counted(path), told.problems))
        whole = Counted(*(a + b for a, b in zip(whole, read, strict=True)))
    table("mt940", len(paths), len(paths) - len(wrong), whole)
    assert Decimal(len(paths) - len(wrong)) / len(paths) >= SHARE_MT940, wrong


def test_every_bulk_statement_balances() -> None:
    paths = list(files("_bulk_camt053"))
    if not paths:
        pytest.skip("no bulk samples")
    told = [summary.of_file(path) for path in paths]
    assert all(one.balanced for found in told for one in found.statements)
    assert not any(found.problems for found in told)
