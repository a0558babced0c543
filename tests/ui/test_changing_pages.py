"""Orders that buyers want answered, on the pages where a person decides about them and their changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub.model import ChangedLine, Order, OrderChange, OrderLine
from hub.store.database import new_id
from tests.ui import company as companies
from tests.ui.company import Company


@dataclass
class Counter:
    """A company with one order on hold, and somebody at its console."""

    company: Company
    visitor: Any
    order: str

    def answer(self, reason: str, **fields: str) -> Any:
        path = f"/cases/{self.company.case(reason)}"
        return self.visitor.submit(path, path, **fields)

    def documents(self, kind: str) -> list[Any]:
        from hub.store import views

        with self.company.hub.store.look() as tx:
            return [tx.documents.get(row.id) for row in views.documents(tx.conn, kind=kind)]


@pytest.fixture
def counter(tmp_path: Path, visit: Any) -> Iterator[Counter]:
    """The buyer wants 1,000 nuts and two cogs, and may owe us little."""
    company = companies.empty(tmp_path)
    who = companies.customer(company, "Northwind Traders", "600")
    lines = [("1", "nut", "1000", "0.50"), ("a b", "cog", "2", "90.00")]
    made = Order(
        id=new_id(), number="SO-1", customer=who, purchase_order="PO-77", currency="USD",
        response_wanted=True,
        lines=tuple(
            OrderLine(line_id=line_id, sku=sku, quantity=Decimal(quantity), unit_price=Decimal(price))
            for line_id, sku, quantity, price in lines
        ),
    )  # fmt: skip
    companies.run(company, "crm", made)
    with companies.served(company) as base:
        visitor = visit(base=base)
        visitor.login(company.tokens["operator"])
        yield Counter(company, visitor, made.id)


def test_an_order_is_accepted_with_changes_line_by_line(counter: Counter) -> None:
    page = counter.visitor.get(f"/cases/{counter.company.case('credit_hold')}").text
    assert "Accept the order with these changes" in page
    assert 'name="quantity.1" value="1000"' in page
    fields = {"decision": "revise", "quantity.1": "800", "why.1": "more next month", "quantity.a b": "2"}
    assert counter.answer("credit_hold", note="thank you", **fields).status_code == 303
    [order] = counter.documents("order")
    assert (order.state, [x.quantity for x in order.lines]) == ("approved", [800, 2])
    [told] = counter.documents("order_response")
    assert (told.answer, told.lines[0].reason) == ("accepted_with_changes", "more next month")
    listed = counter.visitor.get("/order-responses").text
    assert told.number in listed
    assert "Issued" in listed
    story = counter.visitor.get(f"/orders/{counter.order}").text
    for words in ("Order response issued", "Accepted with changes", "thank you"):
        assert words in story, words


def test_what_cannot_be_is_said_and_what_was_entered_stays(counter: Counter) -> None:
    refused = counter.answer("credit_hold", decision="revise", **{"quantity.1": "1001", "why.1": "all of it"})
    assert refused.status_code == 422
    assert "more than the 1000 that were ordered" in refused.text
    assert 'value="1001"' in refused.text
    assert 'value="all of it"' in refused.text


def test_who_is_not_told_has_no_such_form(counter: Counter) -> None:
    [known] = counter.documents("order")
    plain = known.model_copy(update={
        "id": new_id(), "number": "SO-2", "purchase_order": "", "response_wanted": False,
    })  # fmt: skip
    counter.answer("credit_hold", decision="reject")
    companies.run(counter.company, "crm", plain)
    page = counter.visitor.get(f"/cases/{counter.company.case('credit_hold')}").text
    assert "Release the order" in page
    assert "Accept with changes" not in page


def test_a_change_that_waits_shows_what_is_asked_and_what_each_answer_does(counter: Counter) -> None:
    counter.answer("credit_hold", decision="release")
    asked = OrderChange(
        id=new_id(), number="3", order=counter.order, purchase_order="PO-77", note="we need more",
        lines=(ChangedLine(action="quantity", line_id="1", quantity=Decimal(5000)),),
    )  # fmt: skip
    companies.run(counter.company, "crm", asked)
    page = counter.visitor.get(f"/cases/{counter.company.case('order_change_waiting')}").text
    for words in ("Change asked by the buyer", "quantity 5000 instead of 1000", "we need more",
                  "exceeds the limit", "Reject the change", "Credit the difference"):  # fmt: skip
        assert words in page, words
    assert "Needs a decision" in counter.visitor.get("/order-changes").text
    assert "Change 3" in counter.visitor.get(f"/orders/{counter.order}").text
    assert counter.answer("order_change_waiting", decision="reject", note="too many").status_code == 303
    assert [one.reason for one in counter.documents("order_response") if one.change] == ["too many"]
