"""Clearing: looked for first, asked for once, netted to zero, and confirmed from the open items alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sap import clearing
from connectors.sap.settings import Settings
from connectors.sap.soap_plan import plan
from connectors.sap.soap_record import posted_by
from connectors.sap.soap_rows import item_of
from hub.sdk import ConnectorError, Door, NotYet, Rejected, Transient
from sandbox import kit

PAYMENT = "1010-2026-1400000001"
INVOICE = "1010-2026-1800000001"
ON = date(2026, 11, 21)
Row = dict[str, Any]


def row(document: str, amount: str, **more: Any) -> Row:
    return {
        "CompanyCode": "1010", "FiscalYear": "2026", "AccountingDocument": document,
        "AccountingDocumentItem": "1", "FinancialAccountType": "D", "Customer": "10100001",
        "AmountInTransactionCurrency": amount,
        "TransactionCurrency": "EUR", "IsCleared": False, "ClearingAccountingDocument": "", **more,
    }  # fmt: skip


def cleared(document: str, amount: str, by: str = "100000009", **more: Any) -> Row:
    told = {"IsCleared": True, "ClearingAccountingDocument": by, "ClearingDocFiscalYear": "2026"}
    return row(document, amount, **{**told, **more})


def partial(document: str, amount: str, of: str, **more: Any) -> Row:
    told = {"InvoiceReference": of, "InvoiceReferenceFiscalYear": "2026", "InvoiceItemReference": "1"}
    return row(document, amount, **{**told, **more})


def applied(amount: str, invoice: str = INVOICE, **more: Any) -> dict[str, Any]:
    return {"invoice": invoice, "amount": Decimal(amount), "currency": "EUR", **more}


def seen(rows: Sequence[Row], *allocations: Mapping[str, Any], source: str = PAYMENT) -> clearing.Cleared:
    return clearing.confirmed([item_of(one) for one in rows], posted_by(source), clearing.merged(allocations))


def planned(rows: Sequence[Row], *allocations: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    items = [item_of(one) for one in rows]
    parts = plan(items, posted_by(PAYMENT), clearing.merged(allocations))
    return [
        (part.item.posted.document, None if part.partial is None else str(part.partial)) for part in parts
    ]


# the decision


def test_open_items_are_not_cleared_yet() -> None:
    told = seen([row("1800000001", "119.00"), row("1400000001", "-119.00")], applied("119.00"))
    assert (told.state, told.problem) == ("not yet", "")


def test_invoice_and_payment_cleared_by_the_same_document_is_done() -> None:
    told = seen([cleared("1800000001", "119.00"), cleared("1400000001", "-119.00")], applied("119.00"))
    assert (told.state, told.done) == ("cleared", {INVOICE: Decimal("119.00")})


def test_a_partial_item_of_the_clearing_settles_its_part() -> None:
    rows = [
        row("1800000001", "119.00"),
        cleared("1400000001", "-50.00"),
        partial("100000009", "-50.00", "1800000001"),
    ]
    assert seen(rows, applied("50.00")).state == "cleared"
    assert seen(rows[:2], applied("50.00")).problem.startswith(
        f"{PAYMENT} was used up by 1010-2026-100000009"
    )


def test_a_payment_that_is_used_in_part_is_told_by_the_item_that_refers_to_it() -> None:
    rows = [
        cleared("1800000001", "119.00"),
        row("1400000001", "-200.00"),
        partial("100000009", "119.00", "1400000001"),
    ]
    assert seen(rows, applied("119.00")).state == "cleared"


def test_of_two_invoices_one_may_be_settled_before_the_other() -> None:
    other = "1010-2026-1800000002"
    rows = [
        cleared("1800000001", "119.00"), row("1800000002", "10.00"), row("1400000001", "-200.00"),
        partial("100000009", "119.00", "1400000001"),
    ]  # fmt: skip
    told = seen(rows, applied("119.00"), applied("10.00", other))
    assert told.state == "partly"
    assert [one.allocation.invoice for one in told.missing] == [other]


def test_an_invoice_cleared_with_something_else_is_a_case() -> None:
    rows = [cleared("1800000001", "119.00", by="100000077"), row("1400000001", "-119.00")]
    assert (
        seen(rows, applied("119.00")).problem
        == f"{INVOICE} was cleared by 1010-2026-100000077, not with {PAYMENT}"
    )


def test_a_clearing_that_was_reset_counts_as_none() -> None:
    undone = {"ClearingIsReversed": True}
    rows = [cleared("1800000001", "119.00", **undone), cleared("1400000001", "-119.00", **undone)]
    assert seen(rows, applied("119.00")).state == "not yet"


def test_an_invoice_billed_in_sales_is_known_by_its_billing_document() -> None:
    rows = [cleared("9400000001", "119.00", BillingDocument="0090000012"), cleared("1400000001", "-119.00")]
    assert seen(rows, applied("119.00", "90000012")).state == "cleared"


# the plan


def test_equal_amounts_are_cleared_whole() -> None:
    rows = [row("1800000001", "119.00"), row("1400000001", "-119.00")]
    assert planned(rows, applied("119.00")) == [("1800000001", None), ("1400000001", None)]


def test_a_short_payment_pays_a_part_of_the_invoice() -> None:
    rows = [row("1800000001", "119.00"), row("1400000001", "-50.00")]
    assert planned(rows, applied("50.00")) == [("1800000001", "50.00"), ("1400000001", None)]


def test_what_is_over_stays_open_on_the_payment() -> None:
    rows = [row("1800000001", "119.00"), row("1400000001", "-200.00")]
    assert planned(rows, applied("119.00")) == [("1800000001", None), ("1400000001", "-119.00")]


def test_the_last_payment_clears_earlier_partial_items_as_well() -> None:
    rows = [
        row("1800000001", "119.00"),
        partial("100000003", "-50.00", "1800000001"),
        row("1400000001", "-69.00"),
    ]
    assert planned(rows, applied("69.00")) == [
        ("1800000001", None),
        ("100000003", None),
        ("1400000001", None),
    ]


def test_a_credit_memo_that_names_the_invoice_is_not_used_up_with_it() -> None:
    memo = partial("1600000001", "-19.00", "1800000001", FollowOnDocumentType="G")
    rows = [row("1800000001", "119.00"), memo, row("1400000001", "-119.00")]
    assert planned(rows, applied("119.00")) == [("1800000001", None), ("1400000001", None)]


def test_instalments_are_settled_in_their_order() -> None:
    second = row("1800000001", "59.00", AccountingDocumentItem="2")
    rows = [second, row("1800000001", "60.00"), row("1400000001", "-80.00")]
    parts = plan([item_of(one) for one in rows], posted_by(PAYMENT), clearing.merged([applied("80.00")]))
    assert [(part.item.number, part.partial) for part in parts] == [
        ("1", None),
        ("2", Decimal("20.00")),
        ("1", None),
    ]


def test_a_cash_discount_is_let_go_with_the_whole_invoice_only() -> None:
    rows = [row("1800000001", "119.00"), row("1400000001", "-116.62")]
    items = [item_of(one) for one in rows]
    parts = plan(items, posted_by(PAYMENT), clearing.merged([applied("116.62", discount=Decimal("2.38"))]))
    assert parts[0].discount == Decimal("2.38")
    with pytest.raises(Rejected, match="needs the whole rest"):
        planned(rows, applied("100.00", discount=Decimal("2.38")))


def test_a_deduction_needs_its_reason() -> None:
    rows = [row("1800000001", "119.00"), row("1400000001", "-100.00")]
    with pytest.raises(Rejected, match="reason code"):
        planned(rows, applied("100.00", deduction=Decimal("19.00")))
    assert planned(rows, applied("100.00", deduction=Decimal("19.00"), reason_code="010"))


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([row("1800000001", "119.00"), row("1400000001", "-50.00")], "amount"),
        ([row("1800000001", "100.00"), row("1400000001", "-119.00")], "amount"),
        ([row("1800000001", "119.00"), row("1400000001", "-119.00", SpecialGLCode="A")], "special_gl"),
        ([row("1800000001", "119.00", TransactionCurrency="USD"), row("1400000001", "-119.00")], "currency"),
        ([row("1800000001", "119.00"), row("1400000001", "119.00")], "balance"),
    ],
)
def test_what_the_service_cannot_clear_is_refused_before_it_is_sent(rows: list[Row], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        planned(rows, applied("119.00"))
    assert (caught.value.code, caught.value.sent) == (code, False)


def test_items_that_are_not_seen_yet_are_waited_for() -> None:
    with pytest.raises(NotYet, match="not seen"):
        planned([row("1400000001", "-119.00")], applied("119.00"))


def test_one_clearing_has_one_currency() -> None:
    with pytest.raises(Rejected, match="EUR, USD"):
        clearing.merged([applied("1.00"), {**applied("1.00", "1010-2026-2"), "currency": "USD"}])


# the wire


class Books:
    """A cube that answers filters with the same rows and keeps what was asked."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows, self.asked = list(rows), list[str]()

    def __call__(self, told: str) -> Sequence[Row]:
        self.asked.append(told)
        return self.rows


@contextmanager
def system(status: int = 202, answer: bytes = b"") -> Iterator[tuple[Door, Settings, list[bytes]]]:
    taken: list[bytes] = []

    async def take(request: Request) -> Response:
        taken.append(await request.body())
        return Response(answer, status, media_type="text/xml")

    app = Starlette(
        routes=[Route("/sap/bc/srt/scs_ext/sap/journalentrybulkclearingreques", take, methods=["POST"])]
    )
    with kit.serve(app) as url:
        own = {
            "base_url": url, "private_hosts": ["127.0.0.1"], "username": "O2C_COMM", "password": "secret",
            "sellers": {"": {"company_code": "1010", "sales_organization": "1010"}},
        }  # fmt: skip
        door = Door(url)
        yield door, Settings.model_validate(own), taken
        door.close()


OPEN = [row("1800000001", "119.00"), row("1400000001", "-119.00")]
DONE = [cleared("1800000001", "119.00"), cleared("1400000001", "-119.00")]


def settle(door: Door, own: Settings, books: Books, *allocations: Mapping[str, Any]) -> None:
    clearing.settle(door, own, books, posted=PAYMENT, on=ON, allocations=allocations)


def test_what_is_cleared_already_is_not_asked_for() -> None:
    with system() as (door, own, taken):
        settle(door, own, Books(DONE), applied("119.00"))
    assert taken == []


def test_a_request_is_taken_and_not_believed_until_the_books_show_it() -> None:
    books = Books(OPEN)
    with system() as (door, own, taken):
        with pytest.raises(NotYet, match="Message Dashboard"):
            settle(door, own, books, applied("119.00"))
        books.rows = DONE
        settle(door, own, books, applied("119.00"))
    assert len(taken) == 1


def test_a_repeat_has_the_same_message_id_and_another_request_another() -> None:
    with system() as (door, own, taken):
        for amount in ("119.00", "119.00", "50.00"):
            with pytest.raises(NotYet):
                settle(door, own, Books(OPEN), applied(amount))
    ids = [etree.fromstring(one).findtext("{*}Header/{*}MessageID") for one in taken]
    assert ids[0] == ids[1] != ids[2]


def test_the_same_part_applied_a_second_time_is_another_request() -> None:
    first = [row("1800000001", "119.00"), row("1400000001", "-200.00")]
    later = [
        *first, partial("100000009", "-10.00", "1800000001"), partial("100000009", "10.00", "1400000001"),
    ]  # fmt: skip
    with system() as (door, own, taken):
        for rows, amount in ((first, "10.00"), (later, "20.00")):
            with pytest.raises(NotYet):
                settle(door, own, Books(rows), applied(amount))
    ids = [etree.fromstring(one).findtext("{*}Header/{*}MessageID") for one in taken]
    assert ids[0] != ids[1]
    assert [etree.fromstring(one).findtext(".//PartialPaymentAmtInDspCrcy") for one in taken] == [
        "10.00",
        "10.00",
    ]


def test_the_request_names_padded_items_and_must_be_understood() -> None:
    with system() as (door, own, taken), pytest.raises(NotYet):
        settle(
            door, own, Books([row("1800000001", "119.00"), row("1400000001", "-200.00")]), applied("119.00")
        )
    root = etree.fromstring(taken[0])
    action = root.find("{*}Header/{*}Action")
    assert action is not None
    assert (action.text or "").endswith(
        "/JournalEntryBulkClearingRequest_In/JournalEntryBulkClearingRequest_InRequest"
    )
    assert action.get("{http://schemas.xmlsoap.org/soap/envelope/}mustUnderstand") == "1"
    entry = root.find(".//JournalEntryClearingRequest/JournalEntry")
    assert entry is not None
    assert {one.tag: one.text for one in entry if len(one) == 0} == {
        "CompanyCode": "1010", "AccountingDocumentType": "AB", "DocumentDate": "2026-11-21",
        "PostingDate": "2026-11-21", "CurrencyCode": "EUR", "ReferenceDocument": "1400000001",
        "CreatedByUser": "O2C_COMM",
    }  # fmt: skip
    items = [{one.tag: one.text for one in item} for item in entry.iter("APARItems")]
    assert items[0] == {
        "ReferenceDocumentItem": "1", "CompanyCode": "1010", "AccountType": "D", "APARAccount": "0010100001",
        "FiscalYear": "2026", "AccountingDocument": "1800000001", "AccountingDocumentItem": "001",
    }  # fmt: skip
    assert items[1]["PartialPaymentAmtInDspCrcy"] == "-119.00"


def test_a_fault_is_told_and_a_known_message_is_waited_for() -> None:
    def fault(text: str) -> bytes:
        return (
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><e:Fault><faultcode>e:Client"
            f"</faultcode><faultstring>{text}</faultstring></e:Fault></e:Body></e:Envelope>"
        ).encode()

    with (
        system(500, fault("No authorization")) as (door, own, _),
        pytest.raises(Rejected, match="No authorization"),
    ):
        settle(door, own, Books(OPEN), applied("119.00"))
    with (
        system(500, fault("Message already processed: duplicate id")) as (door, own, _),
        pytest.raises(NotYet),
    ):
        settle(door, own, Books(OPEN), applied("119.00"))


def test_something_else_that_cleared_the_invoice_is_told_to_a_person() -> None:
    rows = [cleared("1800000001", "119.00", by="100000077"), row("1400000001", "-119.00")]
    with system() as (door, own, taken), pytest.raises(Rejected, match="not with") as caught:
        settle(door, own, Books(rows), applied("119.00"))
    assert (caught.value.code, taken) == ("cleared_elsewhere", [])


def test_many_invoices_are_asked_for_in_bounded_filters() -> None:
    books = Books([])
    many = [applied("1.00", f"1010-2026-{1800000000 + at}") for at in range(200)]
    with system() as (door, own, _), pytest.raises(NotYet):
        settle(door, own, books, *many)
    assert max(len(one) for one in books.asked) < 4_000
    assert len(books.asked) == 21


def test_a_row_without_an_amount_is_no_answer() -> None:
    with system() as (door, own, _), pytest.raises(Transient, match="no key or amount"):
        settle(door, own, Books([row("1800000001", "NaN")]), applied("1.00"))


# anything at all

ODD = [
    "CompanyCode",
    "FiscalYear",
    "AccountingDocument",
    "IsCleared",
    "InvoiceReference",
    "AmountInTransactionCurrency",
    "ClearingAccountingDocument",
    "TransactionCurrency",
]
money = st.decimals("0.01", "999.99", places=2)


@bounded(max_examples=150, deadline=None)
@given(st.lists(st.tuples(money, money), min_size=1, max_size=6), money)
def test_a_plan_nets_to_zero_or_is_refused(invoices: list[tuple[Decimal, Decimal]], paid: Decimal) -> None:
    rows = [row(str(1800000000 + at), str(amount)) for at, (amount, _) in enumerate(invoices)]
    rows.append(row("1400000001", str(-paid)))
    told = [applied(str(part), f"1010-2026-{1800000000 + at}") for at, (_, part) in enumerate(invoices)]
    try:
        parts = plan([item_of(one) for one in rows], posted_by(PAYMENT), clearing.merged(told))
    except Rejected:
        return
    assert sum((part.counts for part in parts), Decimal(0)) == 0
    assert all(part.partial is None or 0 < abs(part.partial) < abs(part.item.amount) for part in parts)


@bounded(max_examples=150, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(ODD),
            st.one_of(st.none(), st.booleans(), st.text(max_size=6), st.integers(-9, 9)),
        ),
        max_size=4,
    )
)
def test_no_rows_get_past_the_error_tree(odd: list[Row]) -> None:
    rows = [{**row("1400000001", "-1.00"), **one} for one in odd]
    try:
        items = [item_of(one) for one in rows]
        clearing.confirmed(items, posted_by(PAYMENT), clearing.merged([applied("1.00")]))
        plan(items, posted_by(PAYMENT), clearing.merged([applied("1.00")]))
    except ConnectorError:
        pass
