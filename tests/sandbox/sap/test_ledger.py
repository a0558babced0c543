"""Payments, clearings and journal entries, by hand and over SOAP; the books tie out after each."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import zeep
from requests import Session
from zeep.transports import Transport

from sandbox.sap import SapSandbox
from tests.sandbox.sap.place import Place, spec

CUBE = "API_OPLACCTGDOCITEMCUBE_SRV"
ROWS = "A_OperationalAcctgDocItemCube"
SFIN = "http://sap.com/xi/SAPSCORE/SFIN"
CLEARING = "/sap/bc/srt/scs_ext/sap/journalentrybulkclearingreques"
CREATE = "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi"


def invoice(sap: SapSandbox, quantity: int = 10, customer: str = "10100001") -> str:
    order = sap.create_order(customer, [["TG12", quantity, 100]])
    return sap.bill(delivery=sap.deliver(order))


def owed(sap: SapSandbox) -> Any:
    return {k: v["open"] for k, v in sap.books().items()}


@pytest.fixture(autouse=True)
def ties_out(place: Place) -> Iterator[None]:
    yield
    assert place.sap.check() == []


def test_a_payment_clears_its_invoice(place: Place) -> None:
    bill = invoice(place.sap)
    paid = place.sap.pay("10100001", "1190", [bill])
    rows = place.get(CUBE, ROWS, **{"$filter": f"BillingDocument eq '{bill}' and Customer eq '0010100001'"})[
        "results"
    ]
    assert [(r["IsCleared"], r["ClearingAccountingDocument"]) for r in rows] == [(True, paid.split("-")[2])]
    assert owed(place.sap) == {}
    assert (
        place.get("API_BILLING_DOCUMENT_SRV", f"A_BillingDocument('{bill}')")["InvoiceClearingStatus"] == "C"
    )


def test_a_payment_with_cash_discount_and_one_that_falls_short(place: Place) -> None:
    first, second = invoice(place.sap), invoice(place.sap)
    place.sap.pay("10100001", "1166.20", [first], discount="23.80")
    assert owed(place.sap)["1010/10100001"] == {"EUR": Decimal("1190.00")}
    place.sap.pay("10100001", "1000", [second], mode="residual")
    assert owed(place.sap)["1010/10100001"] == {"EUR": Decimal("190.00")}


def test_a_part_payment_stays_open_beside_its_invoice(place: Place) -> None:
    bill = invoice(place.sap)
    place.sap.pay("10100001", "500", [bill], mode="partial")
    rows = place.get(CUBE, ROWS, **{"$filter": "Customer eq '10100001' and IsCleared eq false"})["results"]
    assert [r["AmountInTransactionCurrency"] for r in rows] == ["-500.00", "1190.00"]
    assert rows[0]["InvoiceReference"] == rows[1]["AccountingDocument"]
    assert (
        place.get("API_BILLING_DOCUMENT_SRV", f"A_BillingDocument('{bill}')")["InvoiceClearingStatus"] == "B"
    )


def test_write_off_and_exchange_difference_take_off_what_is_left(place: Place) -> None:
    first, second = invoice(place.sap), invoice(place.sap)
    place.sap.write_off(first)
    place.sap.exchange_difference(second, "1.23")
    assert owed(place.sap)["1010/10100001"] == {"EUR": Decimal("1188.77")}


def test_a_reset_clearing_opens_the_items_again(place: Place) -> None:
    bill = invoice(place.sap)
    place.sap.pay("10100001", "1190", [bill])
    place.sap.reverse_clearing(bill)
    assert owed(place.sap)["1010/10100001"] == {"EUR": Decimal("0.00")}
    assert len(place.sap.books()["1010/10100001"]["items"]) == 2


def test_an_invoice_in_another_currency_is_paid_with_an_exchange_difference(place: Place) -> None:
    customer = place.sap.add_customer("US buyer", currency="USD")
    bill = invoice(place.sap, customer=customer)
    place.sap.set_rate("USD", "EUR", "0.95")
    place.sap.pay(customer, "1190", [bill])
    assert owed(place.sap) == {}


class Wire:
    """A zeep client of one service of the system."""

    def __init__(self, place: Place, wsdl: str, address: str) -> None:
        session = Session()
        login = place.sap.credentials
        session.auth = (login["user"], login["password"])
        self.client = zeep.Client(wsdl, transport=Transport(session=session))
        binding = f"{{{SFIN}}}binding"
        self.service = self.client.create_service(binding, place.url + address)


@pytest.fixture
def journal(place: Place) -> Wire:
    return Wire(place, str(spec("soap", "JOURNALENTRYCREATEREQUESTCONFI.2024.wsdl")), CREATE)


def entry(**changes: Any) -> dict[str, Any]:
    amount = {"_value_1": Decimal("119.00"), "currencyCode": "EUR"}
    minus = {"_value_1": Decimal("-100.00"), "currencyCode": "EUR"}
    tax = {"_value_1": Decimal("-19.00"), "currencyCode": "EUR"}
    told: dict[str, Any] = {
        "OriginalReferenceDocumentType": "BKPFF", "BusinessTransactionType": "RFBU",
        "AccountingDocumentType": "DR",
        "DocumentReferenceID": "INV-1", "Reference1InDocumentHeader": "our-1", "CreatedByUser": "O2C",
        "CompanyCode": "1010", "DocumentDate": "2026-11-20", "PostingDate": "2026-11-20",
        "Item": [{
            "GLAccount": {"_value_1": "0041000000"}, "AmountInTransactionCurrency": minus,
            "DebitCreditCode": "H",
        }],
        "DebtorItem": [{
            "ReferenceDocumentItem": "1", "Debtor": "0010100001", "AmountInTransactionCurrency": amount,
            "CashDiscountTerms": {"DueCalculationBaseDate": "2026-11-20", "NetPaymentDays": "P45D"},
        }],
        "ProductTaxItem": [{
            "TaxCode": {"_value_1": "A1"}, "AmountInTransactionCurrency": tax,
            "TaxBaseAmountInTransCrcy": minus,
        }],
    }  # fmt: skip
    return {**told, **changes}


def post(wire: Wire, told: dict[str, Any]) -> Any:
    header = {"ID": "M1", "CreationDateTime": "2026-11-20T10:00:00Z"}
    request = {"MessageHeader": header, "JournalEntry": told}
    return wire.service.JournalEntryCreateRequestConfirmation_In(
        MessageHeader=header, JournalEntryCreateRequest=[request]
    )


def test_zeep_posts_an_invoice_by_the_published_wsdl(place: Place, journal: Wire) -> None:
    told = post(journal, entry()).JournalEntryCreateConfirmation[0]
    assert told.JournalEntryCreateConfirmation.AccountingDocument == "1800000001"
    assert told.Log.MaximumLogItemSeverityCode == "1"
    row = place.get(
        CUBE, ROWS, **{"$filter": "Reference1InDocumentHeader eq 'our-1' and Customer eq '10100001'"}
    )
    assert row["results"][0]["NetDueDate"] == "/Date(1799020800000)/"  # 2027-01-04
    assert owed(place.sap)["1010/10100001"] == {"EUR": Decimal("119.00")}
    assert place.sap.kit.effects[-1]["id"] == "1010-2026-1800000001"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ProductTaxItem": []}, "Balance in transaction currency"),
        ({"AccountingDocumentType": "ZZ"}, "Document type ZZ"),
        ({"PostingDate": "2026-10-31"}, "Posting period 010 2026 is not open"),
        ({"CompanyCode": "9999"}, "Company code 9999"),
    ],
)  # fmt: skip
def test_a_failed_posting_is_told_with_status_200(
    place: Place, journal: Wire, changes: Any, text: str
) -> None:
    place.sap.close_period("1010", "2026-10-31")
    told = post(journal, entry(**changes)).JournalEntryCreateConfirmation[0]
    assert told.JournalEntryCreateConfirmation.AccountingDocument == "0000000000"
    assert told.Log.MaximumLogItemSeverityCode == "3"
    assert any(text in one.Note for one in told.Log.Item)
    assert place.sap.count(ROWS) == 0


def test_unpadded_and_unknown_debtors_are_refused(place: Place, journal: Wire) -> None:
    for number in ("10100001", "0099999999", "0017100001"):
        debtor = {**entry()["DebtorItem"][0], "Debtor": number}
        told = post(journal, entry(DebtorItem=[debtor])).JournalEntryCreateConfirmation[0]
        assert any(
            "is not defined in company code" in i.Note or "is not defined" in i.Note for i in told.Log.Item
        )


def test_the_same_reference_may_be_posted_twice(place: Place, journal: Wire) -> None:
    post(journal, entry())
    post(journal, entry())
    assert len([e for e in place.sap.kit.effects if e["reference"] == "our-1"]) == 2


def test_a_reversal_ends_both_documents(place: Place, journal: Wire) -> None:
    post(journal, entry())
    told = entry(
        ReversalReason="01", ReversalReferenceDocument="180000000110102026", ReversalDate="2026-11-20"
    )
    for name in ("Item", "DebtorItem", "ProductTaxItem"):
        told.pop(name)
    assert post(journal, told).JournalEntryCreateConfirmation[0].Log.MaximumLogItemSeverityCode == "1"
    assert owed(place.sap) == {}


def clear(
    place: Place, items: list[dict[str, Any]], message: str = "", currency: str = "EUR"
) -> httpx.Response:
    """A clearing request over the system's own WSDL."""
    login = place.sap.credentials
    session = Session()
    session.auth = (login["user"], login["password"])
    wire = zeep.Client(f"{place.url}{CLEARING}?wsdl", transport=Transport(session=session))
    header = {"ID": uuid.uuid4().hex, "CreationDateTime": "2026-11-20T10:00:00Z"}
    journal = {
        "CompanyCode": "1010", "AccountingDocumentType": "AB", "DocumentDate": "2026-11-20",
        "PostingDate": "2026-11-20", "CurrencyCode": currency, "APARItems": items,
    }  # fmt: skip
    body = wire.create_message(
        wire.service, "JournalEntryBulkClearingRequest_In", MessageHeader=header,
        JournalEntryClearingRequest=[{"MessageHeader": header, "JournalEntry": journal}],
    )  # fmt: skip
    from lxml import etree

    soap = "{http://schemas.xmlsoap.org/soap/envelope/}"
    head = body.find(f"{soap}Header")
    if head is None:
        head = etree.Element(f"{soap}Header")
        body.insert(0, head)
    for one in head:
        head.remove(one)
    for name, text in (("Action", "do"), ("MessageID", message or f"urn:uuid:{uuid.uuid4()}")):
        etree.SubElement(head, f"{{http://www.w3.org/2005/08/addressing}}{name}").text = text
    return place.http.post(CLEARING, content=etree.tostring(body), headers={"content-type": "text/xml"})


def item(name: str, number: str = "1", **more: Any) -> dict[str, Any]:
    _, year, document = name.split("-")
    told = {
        "AccountType": "D",
        "APARAccount": "0010100001",
        "FiscalYear": year,
        "AccountingDocument": document.zfill(10),
    }
    return {**told, "AccountingDocumentItem": number, **more}


def eur(amount: str) -> dict[str, Any]:
    return {"_value_1": Decimal(amount), "currencyCode": "EUR"}


def open_now(place: Place) -> list[str]:
    rows = place.get(CUBE, ROWS, **{"$filter": "Customer eq '10100001' and IsCleared eq false"})["results"]
    return sorted(r["AmountInTransactionCurrency"] for r in rows)


def document_of(place: Place, bill: str) -> str:
    row = place.sap.item(bill)
    return f"{row['CompanyCode']}-{row['FiscalYear']}-{row['AccountingDocument']}"


def test_a_clearing_request_takes_effect_later(place: Place) -> None:
    bill = document_of(place, invoice(place.sap))
    paid = place.sap.pay("10100001", "1190")
    reply = clear(place, [item(bill), item(paid, "2")])
    assert (reply.status_code, reply.content) == (202, b"")
    assert open_now(place) == ["-1190.00", "1190.00"]
    assert open_now(place) == []
    assert place.sap.aif[-1]["status"] == "success"


def test_a_partial_clearing_leaves_a_reference_to_the_invoice(place: Place) -> None:
    bill = document_of(place, invoice(place.sap))
    paid = place.sap.pay("10100001", "500")
    clear(place, [item(bill, PartialPaymentAmtInDspCrcy=eur("500")), item(paid, "2")])
    place.sap.run_clearings()
    assert open_now(place) == ["-500.00", "1190.00"]
    rest = place.sap.pay("10100001", "690")
    partial = next(one for one in place.sap.books()["1010/10100001"]["items"] if one["amount"] == -500)
    clear(place, [item(bill), item(rest, "2"), item(partial["document"], partial["item"])])
    place.sap.run_clearings()
    assert open_now(place) == []


def test_a_deduction_becomes_a_residual_or_goes_to_an_account(place: Place) -> None:
    for reason, left in (("001", ["90.00"]), ("010", ["90.00"])):
        bill = document_of(place, invoice(place.sap))
        paid = place.sap.pay("10100001", "1100")
        clear(
            place,
            [
                item(bill, OtherDeductionAmountInDspCrcy=eur("90"), PaymentDifferenceReason=reason),
                item(paid, "2"),
            ],
        )
        place.sap.run_clearings()
        assert open_now(place) == left, reason


def test_a_clearing_that_does_not_net_to_zero_is_only_seen_in_the_log(place: Place) -> None:
    bill = document_of(place, invoice(place.sap))
    paid = place.sap.pay("10100001", "1000")
    assert clear(place, [item(bill), item(paid, "2")]).status_code == 202
    place.sap.run_clearings()
    assert len(open_now(place)) == 2
    assert "difference is too large" in place.http.get("/_sandbox/aif").json()[-1]["text"]


def test_a_repeated_message_is_acknowledged_and_done_once(place: Place) -> None:
    bill = document_of(place, invoice(place.sap))
    paid = place.sap.pay("10100001", "1190")
    items = [item(bill), item(paid, "2")]
    for _ in range(2):
        assert clear(place, items, "urn:uuid:same").status_code == 202
    place.sap.run_clearings()
    assert len(place.sap.aif) == 1


def test_without_addressing_a_clearing_is_a_fault(place: Place) -> None:
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<n:JournalEntryBulkClearingRequest xmlns:n="{SFIN}"/></e:Body></e:Envelope>'
    )
    reply = place.http.post(CLEARING, content=envelope, headers={"content-type": "text/xml"})
    assert reply.status_code == 500
    assert "wsa:MessageID" in reply.text


def test_a_clearing_made_to_fail_leaves_everything_open(place: Place) -> None:
    bill = document_of(place, invoice(place.sap))
    paid = place.sap.pay("10100001", "1190")
    place.sap.fail_clearing()
    clear(place, [item(bill), item(paid, "2")])
    place.sap.advance(60)
    assert len(open_now(place)) == 2
    assert place.sap.aif[-1]["status"] == "error"
