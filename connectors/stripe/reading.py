"""Reads again what an event named, with all that belongs to it: what others refer to comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from connectors.stripe.client import REFERENCE, Client, id_of, metadata
from connectors.stripe.events import Subject
from connectors.stripe.settings import Settings
from connectors.stripe.translate import (
    dispute_record,
    excess,
    has_moved,
    invoice_record,
    is_itemised,
    is_payment,
    payment_record,
    payout_record,
    refund_record,
)
from hub.sdk import Change, NotYet, Record, Unmappable


class Reader:
    """Turns one object's name into changes. The event that brought the name is not looked at again."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client, self._zone, self._keys = client, settings.zone, settings.reference_keys

    def changes(self, subject: Subject) -> Sequence[Change]:
        """What is to be known of it now. Raises ConnectorError.

        Stripe does not date changes, so each is dated by the moment it was asked for.
        """
        asked_at = datetime.now(UTC)
        ways: Mapping[str, Callable[[str], Iterator[Change]]] = {
            "charge": self._charge,
            "payment_intent": self._payment_intent,
            "invoice_payment": self._invoice_payment,
            "refund": self._refund,
            "dispute": self._dispute,
            "payout": self._payout,
            "invoice": self._invoice,
        }
        return [one._replace(revision=asked_at, as_of=asked_at) for one in ways[subject.object](subject.id)]

    def _charge(self, id: str) -> Iterator[Change]:
        charge = self._client.charge(id)
        yield from self._payment(charge)
        if charge.get("amount_refunded") and is_payment(charge):
            for refund in self._client.refunds(id):
                yield from self._refunded(refund, id)

    def _payment(self, charge: Record) -> Iterator[Change]:
        """The payment that a charge is. Raises NotYet while Stripe has not booked it on our balance."""
        id = str(charge["id"])
        if not is_payment(charge):
            return
        if charge.get("balance_transaction") is None:  # asynchronous capture: charge.updated follows
            raise NotYet(f"Stripe has not booked {id} on our balance yet", sent=False)
        intent = id_of(charge.get("payment_intent"))
        paid = [self._within(one) for one in self._client.invoices_paid_by(intent)] if intent else ()
        yield _told("payment", id, lambda: payment_record(charge, paid, zone=self._zone, keys=self._keys))

    def _within(self, one: Record) -> Record:
        """An invoice payment without what it paid beyond its invoice: that settles nothing."""
        invoice = one.get("invoice")
        over = int(invoice.get("amount_overpaid") or 0) if isinstance(invoice, Mapping) else 0
        if not over:
            return one
        beyond = excess(one, self._client.payments_of(id_of(invoice)), over)
        return {**one, "amount_paid": int(one.get("amount_paid") or 0) - beyond}

    def _payment_intent(self, id: str) -> Iterator[Change]:
        charge = id_of(self._client.payment_intent(id).get("latest_charge"))
        return self._charge(charge) if charge else iter(())

    def _invoice_payment(self, id: str) -> Iterator[Change]:
        """A payment off Stripe is one the hub or a person told Stripe of: it moved no money there."""
        payment = self._client.invoice_payment(id).get("payment") or {}
        intent, charge = id_of(payment.get("payment_intent")), id_of(payment.get("charge"))
        if intent:
            return self._payment_intent(intent)
        return self._charge(charge) if charge else iter(())

    def _refund(self, id: str) -> Iterator[Change]:
        refund = self._client.refund(id)
        if not has_moved(refund):
            return
        charge = self._charge_of(refund)
        yield from self._payment(self._client.charge(charge))
        yield from self._refunded(refund, charge)

    def _refunded(self, refund: Record, charge: str) -> Iterator[Change]:
        if has_moved(refund):
            id = str(refund["id"])
            yield _told("refund", id, lambda: refund_record(refund, charge, zone=self._zone))

    def _dispute(self, id: str) -> Iterator[Change]:
        dispute = self._client.dispute(id)
        charge = self._charge_of(dispute)
        yield from self._payment(self._client.charge(charge))
        yield _told("dispute", id, lambda: dispute_record(dispute, charge, zone=self._zone))

    def _charge_of(self, found: Record) -> str:
        charge, intent = id_of(found.get("charge")), id_of(found.get("payment_intent"))
        if not charge and intent:
            charge = id_of(self._client.payment_intent(intent).get("latest_charge"))
        if not charge:
            text = f"{found.get('object')} {found.get('id')} names no payment of ours: book it by hand"
            raise Unmappable("stripe", "charge", text)
        return charge

    def _payout(self, id: str) -> Iterator[Change]:
        """Nothing yet while Stripe is still reconciling it: payout.reconciliation_completed follows."""
        payout = self._client.payout(id)
        if is_itemised(payout):
            moves = self._client.payout_items(id) if payout.get("automatic") else ()
            yield _told("payout", id, lambda: payout_record(payout, moves, zone=self._zone))

    def _invoice(self, id: str) -> Iterator[Change]:
        """Only of ours, and only once it is final. A draft that was deleted is nobody's."""
        invoice = self._client.invoice(id)
        if invoice and metadata(invoice).get(REFERENCE) and invoice.get("status") != "draft":
            yield _told("invoice", id, lambda: invoice_record(invoice, zone=self._zone))


def _told(kind: str, id: str, record: Callable[[], Record]) -> Change:
    """A change; one with a problem where Stripe's object cannot be expressed."""
    try:
        return Change(kind, id, record())
    except Unmappable as error:
        return Change(kind, id, None, problem=error)
