"""Sends credit memos and adjustments: a credit note on the invoice that is owed less for them."""

from __future__ import annotations

from typing import NamedTuple

from connectors.stripe.amounts import to_minor
from connectors.stripe.client import REFERENCE, Client, id_of, metadata
from connectors.stripe.once import once, step_key
from hub.sdk import Record, Rejected, Write

_OURS = frozenset({"expected", "cancelled", "metadata", "currency"})


class Crediting(NamedTuple):
    """The writing of credit notes. What carries our id on the invoice is not made again."""

    client: Client

    def push(self, write: Write) -> str:
        """Bring a credit note up to date; returns Stripe's id of it. Raises ConnectorError or Unmappable."""
        invoice = str(write.record.get("invoice") or "")
        note = self._note(write, invoice)
        if write.record.get("cancelled"):
            return self._cancel(write, note)
        currency = str(write.record.get("currency") or "").lower()
        amount = to_minor((write.record.get("expected") or {}).get("total"), currency, "expected.total")
        note = note or self._made(write, invoice, amount)
        echo = (str(note.get("currency")), note.get("total"), id_of(note.get("invoice")))
        if echo != (currency, amount, invoice) or note.get("status") == "void":
            text = f"Stripe has credit note {note.get('id')} as {echo} ({note.get('status')})"
            raise Rejected(f"{text}, ours is {(currency, amount, invoice)} in smallest units", code="echo")
        return str(note["id"])

    def _note(self, write: Write, invoice: str) -> Record | None:
        if write.external_id:
            return self.client.wire.get(f"/v1/credit_notes/{write.external_id}")
        notes = self.client.credit_notes(invoice)
        return next((one for one in notes if metadata(one).get(REFERENCE) == write.reference), None)

    def _made(self, write: Write, invoice: str, amount: int) -> Record:
        """What exceeds the open amount was paid: it is credited off Stripe, where the hub keeps it.

        As a credit balance Stripe would set it off against the customer's next invoice by itself.
        """
        about = self.client.invoice(invoice)
        if about is None:
            raise Rejected(f"there is no invoice {invoice} in Stripe any more", code="deleted", sent=False)
        paid_part = max(amount - int(about.get("amount_remaining") or 0), 0)
        form = {
            "email_type": "none",
            **{name: value for name, value in write.record.items() if name not in _OURS},
            "amount": amount,
            "out_of_band_amount": paid_part or None,
            "metadata": {**(write.record.get("metadata") or {}), REFERENCE: write.reference},
        }

        def look(_: str) -> Record | None:
            return self._note(write, invoice)

        return once(self.client.wire, "/v1/credit_notes", form, step_key(write, "note"), look)

    def _cancel(self, write: Write, note: Record | None) -> str:
        if note is None:
            text = "it was cancelled before it was written: nothing to do in Stripe, close this case"
            raise Rejected(text, code="cancelled", sent=False)
        id = str(note["id"])

        def void(_: str) -> Record | None:
            now = self.client.wire.get(f"/v1/credit_notes/{id}")
            return now if now.get("status") == "void" else None

        if note.get("status") != "void":
            once(self.client.wire, f"/v1/credit_notes/{id}/void", {}, step_key(write, f"{id}:void"), void)
        return id
