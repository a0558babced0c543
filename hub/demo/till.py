"""The acts in which customers pay otherwise than by bank transfer: by card at Stripe, and by ACH."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from hub.demo.money import AchBank, Desk
from hub.demo.stage import Stage, Stuck
from hub.demo.watch import Told, Watch
from hub.model import Invoice, InvoiceState, PayoutState
from sandbox.bank.ach import Paid

DAYS = 4  # until a card payment is available, paid out and on our account
TRACE = "HCR20260331A"


class Till:
    """Plays each way to pay and waits for what the hub makes of it."""

    def __init__(self, stage: Stage, told: Told, watch: Watch, say: Callable[[str], None]) -> None:
        self.stage, self.told, self.watch, self.say = stage, told, watch, say

    def by_card(self, desk: Desk, invoice: Invoice) -> None:
        """The customer pays on the page that Stripe made for the invoice."""
        link = self.stage.until(
            f"invoice {invoice.number} has a page", lambda: self._now(invoice).payment_link
        )
        there = self.watch.known(desk.connection, invoice.id)
        desk.pay(there)
        self.told.paid_in += invoice.payable_amount.amount
        self._paid(invoice)
        page = link.split("?")[0][-24:]
        self.say(f"Stripe: {invoice.number} is paid by card on its page ...{page} -> applied, the fee booked")

    def by_ach(self, ach: AchBank, payer: str, invoice: Invoice) -> None:
        """The customer pays by ACH; the 820 in the addenda says which invoice it is."""
        amount = invoice.payable_amount.amount
        items = [Paid(invoice.number, amount)]
        for _ in range(2):
            status = ach.upload(f"{self.stage.url}/files/{ach.connection}", payer, TRACE, items)
            if status != 202:
                raise Stuck(f"the ACH file was answered {status}")
        self.told.paid_in += amount
        self.told.banked += amount
        self._paid(invoice)
        self.say(f"ACH: a CTX receipt, sent twice; its addenda name {invoice.number} -> applied")

    def payout_leaves(self, desk: Desk) -> None:
        """Days later Stripe pays out; it stands on the next statement of the bank."""
        lines = desk.arrived()
        if not lines:
            raise Stuck("Stripe has not paid out")
        for amount, text, trace in lines:
            self.stage.bank.pay("STRIPE", "", amount, text, end_to_end_id=trace)
            self.told.banked += amount

    def payout_is_explained(self, desk: Desk) -> None:
        """The bank's line is no customer's payment: it is what Stripe held, less its fees."""
        self.stage.until("the payout is settled", self._settled)
        total = sum((one.amount.amount for one in self.watch.documents("payout")), Decimal(0))
        self.say(f"Stripe: a payout of {total:,.2f} on the statement is taken apart: payments less fees")

    def _settled(self) -> bool:
        found = self.watch.documents("payout")
        return bool(found) and all(one.state is PayoutState.SETTLED for one in found)

    def _paid(self, invoice: Invoice) -> None:
        what = f"invoice {invoice.number} is paid"
        self.stage.until(what, lambda: self._now(invoice).state is InvoiceState.PAID)

    def _now(self, invoice: Invoice) -> Invoice:
        with self.stage.parts.hub.store.look() as tx:
            found = tx.documents.get(invoice.id)
        assert isinstance(found, Invoice)
        return found
