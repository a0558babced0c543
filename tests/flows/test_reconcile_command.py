"""`o2c reconcile`, typed as a person would, against a connector from elsewhere whose books are a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import ledger
from hub.model import Customer, Invoice, InvoiceLine, InvoiceState, Money
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.store.tx import Store
from tests.world import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]
LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)
CONNECTOR = """
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from pydantic import BaseModel
from hub import sdk
from hub.connector import OpenItem, OpenItems

class Settings(BaseModel):
    books: str

class Paper:
    manifest = sdk.Manifest(
        name="paper", title="Books on paper", settings=Settings,
        kinds={"invoice": sdk.Kind(inbound=True, outbound=True)},
    )

    def __init__(self, settings):
        self.books = Path(settings.books)

    def check(self):
        return sdk.Health(True, "legible")

    def schema(self, kind):
        return sdk.Schema(fields=[])

    def _all(self):
        if not self.books.exists():
            raise sdk.Rejected("the books are not on the shelf")
        rows = json.loads(self.books.read_text(), parse_float=Decimal)
        return [OpenItem("invoice", r["id"], r["id"], r["customer"], "EUR", Decimal(r["amount"]),
                         Decimal(r["open"])) for r in rows]

    def open_items(self, cursor):
        return OpenItems([one for one in self._all() if one.open])

    def items(self, wanted):
        return [one for one in self._all() if (one.kind, one.external_id) in set(map(tuple, wanted))]

    def arrival(self, kind, external_id):
        return sdk.Arrival([external_id], sdk.Delivery({}, b"{}", "paper:" + external_id, datetime.now(UTC)))
"""


@pytest.fixture
def o2c(tmp_path: Path) -> Run:
    site = tmp_path / "site"
    about = site / "paper_o2c-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "paper_o2c.py").write_text(CONNECTOR)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: paper-o2c\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[o2c.connectors]\npaper = paper_o2c:Paper\n")
    env = {
        **os.environ, "O2C_DATA_DIR": str(tmp_path), "O2C_LOG_LEVEL": "ERROR", "O2C_DATABASE_URL": "",
        "NO_COLOR": "1", "COLUMNS": "160", "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
    }  # fmt: skip
    command = [sys.executable, "-c", "from hub.cli import app; app()"]

    def run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words], env=env, cwd=ROOT, input=given, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def shelf(o2c: Run, tmp_path: Path) -> Callable[..., None]:
    """A hub that has three invoices at the connection `paper`; shelf(...) writes what the paper says."""
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    upgrade(url)
    store = Store(Database(url), now=lambda: LONG_AGO)
    books = tmp_path / "books.json"
    added = o2c("connection", "add", "paper", "paper", "-", given=json.dumps({"books": str(books)}))
    assert (added.returncode, added.stderr) == (0, "")
    with store.begin() as tx:
        customer = Customer(id="acme", name="Acme [Ltd]", currency="EUR")
        tx.documents.save(customer, LONG_AGO)
        tx.xrefs.seen("paper", customer, "A", None)
        for n in (1, 2, 3):
            one = invoice(n)
            tx.documents.save(one, LONG_AGO)
            tx.xrefs.seen("paper", one, f"P{n}", None)
            tx.books.post(ledger.issued(one), LONG_AGO, LONG_AGO.date())
    store.database.close()

    def write(*rows: tuple[str, str, str]) -> None:
        books.write_text(json.dumps([dict(zip(("id", "amount", "open"), r, strict=True), customer="A")
                                     for r in rows]))  # fmt: skip

    write(("P1", "10.00", "10.00"), ("P2", "20.00", "20.00"), ("P3", "30.00", "30.00"))
    return write


def invoice(n: int) -> Invoice:
    total = Money(amount=Decimal(10 * n), currency="EUR")
    line = InvoiceLine(
        sku="A", quantity=Decimal(1), unit_price=total.amount, line_extension_amount=total, tax_category="O",
        tax_percent=Decimal(0),
    )  # fmt: skip
    day = date(2026, 1, 5)
    return Invoice(
        id=f"invoice{n}", number=f"INV-{n}", customer="acme", currency="EUR", issue_date=day, due_date=day,
        lines=(line,), tax_exclusive_amount=total, payable_amount=total, state=InvoiceState.ISSUED,
    )  # fmt: skip


def test_books_that_agree_end_with_0(o2c: Run, shelf: Any) -> None:
    ran = o2c("reconcile", "paper")
    assert ran.returncode == 0, ran.stderr
    assert "3 open items here, 3 there" in ran.stdout
    assert "here 60.00 EUR, there 60.00 EUR; differences explain 0.00 EUR" in ran.stdout
    assert ran.stdout.rstrip().endswith("no differences.")
    assert "compared" in ran.stderr


def test_differences_are_explained_repaired_and_end_with_1(o2c: Run, shelf: Any) -> None:
    shelf(("P1", "10.00", "4.00"), ("P3", "30.00", "30.00"), ("P9", "7.00", "7.00"))
    ran = o2c("reconcile", "paper")
    assert ran.returncode == 1, ran.stderr
    flat = " ".join(ran.stdout.replace("│", " ").split())
    assert "here 60.00 EUR, there 41.00 EUR; differences explain 19.00 EUR" in flat
    assert "Acme [Ltd]" in flat
    assert "3 differences: repair them with --repair all, or see /reconciliation/" in flat
    told = json.loads(o2c("reconcile", "paper", "--json").stdout)
    assert {one["type"] for one in told["found"]} == {"applied_there", "deleted_there", "made_there"}
    repaired = o2c("reconcile", "paper", "--repair", "case")
    assert (repaired.returncode, repaired.stdout.count("repaired No.")) == (1, 3)
    assert "The running hub carries it out" in repaired.stdout
    done = json.loads(
        o2c("reconcile", "paper", "--customer", "acme [ltd]", "--repair", "all", "--json").stdout
    )
    assert sorted((one["repair"], one["done"]) for one in done["repairs"]) == [
        ("reread", True), ("reread", True), ("resend", True)
    ]  # fmt: skip


@pytest.mark.prove
def test_what_cannot_be_compared_ends_with_2_and_says_what_to_do(
    o2c: Run, shelf: Any, tmp_path: Path
) -> None:
    nowhere = o2c("reconcile", "nowhere")
    assert (nowhere.returncode, "no connection called 'nowhere'" in nowhere.stderr) == (2, True)
    wrong = o2c("reconcile", "paper", "--repair", "everything")
    assert (wrong.returncode, "resend, reread, case, all" in wrong.stderr) == (2, True)
    nobody = o2c("reconcile", "paper", "--customer", "Globex")
    assert (nobody.returncode, "give its name, document id or its id at paper" in nobody.stderr) == (2, True)
    (tmp_path / "books.json").unlink()
    failed = o2c("reconcile", "paper")
    assert failed.returncode == 2
    assert "the books are not on the shelf; try o2c connection check paper" in failed.stderr
    asked = o2c("reconcile", "--help")
    assert "Ends with 0 where there is none, 1 where there are some" in " ".join(asked.stdout.split())
