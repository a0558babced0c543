"""Reads the SOAP envelope of an outbound message: which records changed, and the answer its sender waits for.

An outbound message also carries SessionId, EnterpriseUrl and PartnerUrl, an invitation to call back. They are
never read, kept or logged: the message is not signed, so an address in it is anybody's choice (a call there
would be a server-side request forgery), and a session in our logs would be a stolen one. Records are read
again through the connection's own address and its own sign-in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from hub.sdk import Invalid, parse_xml

BODY_MAX = 4 * 1024 * 1024
NOTIFICATIONS_MAX = 100  # maxOccurs of Notification in the WSDL every org generates
CONTENT_TYPE = "text/xml; charset=utf-8"

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_SOBJECT = "urn:sobject.enterprise.soap.sforce.com"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ID = re.compile(r"[a-zA-Z0-9]{18}")  # ent:ID of the WSDL
_NAME = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)

ACK = (
    f'<soapenv:Envelope xmlns:soapenv="{_SOAP}"><soapenv:Body><notificationsResponse xmlns="{_OUTBOUND}">'
    "<Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>"
).encode()
"""The only answer that ends the retries. A bare 200 counts as a failure and the batch comes again."""


class Notification(NamedTuple):
    """One record that a flow or a workflow rule spoke of. `id` is the same in every repeat of the message."""

    id: str
    sobject: str  # empty where the message has no xsi:type; the record id's first three characters tell too
    record_id: str


class Notifications(NamedTuple):
    """One message. Its fields hold the state at sending, so the records are read again anyway."""

    org_id: str
    action_id: str
    items: Sequence[Notification]


def parse(body: bytes) -> Notifications:
    """The message in a body. Raises Invalid naming the element that is wrong.

    Shape: the outbound message WSDL (`notifications` in SOAP 1.1, ids of 18 characters).
    """
    root = _root(body)
    if root.tag != f"{{{_SOAP}}}Envelope":
        raise Invalid(f"the root is not an Envelope of SOAP 1.1 ({_SOAP})", field="Envelope")
    message = _only(_only(root, _SOAP, "Body"), _OUTBOUND, "notifications")
    found = message.findall(f"{{{_OUTBOUND}}}Notification")
    if not 1 <= len(found) <= NOTIFICATIONS_MAX:
        told = f"a message has 1 to {NOTIFICATIONS_MAX} notifications, this one has {len(found)}"
        raise Invalid(told, field="Notification")
    return Notifications(
        org_id=_id(message, _OUTBOUND, "OrganizationId", ""),
        action_id=_id(message, _OUTBOUND, "ActionId", ""),
        items=tuple(_notification(one, f"Notification[{at}].") for at, one in enumerate(found)),
    )


def _root(body: bytes) -> Any:
    if len(body) > BODY_MAX:
        told = f"an outbound message may have {BODY_MAX} bytes, this one has {len(body)}"
        raise Invalid(f"{told}; send fewer fields", field="body")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Invalid("the body is not UTF-8", field="body") from None
    if b"<!DOCTYPE" in body:  # told before parsing: a broken DTD would be called bad XML instead
        raise Invalid("the XML carries a DOCTYPE, which is not accepted", field="body")
    return parse_xml(body, bytes_max=BODY_MAX)


def _only(parent: Any, namespace: str, name: str, where: str = "") -> Any:
    found = parent.findall(f"{{{namespace}}}{name}")
    if len(found) != 1:
        told = f"there must be exactly one {name} of namespace {namespace}, there are {len(found)}"
        raise Invalid(told, field=where + name)
    return found[0]


def _id(parent: Any, namespace: str, name: str, where: str) -> str:
    text = _only(parent, namespace, name, where).text or ""
    if not _ID.fullmatch(text):
        raise Invalid(f"{text[:40]!r} is not a Salesforce id of 18 characters", field=where + name)
    return str(text)


def _notification(element: Any, where: str) -> Notification:
    sobject = _only(element, _OUTBOUND, "sObject", where)
    return Notification(
        id=_id(element, _OUTBOUND, "Id", where),
        sobject=_type_of(sobject, where),
        record_id=_id(sobject, _SOBJECT, "Id", where + "sObject."),
    )


def _type_of(sobject: Any, where: str) -> str:
    """The object's API name. xsi:type is a qualified name whose prefix stands for the sObject namespace."""
    told = sobject.get(_TYPE)
    if told is None:
        return ""
    prefix, _, name = told.strip().rpartition(":")
    if sobject.nsmap.get(prefix or None) != _SOBJECT or not _NAME.fullmatch(name):
        raise Invalid(f"xsi:type {told[:80]!r} is not an object of {_SOBJECT}", field=f"{where}sObject")
    return str(name)
