"""The writing half: which kind of document is written how."""

from __future__ import annotations

from connectors.stripe.client import REFERENCE, Client, id_of, metadata
from connectors.stripe.crediting import Crediting
from connectors.stripe.finding import RESOURCES, find
from connectors.stripe.invoicing import Invoicing
from connectors.stripe.once import again, once, step_key
from connectors.stripe.settings import Settings
from connectors.stripe.settling import Settling
from hub.sdk import Record, Rejected, Transient, Write


class Scribe:
    """Writes documents; each way of writing may be repeated without a second effect."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._ways = {
            "customer": self._customer,
            "invoice": Invoicing(client, settings).push,
            "credit_memo": Crediting(client).push,
            "adjustment": Crediting(client).push,
            "payment": Settling(client, settings).push,
        }

    def push(self, write: Write) -> str:
        """Write it; returns Stripe's id. Raises ConnectorError or Unmappable."""
        way = self._ways.get(write.kind)
        if way is None:
            text = f"Stripe takes {', '.join(self._ways)}, not a {write.kind}"
            raise Rejected(text, code="unknown_kind", sent=False)
        return way(write)

    def find(self, kind: str, reference: str) -> str | None:
        """Stripe's id of what carries our reference: customers and invoices; the rest looks by itself."""
        return id_of(find(self._client, kind, reference)) or None if kind in RESOURCES else None

    def _customer(self, write: Write) -> str:
        told = write.record.get("metadata") or {}
        form = {**write.record, "metadata": {**told, REFERENCE: write.reference}}
        wire, known = self._client.wire, write.external_id

        def look(id: str) -> Record | None:
            return wire.find(f"/v1/customers/{id}") if id else find(self._client, "customer", write.reference)

        if known:
            made = again(wire, f"/v1/customers/{known}", form, step_key(write, "update"))
        else:
            made = once(wire, "/v1/customers", form, step_key(write, "create"), look)
        if (
            not id_of(made)
            or metadata(made).get(REFERENCE) != write.reference
            or known not in (None, made["id"])
        ):
            raise Transient(f"Stripe answered for customer {made.get('id')} instead", code="bad_answer")
        return str(made["id"])
