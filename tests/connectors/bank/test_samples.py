"""Files of many banks through the connector: nothing crashes, no cent is lost on the way to payments."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.bank.connector import Bank, Settings
from hub.mapping import compile_mapping, load
from hub.model import KINDS
from hub.sdk import Change, Delivery, Invalid, Rejected, Unmappable, encode

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "bank"
MAPPINGS = Path(__file__).parents[3] / "mappings" / "bank"
FOLDERS = (
    "camt052", "camt053", "camt054", "camtother", "_bulk_camt052", "_bulk_camt053", "mt940",
    "mt940_fragments", "bai2", "ach", "lockbox", "csv", "ofx", "nordic", "x12_820", "qif", "n43", "pain001",
)  # fmt: skip
MAPPED_MAX = 200  # changes of one file that are carried on to documents
REFUSALS = ("parked", "booked_on", "currency", "amount.currency")
BANK = Bank(Settings(intraday="take"))
NOW = datetime(2026, 3, 2, tzinfo=UTC)
TRANSLATORS = {kind: compile_mapping(load(MAPPINGS / f"{kind}.in.yaml")) for kind in ("payment", "statement")}

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no {SAMPLES.name} samples beside the checkout")


class NoLookup:
    def xref(self, kind: str, value: str) -> str:
        raise AssertionError("a bank line refers to nothing")


def read(path: Path) -> list[Change] | None:
    """The changes of a file, None where it is refused in a sentence."""
    try:
        return list(BANK.read(Delivery({}, path.read_bytes(), "", NOW)))
    except (Invalid, Rejected):
        return None


def check(changes: list[Change], counted: Counter[str]) -> None:
    """Every statement is made up of what was taken of it and what was left."""
    assert len({(one.kind, one.external_id) for one in changes}) == len(changes)
    paid: dict[str, list[Decimal]] = {}
    for at, one in enumerate(changes):
        counted[one.kind] += 1
        if one.record is None:
            assert (one.kind, one.problem is not None) == ("statement", True)
            counted["parked"] += 1
            continue
        if one.kind == "payment":
            paid.setdefault(one.record["statement"]["statement_uid"], []).append(one.record["amount"])
        if at < MAPPED_MAX:
            assert encode(one.record)
        counted[unfit(one) if at < MAPPED_MAX else ""] += 1
    for one in changes:
        record: Any = one.record
        if one.kind == "statement" and record is not None:
            amounts = paid.pop(record["statement_uid"], [])
            assert record["taken"] == {"count": len(amounts), "amount": sum(amounts, Decimal(0))}
            assert sum(amounts, record["left"]["amount"]) == record["credits"] - record["debits"]
    assert not paid


def unfit(change: Change) -> str:
    """Which field keeps it from being a document of the hub; empty: it is one."""
    assert change.record is not None
    try:
        fields = TRANSLATORS[change.kind].apply(change.record, NoLookup())
    except Unmappable as error:
        return error.field
    KINDS[change.kind].model_validate({"id": "d" * 32, **fields})
    return ""


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_sample_crashes_and_no_cent_is_lost(folder: str) -> None:
    paths = sorted(path for path in (SAMPLES / folder).glob("*") if path.is_file())
    if not paths:
        pytest.skip(f"no samples in {folder}")
    counted: Counter[str] = Counter()
    for path in paths:
        changes = read(path)
        counted["refused"] += changes is None
        check(changes or [], counted)
    fit = counted.pop("", 0)
    # A notification without any date, and money that no longer exists (DEM).
    assert set(counted) <= {"statement", "payment", "refused", *REFUSALS}
    assert fit == counted["statement"] + counted["payment"] - sum(counted[one] for one in REFUSALS)
    row = " ".join(f"{count} {name}" for name, count in sorted(counted.items()) if count)
    sys.stdout.write(f"{folder:16} {len(paths):4} files {row}\n")
