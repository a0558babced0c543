"""The same documents over SuiteTalk SOAP: written once, read back, refused in NetSuite's own words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from starlette.types import Message, Receive, Scope, Send

from connectors.netsuite.connector import NetSuite
from connectors.netsuite.settings import Settings
from connectors.netsuite.soap_client import SoapClient
from connectors.netsuite.soap_wire import PassportAuth, passport_signature, status_error
from hub.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, Transient
from sandbox.kit import Fault
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import (
    CUSTOMER,
    INVOICE,
    LINES,
    ORDER,
    PAYMENT,
    TOTAL,
    Connect,
    Stage,
    customer,
    invoice,
    line,
    order,
    payment,
    write,
)
from tests.connectors.netsuite.test_writing import MEMO, WRITE_OFF, memo, write_off

XSD = Path(__file__).resolve().parents[4] / "shared/specs/netsuite/suitetalk-2023_2/xsd"
PORT = "/services/NetSuitePort_2023_2"
_SPACES = (
    ("messages_2023_2.platform", "platform.messages.xsd"),
    ("sales_2023_2.transactions", "transactions.sales.xsd"),
    ("customers_2023_2.transactions", "transactions.customers.xsd"),
    ("relationships_2023_2.lists", "lists.relationships.xsd"),
)


class Tap:
    """Between connector and account: keeps every envelope that was sent."""

    def __init__(self, app: Any) -> None:
        self.app, self.sent = app, []  # type: tuple[Any, list[bytes]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""

        async def watched() -> Message:
            nonlocal body
            told = await receive()
            body += told.get("body", b"")
            if not told.get("more_body") and scope["path"].startswith("/services/NetSuitePort"):
                self.sent.append(body)
            return told

        await self.app(scope, watched, send)


@pytest.fixture
def tap(account: NetSuiteSandbox, url: str, stage: tuple[Stage, str]) -> Tap:
    account.books.now = lambda: datetime.now(UTC) - timedelta(seconds=5)  # a poll stays behind now
    stage[0].app = made = Tap(account.app)
    return made


@pytest.fixture
def soap(connect: Connect, tap: Tap) -> NetSuite:
    """A connector of an account that still uses SOAP."""
    return connect(protocol="soap")


@pytest.fixture
def sold_by_soap(soap: NetSuite) -> tuple[str, str]:
    buyer = soap.push(write("customer", customer(), CUSTOMER))
    return buyer, soap.push(write("order", order(buyer, LINES, TOTAL), ORDER))


def remaining(account: NetSuiteSandbox, invoice: str) -> Decimal:
    return Decimal(str(account.get("invoice", invoice)["amountRemaining"]))


def operations(tap: Tap) -> list[str]:
    bodies = (etree.fromstring(one).find("{*}Body") for one in tap.sent)
    return [etree.QName(body[0]).localname for body in bodies if body is not None]


def test_a_customer_and_an_order_are_written_once_and_changed(
    account: NetSuiteSandbox, soap: NetSuite, sold_by_soap: tuple[str, str]
) -> None:
    buyer, sold = sold_by_soap
    assert soap.push(write("customer", customer("Acme AG"), CUSTOMER, buyer)) == buyer
    assert soap.push(write("order", order(buyer, LINES, TOTAL), ORDER)) == sold
    longer = [*LINES, line("l4", "SETUP", 1, "10")]
    assert soap.push(write("order", order(buyer, longer, "202.30"), ORDER, sold)) == sold
    assert (account.count("customer"), account.count("salesOrder")) == (1, 1)
    seen = account.get("salesOrder", sold)
    assert (seen["externalId"], seen["tranId"], seen["tranDate"]) == (ORDER, "SO-2026-1", "2026-11-02")
    assert [x["custcol_o2c_line_id"] for x in seen["item"]["items"]] == ["l1", "l2", "l3", "l4"]


def test_an_invoice_is_initialized_from_its_order_and_takes_what_was_shipped(
    account: NetSuiteSandbox, soap: NetSuite, sold_by_soap: tuple[str, str], tap: Tap
) -> None:
    _, sold = sold_by_soap
    account.fulfil(sold, {"BOLT-1": 4})
    tap.sent.clear()
    first = soap.push(write("invoice", invoice(sold, {"l1": 4}, "47.60"), INVOICE))
    assert operations(tap) == ["get", "initialize", "add", "get"]
    again = soap.push(write("invoice", invoice(sold, {"l1": 4}, "47.60"), INVOICE, first))
    assert (first, account.count("invoice")) == (again, 1)
    seen = account.get("invoice", first)
    assert (seen["externalId"], seen["createdFrom"]["id"], seen["dueDate"]) == (INVOICE, sold, "2026-12-10")
    assert soap.find("invoice", INVOICE) == first


def test_a_payment_applies_to_its_invoices_and_can_be_applied_anew(
    account: NetSuiteSandbox, soap: NetSuite, sold_by_soap: tuple[str, str]
) -> None:
    buyer, sold = sold_by_soap
    account.fulfil(sold, {"BOLT-1": 8})
    one = soap.push(write("invoice", invoice(sold, {"l1": 4}, "47.60"), INVOICE))
    two = soap.push(write("invoice", invoice(sold, {"l1": 4}, "47.60", "INV-2"), "e" * 32))
    paid = soap.push(write("payment", payment(buyer, {one: "40"}, "50"), PAYMENT))
    assert soap.push(write("payment", payment(buyer, {one: "40"}, "50"), PAYMENT)) == paid
    assert (remaining(account, one), remaining(account, two)) == (Decimal("7.60"), Decimal("47.60"))
    soap.push(write("payment", payment(buyer, {two: "45"}, "50"), PAYMENT, paid))
    assert (remaining(account, one), remaining(account, two)) == (Decimal("47.60"), Decimal("2.60"))
    assert account.count("customerPayment") == 1


def test_credit_memos_and_write_offs_take_off_what_they_say(
    account: NetSuiteSandbox, soap: NetSuite, sold_by_soap: tuple[str, str]
) -> None:
    buyer, sold = sold_by_soap
    account.add_item("WRITE-OFF", "otherChargeSaleItem")
    account.fulfil(sold, {"BOLT-1": 4})
    billed = soap.push(write("invoice", invoice(sold, {"l1": 4}, "47.60"), INVOICE))
    record = memo(buyer, "11.90", [line("l1", "BOLT-1", 1)], billed)
    credit = soap.push(write("credit_memo", record, MEMO))
    assert soap.push(write("credit_memo", record, MEMO, credit)) == credit
    soap.push(write("adjustment", write_off(billed, "0.60"), WRITE_OFF))
    assert (remaining(account, billed), account.count("creditMemo")) == (Decimal("47.0"), 2)
    applied = memo(buyer, "11.90", [], billed, {billed: "11.90"})
    soap.push(write("credit_memo", applied, MEMO, credit))
    assert remaining(account, billed) == Decimal("35.1")


def test_every_envelope_fits_the_vendors_schemas(
    account: NetSuiteSandbox, soap: NetSuite, sold_by_soap: tuple[str, str], tap: Tap
) -> None:
    if not XSD.is_dir():
        pytest.skip("the vendor's schemas are not on this machine")
    buyer, sold = sold_by_soap
    account.people.add_field("custbody_region", "text")
    full = order(buyer, LINES, TOTAL)
    full["shippingAddress"] = {"addressee": "Acme", "city": "Bonn", "country": {"id": "DE"}}
    full |= {"memo": "R&D <first>", "shipDate": "2026-12-01", "custbody_region": "north"}
    soap.push(write("order", full, ORDER))
    account.fulfil(sold, {"BOLT-1": 4})
    billed = soap.push(write("invoice", invoice(sold, {"l1": 4}, "47.60"), INVOICE))
    soap.push(write("payment", payment(buyer, {billed: "40"}, "50"), PAYMENT))
    soap.push(write("credit_memo", memo(buyer, "11.90", [line("l1", "BOLT-1", 1)], billed), MEMO))
    page = soap.poll(None)
    soap.read_many([one.delivery for one in page.arrivals])
    soap.poll(page.cursor)
    assert soap.check().ok
    soap.candidates(write("customer", {"match": {"name": "Acme GmbH", "domain": "acme.example"}}, "e" * 32))
    imports = "".join(
        f'<xs:import namespace="urn:{space}.webservices.netsuite.com" schemaLocation="{XSD}/{file}"/>'
        for space, file in _SPACES
    )
    schema = etree.XMLSchema(
        etree.fromstring(f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>')
    )
    told = set()
    for one in tap.sent:
        root = etree.fromstring(one)
        for part in [*root.find("{*}Header"), *root.find("{*}Body")]:  # type: ignore[misc]  # both are there
            schema.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(part))))
            told.add(etree.QName(part).localname)
    wanted = {"upsert", "add", "initialize", "get", "getList", "search", "getDeleted", "getServerTime"}
    assert wanted | {"tokenPassport", "searchPreferences"} <= told


def test_what_people_do_is_read_in_the_words_of_rest(
    account: NetSuiteSandbox, soap: NetSuite, sold_by_soap: tuple[str, str], connect: Connect
) -> None:
    buyer, sold = sold_by_soap
    shipped = account.people.ship(sold, {"BOLT-1": 4}, tracking="T-1")
    billed = account.people.bill(sold, {"BOLT-1": 4})
    paid = account.people.pay(buyer, "40", apply=[{"invoice": billed, "amount": "38", "disc": "1"}])
    credit = account.people.credit(billed, {"1": 1}, apply=False)
    page = soap.poll(None)
    read = [change for one in soap.read_many([a.delivery for a in page.arrivals]) for change in one]
    assert {(c.kind, c.external_id) for c in read} == {
        ("shipment", shipped), ("invoice", billed), ("payment", paid), ("credit_memo", credit),
        ("adjustment", f"{paid}:{billed}"),
    }  # fmt: skip
    rest = connect()
    other = {c.external_id: c.record for a in page.arrivals for c in rest.read(a.delivery)}
    for change in read:
        assert change.record is not None
        assert other[change.external_id] is not None
        names = {"tranDate", "total", "applications", "amount", "createdFrom", "payment", "invoice"}
        for name in names & set(change.record):
            assert plain(change.record[name]) == plain(other[change.external_id][name]), name
    lines = [c.record["o2c"]["lines"] for c in read if c.kind == "invoice" and c.record]
    assert [(x["line_id"], x["quantity"], x["unit_price"], x["tax_percent"]) for x in lines[0]] == [
        ("l1", Decimal(4), Decimal(10), Decimal(19))
    ]


def plain(value: Any) -> Any:
    """Numbers by value, references by id."""
    if isinstance(value, dict):
        return plain(value["id"]) if "id" in value else {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) else value


def test_an_unchanged_poll_costs_one_call_and_deletions_one_more(
    account: NetSuiteSandbox, connect: Connect, tap: Tap
) -> None:
    for deletions, calls in ((False, ["search"]), (True, ["search", "getDeleted"])):
        soap = connect(protocol="soap", deletions=deletions)
        cursor = soap.poll(None).cursor
        tap.sent.clear()
        page = soap.poll(cursor)
        assert (page.arrivals, page.more) == ([], False)
        assert operations(tap) == calls


def test_rest_and_soap_tell_the_same_events_and_share_cursors(
    account: NetSuiteSandbox, soap: NetSuite, connect: Connect, sold_by_soap: tuple[str, str]
) -> None:
    account.fulfil(sold_by_soap[1], {"BOLT-1": 8})
    account.people.bill(sold_by_soap[1], {"BOLT-1": 4})
    gone = account.people.bill(sold_by_soap[1], {"BOLT-1": 1})
    time_zone = {"time_zone": "GMT"}
    first, second = connect(protocol="soap", **time_zone), connect(**time_zone)
    before = first.poll(None)
    account.people.delete("invoice", gone)
    told = [{id for one in c.poll(before.cursor).arrivals for id in one.event_ids} for c in (first, second)]
    assert told[0] == told[1]
    assert any(id.endswith(":deleted") for id in told[0])
    deleted = [a for a in first.poll(before.cursor).arrivals if a.event_ids[0].endswith(":deleted")]
    [change] = first.read(deleted[0].delivery)
    assert (change.kind, change.external_id, change.record) == ("invoice", gone, None)


def test_a_long_search_goes_on_page_by_page_and_begins_anew_when_forgotten(
    account: NetSuiteSandbox,
    connect: Connect,
    sold_by_soap: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account.fulfil(sold_by_soap[1], {"BOLT-1": 8})
    made = {account.people.bill(sold_by_soap[1], {"BOLT-1": 1}) for _ in range(7)}
    monkeypatch.setattr("connectors.netsuite.soap_client.PAGE", 5)
    monkeypatch.setattr(SoapClient.search, "__kwdefaults__", {"size": 5})
    soap = connect(protocol="soap", watch=("invoice",))
    first = soap.poll(None)
    assert (len(first.arrivals), first.more) == (5, True)
    second = soap.poll(first.cursor)
    assert (len(second.arrivals), second.more) == (2, False)
    seen = {id.split(":")[1] for one in [*first.arrivals, *second.arrivals] for id in one.event_ids}
    assert seen == made
    account.soap.searches.clear()
    again = soap.poll(first.cursor)
    assert (len(again.arrivals), again.more) == (5, True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("soap_concurrency", RateLimited),
        ("soap_blocked", RateLimited),
        ("soap_login", AuthFailed),
        ("soap_unexpected", Transient),
        ("soap_record_changed", Conflict),
        ("soap_locked", Rejected),
    ],
)
def test_every_disguise_of_a_refusal_is_told_apart(
    account: NetSuiteSandbox, soap: NetSuite, name: str, kind: type[ConnectorError]
) -> None:
    account.soap.faults.append(
        Fault(kind="refuse", method="POST", path="upsert", status=500, body=name, times=5)
    )
    with pytest.raises(kind) as refused:
        soap.push(write("customer", customer(), CUSTOMER))
    assert type(refused.value) is kind
    assert refused.value.sent is not (kind is RateLimited)
    assert account.count("customer") == 0


def test_a_lost_reply_is_found_by_our_reference_and_not_written_twice(
    account: NetSuiteSandbox, soap: NetSuite, sold_by_soap: tuple[str, str]
) -> None:
    account.fulfil(sold_by_soap[1], {"BOLT-1": 4})
    one = write("invoice", invoice(sold_by_soap[1], {"l1": 4}, "47.60"), INVOICE)
    first = soap.push(one)
    with pytest.raises((Conflict, Rejected)):
        soap.push(one)  # without looking first, as the hub does
    assert soap.find("invoice", INVOICE) == first
    assert account.count("invoice") == 1


def test_closed_periods_unknown_fields_and_what_soap_has_not_are_said_clearly(
    account: NetSuiteSandbox, soap: NetSuite, sold_by_soap: tuple[str, str]
) -> None:
    buyer, _ = sold_by_soap
    with pytest.raises(Rejected, match="otherRefNumber: SalesOrder has no such field in SOAP"):
        soap.push(write("order", {**order(buyer, LINES, TOTAL), "otherRefNumber": "x"}, ORDER))
    with pytest.raises(Rejected, match="no item named NO-SUCH"):
        soap.push(write("order", order(buyer, [line("l1", "NO-SUCH", 1)], "1"), "f" * 32))
    with pytest.raises(Rejected, match="set protocol to rest"):
        soap.open_items(None)
    account.close_period(date(2026, 11, 30))
    with pytest.raises(Rejected, match="posting period is closed"):
        soap.push(write("payment", payment(buyer, {}, "1"), PAYMENT))


def test_customers_are_recognised_before_a_second_one_is_made(
    soap: NetSuite, connect: Connect, sold_by_soap: tuple[str, str]
) -> None:
    soap.push(
        write(
            "customer", {**customer("Beta Ltd"), "email": "a@beta.example", "vatRegNumber": "DE1"}, "e" * 32
        )
    )
    for match, by in (
        ({"name": "ACME Corp"}, "name"), ({"name": "x", "domain": "beta.example"}, "domain"),
        ({"name": "x", "tax_id": "DE1"}, "tax_id"),
    ):  # fmt: skip
        [found] = soap.candidates(write("customer", {"match": match}, "f" * 32))
        assert found.by == by
        assert found == connect().candidates(write("customer", {"match": match}, "f" * 32))[0]


def test_the_passport_is_signed_as_oracle_describes_and_anew_for_each_attempt() -> None:
    told = Settings(
        account_id="123456-sb1", auth="tba", protocol="soap", consumer_key="ck", consumer_secret="cs",
        token_id="tok", token_secret="toksec",
    )  # fmt: skip
    signed = passport_signature(["123456_SB1", "ck", "tok", "abcdef1234567890", "1700000000"], "cs", "toksec")
    assert signed == "TcR57hGNluce1mRBEbbdXzUo/4tulOj7Mgdw3b1l0Cg="
    flow = told.httpx_auth()
    assert isinstance(flow, PassportAuth)
    one, other = flow.passport(), flow.passport()
    assert one != other
    assert b"cs" not in one.replace(b"platformMsgs", b"")
    assert b"<platformCore:account>123456_SB1<" in one


def test_settings_that_soap_cannot_meet_are_refused_at_once(account: NetSuiteSandbox) -> None:
    told = {**account.tba, "auth": "tba", "protocol": "soap"}
    for name, value in (("closed_period", "next_open"), ("write_off", "journal")):
        with pytest.raises(ValueError, match=f"protocol soap needs {name}"):
            Settings(**{**told, name: value, "write_off_account": "9"})
    with pytest.raises(ValueError, match="protocol soap needs auth tba"):
        Settings(**{**told, "auth": "m2m"})


def test_the_check_says_until_when_soap_lasts_and_what_is_wrong(
    account: NetSuiteSandbox, soap: NetSuite, connect: Connect
) -> None:
    health = soap.check()
    assert health.ok
    assert any("2028.2" in finding for finding in health.findings)
    assert not connect(protocol="soap", token_secret="0" * 64).check().ok


def test_the_days_of_a_user_far_from_greenwich_stay_the_same(
    account: NetSuiteSandbox, connect: Connect, tap: Tap
) -> None:
    for there, ours in (("America/Los_Angeles", "America/Los_Angeles"), ("Europe/Berlin", "GMT")):
        account.preferences.time_zone = there
        soap = connect(protocol="soap", time_zone=ours)
        reference = there[:2].lower() * 16
        buyer = soap.push(write("customer", customer(there), reference))
        record = {**order(buyer, LINES, TOTAL), "tranId": there[:6]}
        sold = soap.push(write("order", record, reference))
        assert account.get("salesOrder", sold)["tranDate"] == "2026-11-02"
        assert soap.push(write("order", record, reference, sold)) == sold


def status(success: str, kind: str, code: str, more: str = "") -> etree._Element:
    detail = f'<statusDetail type="{kind}"><code>{code}</code><message>words</message>{more}</statusDetail>'
    return etree.fromstring(f'<answer><status isSuccess="{success}">{detail}</status></answer>')


def test_the_status_of_each_record_decides_and_a_warning_is_a_success() -> None:
    assert status_error(status("true", "WARN", "WARNING")) is None
    for code, kind in (
        ("USER_ERROR", Rejected), ("DUP_RCRD", Conflict), ("UNEXPECTED_ERROR", Transient),
        ("INVALID_LOGIN_ATTEMPT", AuthFailed), ("WS_REQUEST_BLOCKED", RateLimited),
    ):  # fmt: skip
        told = status_error(status("false", "ERROR", code))
        assert type(told) is kind
    saved = status_error(status("false", "ERROR", "SSS_X", "<afterSubmitFailed>true</afterSubmitFailed>"))
    assert isinstance(saved, Transient)
    assert saved.sent
    assert isinstance(status_error(etree.fromstring("<answer/>")), Transient)
