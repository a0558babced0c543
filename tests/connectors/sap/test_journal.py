"""Journal entries: what is sent holds against the vendor's schemas, what comes back is never misread."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zeep
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sap import journal
from connectors.sap.settings import Settings
from connectors.sap.soap_entry import content, reversal
from connectors.sap.soap_record import entry, posted_by, references
from connectors.sap.soap_wire import Message, envelope, header, message_uuid, opened
from hub.sdk import AuthFailed, ConnectorError, Door, Invalid, Rejected, Reply, Transient, Unmappable, Write
from sandbox import kit

SPECS = Path(__file__).resolve().parents[4] / "shared" / "specs" / "sap" / "soap"
WSDLS = ["JOURNALENTRYCREATEREQUESTCONFI.2020.wsdl", "JOURNALENTRYCREATEREQUESTCONFI.2024.wsdl"]
SFIN = "http://sap.com/xi/SAPSCORE/SFIN"
REFERENCE = "0f8e2c5a4b6d4e7f8a9b0c1d2e3f4a5b"


def company(**accounts: str) -> dict[str, Any]:
    named = {
        "bank_clearing": "11010000", "revenue": "41000000", "write_off": "44000000", "discount": "44100000",
        "fee": "44200000", "exchange": "44300000",
    }  # fmt: skip
    return {
        "company_code": "1010", "sales_organization": "1010", "accounts": {**named, **accounts},
        "house_bank": "BANK1", "house_bank_account": "GIRO1",
    }  # fmt: skip


def make_settings(url: str = "https://my123456-api.s4hana.cloud.sap", **more: Any) -> Settings:
    own = {"base_url": url, "private_hosts": ["127.0.0.1"], "username": "O2C_COMM", "password": "secret"}
    return Settings.model_validate({**own, "sellers": {"": company()}, **more})


def record(kind: str = "invoice", **more: Any) -> dict[str, Any]:
    common = {
        "document_type": "DR", "company_code": "1010", "document_date": date(2026, 11, 20),
        "posting_date": date(2026, 11, 21), "currency": "EUR", "customer": "10100001",
        "reference": "INV-1001", "header_text": "Order SO-1", "assignment": "SO-1",
        "amount": Decimal("119.00"), "expected": {"total": Decimal("119.00"), "currency": "EUR"},
    }  # fmt: skip
    own: dict[str, dict[str, Any]] = {
        "invoice": {
            "due_date": date(2026, 12, 20),
            "lines": [
                {"amount": Decimal("60.00"), "tax_code": "A1", "text": "Widget"},
                {"amount": Decimal("40.00"), "tax_code": "A1", "gl_account": "41000100"},
            ],
            "taxes": [{"tax_code": "A1", "base": Decimal("100.00"), "amount": Decimal("19.00")}],
        },
        "payment": {
            "document_type": "DZ", "payment_reference": "RF18539007547034",
            "bank": {"value_date": date(2026, 11, 21)},
        },
        "adjustment": {"document_type": "SA", "reason": "write_off", "cost_center": "10101101"},
    }  # fmt: skip
    own["credit_memo"] = {**own["invoice"], "document_type": "DG", "due_date": None}
    return {**common, **own[kind], **more}


def write(kind: str = "invoice", key: str = "k1", **more: Any) -> Write:
    return Write(kind, record(kind, **more), None, REFERENCE, key)


def built(kind: str = "invoice", **more: Any) -> etree._Element:
    """The JournalEntryBulkCreateRequest that a record of this kind becomes."""
    parsed = entry(record(kind, **more))
    nodes = content(kind, parsed, make_settings(), references(REFERENCE), "O2C_COMM")
    return root_of([("JournalEntry", nodes)])


def root_of(inner: Sequence[Any]) -> etree._Element:
    at = datetime(2026, 11, 21, 10, tzinfo=UTC)
    own = message_uuid("k")
    request = [header(own, at, "_1"), *inner]
    nodes = [header(own, at), ("JournalEntryCreateRequest", request)]
    sent = envelope(Message(journal.OPERATION, "JournalEntryBulkCreateRequest", nodes, own))
    found = etree.fromstring(sent).find(f"{{*}}Body/{{{SFIN}}}JournalEntryBulkCreateRequest")
    assert found is not None
    return found


def amounts(root: etree._Element) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for name in ("Item", "DebtorItem", "ProductTaxItem"):
        for one in root.iter(name):
            told = (one.findtext("AmountInTransactionCurrency") or "", one.findtext("DebitCreditCode") or "")
            found.setdefault(name, []).append(told)
    return found


def test_an_invoice_debits_the_customer_and_credits_revenue_and_tax() -> None:
    assert amounts(built("invoice")) == {
        "Item": [("-60.00", "H"), ("-40.00", "H")],
        "DebtorItem": [("119.00", "S")],
        "ProductTaxItem": [("-19.00", "H")],
    }


def test_a_credit_memo_is_an_invoice_the_other_way_round() -> None:
    assert amounts(built("credit_memo")) == {
        "Item": [("60.00", "S"), ("40.00", "S")],
        "DebtorItem": [("-119.00", "H")],
        "ProductTaxItem": [("19.00", "S")],
    }


@pytest.mark.parametrize("kind", ["payment", "adjustment"])
def test_money_and_write_offs_credit_the_customer(kind: str) -> None:
    assert amounts(built(kind)) == {"Item": [("119.00", "S")], "DebtorItem": [("-119.00", "H")]}


def test_a_payment_names_its_bank_its_value_date_and_its_reference() -> None:
    root = built("payment")
    told = {name: root.findtext(f".//Item/{name}") for name in ("HouseBank", "HouseBankAccount", "ValueDate")}
    assert told == {"HouseBank": "BANK1", "HouseBankAccount": "GIRO1", "ValueDate": "2026-11-21"}
    assert root.findtext(".//DebtorItem/PaymentDetails/PaymentReference") == "RF18539007547034"
    assert root.find(".//DownPaymentTerms") is None


def test_a_down_payment_carries_its_special_general_ledger_code() -> None:
    root = built("payment", special_gl="A", sales_order="4711")
    terms = root.find(".//DebtorItem/DownPaymentTerms")
    assert terms is not None
    assert [(one.tag, one.text) for one in terms] == [("SpecialGLCode", "A"), ("SalesOrder", "0000004711")]


def test_tax_corrected_with_a_write_off_has_items_of_its_own() -> None:
    taxes = [{"tax_code": "A1", "base": Decimal("100.00"), "amount": Decimal("19.00")}]
    root = built("adjustment", taxes=taxes)
    assert amounts(root)["Item"] == [("100.00", "S")]
    assert amounts(root)["ProductTaxItem"] == [("19.00", "S")]
    assert root.findtext(".//Item/AccountAssignment/CostCenter") == "0010101101"


@pytest.mark.parametrize(
    ("reason", "account"),
    [
        ("write_off", "0044000000"),
        ("deduction", "0044000000"),
        ("discount", "0044100000"),
        ("fee", "0044200000"),
    ],
)
def test_each_reason_has_its_account(reason: str, account: str) -> None:
    assert built("adjustment", reason=reason).findtext(".//Item/GLAccount") == account


def test_keys_are_padded_because_soap_converts_nothing() -> None:
    root = built("invoice")
    assert root.findtext(".//Debtor") == "0010100001"
    assert [one.text for one in root.iter("GLAccount")] == ["0041000000", "0041000100"]
    assert built("invoice", customer="EWM-CU01").findtext(".//Debtor") == "EWM-CU01"


def test_terms_are_days_from_the_document_date() -> None:
    root = built("invoice", discount_days=14, discount_percent=Decimal("2.000"))
    terms = root.find(".//CashDiscountTerms")
    assert terms is not None
    assert [(one.tag, one.text) for one in terms] == [
        ("DueCalculationBaseDate", "2026-11-20"), ("CashDiscount1Days", "P14D"),
        ("CashDiscount1Percent", "2.000"), ("NetPaymentDays", "P30D"),
    ]  # fmt: skip


def test_no_element_is_sent_empty() -> None:
    root = built("invoice", header_text="", assignment="", payment_reference="", reference="")
    assert [one.tag for one in root.iter() if len(one) == 0 and not (one.text or "").strip()] == []


def test_our_id_stands_in_both_reference_fields_and_the_filter_looks_for_it() -> None:
    head = built("invoice").find(".//JournalEntry")
    assert head is not None
    first, second = head.findtext("Reference1InDocumentHeader"), head.findtext("Reference2InDocumentHeader")
    assert f"{first}{second}" == REFERENCE
    asked = journal.by_reference(REFERENCE)
    assert f"Reference1InDocumentHeader eq '{first}'" in asked
    assert f"Reference2InDocumentHeader eq '{second}'" in asked


def test_an_entry_that_does_not_balance_never_leaves() -> None:
    with pytest.raises(Rejected, match=r"does not balance: 0\.01 EUR too much on the debit side") as caught:
        built("invoice", amount=Decimal("119.01"))
    assert not caught.value.sent


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"reference": "INVOICE-NUMBER-OVER-16"}, "reference"),
        ({"amount": Decimal("-1")}, "amount"),
        ({"amount": 119.0}, "amount"),
        ({"payment_terms": "NT30"}, "payment_terms"),
        ({"customer": ""}, "customer"),
        ({"lines": [{"amount": Decimal(1), "texd": "x"}]}, "lines.0.texd"),
    ],
)
def test_what_sap_has_no_room_for_is_refused_by_name(more: dict[str, Any], named: str) -> None:
    with pytest.raises(Rejected, match=named) as caught:
        built("invoice", **more)
    assert not caught.value.sent


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("invoice", {"taxes": []}, "the service calculates no tax"),
        ("invoice", {"lines": []}, "without lines"),
        ("invoice", {"company_code": "9999"}, "none of this connection's sellers"),
        ("adjustment", {"reason": "whim"}, "has no account"),
        ("invoice", {"header_text": "bell \x07"}, "XML cannot carry"),
        ("invoice", {"amount": Decimal("119.0000001")}, "at most 6 decimals|does not balance"),
    ],
)
def test_what_cannot_be_booked_says_why(kind: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        built(kind, **more)


def test_a_missing_account_names_the_setting() -> None:
    bare = make_settings(sellers={"": company(revenue="")})
    with pytest.raises(Rejected, match=r"accounts\.revenue"):
        content("invoice", entry(record(lines=record()["lines"][:1], amount=Decimal("71.40"),
                taxes=[{"tax_code": "A1", "base": Decimal("60.00"), "amount": Decimal("11.40")}])),
                bare, references(REFERENCE), "U")  # fmt: skip


def test_more_lines_than_an_entry_holds_are_summed_by_account_and_tax() -> None:
    lines = [{"amount": Decimal("1.00"), "tax_code": "A1", "text": f"line {at}"} for at in range(1500)]
    taxes = [{"tax_code": "A1", "base": Decimal("1500.00"), "amount": Decimal("285.00")}]
    root = built("invoice", lines=lines, taxes=taxes, amount=Decimal("1785.00"))
    assert amounts(root)["Item"] == [("-1500.00", "H")]


def test_a_zero_tax_rate_still_states_its_base_on_the_right_side() -> None:
    taxes = [{"tax_code": "A0", "base": Decimal("100.00"), "amount": Decimal("0.00")}]
    lines = [{"amount": Decimal("100.00"), "tax_code": "A0"}]
    root = built("invoice", lines=lines, taxes=taxes, amount=Decimal("100.00"))
    assert root.findtext(".//ProductTaxItem/DebitCreditCode") == "H"
    assert root.findtext(".//ProductTaxItem/TaxBaseAmountInTransCrcy") == "-100.00"


# against the vendor's own description


def schema_of(name: str) -> etree.XMLSchema:
    path = SPECS / name
    if not path.is_file():
        pytest.skip(f"the vendor's {name} is not in ../shared/specs/sap/soap")
    found = etree.parse(path).getroot().find(f".//{{*}}schema[@targetNamespace='{SFIN}']")
    assert found is not None
    return etree.XMLSchema(etree.parse(io.BytesIO(etree.tostring(found))))


FULL = {"discount_days": 14, "discount_percent": Decimal("2"), "payment_reference": "RF18"}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("invoice", FULL), ("credit_memo", {}), ("payment", {}), ("payment", {"special_gl": "A"}),
    ("adjustment", {"reason_code": "010"}),
]  # fmt: skip


@pytest.mark.parametrize("name", WSDLS)
@pytest.mark.parametrize(("kind", "more"), CASES)
def test_what_is_sent_is_valid_by_the_vendors_schema(name: str, kind: str, more: dict[str, Any]) -> None:
    schema = schema_of(name)
    root = built(kind, **more)
    if name.endswith("2020.wsdl") and kind == "payment":
        # that version has no house bank on a G/L item; a system of it takes the bank from the account
        for one in [*root.iter("HouseBank"), *root.iter("HouseBankAccount")]:
            one.getparent().remove(one)  # type: ignore[union-attr] # an element found below root has a parent
    assert schema.validate(root), schema.error_log


def test_a_reversal_is_valid_by_the_vendors_schema_and_names_number_company_and_year() -> None:
    nodes = reversal("DZ", posted_by("1010-2026-100000008"), date(2026, 11, 22), "01", "U")
    root = root_of([("JournalEntry", nodes)])
    assert root.findtext(".//ReversalReferenceDocument") == "010000000810102026"
    assert schema_of(WSDLS[1]).validate(root)


def test_zeep_reads_what_is_sent_by_the_vendors_wsdl() -> None:
    if not (SPECS / WSDLS[1]).is_file():
        pytest.skip("the vendor's WSDL is not in ../shared/specs/sap/soap")
    client = zeep.Client(str(SPECS / WSDLS[1]))
    read = client.get_element(f"{{{SFIN}}}JournalEntryBulkCreateRequest").parse(
        built("invoice"), client.wsdl.types
    )
    told = read.JournalEntryCreateRequest[0].JournalEntry
    assert [item.AmountInTransactionCurrency._value_1 for item in told.Item] == [
        Decimal("-60.00"),
        Decimal("-40.00"),
    ]
    assert told.DebtorItem[0].AmountInTransactionCurrency.currencyCode == "EUR"


# answers


def confirmation(
    document: str = "1800000001",
    company_code: str = "1010",
    year: str = "2026",
    notes: Sequence[tuple[str, str, str]] = (("605(RW)", "1", "Document posted successfully"),),
    worst: str = "1",
) -> bytes:
    items = "".join(
        f"<Item><TypeID>{t}</TypeID><SeverityCode>{s}</SeverityCode><Note>{n}</Note></Item>"
        for t, s, n in notes
    )
    log = f"<Log><MaximumLogItemSeverityCode>{worst}</MaximumLogItemSeverityCode>{items}</Log>"
    return (
        "<soap-env:Envelope xmlns:soap-env='http://schemas.xmlsoap.org/soap/envelope/'><soap-env:Header/>"
        f"<soap-env:Body><n0:JournalEntryBulkCreateConfirmation xmlns:n0='{SFIN}'>"
        "<MessageHeader><CreationDateTime>2026-11-21T10:00:00Z</CreationDateTime></MessageHeader>"
        "<ConfirmationInterfaceOrignName/><JournalEntryCreateConfirmation><MessageHeader/>"
        f"<JournalEntryCreateConfirmation><AccountingDocument>{document}</AccountingDocument>"
        f"<CompanyCode>{company_code}</CompanyCode><FiscalYear>{year}</FiscalYear></JournalEntryCreateConfirmation>"
        f"{log}</JournalEntryCreateConfirmation><Log/></n0:JournalEntryBulkCreateConfirmation>"
        "</soap-env:Body></soap-env:Envelope>"
    ).encode()


def reply(body: bytes, status: int = 200, kind: str = "text/xml; charset=utf-8") -> Reply:
    return Reply(status, {"content-type": kind}, body)


def answered(body: bytes, status: int = 200, kind: str = "text/xml") -> str:
    found = opened(reply(body, status, kind))
    assert found is not None
    return str(journal.read_answer(found, "1010"))


def test_the_answer_to_a_posting_is_its_key_without_zeros() -> None:
    assert answered(confirmation()) == "1010-2026-1800000001"
    assert answered(confirmation("0100000008")) == "1010-2026-100000008"


CLOSED = [
    ("609(RW)", "3", "Error in document: BKPFF $ 0M32TI1"),
    ("201(F5)", "3", "Posting period 010 2026 is not open"),
]


@pytest.mark.parametrize(("document", "year"), [(" ", "0000"), ("0000000000", "2026"), ("", "0000")])
def test_a_failure_told_with_status_200_is_refused_in_the_vendors_words(document: str, year: str) -> None:
    with pytest.raises(Rejected, match="Posting period 010 2026 is not open") as caught:
        answered(confirmation(document, " ", year, CLOSED, "3"))
    assert caught.value.code == "F5/201"


def test_every_note_of_a_failure_is_told_once() -> None:
    more = [
        *CLOSED,
        ("102(F5)", "3", "Customer 2 is not defined"),
        ("102(F5)", "3", "Customer 2 is not defined"),
    ]
    with pytest.raises(Rejected) as caught:
        answered(confirmation("", "", "", more, "3"))
    assert caught.value.message.count("Customer 2 is not defined") == 1
    assert "is not open" in caught.value.message


@pytest.mark.parametrize(
    "note",
    [("601(MC)", "3", "Object requested is currently locked by user MUELLER"),
     ("999(ZZ)", "3", "Account 10100001 is currently being processed by MUELLER")],
)  # fmt: skip
def test_a_lock_is_worth_another_try_and_nothing_was_done(note: tuple[str, str, str]) -> None:
    with pytest.raises(Transient) as caught:
        answered(confirmation("", "", "", [CLOSED[0], note], "3"))
    assert not caught.value.sent


def test_an_account_blocked_for_posting_is_no_lock() -> None:
    notes = [CLOSED[0], ("105(F5)", "3", "Account 10100001 is blocked for posting")]
    with pytest.raises(Rejected):
        answered(confirmation("", "", "", notes, "3"))


def test_warnings_beside_a_success_are_kept_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    notes = [("605(RW)", "1", "Posted"), ("262(F5)", "2", "Due date is in the past")]
    assert answered(confirmation(notes=notes, worst="2")) == "1010-2026-1800000001"
    assert "Due date is in the past (F5/262)" in caplog.text


def test_an_answer_about_another_company_code_is_not_ours() -> None:
    with pytest.raises(Rejected, match="in company code 1710, not in 1010"):
        answered(confirmation(company_code="1710"))


def test_an_answer_with_neither_number_nor_error_leaves_the_outcome_open() -> None:
    with pytest.raises(Transient) as caught:
        answered(confirmation("", "", "", [("000(XX)", "1", "hm")], "1"))
    assert caught.value.sent


def test_a_log_marked_as_an_error_without_notes_is_an_error() -> None:
    with pytest.raises(Rejected, match="refused without a reason"):
        answered(confirmation("0000000000", notes=(), worst="3"))


def fault(code: str, text: str, detail: str = "") -> bytes:
    return (
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Header/><e:Body><e:Fault>"
        f"<faultcode>e:{code}</faultcode><faultstring>{text}</faultstring><detail>{detail}</detail></e:Fault>"
        "</e:Body></e:Envelope>"
    ).encode()


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [("Client", 500, Rejected), ("Server", 500, Transient), ("Server", 503, Transient),
     ("Client", 401, AuthFailed), ("Server", 403, Rejected), ("Server", 200, Transient)],
)  # fmt: skip
def test_a_fault_is_what_its_code_and_status_say(code: str, status: int, error: type[ConnectorError]) -> None:
    with pytest.raises(error, match="went wrong; more of it"):
        opened(reply(fault(code, "went wrong", "<x><y>more of it</y></x>"), status))


def test_a_fault_of_soap_1_2_is_told_apart_by_its_code_and_named_by_its_subcode() -> None:
    body = (
        b"<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body><e:Fault><e:Code><e:Value>e:Sender"
        b"</e:Value><e:Subcode><e:Value>w:ActionMismatch</e:Value></e:Subcode></e:Code><e:Reason><e:Text>no "
        b"such action</e:Text></e:Reason><e:Detail><x>more</x></e:Detail></e:Fault></e:Body></e:Envelope>"
    )
    with pytest.raises(Rejected, match="no such action; more") as caught:
        opened(reply(body, 500))
    assert caught.value.code == "ActionMismatch"


def test_a_fault_carries_the_transaction_that_support_asks_for() -> None:
    text = "Web service processing error (UTC time 1; Transaction ID 0A1B2C3D4E5F60718293A4B5C6D7E8F9)"
    with pytest.raises(Transient) as caught:
        opened(reply(fault("Server", text), 500))
    assert caught.value.request_id == "0A1B2C3D4E5F60718293A4B5C6D7E8F9"


def test_a_login_page_with_status_200_is_no_answer() -> None:
    with pytest.raises(AuthFailed, match="API host"):
        opened(reply(b"<!DOCTYPE html><html><body>SAML</body></html>", 200, "text/html"))


@pytest.mark.parametrize(
    "body", [b"not xml", b"<a>", b"{}", b"<a/>", b"<!DOCTYPE x [<!ENTITY y 'z'>]><x>&y;</x>"]
)
def test_what_is_no_soap_leaves_the_outcome_open(body: bytes) -> None:
    with pytest.raises(Transient) as caught:
        opened(reply(body))
    assert caught.value.sent


def test_a_gateway_page_under_503_is_transient_and_under_404_refused() -> None:
    with pytest.raises(Transient):
        opened(reply(b"<html>maintenance</html>", 503, "text/html"))
    with pytest.raises(Rejected):
        opened(reply(b"<html>not found</html>", 404, "text/html"))


# the wire


Seen = list[tuple[Mapping[str, str], bytes, str]]


@contextmanager
def system(answer: bytes, status: int = 200) -> Iterator[tuple[Door, Settings, Seen]]:
    seen: Seen = []

    async def take(request: Request) -> Response:
        seen.append((dict(request.headers), await request.body(), str(request.url)))
        return Response(answer, status, media_type="text/xml")

    app = Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])
    with kit.serve(app) as url:
        door = Door(url)
        yield door, make_settings(url, sap_client="100"), seen
        door.close()


def test_a_posting_goes_out_with_action_client_and_an_id_that_a_repeat_has_again() -> None:
    with system(confirmation()) as (door, own, seen):
        assert journal.post(door, own, write()) == "1010-2026-1800000001"
        journal.post(door, own, write())
        journal.post(door, own, write(key="k2"))
    headers, body, url = seen[0]
    assert url.endswith("/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi?sap-client=100")
    assert headers["soapaction"] == f'"{SFIN}/{journal.OPERATION}/{journal.OPERATION}Request"'
    assert headers["content-type"] == "text/xml; charset=utf-8"
    ids = [etree.fromstring(one[1]).findtext(".//{*}MessageHeader/UUID") for one in seen]
    assert ids[0] == ids[1] != ids[2]
    assert uuid.UUID(ids[0] or "").version == 5
    assert etree.fromstring(body).findtext("{*}Header/{*}MessageID") == f"uuid:{ids[0]}"


def test_an_empty_answer_to_a_posting_leaves_the_outcome_open() -> None:
    with system(b"", 202) as (door, own, _), pytest.raises(Transient) as caught:
        journal.post(door, own, write())
    assert caught.value.sent


# finding and confirming


def row(document: str = "1800000001", amount: str = "119.00", **more: Any) -> dict[str, Any]:
    return {
        "CompanyCode": "1010", "FiscalYear": "2026", "AccountingDocument": document,
        "AccountingDocumentItem": "1", "FinancialAccountType": "D", "Customer": "10100001",
        "AmountInTransactionCurrency": amount,
        "TransactionCurrency": "EUR", "Reference1InDocumentHeader": REFERENCE[:20],
        "Reference2InDocumentHeader": REFERENCE[20:], "IsCleared": False, **more,
    }  # fmt: skip


def test_an_earlier_attempt_is_found_by_our_reference_and_not_booked_again() -> None:
    with system(confirmation("1400000002")) as (door, own, seen):
        rows = [row("1400000001", "-119.00")]
        assert journal.book(door, own, lambda _: rows, write("payment")) == "1010-2026-1400000001"
        assert seen == []


def test_capitals_in_the_reference_are_the_same_reference() -> None:
    first, second = REFERENCE[:20].upper(), REFERENCE[20:].upper()
    capitals = row(Reference1InDocumentHeader=first, Reference2InDocumentHeader=second)
    assert journal.found([capitals], REFERENCE) == "1010-2026-1800000001"
    assert REFERENCE[:20].upper() in journal.by_reference(REFERENCE)


def test_another_entry_is_not_ours_and_a_reversing_one_neither() -> None:
    others = [row(Reference2InDocumentHeader="x"), row("1800000009", IsReversal=True)]
    assert journal.found(others, REFERENCE) is None


def test_two_entries_with_our_reference_are_a_case() -> None:
    with pytest.raises(Rejected, match="booked more than once") as caught:
        journal.found([row(), row("1800000002")], REFERENCE)
    assert caught.value.code == "ambiguous"


def test_an_entry_reversed_by_a_person_is_not_booked_a_second_time() -> None:
    with pytest.raises(Rejected, match="reversed in SAP"):
        journal.found([row(IsReversed=True)], REFERENCE)


def test_a_booked_entry_must_show_our_amount_and_currency() -> None:
    journal.confirm(lambda _: [row()], "1010-2026-1800000001", record())
    with pytest.raises(Rejected, match=r"is about 118\.00 EUR"):
        journal.confirm(lambda _: [row(amount="118.00")], "1010-2026-1800000001", record())
    with pytest.raises(Rejected, match="USD"):
        journal.confirm(lambda _: [row(TransactionCurrency="USD")], "1010-2026-1800000001", record())
    with pytest.raises(Transient, match="not seen"):
        journal.confirm(lambda _: [], "1010-2026-1800000001", record())


def test_a_failure_while_reading_back_does_not_hide_that_it_is_booked() -> None:
    def fail(_: str) -> Sequence[Mapping[str, Any]]:
        raise Rejected("not allowed", sent=False)

    with pytest.raises(Transient) as caught:
        journal.confirm(fail, "1010-2026-1800000001", record())
    assert caught.value.sent


# anything at all


words_ = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(
    lambda text: text.replace("&", "").replace("<", "")
)


@bounded(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.sampled_from([200, 202, 400, 401, 403, 404, 500, 503]))
def test_no_bytes_get_past_the_error_tree(body: bytes, status: int) -> None:
    try:
        found = opened(reply(body, status))
        if found is not None:
            journal.read_answer(found, "1010")
    except (ConnectorError, Invalid, Unmappable):
        pass


@bounded(max_examples=200, deadline=None)
@given(words_, words_, words_, st.lists(st.tuples(words_, words_, words_), max_size=3), words_)
def test_a_confirmation_of_any_content_is_a_key_or_an_error(
    document: str, company_code: str, year: str, notes: list[tuple[str, str, str]], worst: str
) -> None:
    try:
        told = answered(confirmation(document, company_code, year, notes, worst))
    except ConnectorError:
        return
    assert told.startswith("1010-")
    assert told.rpartition("-")[2].isdigit()


@bounded(max_examples=150, deadline=None)
@given(
    st.lists(st.decimals("0.01", "9999.99", places=2), min_size=1, max_size=8),
    st.sampled_from(["invoice", "credit_memo"]),
    st.integers(0, 25),
)
def test_whatever_is_sent_balances_to_zero(nets: list[Decimal], kind: str, percent: int) -> None:
    base = sum(nets, Decimal(0))
    tax = (base * percent / 100).quantize(Decimal("0.01"))
    lines = [{"amount": net, "tax_code": "A1"} for net in nets]
    taxes = [{"tax_code": "A1", "base": base, "amount": tax}]
    root = built(kind, lines=lines, taxes=taxes, amount=base + tax)
    told = [(Decimal(value), code) for parts in amounts(root).values() for value, code in parts]
    assert sum((value for value, _ in told), Decimal(0)) == 0
    assert all((value > 0) == (code == "S") for value, code in told if value)
