"""SOAP messages of SAP's accounting services: envelopes built from our own description, answers told apart.

The services' WSDLs are SAP's and are not shipped, so nothing here reads one; the tests hold what is sent
against the vendor's schemas.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias, cast

from lxml import etree

from hub.sdk import (
    AuthFailed,
    ConnectorError,
    Door,
    Invalid,
    Rejected,
    Reply,
    Transient,
    parse_xml,
    verdict,
)

SFIN = "http://sap.com/xi/SAPSCORE/SFIN"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_MESSAGES = uuid.UUID("0f6f3f6e-5d0b-4c0e-9a53-8f7f6a1c2d47")  # namespace of the message ids we derive
_ANSWER_BYTES_MAX = 4 * 1024 * 1024
_TEXT_MAX = 2_000
_TRANSACTION = re.compile(r"[Tt]ransaction ID:? ?([0-9A-F]{32})")
# What the caller did wrong, by SOAP 1.1 (4.4.1) and SOAP 1.2 (part 1, 5.4.6); anything else may be done.
_CALLER = frozenset({"Client", "Sender", "VersionMismatch", "MustUnderstand", "DataEncodingUnknown"})
_FAULT_SPEAKS = frozenset({200, 202, 400, 500})  # any other status says more than the fault in its body


class Amount(NamedTuple):
    """A signed amount of one currency, as accounting messages carry it: credits are negative."""

    value: Decimal
    currency: str


Content: TypeAlias = "str | date | Amount | Sequence[Node] | None"
Node: TypeAlias = tuple[str, Content]
Element: TypeAlias = etree._Element


class Message(NamedTuple):
    """One request: the service interface, its root element, and what is in it."""

    operation: str
    root: str
    content: Sequence[Node]
    uuid: str
    strict: bool = False  # asynchronous interfaces: the addressing must be understood or the message refused


def message_uuid(key: str) -> str:
    """The id of a message, always the same for the same key, so that a repeat is recognised by it."""
    return str(uuid.uuid5(_MESSAGES, key))


def header(message: str, at: datetime, suffix: str = "") -> Node:
    """A BusinessDocumentMessageHeader. Its ID has at most 35 characters [wsdl]."""
    own = message_uuid(message + suffix) if suffix else message
    name = message.replace("-", "").upper() + suffix
    created = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ("MessageHeader", [("ID", name), ("UUID", own), ("CreationDateTime", created)])


def envelope(message: Message) -> bytes:
    """The bytes to send. Raises Rejected for text that XML cannot carry."""
    root = etree.Element(f"{{{_ENVELOPE}}}Envelope", nsmap={"soapenv": _ENVELOPE, "sfin": SFIN})
    head = etree.SubElement(root, f"{{{_ENVELOPE}}}Header", nsmap={"wsa": ADDRESSING})
    for name, value in (("Action", action(message.operation)), ("MessageID", f"uuid:{message.uuid}")):
        node = etree.SubElement(head, f"{{{ADDRESSING}}}{name}")
        node.text = value
        if message.strict:
            node.set(f"{{{_ENVELOPE}}}mustUnderstand", "1")
    body = etree.SubElement(root, f"{{{_ENVELOPE}}}Body")
    _fill(etree.SubElement(body, f"{{{SFIN}}}{message.root}"), message.content)
    sent: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return sent


def action(operation: str) -> str:
    """The SOAPAction of a service interface [wsdl]."""
    return f"{SFIN}/{operation}/{operation}Request"


def _fill(parent: Element, nodes: Sequence[Node]) -> None:
    for name, content in nodes:
        # an empty element would set the field to blank at SAP: leave it out
        if content is None or (isinstance(content, str | Sequence) and len(content) == 0):
            continue
        child = etree.SubElement(parent, name)  # local elements have no namespace [wsdl]
        if isinstance(content, Amount):
            child.set("currencyCode", content.currency)
            child.text = _decimal(name, content.value)
        elif isinstance(content, str):
            child.text = _text(name, content)
        elif isinstance(content, date):
            child.text = content.isoformat()
        else:
            _fill(child, cast("Sequence[Node]", content))  # what is left of Content


def _decimal(name: str, value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -6:
        raise Rejected(f"{name}: SAP takes at most 6 decimals, this is {value}", code="amount", sent=False)
    return format(value, "f")


def _text(name: str, value: str) -> str:
    try:
        etree.Element("probe").text = value
    except ValueError:
        raise Rejected(f"{name}: holds a character that XML cannot carry", code="text", sent=False) from None
    return value


def send(door: Door, path: str, query: Mapping[str, str], message: Message) -> Reply:
    """Post a message. Any status is an answer; raises Transient where there was none."""
    headers = {
        "content-type": "text/xml; charset=utf-8",
        "accept": "text/xml",
        "soapaction": f'"{action(message.operation)}"',
    }
    return door.call("POST", path, params=query, content=envelope(message), headers=headers)


def opened(reply: Reply) -> Element | None:
    """What is in the Body of an answer; None for an accepted request that has no answer.

    Raises ConnectorError for a fault, a refusal, a page for people, and for what cannot be read.
    """
    if reply.ok and not reply.body.strip():
        return None
    if reply.ok and _is_page(reply):
        raise AuthFailed(
            "the address answers with a page for people, not with SOAP: use the API host of the system "
            "(my123456-api...) and a communication user",
            code="html",
            status=reply.status,
        )
    try:
        root = parse_xml(reply.body, bytes_max=_ANSWER_BYTES_MAX)
    except Invalid as error:
        refused = verdict(reply) or Transient(
            f"the answer cannot be read: {error}", code="bad_xml", status=reply.status
        )
        raise refused from None
    fault = root.find("{*}Body/{*}Fault")
    if fault is not None:
        raise _faulty(reply, fault)
    if (refused_by_status := verdict(reply)) is not None:
        raise refused_by_status
    body = root.find("{*}Body")
    inner = None if body is None else next(body.iterchildren(etree.Element), None)
    if body is None or etree.QName(root).localname != "Envelope":
        raise Transient("the answer is XML but no SOAP envelope", code="bad_xml", status=reply.status)
    return inner


def _is_page(reply: Reply) -> bool:
    start = reply.body[:200].lstrip().lower()
    page = "html" in reply.headers.get("content-type", "").lower()
    return page or start.startswith((b"<!doctype html", b"<html"))


def _faulty(reply: Reply, fault: Element) -> ConnectorError:
    whose = words(fault, "{*}faultcode", "{*}Code/{*}Value").rpartition(":")[2]
    code = words(fault, "{*}Code/{*}Subcode/{*}Value").rpartition(":")[2] or whose
    told = words(fault, "{*}faultstring", "{*}Reason/{*}Text") or "a SOAP fault without a message"
    leaves = [*fault.iterfind("{*}detail//*"), *fault.iterfind("{*}Detail//*")]  # SOAP 1.1, 1.2
    detail = [words(leaf) for leaf in leaves if len(leaf) == 0 and words(leaf)]
    text = "; ".join(dict.fromkeys([told, *detail]))[:_TEXT_MAX]
    found = _TRANSACTION.search(text)
    request_id = found.group(1) if found else ""
    if reply.status not in _FAULT_SPEAKS:
        refused = verdict(reply, text, code=code, request_id=request_id)
        if refused is not None:
            return refused
    kind = Rejected if whose.split(".")[0] in _CALLER else Transient
    return kind(text, code=code, status=reply.status, request_id=request_id)


def words(node: Element, *paths: str) -> str:
    """The text on the first path that has one, in one line; with no path, of the element itself."""
    for path in paths or (".",):
        found = node.find(path)
        if found is not None and found.text and found.text.strip():
            return " ".join(found.text.split())
    return ""
