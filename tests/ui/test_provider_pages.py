"""Refunds, disputes and payouts are shown and answered in the console."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import httpx
import pytest

from hub.model import Application, Dispute, Payment, Payout, PayoutItem, Refund
from hub.store import views
from hub.store.database import new_id
from tests.ui import company as companies
from tests.ui.company import Company, usd

DAY = date(2026, 11, 20)
CHARGE, PAYOUT = new_id(), new_id()


def ok(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text[:500]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


def item(reference: str, type: str, document: str, gross: str, fee: str, net: str) -> PayoutItem:
    money = {"gross": usd(gross), "fee": usd(fee), "net": usd(net)}
    return PayoutItem(reference=reference, type=type, document=document, **money)


@pytest.fixture(scope="module")
def company(company: Company) -> Company:
    """With a charge that was refunded and disputed in part, and a payout that has something strange in it."""
    with company.hub.store.look() as tx:
        found = tx.reader.open_invoices(company.ids["Northwind Traders"])
        invoice = max(found, key=lambda x: tx.reader.open_amount(x).amount)
    shares = (Application(invoice=invoice.id, amount=usd("90")),)
    facts = {"payment": CHARGE, "held_by": "acme pay"}
    for document in (
        Payment(
            id=CHARGE, amount=usd("90"), booked_on=DAY, held_by="acme pay", fee=usd("3"), applications=shares
        ),
        Refund(id=new_id(), number="re_1", amount=usd("30"), booked_on=DAY, **facts),
        Dispute(id=new_id(), number="dp_1", amount=usd("40"), withdrawn=usd("40"), opened_on=DAY, **facts),
        Payout(
            id=PAYOUT, number="po_1", held_by="acme pay", amount=usd("92"), arrives_on=DAY,
            items=(
                item("txn_1", "payment", CHARGE, "90", "3", "87"),
                item("txn_2", "other", "", "5", "0", "5"),
            ),
        ),
    ):  # fmt: skip
        companies.run(company, "acme", document)
    return company


def case_of(company: Company, reason: str) -> str:
    with company.hub.store.look() as tx:
        [found] = views.cases(tx.conn, reason=reason)
    return f"/cases/{found.id}"


def test_lists_show_refunds_disputes_and_payouts_in_plain_words(visit: Any, company: Company) -> None:
    viewer = visit("viewer")
    assert "re_1" in ok(viewer.get("/refunds"))
    assert "dp_1" in ok(viewer.get("/disputes"))
    payouts = ok(viewer.get("/payouts"))
    assert "po_1" in payouts
    assert "Expected" in payouts
    assert "92.00 USD" in payouts
    assert "Booked" in ok(viewer.get("/refunds?state=booked"))


def test_a_payout_shows_what_it_is_made_of_and_links_to_it(visit: Any, company: Company) -> None:
    html = visit("viewer").get(f"/documents/{PAYOUT}").text
    assert "txn_2" in html
    assert f'href="/documents/{CHARGE}"' in html


def test_what_a_refund_reopened_can_be_answered_in_the_console(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), case_of(company, "refund_applied")
    page = ok(operator.get(path))
    assert "Credit it" in page
    assert "Collect it" in page
    assert "30.00 USD" in page
    assert operator.submit(path, path, decision="credit").status_code == 303
    assert "CM-" in ok(operator.get("/credit-memos"))


def test_what_is_in_no_book_here_can_be_accepted_in_the_console(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), case_of(company, "payout_refused")
    assert "txn_2: other of 5.00 USD is not in these books" in ok(operator.get(path))
    assert operator.submit(path, path, decision="accept").status_code == 303
    page = ok(operator.get(f"/documents/{PAYOUT}"))
    assert "On its way" in page
    assert "Not in these books" in page
    assert "Paid out, not at the bank yet" in page


def test_an_open_dispute_is_noted(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), case_of(company, "dispute_opened")
    assert "Noted" in ok(operator.get(path))
    assert operator.submit(path, path, decision="noted").status_code == 303
