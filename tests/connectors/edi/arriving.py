"""Interchanges as they arrive at a connection, and the changes that come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.edi.connector import Edi, Settings
from hub.connector import Change, Delivery
from tests.connectors.edi.made import group, interchange, isa, order

AT = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
KEY = "edi-upload-secret"
BASE: Mapping[str, Any] = {
    "our_id": "SELLER", "partner_id": "BUYER", "customer": "netsuite:107", "partner_name": "Acme Stores",
    "upload_key": KEY,
}  # fmt: skip


def edi(**settings: Any) -> Edi:
    """A connection to the partner of `made.isa`."""
    return Edi(Settings.model_validate({**BASE, **settings}))


def delivery(body: bytes) -> Delivery:
    """An upload with the right key."""
    return Delivery({"authorization": f"Bearer {KEY}"}, body, "https://hub.example/files/edi-acme", AT)


def changes(body: bytes, **settings: Any) -> list[Change]:
    """Everything that is read."""
    return list(edi(**settings).read(delivery(body)))


def of_kind(kind: str, body: bytes, **settings: Any) -> list[Change]:
    """The changes of one kind; of acknowledgments the partner's."""
    found = [one for one in changes(body, **settings) if one.kind == kind]
    return [one for one in found if not one.external_id.startswith("our:")]


def ours(body: bytes, **settings: Any) -> Mapping[str, Any]:
    """Our acknowledgment of the only interchange; empty where there is none."""
    found = [one for one in changes(body, **settings) if one.external_id.startswith("our:")]
    assert len(found) < 2
    return found[0].record or {} if found else {}


def bought(
    *lines: str, head: Sequence[str] = ("BEG*00*SA*PO-1**20261122",), version: str = "004010"
) -> bytes:
    """A purchase order of these segments."""
    return interchange(group(order(*head, *lines), version=version))


def purchase(*lines: str, **told: Any) -> Mapping[str, Any]:
    """The record of the only order."""
    (only,) = of_kind("order", bought(*lines, **told))
    assert only.problem is None, only.problem
    assert only.record is not None
    return only.record


def refusal(*lines: str, settings: Mapping[str, Any] | None = None, **told: Any) -> str:
    """Why the only order has no record."""
    (only,) = of_kind("order", bought(*lines, **told), **(settings or {}))
    assert only.record is None
    return str(only.problem)


def changed(*lines: str, head: str = "BCH*04*SA*PO-1**2*20261101*****20261122") -> Change:
    """What an 860 of these lines comes to."""
    body = interchange(group(order(head, *lines, set_id="860"), code="PC"))
    (only,) = of_kind("order_change", body)
    return only


def paid(*lines: str, bpr: str = "C*90*C*ACH", trn: str = "TRN*1*TRACE-1", version: str = "004010") -> bytes:
    """An 820 of these segments."""
    inner = (f"BPR*{bpr}************20261122", *([trn] if trn else []), *lines)
    return interchange(group(order(*inner, set_id="820"), code="RA", version=version))


def advice(*lines: str, settings: Mapping[str, Any] | None = None, **told: Any) -> Mapping[str, Any]:
    """The record of the only remittance."""
    (only,) = of_kind("remittance", paid(*lines, **told), **(settings or {}))
    assert only.problem is None, only.problem
    assert only.record is not None
    return only.record


__all__ = [
    "AT", "BASE", "KEY", "advice", "bought", "changed", "changes", "delivery", "edi", "group", "interchange",
    "isa", "of_kind", "order", "ours", "paid", "purchase", "refusal",
]  # fmt: skip
