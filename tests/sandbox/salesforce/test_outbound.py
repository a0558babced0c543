"""Outbound messages: their shape, their retries, and what a listener must be ready for."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from sandbox.salesforce.outbound import OUTBOUND, SOBJECT, XSI, OutboundMessages, acknowledges
from sandbox.salesforce.schema import Field, SObject
from tests.sandbox.salesforce.orgs import Clock, deal, empty

WSDL = Path(__file__).parents[4] / "shared/specs/salesforce/outbound-message-sample.wsdl"
ACK = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{}</Ack>'
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
FIELDS = ("Name", "Amount", "StageName", "CloseDate", "SystemModstamp", "NextStep")


class Listener:
    """What the listener got and what it answers."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.status, self.answer = 200, ACK.format("true")
        self.address = ""

    def ids(self) -> list[list[str]]:
        """Notification ids, message by message."""
        return [[str(one.text) for one in _found(body, f"{{{OUTBOUND}}}Id")] for body in self.bodies]

    def values(self, name: str) -> list[str]:
        """A field of every record, in the order received."""
        return [str(one.text) for body in self.bodies for one in _found(body, f"{{{SOBJECT}}}{name}")]


def _found(body: bytes, tag: str) -> list[etree._Element]:
    return list(etree.fromstring(body).iter(tag))


@contextmanager
def listening() -> Iterator[Listener]:
    heard = Listener()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            heard.headers.append({name.lower(): value for name, value in self.headers.items()})
            answer = heard.answer.encode()
            self.send_response(heard.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    heard.address = f"http://127.0.0.1:{server.server_port}/hooks/secret-path?x=1"
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as heard:
        yield heard


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(clock: Clock) -> OutboundMessages:
    return OutboundMessages(empty(clock))


def test_a_change_is_told_with_the_facts_of_org_action_and_record(
    sender: OutboundMessages, listener: Listener
) -> None:
    one = sender.subscribe("Opportunity", FIELDS, listener.address)
    record = deal(sender.org, "Öl & <Gas>")
    receipts = sender.deliver()
    assert [(r.status, r.acknowledged) for r in receipts] == [(200, True)]
    told = etree.fromstring(listener.bodies[0])[0][0]
    assert [etree.QName(child).localname for child in told] == [
        *("OrganizationId", "ActionId", "SessionId", "EnterpriseUrl", "PartnerUrl", "Notification")
    ]
    assert told.findtext(f"{{{OUTBOUND}}}OrganizationId") == sender.org.org_id
    assert told.findtext(f"{{{OUTBOUND}}}ActionId") == one.action_id
    assert told.find(f"{{{OUTBOUND}}}SessionId").get(f"{{{XSI}}}nil") == "true"
    sobject = told.find(f"{{{OUTBOUND}}}Notification/{{{OUTBOUND}}}sObject")
    assert sobject.get(f"{{{XSI}}}type") == "sf:Opportunity"
    assert sobject.nsmap["sf"] == SOBJECT
    assert {etree.QName(child).localname: child.text for child in sobject} == {
        "Id": record,
        "Amount": "1200.5",
        "CloseDate": "2026-12-31",
        "Name": "Öl & <Gas>",
        "StageName": "Prospecting",
        "SystemModstamp": "2026-11-20T09:30:15.000Z",
    }
    assert listener.ids()[0][0].startswith("04l")
    assert one.action_id.startswith("04k")


def test_the_request_is_soap_1_1(sender: OutboundMessages, listener: Listener) -> None:
    sender.subscribe("Opportunity", ("Name",), listener.address)
    deal(sender.org)
    sender.deliver()
    assert listener.headers[0]["content-type"] == "text/xml; charset=utf-8"
    assert listener.headers[0]["soapaction"] == '""'


def test_a_message_takes_a_hundred_notifications_and_no_more(
    sender: OutboundMessages, listener: Listener
) -> None:
    sender.subscribe("Opportunity", ("Name",), listener.address)
    for number in range(205):
        deal(sender.org, f"Deal {number}")
    sender.deliver()
    assert [len(many) for many in listener.ids()] == [100, 100, 5]
    assert len({one for many in listener.ids() for one in many}) == 205


def test_values_are_those_of_the_moment_of_sending(sender: OutboundMessages, listener: Listener) -> None:
    sender.subscribe("Opportunity", ("Name",), listener.address)
    record = deal(sender.org, "first")
    sender.org.update("Opportunity", record, {"Name": "second"})
    sender.deliver()
    assert listener.values("Name") == ["second", "second"]
    assert len(set(listener.ids()[0])) == 2


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, ""), (200, ACK.format("false")), (500, ACK.format("true")), (204, ""), (200, "<Ack>true</Ack>")],
)
def test_only_200_with_a_true_ack_counts(
    sender: OutboundMessages, listener: Listener, clock: Clock, status: int, answer: str
) -> None:
    sender.subscribe("Opportunity", ("Name",), listener.address)
    deal(sender.org)
    listener.status, listener.answer = status, answer
    assert [one.acknowledged for one in sender.deliver()] == [False]
    assert sender.deliver() == []
    clock.on(seconds=30)
    listener.status, listener.answer = 200, ACK.format("true")
    assert [one.acknowledged for one in sender.deliver()] == [True]
    first, again = listener.ids()
    assert first == again
    assert (len(sender.waiting), len(sender.delivered)) == (0, 1)


def test_no_answer_at_all_is_a_failure(sender: OutboundMessages) -> None:
    sender.subscribe("Opportunity", ("Name",), "http://127.0.0.1:9/nobody")
    deal(sender.org)
    assert [(one.status, one.acknowledged) for one in sender.deliver()] == [(None, False)]
    assert len(sender.waiting) == 1


def test_retries_grow_to_two_hours_and_end_after_a_day(
    sender: OutboundMessages, listener: Listener, clock: Clock
) -> None:
    sender.subscribe("Opportunity", ("Name",), listener.address)
    deal(sender.org)
    listener.status, began, sent = 503, clock.at, []
    while sender.waiting:
        sent.append(clock.at - began)
        sender.deliver()
        clock.at = min((one.due for one in sender.waiting), default=clock.at)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert gaps[:4] == [timedelta(seconds=s) for s in (30, 60, 120, 240)]
    assert max(gaps) == gaps[-1] == timedelta(hours=2)
    assert timedelta(hours=22) <= sent[-1] <= timedelta(hours=24)
    assert len(sender.dropped) == 1


def test_a_condition_decides_and_a_deletion_says_nothing(
    sender: OutboundMessages, listener: Listener
) -> None:
    sender.subscribe(
        "Opportunity", ("Name",), listener.address, lambda one: one.row["StageName"] == "Closed Won"
    )
    record = deal(sender.org)
    assert sender.deliver() == []
    sender.org.update("Opportunity", record, {"StageName": "Closed Won"})
    sender.deliver()
    sender.org.delete("Opportunity", record)
    assert sender.deliver() == []
    assert len(listener.bodies) == 1


def test_what_was_deleted_before_its_turn_is_not_sent(sender: OutboundMessages, listener: Listener) -> None:
    sender.subscribe("Opportunity", ("Name",), listener.address)
    record = deal(sender.org)
    sender.org.delete("Opportunity", record)
    sender.deliver()
    assert (listener.bodies, len(sender.dropped)) == ([], 1)


def test_messages_can_come_twice_and_out_of_order(sender: OutboundMessages, listener: Listener) -> None:
    sender.subscribe("Opportunity", ("Name",), listener.address)
    for number in range(30):
        deal(sender.org, f"{number:02}")
    sender.shuffled = True
    sender.deliver()
    names = listener.values("Name")
    assert sorted(names) == [f"{number:02}" for number in range(30)] != names
    sender.resend(2)
    assert listener.ids()[1]
    assert set(listener.ids()[1]) <= set(listener.ids()[0])
    deal(sender.org, "later")
    deal(sender.org, "latest")
    sender.deliver_reversed()
    assert listener.values("Name")[-2:] == ["latest", "later"]


def test_the_session_id_is_sent_only_where_it_was_asked_for(
    sender: OutboundMessages, listener: Listener
) -> None:
    sender.session_id = "00D!session"
    sender.subscribe("Account", ("Name",), listener.address, session=True)
    sender.org.insert("Account", {"Name": "Acme"})
    sender.deliver()
    assert [one.text for one in _found(listener.bodies[0], f"{{{OUTBOUND}}}SessionId")] == ["00D!session"]


def test_a_field_the_object_does_not_have_cannot_be_subscribed(sender: OutboundMessages) -> None:
    with pytest.raises(ValueError, match="Nonsense__c"):
        sender.subscribe("Opportunity", ("Name", "Nonsense__c"), "http://127.0.0.1:9/")


def test_an_answer_with_a_document_type_is_no_acknowledgement() -> None:
    assert acknowledges(ACK.format("true").encode())
    assert not acknowledges(b"<!DOCTYPE x [<!ENTITY e 'true'>]>" + ACK.format("&e;").encode())


def _schema(tmp_path: Path) -> etree.XMLSchema:
    """The schemas of the sample WSDL as files that name each other."""
    if not WSDL.exists():
        pytest.skip("the published outbound message WSDL is not there (shared/specs/salesforce)")
    xsd = "{http://www.w3.org/2001/XMLSchema}"
    parts = etree.parse(WSDL).getroot().findall(f".//{xsd}schema")
    names = {str(part.get("targetNamespace")): f"part{at}.xsd" for at, part in enumerate(parts)}
    for part in parts:
        for needed in part.findall(f"{xsd}import"):
            needed.set("schemaLocation", names[str(needed.get("namespace"))])
        spaces = {"ent": "urn:enterprise.soap.sforce.com", "ens": SOBJECT, "tns": OUTBOUND}
        whole = etree.Element(f"{xsd}schema", dict(part.attrib), nsmap={**part.nsmap, **spaces})
        whole.extend(list(part))
        (tmp_path / names[str(part.get("targetNamespace"))]).write_bytes(etree.tostring(whole))
    return etree.XMLSchema(etree.parse(tmp_path / names[OUTBOUND]))


def _sample_object() -> SObject:
    sample = SObject("i360__Appointment__c", "a0X", custom=True)
    kinds = {"Address__c": "string", "Prospect_Name__c": "string", "Prospect__c": "reference"}
    fields = [
        *(Field(name, "boolean" if name == "IsDeleted" else "string") for name in ("Id", "IsDeleted")),
        *(Field(name, "datetime") for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")),
        *(Field(name, "string") for name in ("CreatedById", "LastModifiedById")),
        Field("i360__Start__c", "date"),
        *(
            Field(f"i360__{name}", kind, refers_to=("Account",) if kind == "reference" else ())
            for name, kind in kinds.items()
        ),
    ]
    sample.add(fields)
    return sample


def test_envelopes_are_valid_by_the_published_schema(
    sender: OutboundMessages, listener: Listener, tmp_path: Path
) -> None:
    schema = _schema(tmp_path)
    sender.org.define(_sample_object())
    names = ("i360__Start__c", "i360__Address__c", "i360__Prospect__c", "i360__Prospect_Name__c")
    sender.subscribe("i360__Appointment__c", names, listener.address)
    account = sender.org.insert("Account", {"Name": "Acme"})
    for number in range(100):
        values = {"i360__Address__c": f"Way {number}", "i360__Start__c": "2026-12-01"}
        sender.org.insert("i360__Appointment__c", {**values, "i360__Prospect__c": account})
    sender.deliver()
    sent = etree.fromstring(listener.bodies[0])[0][0]
    assert len(sent) == 105
    schema.assertValid(etree.ElementTree(sent))


@pytest.mark.parametrize("spoil", [lambda n: n.remove(n[1]), lambda n: n.append(n[-1][0])])
def test_the_published_schema_sees_a_spoilt_envelope(
    sender: OutboundMessages, listener: Listener, tmp_path: Path, spoil: Callable[[Any], None]
) -> None:
    schema = _schema(tmp_path)
    sender.org.define(_sample_object())
    sender.subscribe("i360__Appointment__c", ("i360__Address__c",), listener.address)
    sender.org.insert("i360__Appointment__c", {"i360__Address__c": "Way 1"})
    sender.deliver()
    sent = etree.fromstring(listener.bodies[0])[0][0]
    assert schema.validate(etree.ElementTree(sent))
    spoil(sent)
    assert not schema.validate(etree.ElementTree(sent))
