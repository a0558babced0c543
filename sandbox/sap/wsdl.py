"""A WSDL of the clearing service in our own words: what a SOAP client needs to call it."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

SFIN = "http://sap.com/xi/SAPSCORE/SFIN"
ACTION = f"{SFIN}/JournalEntryBulkClearingRequest_In/JournalEntryBulkClearingRequest_InRequest"
_TYPES = {
    "Amount": None,
    "MessageHeader": ["ID:string", "CreationDateTime:dateTime", "TestDataIndicator:boolean?"],
    "APARItem": [
        "ReferenceDocumentItem:string?", "CompanyCode:string?", "AccountType:string", "APARAccount:string",
        "FiscalYear:string", "AccountingDocument:string", "AccountingDocumentItem:string",
        "PartialPaymentAmtInDspCrcy:t:Amount?", "CashDiscountAmountInDspCrcy:t:Amount?",
        "OtherDeductionAmountInDspCrcy:t:Amount?", "PaymentDifferenceReason:string?",
    ],
    "GLItem": [
        "ReferenceDocumentItem:string?", "CompanyCode:string?", "GLAccount:string", "FiscalYear:string",
        "AccountingDocument:string", "AccountingDocumentItem:string",
    ],
    "ClearingEntry": [
        "CompanyCode:string", "AccountingDocumentType:string", "DocumentDate:date", "PostingDate:date",
        "CurrencyCode:string", "DocumentHeaderText:string?", "ReferenceDocument:string?",
        "CreatedByUser:string?", "GLItems:t:GLItem*", "APARItems:t:APARItem*",
    ],
    "ClearingRequest": ["MessageHeader:t:MessageHeader", "JournalEntry:t:ClearingEntry"],
    "BulkClearingRequest": [
        "MessageHeader:t:MessageHeader", "JournalEntryClearingRequest:t:ClearingRequest*",
    ],
}  # fmt: skip
_OCCURS = {"?": ' minOccurs="0"', "*": ' minOccurs="0" maxOccurs="unbounded"'}


def _element(told: str) -> str:
    mark = told[-1] if told[-1] in "?*" else ""
    name, _, kind = told.rstrip("?*").partition(":")
    kind = kind.replace("t:", "tns:") if kind.startswith("t:") else f"xsd:{kind}"
    return f'<xsd:element name="{name}" type="{kind}"{_OCCURS.get(mark, "")}/>'


def _type(name: str, elements: list[str] | None) -> str:
    if elements is None:
        return (
            f'<xsd:complexType name="{name}"><xsd:simpleContent><xsd:extension base="xsd:decimal">'
            '<xsd:attribute name="currencyCode" type="xsd:string" use="required"/>'
            "</xsd:extension></xsd:simpleContent></xsd:complexType>"
        )
    inner = "".join(map(_element, elements))
    return f'<xsd:complexType name="{name}"><xsd:sequence>{inner}</xsd:sequence></xsd:complexType>'


def document(address: str) -> str:
    """The WSDL for a service at this address."""
    types = "".join(_type(name, elements) for name, elements in _TYPES.items())
    operation = "JournalEntryBulkClearingRequest_In"
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<wsdl:definitions targetNamespace="{SFIN}" xmlns:tns="{SFIN}"'
        ' xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl">'
        f'<wsdl:types><xsd:schema targetNamespace="{SFIN}">{types}'
        '<xsd:element name="JournalEntryBulkClearingRequest" type="tns:BulkClearingRequest"/></xsd:schema>'
        '</wsdl:types><wsdl:message name="Request"><wsdl:part name="Request"'
        ' element="tns:JournalEntryBulkClearingRequest"/></wsdl:message>'
        f'<wsdl:portType name="{operation}"><wsdl:operation name="{operation}">'
        '<wsdl:input message="tns:Request"/></wsdl:operation></wsdl:portType>'
        f'<wsdl:binding name="binding" type="tns:{operation}">'
        '<wsaw:UsingAddressing wsdl:required="true"/>'
        '<soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>'
        f'<wsdl:operation name="{operation}"><soap:operation soapAction="{ACTION}" style="document"/>'
        '<wsdl:input><soap:body use="literal"/></wsdl:input></wsdl:operation></wsdl:binding>'
        f'<wsdl:service name="service"><wsdl:port name="binding" binding="tns:binding">'
        f"<soap:address location={quoteattr(address)}/></wsdl:port></wsdl:service></wsdl:definitions>"
    )
