"""Taking back what the hub cancelled: by a reversing transaction, or a refusal that says what to do.

NetSuite offers no call that voids a transaction (voiding is done on the form, or by SuiteScript), so an
invoice is credited whole and a payment refunded whole. Both carry our reference with an ending of their own,
so a repeat finds them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.netsuite import translate
from connectors.netsuite.answers import refusal
from connectors.netsuite.client import Wire
from connectors.netsuite.settings import Settings
from hub.sdk import NotYet, Record, Rejected, Write

ENDING = "-reversal"
_NAMES = {"credit_memo": "credit memo", "adjustment": "write-off"}


def is_reversal(record: Record) -> bool:
    """Was this record made here to take back another one? It is told of with that one."""
    return str(record.get("externalId") or "").endswith(ENDING)


def cancel(client: Wire, settings: Settings, record: str, one: Write, reference: str) -> str:
    """Bring NetSuite's books to what they would be without this document. Returns its internal id.

    Raises Rejected, for a person, where that cannot be done from here; what they voided or deleted is done.
    """
    seen = client.get(record, one.external_id or f"eid:{reference}", expand=True)
    if seen is None and one.external_id:
        return one.external_id  # deleted there
    if seen is None:
        text = f"{one.kind} was cancelled before it was written: nothing to do in NetSuite, close this case"
        raise refusal(text, code="cancelled")
    id = str(seen["id"])
    if _void(seen):
        return id
    if settings.cancelled == "reverse" and one.kind == "invoice":
        _credit(client, seen, reference + ENDING)
    elif settings.cancelled == "reverse" and one.kind == "payment" and settings.protocol == "rest":
        _refund(client, settings, seen, reference + ENDING)
    else:
        what = f"{_NAMES.get(one.kind, one.kind)} {seen.get('tranId') or id}"
        text = f"{what} was cancelled, and NetSuite has no call for that: void it there, then retry this case"
        raise refusal(text, code="void_by_hand")
    return id


def _void(seen: Record) -> bool:
    status = seen.get("status")
    return isinstance(status, dict) and "void" in str(status.get("refName", "")).lower()


def _credit(client: Wire, invoice: Record, reference: str) -> None:
    """All of an invoice as a credit memo that settles it. Raises NotYet while others settle a part of it."""
    if client.get("creditMemo", f"eid:{reference}") is not None:
        return
    id, total = str(invoice["id"]), _number(invoice, "total")
    if _number(invoice, "amountRemaining") != total:
        text = (
            f"invoice {invoice.get('tranId') or id} is settled in part there; it is cancelled once it is not"
        )
        raise NotYet(text, sent=False)
    apply = {"doc": {"id": id}, "line": 0, "apply": True, "amount": total}
    body = {
        "externalId": reference, "memo": f"Cancels {invoice.get('tranId') or id}", "autoApply": False,
        "apply": {"items": [apply]},
    }  # fmt: skip
    client.transform("invoice", id, "creditMemo", body)
    left = _number(client.get("invoice", id) or {}, "amountRemaining")
    if left:
        raise Rejected(f"invoice {id} was credited whole, and {left} of it is still open", code="echo")


def _refund(client: Wire, settings: Settings, payment: Record, reference: str) -> None:
    """A payment given back: first it settles nothing any more, then all of it leaves its account again."""
    if client.get("customerRefund", f"eid:{reference}") is not None:
        return
    id = str(payment["id"])
    own = "" if payment.get("undepFunds") else str((payment.get("account") or {}).get("id") or "")
    account = own or settings.reversal_account
    if not account:
        what = f"payment {payment.get('tranId') or id} was taken back and lies in Undeposited Funds there"
        text = f"{what}: void it in NetSuite, or set reversal_account, then retry this case"
        raise refusal(text, code="void_by_hand")
    settled = translate.applied(payment)
    if settled:
        gone = [{"doc": {"id": doc}, "line": line, "apply": False} for doc, line in settled]
        client.update("customerPayment", id, {"autoApply": False, "apply": {"items": gone}})
    body: dict[str, Any] = {
        "externalId": reference, "memo": f"Reverses {payment.get('tranId') or id}",
        "account": {"id": account},
    }  # fmt: skip
    client.transform("customerPayment", id, "customerRefund", body)


def _number(record: Record, name: str) -> Decimal:
    return translate.decimal(record.get(name) or 0, name)
