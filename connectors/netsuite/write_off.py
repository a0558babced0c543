"""Writing off what is left of an invoice: a credit memo on a write-off item, or a journal that is applied."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.netsuite import settling, translate
from connectors.netsuite.answers import refusal
from connectors.netsuite.client import Wire
from connectors.netsuite.settings import Settings
from hub.sdk import Record, Rejected, Transient, Write


class Settles:
    """What a mapping of adjustments tells: the invoice, the amount, and the item or account to use."""

    def __init__(self, told: Any) -> None:
        known = told if isinstance(told, Mapping) else {}
        self.invoice = str(known.get("invoice") or "")
        self.amount = translate.decimal(known.get("amount") or 0, "settles.amount")
        self.sku = str(known.get("sku") or "")
        self.account = str(known.get("account") or "")
        if not self.invoice or self.amount <= 0:
            raise refusal("settles.invoice and settles.amount are needed: they say what is written off")


def _invoice(client: Wire, settles: Settles) -> Record:
    seen = client.get("invoice", settles.invoice)
    if seen is None:
        raise refusal(f"invoice {settles.invoice} is gone from NetSuite", code="gone")
    return seen


def expanded(client: Wire, settings: Settings, body: Record, one: Write) -> tuple[dict[str, Any], Write]:
    """The credit memo that takes what a document says off its invoice, whose customer and currency it has.

    Raises Rejected where the invoice is gone or no item is named for the reason.
    """
    settles = Settles(one.record.get("settles"))
    sku = settles.sku or (settings.write_off_items[0] if settings.write_off_items else "")
    if not sku:
        raise refusal("settles.sku is missing: name the item for this reason, or set write_off_items")
    invoice = _invoice(client, settles)
    taken = {name: {"id": _id(invoice.get(name))} for name in ("entity", "currency", "account")}
    line = {
        "item": {"sku": sku}, "quantity": Decimal(1), "rate": settles.amount, "price": {"id": "-1"},
        "taxRate1": Decimal(0),
    }  # fmt: skip
    apply = {"doc": {"id": settles.invoice}, "line": 0, "apply": True, "amount": settles.amount}
    made = {
        **body, **{name: ref for name, ref in taken.items() if ref["id"]}, "autoApply": False,
        "item": {"items": [line]}, "apply": {"items": [apply]},
    }  # fmt: skip
    expected = {"total": settles.amount, **(one.record.get("expected") or {})}
    return made, one._replace(record={**one.record, "expected": expected})


def journal(client: Wire, settings: Settings, body: Record, one: Write, reference: str) -> str:
    """The same as a journal: loss against receivables, then applied to the invoice. Returns the journal's id.

    Each of the two steps looks first whether it is done. The application is a customer payment of nothing:
    NetSuite keeps no record of such a payment, only what it applied.
    """
    settles = Settles(one.record.get("settles"))
    invoice = _invoice(client, settles)
    known = client.get("journalEntry", f"eid:{reference}")
    if known is None:
        made = _journal_body(settings, body, settles, invoice)
        client.upsert("journalEntry", reference, made, replace="line", idempotent=True)
        known = client.get("journalEntry", f"eid:{reference}")
    if known is None:
        raise Transient(f"journalEntry eid:{reference} was written but cannot be found", code="unconfirmed")
    id = str(known["id"])
    if settles.invoice not in settling.links_of(client, [id]).settled(id):
        client.create("customerPayment", _application(settles, invoice, id, body))
    booked = settling.links_of(client, [id]).settled(id).get(settles.invoice)
    if booked != settles.amount:
        text = f"journal {id} settles {booked or 0} of invoice {settles.invoice}, not {settles.amount}"
        raise Rejected(text, code="echo")
    return id


def _journal_body(settings: Settings, body: Record, settles: Settles, invoice: Record) -> Record:
    loss = {"account": {"id": settings.write_off_account}, "debit": settles.amount}
    owed = {"account": {"id": _id(invoice.get("account"))}, "credit": settles.amount}
    header = {name: {"id": id} for name in ("currency", "subsidiary") if (id := _id(invoice.get(name)))}
    lines = [loss, {**owed, "entity": {"id": _id(invoice.get("entity"))}}]
    return {**body, **header, "line": {"items": lines}}


def _application(settles: Settles, invoice: Record, journal: str, body: Record) -> Record:
    credit = {"doc": {"id": journal}, "line": 2, "apply": True, "amount": settles.amount}
    apply = {"doc": {"id": settles.invoice}, "line": 0, "apply": True, "amount": settles.amount}
    whose = {"customer": "entity", "currency": "currency", "arAcct": "account"}
    return {
        **{name: {"id": _id(invoice.get(of))} for name, of in whose.items()},
        "tranDate": body.get("tranDate"),
        "payment": Decimal(0),
        "autoApply": False,
        "apply": {"items": [apply]},
        "credit": {"items": [credit]},
    }


def _id(reference: Any) -> str:
    return str(reference.get("id") or "") if isinstance(reference, Mapping) else ""


def require_items(body: Record) -> None:
    """A credit memo that stands alone needs items. Raises Rejected naming what to do."""
    if not translate.lines_of(body):
        raise refusal(
            "item.items is empty: a credit memo without lines of its invoice needs an item to be booked on; "
            "name one in the mapping"
        )
