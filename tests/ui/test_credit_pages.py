"""Credits, adjustments and refused invoices in the console: pages, answers, the form that applies."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import httpx
import pytest

from hub import process
from hub.model import CreditMemo, Invoice, InvoiceLine
from hub.process import Cause
from hub.stages import crediting
from hub.store.database import new_id
from tests.ui import company as companies
from tests.ui.company import Company, usd


@pytest.fixture(scope="module")
def company(company: Company) -> Company:
    """With a credit memo of the hub over more than is open, and an ERP's invoice nobody waits for."""
    line = InvoiceLine(
        sku="sensor-kit", quantity=Decimal(1), unit_price=Decimal(20000), line_extension_amount=usd("20000"),
        tax_category="S", tax_percent=Decimal(0), order_line="1",
    )  # fmt: skip
    with company.hub.store.begin() as tx:
        order = tx.documents.get(company.ids["SO-4711"])
        cause = Cause("ada", "test")
        outcome = crediting.issue(order, [line], "goods came back", tx.reader)  # type: ignore[arg-type]  # it is an order
        process.run(tx, process.apply(tx, outcome, cause), company.hub.addressees, cause)
    stranger = Invoice(
        id=new_id(), number="ERP-77", customer=company.ids["Northwind Traders"], currency="USD",
        issue_date=company.clock[0].date(), due_date=company.clock[0].date(), lines=(line,),
        tax_exclusive_amount=usd("20000"), payable_amount=usd("20000"),
    )  # fmt: skip
    companies.run(company, "erp", stranger)
    return company


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def memo_of(company: Company) -> CreditMemo:
    with company.hub.store.look() as tx:
        found = tx.reader.numbered("credit_memo", "CM-2026-000001")
    assert isinstance(found[0], CreditMemo)
    return found[0]


def ok(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text[:500]
    return plain(response.text)


def test_lists_and_pages_of_credit_memos_and_adjustments(visit: Any, company: Company) -> None:
    viewer = visit("viewer")
    assert "CM-2026-000001" in ok(viewer.get("/credit-memos"))
    assert "Adjustments" in ok(viewer.get("/adjustments"))
    shown = ok(viewer.get(f"/documents/{memo_of(company).id}"))
    assert "20,000.00 USD" in shown
    assert "Unapplied credit" in shown, "its postings"
    assert "CM-2026-000001" in ok(viewer.get(f"/orders/{company.ids['SO-4711']}"))


def test_a_refused_invoice_shows_its_arithmetic_and_its_answers(visit: Any, company: Company) -> None:
    seen = ok(visit("operator").get(f"/cases/{company.case('invoice_refused')}"))
    for words in (
        "invoices are issued by the hub",
        "1 x 20000 = 20,000.00 USD",
        "Check it again",
        "Set it aside",
    ):
        assert words in seen, words


def test_a_person_applies_a_credit_to_an_invoice_of_its_customer(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), f"/cases/{company.case('unapplied_credit')}"
    html = operator.get(path).text
    found = re.search(r'name="invoice" value="(\w+)"', html)
    assert found, "an invoice of the customer is proposed"
    fields = {"invoice": found.group(1), f"amount-{found.group(1)}": "100.00"}
    told = plain(operator.submit(f"{path}/difference", path, **fields).text)
    assert "applied 100.00 USD" in told
    done = operator.submit(path, path, decision="apply", **fields)
    assert done.status_code == 303
    with company.hub.store.look() as tx:
        applied = tx.reader.allocations(payment=memo_of(company).id)
    assert [str(one.amount) for one in applied] == ["100.00 USD"]
