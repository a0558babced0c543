"""Sends invoices: a draft, its lines, the sum compared with ours, and only then it is final."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from connectors.stripe.billing import LINE, Bill, bill, head
from connectors.stripe.client import Client, id_of, metadata
from connectors.stripe.finding import find
from connectors.stripe.once import once, step_key
from connectors.stripe.settings import Settings
from hub.sdk import Record, Rejected, Write

AT_ONCE = 50  # lines added in one call
_FINAL = ("open", "paid", "uncollectible")


class Invoicing(NamedTuple):
    """The writing of invoices. Every step looks at what is there: a repeat goes on where it stopped."""

    client: Client
    settings: Settings

    def push(self, write: Write) -> str:
        """Bring an invoice up to date; returns Stripe's id of it. Raises ConnectorError or Unmappable."""
        if write.record.get("cancelled"):
            return self._cancel(write)
        wanted = bill(write.record)
        invoice = self._known(write) if write.external_id else self._draft(write)
        if invoice.get("status") == "draft":
            invoice = self._completed(write, wanted, invoice)
        _check(invoice, wanted, write.record)
        return str(invoice["id"])

    def _known(self, write: Write) -> Record:
        found = self.client.invoice(str(write.external_id))
        if found is None:
            text = f"invoice {write.external_id} was deleted in Stripe; retry this case to make it anew there"
            raise Rejected(text, code="deleted", sent=False)
        return found

    def _draft(self, write: Write) -> Record:
        def look(id: str) -> Record | None:
            return self.client.invoice(id) if id else find(self.client, "invoice", write.reference)

        form = head(write.record, write, self.settings.zone, datetime.now(UTC))
        return once(self.client.wire, "/v1/invoices", form, step_key(write, "draft"), look)

    def _completed(self, write: Write, wanted: Bill, invoice: Record) -> Record:
        id = str(invoice["id"])
        there = {metadata(line).get(LINE) for line in self._lines(invoice)}
        missing = [line for line in wanted.lines if line["metadata"][LINE] not in there]
        for part in _parts(missing):
            invoice = self._add(write, id, part)
        try:
            _check(invoice, wanted, write.record)
        except Rejected:
            self.client.wire.delete(f"/v1/invoices/{id}")  # nobody has seen the draft
            raise

        def final(_: str) -> Record | None:
            now = self.client.invoice(id)
            return now if now and now.get("status") in _FINAL else None

        path, key = f"/v1/invoices/{id}/finalize", step_key(write, f"{id}:finalize")
        done = once(self.client.wire, path, {"auto_advance": False}, key, final)
        if done.get("amount_due") != wanted.total and not done.get("amount_paid"):
            told = f"Stripe wants {done.get('amount_due')} paid of invoice {done.get('number')}"
            text = (
                f"{told} over {wanted.total}, in smallest units: what is too small to be paid it carries "
                "over to the customer's balance, and a balance to the invoice; bring it to zero there"
            )
            raise Rejected(text, code="carried_over")
        return done

    def _lines(self, invoice: Record) -> Sequence[Record]:
        listed = invoice.get("lines") or {}
        return self.client.invoice_lines(str(invoice["id"])) if listed.get("data") else ()

    def _add(self, write: Write, id: str, part: Sequence[Record]) -> Record:
        names = [line["metadata"][LINE] for line in part]

        def added(_: str) -> Record | None:
            there = {metadata(line).get(LINE) for line in self.client.invoice_lines(id)}
            return self.client.invoice(id) if there.issuperset(names) else None

        form = {"lines": part, "expand": ["customer"]}
        key = step_key(write, f"{id}:lines:{names[0]}-{names[-1]}")
        return once(self.client.wire, f"/v1/invoices/{id}/add_lines", form, key, added)

    def _cancel(self, write: Write) -> str:
        """A draft is deleted, what is open becomes void; what is paid is a person's to decide about."""
        id = write.external_id or id_of(find(self.client, "invoice", write.reference))
        if not id:
            text = "the invoice was cancelled before it was written: nothing to do in Stripe, close this case"
            raise Rejected(text, code="cancelled", sent=False)
        invoice = self.client.invoice(id)
        if invoice is None or invoice.get("status") == "void":
            return id
        if invoice.get("status") == "draft":
            self.client.wire.delete(f"/v1/invoices/{id}")
            return id
        if invoice.get("status") == "paid":
            text = (
                f"invoice {invoice.get('number')} is paid in Stripe and cannot be void; refund or credit it"
            )
            raise Rejected(text, code="paid", sent=False)

        def void(_: str) -> Record | None:
            now = self.client.invoice(id)
            return now if now and now.get("status") == "void" else None

        once(self.client.wire, f"/v1/invoices/{id}/void", {}, step_key(write, f"{id}:void"), void)
        return id


def _parts(lines: Sequence[Record]) -> Iterator[Sequence[Record]]:
    for at in range(0, len(lines), AT_ONCE):
        yield lines[at : at + AT_ONCE]


def _check(invoice: Record, wanted: Bill, record: Record) -> None:
    """What Stripe arrived at must be what we owe people to pay. Raises Rejected with both sides."""
    id, status = invoice.get("id"), invoice.get("status")
    if status == "void":
        raise Rejected(
            f"invoice {invoice.get('number')} was made void in Stripe by somebody", code="void", sent=False
        )
    theirs = (str(invoice.get("currency")), invoice.get("total"), id_of(invoice.get("customer")))
    ours = (wanted.currency, wanted.total, str(record.get("customer")))
    if theirs != ours:
        text = f"Stripe makes {_told(*theirs)} of invoice {id}, ours is {_told(*ours)}"
        raise Rejected(text, code="echo")
    buyer = invoice.get("customer")
    balance = (buyer.get("balance") if isinstance(buyer, Mapping) else 0) or invoice.get("starting_balance")
    if status == "draft" and balance:
        text = (
            f"the customer has a balance of {balance} in Stripe, in smallest units, which Stripe would set "
            "off against this invoice without the hub knowing; bring it to zero there, then retry this case"
        )
        raise Rejected(text, code="customer_balance")


def _told(currency: str, total: object, customer: str) -> str:
    return f"{total} {currency.upper()} in smallest units for {customer}"
