"""SuiteTalk messages: envelopes signed at the moment they leave, answers told apart from faults.

Oracle's WSDL is Oracle's and is not shipped, so nothing here reads one; the tests hold every message
against the vendor's schemas.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from xml.sax.saxutils import escape

import httpx
from lxml import etree

from connectors.netsuite.answers import BUSY_SECONDS, classify, kind_of
from connectors.netsuite.auth import realm
from connectors.netsuite.soap_names import ENVELOPE, XSI, Names
from connectors.netsuite.soap_shape import Element
from hub.sdk import (
    AuthFailed,
    ConnectorError,
    Invalid,
    RateLimited,
    Rejected,
    Reply,
    SecretStr,
    Transient,
    parse_xml,
    verdict,
)

_TEXT_MAX = 2_000
_UNSIGNED = b"<platformMsgs:tokenPassport/>"  # cannot stand in any text: its < would be escaped
# Faults that say the call was wrong, whatever its HTTP status is (platform.faults.xsd); other faults than
# these and those kind_of() knows may have been carried out in part.
_WRONG = frozenset(
    {
        "insufficientPermissionFault",
        "exceededRecordCountFault",
        "invalidVersionFault",
        "exceededUsageLimitFault",
    }
)
_LOGIN = frozenset({"invalidCredentialsFault", "invalidAccountFault", "invalidSessionFault"})


def passport_signature(plain: Sequence[str], consumer_secret: str, token_secret: str) -> str:
    """HMAC-SHA256 over account, consumer key, token, nonce and timestamp, joined by & without any encoding.

    Source: "The Signature for Web Services and RESTlets", SOAP.
    """
    key = f"{consumer_secret}&{token_secret}".encode()
    return base64.b64encode(hmac.new(key, "&".join(plain).encode(), hashlib.sha256).digest()).decode()


class PassportAuth(httpx.Auth):
    """Token-based authentication in the SOAP header. Every attempt gets its own nonce and signature."""

    requires_request_body = True

    def __init__(
        self,
        *,
        account_id: str,
        consumer_key: str,
        consumer_secret: SecretStr,
        token_id: str,
        token_secret: SecretStr,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._ids = (realm(account_id), consumer_key, token_id)
        self._secrets = (consumer_secret, token_secret)
        self._clock, self._nonce = clock, nonce

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the passport into the envelope and send; httpx calls this anew for each attempt."""
        signed = request.content.replace(_UNSIGNED, self.passport(), 1)
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"content-length"]
        yield httpx.Request(
            request.method, request.url, headers=headers, content=signed, extensions=request.extensions
        )

    def passport(self) -> bytes:
        """The header element, all of its parts in the order of the schema."""
        plain = (*self._ids, self._nonce(), str(int(self._clock())))
        signed = passport_signature(plain, *(one.get_secret_value() for one in self._secrets))
        named = zip(("account", "consumerKey", "token", "nonce", "timestamp"), plain, strict=True)
        parts = [f"<platformCore:{name}>{escape(value)}</platformCore:{name}>" for name, value in named]
        last = f'<platformCore:signature algorithm="HMAC-SHA256">{signed}</platformCore:signature>'
        inner = "".join([*parts, last])
        return f"<platformMsgs:tokenPassport>{inner}</platformMsgs:tokenPassport>".encode()


def frame(
    names: Names, operation: str, *, page_size: int = 0, whole: bool = False
) -> tuple[Element, Element]:
    """An envelope and the operation's element in it. `page_size` is of searches, which tell bodies only."""
    spaces = {
        "soapenv": ENVELOPE, "xsi": XSI, "platformMsgs": names.messages, "platformCore": names.core,
        "platformCommon": names.common, "tranSales": names.sales, "tranCust": names.customers,
        "listRel": names.relationships,
    }  # fmt: skip
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap=spaces)
    header = etree.SubElement(root, f"{{{ENVELOPE}}}Header")
    etree.SubElement(header, f"{{{names.messages}}}tokenPassport")
    if page_size:
        told = etree.SubElement(header, f"{{{names.messages}}}searchPreferences")
        etree.SubElement(told, f"{{{names.messages}}}bodyFieldsOnly").text = "true"
        etree.SubElement(told, f"{{{names.messages}}}pageSize").text = str(page_size)
    body = etree.SubElement(root, f"{{{ENVELOPE}}}Body")
    return root, etree.SubElement(body, f"{{{names.messages}}}{operation}")


def opened(reply: Reply) -> Element:
    """The operation's answer. Raises ConnectorError for a fault and for what is no envelope."""
    try:
        root = parse_xml(reply.body)
    except Invalid as error:
        raise classify(reply) or Transient(f"the answer cannot be read: {error}", code="bad_xml") from None
    fault = root.find("{*}Body/{*}Fault")
    if fault is not None:
        raise faulty(reply, fault)
    if (refused := classify(reply)) is not None:
        raise refused
    inner = root.find("{*}Body/*")
    if inner is None:
        raise Transient("the answer is XML but no SOAP envelope", code="bad_xml", status=reply.status)
    return inner


def faulty(reply: Reply, fault: Element) -> ConnectorError:
    """The error a fault stands for: by its element and FaultCodeType, else by the status it came with."""
    detail = fault.find("detail/*")
    name = "" if detail is None else etree.QName(detail).localname
    code = "" if detail is None else (detail.findtext("{*}code") or "").strip()
    text = (
        (None if detail is None else detail.findtext("{*}message")) or fault.findtext("faultstring") or name
    )
    text = " ".join(text.split())[:_TEXT_MAX] or "a SOAP fault without a message"
    kind = kind_of(reply.status, [code], f"{name} {text}".lower())
    if kind is None and name in _LOGIN:
        kind = AuthFailed
    if kind is None and name in _WRONG:
        kind = Rejected
    if kind is None:
        refused = verdict(reply, text, code=code)
        return refused or Transient(text, code=code, status=reply.status)
    return _made(kind, text, code, reply.status)


def status_error(answer: Element) -> ConnectorError | None:
    """What the status of one record's answer says; a warning is a success. It comes with HTTP 200."""
    status = answer.find("{*}status")
    if status is None:
        return Transient("NetSuite's answer has no status", code="bad_xml")
    if status.get("isSuccess") in ("true", "1"):
        return None
    details = [one for one in status.findall("{*}statusDetail") if one.get("type", "ERROR") == "ERROR"]
    codes = [(one.findtext("{*}code") or "").strip() for one in details]
    texts = [" ".join((one.findtext("{*}message") or "").split()) for one in details]
    text = "; ".join(filter(None, texts))[:_TEXT_MAX] or "NetSuite refused without a reason"
    code = codes[0] if codes else ""
    if any(one.findtext("{*}afterSubmitFailed") in ("true", "1") for one in details):
        # saved, and then a script of the account failed: what is there must be looked at
        return Transient(f"saved, but a script failed afterwards: {text}", code=code, status=200)
    return _made(kind_of(200, codes, text.lower()) or Rejected, text, code, 200)


def _made(kind: type[ConnectorError], text: str, code: str, status: int) -> ConnectorError:
    busy = issubclass(kind, RateLimited)
    wait = BUSY_SECONDS if busy else None
    return kind(text, code=code, status=status, retry_after=wait, sent=not busy)
