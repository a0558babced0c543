"""Outbound messages: changes queue notifications, sent as SOAP with the newest values until acknowledged."""

from __future__ import annotations

import http.client
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from sandbox.salesforce import ids
from sandbox.salesforce.org import Happened, Org
from sandbox.salesforce.values import shown_number

OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
SOBJECT = "urn:sobject.enterprise.soap.sforce.com"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NOTIFICATIONS_MAX = 100  # per message (WSDL)
ANSWER_WITHIN = 60.0  # seconds a listener has
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=2)
GIVEN_UP_AFTER = timedelta(hours=24)
KEPT_MAX = 10_000
WAITING_MAX = 200_000

Condition = Callable[[Happened], bool]


def always(_: Happened) -> bool:
    """Every creation and every change."""
    return True


class Subscription(NamedTuple):
    """An outbound message as an admin sets it up, with the rule that fires it."""

    action_id: str  # 04k...
    sobject: str
    fields: tuple[str, ...]
    target: str
    condition: Condition
    session: bool  # "Send Session ID"


@dataclass
class Notification:
    """One record's turn in a message; its values are looked up when it is sent."""

    id: str  # 04l..., the same in every repetition
    subscription: Subscription
    record: str
    since: datetime
    due: datetime
    attempt: int = 0


class Receipt(NamedTuple):
    """What came of one request; status None: no answer in time."""

    status: int | None
    acknowledged: bool
    notifications: Sequence[str]


@dataclass
class OutboundMessages:
    """Sends what the org's changes fire. Requests are made outside of the kit's lock."""

    org: Org
    instance_url: str = "https://sandbox.my.salesforce.com"
    version: str = "68.0"
    session_id: str = ""
    shuffled: bool = False  # Salesforce promises no order
    waiting: list[Notification] = field(default_factory=list)
    delivered: deque[Notification] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    dropped: deque[Notification] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    subscriptions: list[Subscription] = field(default_factory=list)
    _dice: random.Random = field(default_factory=lambda: random.Random(5))

    def __post_init__(self) -> None:
        self.org.listen(self.hear)

    def subscribe(
        self,
        sobject: str,
        fields: Iterable[str],
        target: str,
        condition: Condition = always,
        *,
        session: bool = False,
    ) -> Subscription:
        """Set up an outbound message. Raises Refused NOT_FOUND, ValueError for a field that is not there."""
        with self.org.kit.lock:
            known = self.org.shape(sobject, "user").fields
            unknown = [name for name in fields if name not in known]
            if unknown:
                raise ValueError(f"{sobject} has no field {', '.join(unknown)}")
            action = ids.made("04k", self.org.number("outbound action"))
            one = Subscription(action, sobject, tuple(fields), target, condition, session)
            self.subscriptions.append(one)
            return one

    def hear(self, happened: Happened) -> None:
        """Queue a notification for each subscription the change meets; deletions fire none."""
        if happened.change == "DELETE":
            return
        for one in self.subscriptions:
            if one.sobject == happened.sobject and one.condition(happened):
                if len(self.waiting) >= WAITING_MAX:
                    raise RuntimeError(f"over {WAITING_MAX} outbound messages wait; deliver or clear them")
                id = ids.made("04l", self.org.number("notification"))
                now = self.org.now()
                self.waiting.append(Notification(id, one, happened.id, now, now))

    def deliver(self) -> list[Receipt]:
        """Send what is due now, up to 100 notifications in a message; failures wait for their next turn."""
        return self.pump(self.org.now())

    def pump(self, now: datetime) -> list[Receipt]:
        """Send what is due at this time."""
        with self.org.kit.lock:
            due = [one for one in self.waiting if one.due <= now]
            self.waiting = [one for one in self.waiting if one.due > now]
            messages = self._packed(due)
        return [self._send(message, now) for message in messages]

    def resend(self, count: int = 1) -> list[Receipt]:
        """Deliver the last acknowledged notifications once more: at-least-once in action."""
        with self.org.kit.lock:
            again = list(self.delivered)[-count:]
        return [self._send(message, None) for message in self._packed(again)]

    def deliver_reversed(self) -> list[Receipt]:
        """Send every waiting notification in a message of its own, the last one first."""
        with self.org.kit.lock:
            alone, self.waiting = self.waiting[::-1], []
        return [self._send([one], self.org.now()) for one in alone]

    def run(self, stop: threading.Event, every: float) -> None:
        """Send what is due again and again, until told to stop."""
        while not stop.wait(every):
            self.deliver()

    def _packed(self, due: list[Notification]) -> list[list[Notification]]:
        """Messages of one subscription each, at most 100 notifications in one."""
        if self.shuffled:
            self._dice.shuffle(due)
        by_action: dict[str, list[Notification]] = {}
        for one in due:
            by_action.setdefault(one.subscription.action_id, []).append(one)
        return [
            many[at : at + NOTIFICATIONS_MAX]
            for many in by_action.values()
            for at in range(0, len(many), NOTIFICATIONS_MAX)
        ]

    def _send(self, message: list[Notification], now: datetime | None) -> Receipt:
        """`now` None: a repetition that nothing follows."""
        with self.org.kit.lock:
            alive = [one for one in message if self._row(one) is not None]
            self.dropped.extend(one for one in message if one not in alive)
            body = self.envelope(alive) if alive else b""
        if not alive:
            return Receipt(None, False, ())
        status, answer = posted(alive[0].subscription.target, body)
        acknowledged = status == 200 and acknowledges(answer)
        if now is not None:
            with self.org.kit.lock:
                self._settle(alive, acknowledged, now)
        return Receipt(status, acknowledged, tuple(one.id for one in alive))

    def _row(self, one: Notification) -> dict[str, Any] | None:
        row = self.org.rows(one.subscription.sobject).get(one.record)
        return None if row is None or row["IsDeleted"] else dict(row)

    def _settle(self, message: list[Notification], acknowledged: bool, now: datetime) -> None:
        if acknowledged:
            self.delivered.extend(message)
            return
        for one in message:
            one.due = now + min(FIRST_RETRY * 2 ** min(one.attempt, 20), LONGEST_RETRY)
            one.attempt += 1
            kept = self.dropped if one.due - one.since > GIVEN_UP_AFTER else self.waiting
            kept.append(one)

    def envelope(self, message: Sequence[Notification]) -> bytes:
        """The SOAP 1.1 request for notifications of one subscription, with the values of this moment."""
        one = message[0].subscription
        root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soapenv": SOAP, "xsi": XSI})
        body = etree.SubElement(root, f"{{{SOAP}}}Body")
        told = etree.SubElement(body, f"{{{OUTBOUND}}}notifications", nsmap={None: OUTBOUND})
        _text(told, "OrganizationId", self.org.org_id)
        _text(told, "ActionId", one.action_id)
        session = _text(told, "SessionId", self.session_id if one.session else "")
        if not session.text:
            session.set(f"{{{XSI}}}nil", "true")
        tail = f"{self.version}/{self.org.org_id[:15]}"
        _text(told, "EnterpriseUrl", f"{self.instance_url}/services/Soap/c/{tail}")
        _text(told, "PartnerUrl", f"{self.instance_url}/services/Soap/u/{tail}")
        for each in message:
            self._add(told, each)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def _add(self, told: etree._Element, one: Notification) -> None:
        entry = etree.SubElement(told, f"{{{OUTBOUND}}}Notification")
        _text(entry, "Id", one.id)
        record = etree.SubElement(entry, f"{{{OUTBOUND}}}sObject", nsmap={"sf": SOBJECT})
        record.set(f"{{{XSI}}}type", f"sf:{one.subscription.sobject}")
        row = self._row(one) or {}
        etree.SubElement(record, f"{{{SOBJECT}}}Id").text = one.record
        # The enterprise WSDL orders fields by name; one without value is left out.
        for name in sorted(one.subscription.fields):
            if name != "Id" and row.get(name) is not None:
                etree.SubElement(record, f"{{{SOBJECT}}}{name}").text = lexical(row[name])


def _text(parent: etree._Element, name: str, text: str) -> etree._Element:
    child = etree.SubElement(parent, f"{{{OUTBOUND}}}{name}")
    child.text = text
    return child


def lexical(value: Any) -> str:
    """A stored value in the words of XML Schema; times in UTC with milliseconds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    return shown_number(value) if isinstance(value, Decimal) else str(value)


def posted(address: str, body: bytes) -> tuple[int | None, bytes]:
    """POST a SOAP message; status None where no answer came in time."""
    parts = urlsplit(address)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=ANSWER_WITHIN)
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "Accept": "text/xml"}
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(100_000)
    except (OSError, http.client.HTTPException):
        return None, b""
    finally:
        connection.close()


def acknowledges(answer: bytes) -> bool:
    """Is this `<Ack>true</Ack>` in a notificationsResponse? Anything else counts as a failure."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(answer, parser)
    except etree.XMLSyntaxError:
        return False
    path = f"{{{SOAP}}}Body/{{{OUTBOUND}}}notificationsResponse/{{{OUTBOUND}}}Ack"
    return root.tag == f"{{{SOAP}}}Envelope" and (root.findtext(path) or "").strip() in {"true", "1"}
