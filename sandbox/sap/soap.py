"""The SOAP services of accounting: synchronous posting of journal entries, asynchronous clearing."""

from __future__ import annotations

import re
import uuid
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.sap import wsdl
from sandbox.sap.journal import entry_of, logged
from sandbox.sap.ledger import document_id, reference_of
from sandbox.sap.odata import Answer, Ask
from sandbox.sap.refusals import Refusal
from sandbox.sap.values import exact

if TYPE_CHECKING:
    from sandbox.sap.simulator import SapSandbox

SFIN = "http://sap.com/xi/SAPSCORE/SFIN"
WSA = "http://www.w3.org/2005/08/addressing"
ENVELOPES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
CREATE, CLEARING = "journalentrycreaterequestconfi", "journalentrybulkclearingreques"
ROOTS = {CREATE: "JournalEntryBulkCreateRequest", CLEARING: "JournalEntryBulkClearingRequest"}
REQUESTS_MAX = 1000
Element = etree._Element


class SoapFault(Exception):
    """The message itself is refused: a SOAP fault."""


def child(of: Element, name: str) -> Element | None:
    """The first child with this local name, of any namespace."""
    return next((one for one in of if isinstance(one.tag, str) and etree.QName(one).localname == name), None)


def children(of: Element, name: str) -> list[Element]:
    """All children with this local name."""
    return [one for one in of if isinstance(one.tag, str) and etree.QName(one).localname == name]


def text(of: Element, name: str) -> str:
    """The text of a child, empty where there is none."""
    found = child(of, name)
    return (found.text or "").strip() if found is not None else ""


def must(of: Element, name: str, size: int = 0) -> str:
    """The text of a child that must be there. Raises SoapFault."""
    told = text(of, name)
    if not told or (size and len(told) > size):
        raise SoapFault(f"Error in XML: element {name} is missing or has an invalid value '{told[:60]}'")
    return told


def day(of: Element, name: str) -> date:
    """A date that must be there. Raises SoapFault."""
    try:
        return date.fromisoformat(must(of, name))
    except ValueError:
        raise SoapFault(f"Error in XML: {name} is not a date") from None


def amount(of: Element, name: str) -> Decimal | None:
    """An amount. Raises SoapFault."""
    told = text(of, name)
    if not told:
        return None
    found = child(of, name)
    assert found is not None
    if not found.get("currencyCode"):
        raise SoapFault(f"Error in XML: {name} has no currencyCode")
    try:
        return exact(told)
    except InvalidOperation:
        raise SoapFault(f"Error in XML: {name} is not a decimal number") from None


class Soap:
    """Answers the SOAP requests. The caller holds the lock and has checked who calls."""

    def __init__(self, sap: SapSandbox) -> None:
        self.sap = sap
        self.known: set[str] = set()  # message ids of the reliable services

    def answer(self, ask: Ask, api: str) -> Answer:
        """Serve one request to the service of this name."""
        version = 0
        try:
            if api not in ROOTS:
                raise Refusal(404, "404", f"Service {api} is not registered")
            if ask.method == "GET":
                return Answer(200, wsdl.document(f"{ask.origin}{ask.path}"), "text/xml")
            head, body, version = self._opened(ask.body)
            root = child(body, ROOTS[api])
            if root is None or etree.QName(root).namespace != SFIN:
                raise SoapFault(f"Operation not found: expected {{{SFIN}}}{ROOTS[api]}")
            if api == CREATE:
                return _enveloped(self._created(root), version)
            self._accept(head, root)
            return Answer(202)
        except SoapFault as no:
            return _fault(str(no), version)

    def _opened(self, body: bytes) -> tuple[Element | None, Element, int]:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            root = etree.fromstring(body, parser)
        except etree.XMLSyntaxError as no:
            raise SoapFault(f"Error in XML: {no}") from None
        space = etree.QName(root).namespace
        content = child(root, "Body")
        if space not in ENVELOPES or content is None:
            raise SoapFault("The message is not a SOAP envelope")
        return child(root, "Header"), content, ENVELOPES.index(space)

    def _created(self, root: Element) -> str:
        header = child(root, "MessageHeader")
        if header is None or not text(header, "CreationDateTime"):
            raise SoapFault("Error in XML: MessageHeader/CreationDateTime is missing")
        requests = children(root, "JournalEntryCreateRequest")
        if not requests or len(requests) > REQUESTS_MAX:
            raise SoapFault("Error in XML: JournalEntryCreateRequest is missing")
        told = [self._posted(one) for one in requests]
        worst = max((one[1] for one in told), key=int)
        at = self.sap.system.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        id = text(header, "ID")
        mark = f"<ReferenceID>{escape(id)}</ReferenceID>" if id else ""
        inner = "".join(one[0] for one in told)
        return (
            f'<n0:JournalEntryBulkCreateConfirmation xmlns:n0="{SFIN}"><MessageHeader>{mark}'
            f"<CreationDateTime>{at}</CreationDateTime></MessageHeader>"
            "<ConfirmationInterfaceOrignName>JournalEntryCreateConfirmation_Out</ConfirmationInterfaceOrignName>"
            f"{inner}"
            f"<Log><MaximumLogItemSeverityCode>{worst}</MaximumLogItemSeverityCode></Log>"
            "</n0:JournalEntryBulkCreateConfirmation>"
        )

    def _posted(self, request: Element) -> tuple[str, str]:
        """One posting: the confirmation and its severity; a refusal is a confirmation, too."""
        journal, header = child(request, "JournalEntry"), child(request, "MessageHeader")
        if journal is None or header is None:
            raise SoapFault("Error in XML: JournalEntry or its MessageHeader is missing")
        company = must(journal, "CompanyCode", 4)
        year = str(day(journal, "PostingDate").year)
        number, items = "0000000000", []
        try:
            number, severity = self._post(journal, header), "1"
            items = [("605(RW)", "1", f"Document posted successfully: BKPFF {number}{company}{year}")]
        except Refusal as no:
            severity = "3"
            items = [("609(RW)", "3", "Error in document: BKPFF $ S4HCLNT100")]
            items += [(_type(one.code), "3", one.message) for one in no.details]
        at = self.sap.system.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        told = f"<AccountingDocument>{number}</AccountingDocument><CompanyCode>{company}</CompanyCode>"
        told += f"<FiscalYear>{year}</FiscalYear>"
        id = text(header, "ID")
        mark = f"<ReferenceID>{escape(id)}</ReferenceID>" if id else ""
        return (
            f"<JournalEntryCreateConfirmation><MessageHeader>{mark}<CreationDateTime>{at}</CreationDateTime>"
            f"</MessageHeader><JournalEntryCreateConfirmation>{told}</JournalEntryCreateConfirmation>"
            f"{logged(items, severity)}</JournalEntryCreateConfirmation>",
            severity,
        )

    def _post(self, journal: Element, header: Element) -> str:
        with self.sap.changing():
            ledger = self.sap.application.ledger
            if text(header, "TestDataIndicator") == "true":
                ledger.check(entry_of(journal))
                return "0000000000"
            reason = text(journal, "ReversalReason")
            if reason:  # the document is named as in message RW/605: number, company code, year
                told = must(journal, "ReversalReferenceDocument", 20)
                document = f"{told[10:14]}-{told[14:18]}-{told[:10]}"
                rows = ledger.reverse(document, day(journal, "PostingDate"), reason)
            else:
                rows = ledger.post(entry_of(journal))
            done = "reverse" if reason else "post"
            self.sap.store.effect(done, "JournalEntry", document_id(rows[0]), reference_of(rows[0]))
        return str(rows[0]["AccountingDocument"]).zfill(10)

    def _accept(self, head: Element | None, root: Element) -> None:
        """Take a clearing request in, to be worked off later."""
        id = next((text(one, "MessageID") for one in [head] if one is not None), "")
        action = text(head, "Action") if head is not None else ""
        if not id or not action:
            raise SoapFault("A WS-Addressing header (wsa:Action, wsa:MessageID) is required")
        header = child(root, "MessageHeader")
        if header is None:
            raise SoapFault("Error in XML: MessageHeader is missing")
        own = must(header, "ID", 35)
        must(header, "CreationDateTime")
        if id in self.known:
            return  # reliable messaging: a repeated message is acknowledged again and forgotten
        requests = [
            one for r in children(root, "JournalEntryClearingRequest") for one in children(r, "JournalEntry")
        ]
        if not requests:
            raise SoapFault("Error in XML: JournalEntryClearingRequest/JournalEntry is missing")
        wanted = [clearing_of(one) for one in requests]
        self.known.add(id)
        test = text(header, "TestDataIndicator") == "true"
        for told in wanted:
            self.sap.queue_clearing(id, own, told, test=test)


def clearing_of(journal: Element) -> dict[str, Any]:
    """A clearing request as plain values. Raises SoapFault."""
    items = []
    for one in children(journal, "APARItems"):
        items.append(
            {
                "company": text(one, "CompanyCode") or must(journal, "CompanyCode", 4),
                "type": must(one, "AccountType", 1),
                "account": must(one, "APARAccount", 10),
                "year": must(one, "FiscalYear", 4),
                "document": must(one, "AccountingDocument", 10),
                "item": must(one, "AccountingDocumentItem", 6).lstrip("0"),
                "partial": amount(one, "PartialPaymentAmtInDspCrcy"),
                "discount": amount(one, "CashDiscountAmountInDspCrcy"),
                "deduction": amount(one, "OtherDeductionAmountInDspCrcy"),
                "reason": text(one, "PaymentDifferenceReason"),
            }
        )
    return {
        "company": must(journal, "CompanyCode", 4),
        "type": must(journal, "AccountingDocumentType", 2),
        "document_date": day(journal, "DocumentDate"),
        "posting_date": day(journal, "PostingDate"),
        "currency": must(journal, "CurrencyCode", 3),
        "text": text(journal, "DocumentHeaderText"),
        "reference": text(journal, "ReferenceDocument"),
        "items": items,
        "gl_items": len(children(journal, "GLItems")),
    }


def _type(code: str) -> str:
    matched = re.match(r"^(\w+)/(\d+)$", code)
    return f"{matched.group(2)}({matched.group(1)})" if matched else code[:40]


def _enveloped(inner: str, version: int) -> Answer:
    space = ENVELOPES[version]
    body = (
        f'<soap-env:Envelope xmlns:soap-env="{space}"><soap-env:Header/>'
        f"<soap-env:Body>{inner}</soap-env:Body></soap-env:Envelope>"
    )
    return Answer(
        200, body, "text/xml; charset=utf-8" if version == 0 else "application/soap+xml; charset=utf-8"
    )


def _fault(message: str, version: int) -> Answer:
    log = "Web service processing error; more details in the web service error log on provider side"
    said = f"{log} (Transaction ID {uuid.uuid4().hex.upper()}): {message}"
    inner = (
        f"<soap-env:Fault><faultcode>soap-env:Client</faultcode><faultstring>{escape(said)}</faultstring>"
        "</soap-env:Fault>"
        if version == 0
        else "<soap-env:Fault><soap-env:Code><soap-env:Value>soap-env:Sender</soap-env:Value></soap-env:Code>"
        f'<soap-env:Reason><soap-env:Text xml:lang="en">{escape(said)}</soap-env:Text></soap-env:Reason>'
        "</soap-env:Fault>"
    )
    return _enveloped(inner, version)._replace(status=500)
