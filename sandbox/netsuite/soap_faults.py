"""Envelopes of SuiteTalk: the frame around every answer, and the faults with their codes."""

from __future__ import annotations

from typing import NamedTuple

from lxml import etree

from sandbox.netsuite.soap_names import CORE, ENVELOPE, FAULTS, MESSAGES, NAMES


class SoapFault(Exception):
    """A call that fails as a whole: the fault's element, its FaultCodeType and its sentence."""

    def __init__(self, element: str, code: str, message: str) -> None:
        super().__init__(message)
        self.element, self.code, self.message = element, code, message

    def envelope(self) -> bytes:
        """The XML of the fault."""
        root, _, body = frame()
        fault = etree.SubElement(body, f"{{{ENVELOPE}}}Fault")
        etree.SubElement(fault, "faultcode").text = "soapenv:Server.userException"
        etree.SubElement(fault, "faultstring").text = self.message
        detail = etree.SubElement(fault, "detail")
        told = etree.SubElement(detail, f"{{{FAULTS}}}{self.element}")
        etree.SubElement(told, f"{{{FAULTS}}}code").text = self.code
        etree.SubElement(told, f"{{{FAULTS}}}message").text = self.message
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


class Preset(NamedTuple):
    """A fault by name: of the whole call, or (no element) of every record in it."""

    element: str
    code: str
    message: str


PRESETS = {
    "soap_concurrency": Preset(
        "exceededRequestLimitFault",
        "WS_CONCUR_SESSION_DISALLWD",
        "Only one request may be made against a session at a time",
    ),
    "soap_blocked": Preset(
        "exceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED", "The request was blocked"
    ),
    "soap_unexpected": Preset("unexpectedErrorFault", "UNEXPECTED_ERROR", "An unexpected error occurred."),
    "soap_login": Preset("invalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS", "Invalid login attempt."),
    "soap_record_changed": Preset("", "RCRD_HAS_BEEN_CHANGED", "Record has been changed"),
    "soap_locked": Preset("", "RCRD_LOCKED_BY_WF", "This record has been locked by a user defined workflow."),
}


def fault(name: str) -> SoapFault:
    """A preset as an exception."""
    return SoapFault(*PRESETS[name])


def frame() -> tuple[etree._Element, etree._Element, etree._Element]:
    """An empty envelope: root, header, body."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap=dict(NAMES))
    header = etree.SubElement(root, f"{{{ENVELOPE}}}Header")
    body = etree.SubElement(root, f"{{{ENVELOPE}}}Body")
    return root, header, body


def add_status(into: etree._Element, code: str = "", message: str = "", kind: str = "ERROR") -> None:
    """The status every answer carries; a code makes it a failure unless it is a mere warning."""
    status = etree.SubElement(into, f"{{{CORE}}}status")
    status.set("isSuccess", "false" if code and kind == "ERROR" else "true")
    if code:
        detail = etree.SubElement(status, f"{{{CORE}}}statusDetail", type=kind)
        etree.SubElement(detail, f"{{{CORE}}}code").text = code
        etree.SubElement(detail, f"{{{CORE}}}message").text = message


def answer(operation: str, number: int) -> tuple[etree._Element, etree._Element]:
    """An answer's envelope and the element its content goes into."""
    root, header, body = frame()
    document = etree.SubElement(header, f"{{{MESSAGES}}}documentInfo")
    etree.SubElement(document, f"{{{MESSAGES}}}nsId").text = f"WEBSERVICES_SANDBOX_{number}"
    return root, etree.SubElement(body, f"{{{MESSAGES}}}{operation}Response")
