"""Tells Stripe what was paid elsewhere: invoices that a bank transfer settled are not collected any more.

All of what is open: the invoice is paid out of band. A part of it: a payment record, attached to the invoice
(docs, "payment records"). An invoice carries a mark of each payment in its metadata before it is touched,
with the records made for it, so that a repeat knows what is its own doing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from connectors.stripe.amounts import to_minor
from connectors.stripe.client import REFERENCE, Client, id_of, metadata
from connectors.stripe.once import again, once, step_key
from connectors.stripe.settings import Settings
from hub.sdk import Record, Rejected, Write

PREFIX = "off_stripe_"  # of the external id of a payment that is no object of its own in Stripe
_RECORDS_MAX = 12  # payment records of one payment on one invoice: a metadata value has 500 characters


class Share(NamedTuple):
    """What one payment settles of one invoice, in smallest units, and what its mark there says."""

    invoice: Record
    amount: int
    mark: str  # name of the mark
    records: tuple[str, ...]  # payment records of this payment for this invoice
    marked: bool  # has an earlier attempt begun to settle this very amount?

    @property
    def id(self) -> str:
        """Stripe's id of the invoice."""
        return str(self.invoice["id"])


class Settling(NamedTuple):
    """The writing of payments that did not come through Stripe."""

    client: Client
    settings: Settings

    def push(self, write: Write) -> str:
        """Settle the invoices that a payment is applied to. Raises ConnectorError or Unmappable."""
        record = write.record
        if record.get("cancelled") and write.external_id:
            text = (
                "the payment was taken back, and Stripe cannot reopen an invoice that was paid elsewhere: "
                "send the customer a new one there if it is to be paid by card"
            )
            raise Rejected(text, code="cannot_reopen", sent=False)
        currency = str(record.get("currency") or "").lower()
        for id, amount in _amounts(record, currency).items():
            invoice = self.client.invoice(id)
            if invoice is None or invoice.get("currency") != currency:
                text = f"there is no invoice {id} in {currency.upper()} in Stripe any more"
                raise Rejected(text, code="deleted", sent=False)
            self._settle(write, _share(invoice, amount, write.reference))
        return PREFIX + write.reference

    def _settle(self, write: Write, share: Share) -> None:
        recorded = self._recorded(share)
        missing, left = share.amount - recorded, int(share.invoice.get("amount_remaining") or 0)
        if not missing or (share.invoice.get("status") == "paid" and share.marked):
            return
        if share.invoice.get("status") != "open" or not 0 < missing <= left:
            raise _unfit(share, missing, left)
        if not share.marked:
            self._mark(write, share)
        if missing == left:
            self._paid_whole(write, share)
        else:
            self._paid_in_part(write, share, missing)

    def _recorded(self, share: Share) -> int:
        """What payment records of this payment have settled of the invoice so far."""
        if not share.records:
            return 0
        return sum(
            int(one.get("amount_paid") or 0)
            for one in self.client.payments_of(share.id)
            if _record_of(one) in share.records
        )

    def _mark(self, write: Write, share: Share) -> None:
        told = " ".join((str(share.amount), *share.records))
        path, key = f"/v1/invoices/{share.id}", step_key(write, f"{share.id}:mark:{told}")
        again(self.client.wire, path, {"metadata": {share.mark: told}}, key)

    def _paid_whole(self, write: Write, share: Share) -> None:
        def paid(_: str) -> Record | None:
            now = self.client.invoice(share.id)
            return now if now and now.get("status") == "paid" else None

        path, key = f"/v1/invoices/{share.id}/pay", step_key(write, f"{share.id}:pay:{share.amount}")
        now = once(self.client.wire, path, {"paid_out_of_band": True}, key, paid)
        if now.get("status") != "paid":
            raise Rejected(f"Stripe has invoice {share.id} as {now.get('status')}, not as paid", code="echo")

    def _paid_in_part(self, write: Write, share: Share, amount: int) -> None:
        attached = {_record_of(one) for one in self.client.payments_of(share.id)}
        record = next((id for id in share.records if id not in attached), "")
        if not record:
            record = str(self._report(write, share, amount)["id"])
            share = share._replace(records=(*share.records, record))
            self._mark(write, share)

        def done(_: str) -> Record | None:
            paid = {_record_of(one) for one in self.client.payments_of(share.id)}
            return self.client.invoice(share.id) if record in paid else None

        path, key = f"/v1/invoices/{share.id}/attach_payment", step_key(write, f"{record}:attach")
        once(self.client.wire, path, {"payment_record": record}, key, done)

    def _report(self, write: Write, share: Share, amount: int) -> Record:
        """Its key does not follow from the version: the record of a lost answer is the same one again.

        One of more than a day ago would be left behind, attached to nothing.
        """
        told, paid_at = write.record, _noon(write.record.get("paid_on"))
        form = {
            "amount_requested": {"currency": share.invoice["currency"], "value": amount},
            "customer_details": {"customer": id_of(share.invoice.get("customer"))},
            "description": told.get("description"),
            "initiated_at": paid_at,
            "guaranteed": {"guaranteed_at": paid_at},
            "outcome": "guaranteed",
            "payment_method_details": {
                "type": "custom",
                "custom": {"display_name": told.get("method") or "Bank transfer"},
            },
            "metadata": {REFERENCE: write.reference},
        }

        def look(id: str) -> Record | None:
            return self.client.wire.find(f"/v1/payment_records/{id}") if id else None

        key = f"o2c:{write.reference}:{share.id}:report:{share.amount}"
        return once(self.client.wire, "/v1/payment_records/report_payment", form, key, look)


def _record_of(invoice_payment: Record) -> str:
    return id_of((invoice_payment.get("payment") or {}).get("payment_record"))


def _share(invoice: Record, amount: int, reference: str) -> Share:
    mark = "o2c_paid_" + hashlib.blake2b(reference.encode(), digest_size=12).hexdigest()
    begun, *records = str(metadata(invoice).get(mark) or "0").split()
    if len(records) > _RECORDS_MAX:
        text = f"one payment settled invoice {invoice.get('number')} in over {_RECORDS_MAX} parts"
        raise Rejected(text, code="too_many", sent=False)
    return Share(invoice, amount, mark, tuple(records), begun == str(amount))


def _amounts(record: Record, currency: str) -> Mapping[str, int]:
    """What is settled of each invoice, by Stripe's id."""
    found: dict[str, int] = {}
    for n, one in enumerate(record.get("allocations") or ()):
        id = str(one.get("invoice"))
        found[id] = found.get(id, 0) + to_minor(one.get("amount"), currency, f"allocations[{n}].amount")
    return found


def _unfit(share: Share, missing: int, left: int) -> Rejected:
    told = f"invoice {share.invoice.get('number')} is {share.invoice.get('status')} in Stripe"
    text = f"{told} with {left} left to pay, the payment settles {share.amount} of it"
    if missing != share.amount:
        text += f", of which {share.amount - missing} are there"
    return Rejected(f"{text} (in smallest units); was it paid twice?", code="cannot_settle", sent=False)


def _noon(told: Any) -> int:
    if not isinstance(told, date):
        raise Rejected("the mapping gives no day of payment (paid_on)", code="paid_on", sent=False)
    return int(datetime.combine(told, time(12), UTC).timestamp())
