"""The print of a billing document, as SAP's output control made it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from connectors.sap.client import BILLING, Client
from connectors.sap.translate import text
from hub.sdk import Rejected, Transient


def pdf(client: Client, billing: str) -> bytes:
    """Function import GetPDF [edmx]. Raises Rejected where there is no such document, or no print of it."""
    found = client.get(BILLING, "GetPDF", {"BillingDocument": text(billing)})
    if found is None:
        raise Rejected(f"billing document {billing} is gone from SAP", code="gone", sent=False)
    told = found.get("GetPDF")
    encoded = str(told.get("BillingDocumentBinary") or "") if isinstance(told, Mapping) else ""
    if not encoded:
        raise Rejected(f"SAP has no print of billing document {billing}", code="no_print", sent=False)
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise Transient("SAP's print is no base64", code="bad_answer", sent=False) from None
