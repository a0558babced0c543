"""What NetSuite's own books say is open, for reconciliation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from connectors.netsuite import suiteql
from connectors.netsuite.client import Wire
from connectors.netsuite.translate import decimal
from hub.sdk import Invalid, OpenItem, OpenItems

Kind = Literal["invoice", "credit_memo", "payment"]
_KINDS: Mapping[str, Kind] = {
    "CustInvc": "invoice",
    "CustCred": "credit_memo",
    "CustPymt": "payment",
    "CustDep": "payment",
}


def open_items(client: Wire, cursor: str | None) -> OpenItems:
    """Everything that is open now, by internal id ascending, at most 1,000 per page."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise Invalid("not a cursor of open items: start again without one", field="cursor")
    page = client.query(suiteql.open_items(int(cursor or 0)))
    found = [_item(row) for row in page.items]
    return OpenItems(found, found[-1].external_id if page.more and found else None)


def items(client: Wire, wanted: Sequence[tuple[str, str]]) -> Sequence[OpenItem]:
    """Those of (kind, external id) that exist there, open or not."""
    ids = sorted({id for _, id in wanted if id.isascii() and id.isdigit()}, key=int)
    asked = set(wanted)
    rows = (row for some in suiteql.chunks(ids) for row in client.rows(suiteql.booked(some)))
    return [item for row in rows if ((item := _item(row)).kind, item.external_id) in asked]


def _item(row: Mapping[str, Any]) -> OpenItem:
    kind = _KINDS[str(row["type"])]
    left = "foreignamountunpaid" if kind == "invoice" else "foreignpaymentamountunused"
    void = row.get("voided") == "T"
    return OpenItem(
        kind=kind,
        external_id=str(row["id"]),
        number=str(row.get("tranid") or ""),
        customer=str(row.get("entity") or ""),
        currency=str(row.get("symbol") or ""),
        amount=_amount(row, "foreigntotal"),
        open=Decimal(0) if void else _amount(row, left),
        reference=str(row.get("externalid") or ""),
        due=date.fromisoformat(row["duedate"]) if row.get("duedate") else None,
        status="Voided" if void else str(row.get("statusname") or row.get("status") or ""),
    )


def _amount(row: Mapping[str, Any], name: str) -> Decimal:
    return abs(decimal(row.get(name) or 0, name))  # credits carry a minus sign
