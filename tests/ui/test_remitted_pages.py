"""Remittances, statements and what payers keep back are shown and answered in the console."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import httpx
import pytest

from hub.model import Money, Payer, Payment, Remittance, RemittedAdjustment, RemittedDocument, Statement
from hub.store.database import new_id
from tests.ui import company as companies
from tests.ui.company import Company, usd

DAY = date(2026, 11, 20)


def ok(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text[:500]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


def said(number: str, paid: str, *reasons: tuple[str, str]) -> RemittedDocument:
    adjustments = tuple(RemittedAdjustment(amount=usd(amount), reason=code) for amount, code in reasons)
    return RemittedDocument(number=number, paid=usd(paid), adjustments=adjustments)


def statement(number: str, day: int, opening: str, closing: str) -> Statement:
    nothing = Money.zero("USD")
    on = date(2026, 11, day)
    return Statement(
        id=new_id(), number=number, account="DE89370400440532013000", currency="USD",
        source_format="camt.053",
        opening=usd(opening), closing=usd(closing), opened_on=on, closed_on=on,
        credits=usd(closing) - usd(opening), debits=nothing, entries=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def company(company: Company) -> Company:
    """With a remittance that does not add up, one that fits two payments, and a bank statement missing."""
    wrong = Remittance(
        id=new_id(),
        number="R-1",
        amount=usd("90"),
        paid_on=DAY,
        documents=(said("INV-X", "80", ("-5", "59")),),
    )
    companies.run(company, "bank", wrong)
    for name in ("a", "b"):
        payer = Payer(name="Initech Holding")
        companies.run(
            company, "bank",
            Payment(id=new_id(), amount=usd("77.70"), booked_on=DAY, payer=payer, bank_reference=name),
        )  # fmt: skip
    twice = Remittance(
        id=new_id(), number="R-2", amount=usd("77.70"), paid_on=DAY, payer=Payer(name="INITECH HOLDING"),
        documents=(said("INV-Y", "77.70"),),
    )  # fmt: skip
    companies.run(company, "bank", twice)
    companies.run(company, "bank", statement("41", 2, "100.00", "150.00"))
    companies.run(company, "bank", statement("43", 4, "170.00", "180.00"))
    return company


def test_lists_and_pages_of_remittances_and_statements(visit: Any, company: Company) -> None:
    viewer = visit("viewer")
    assert "R-1" in ok(viewer.get("/remittances"))
    assert "Waits for its money" in ok(viewer.get("/remittances"))
    assert "43" in ok(viewer.get("/statements"))


def test_a_remittance_that_does_not_add_up_shows_its_arithmetic_in_words(
    visit: Any, company: Company
) -> None:
    shown = ok(visit("operator").get(f"/cases/{company.case('remittance_refused')}"))
    for words in ("INV-X: 80.00 USD paid, -5.00 USD goods not received (59)", "10.00 USD", "Judge it again"):
        assert words in shown, words


def test_a_missing_statement_shows_what_is_missing_and_no_account_number(
    visit: Any, company: Company
) -> None:
    shown = ok(visit("operator").get(f"/cases/{company.case('statement_gap')}"))
    assert "20.00 USD is missing between them" in shown
    assert "DE89" not in shown


def test_a_person_names_the_payment_that_a_remittance_explains(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), f"/cases/{company.case('unmatched_remittance')}"
    assert "It explains this payment" in ok(operator.get(path))
    with company.hub.store.look() as tx:
        days = (DAY, DAY)
        first, _ = tx.reader.of_amount("payment", usd("77.70"), ["unidentified"], days)
    wrong = operator.submit(path, path, decision="match", payment="nothing")
    assert "Name the payment" in wrong.text
    done = operator.submit(path, path, decision="match", payment=getattr(first, "number", ""))
    assert done.status_code == 303
    with company.hub.store.look() as tx:
        [linked] = tx.reader.remittances_of(first.id)
    assert linked.number == "R-2"
