"""The simulated retailer as tests and stories use it: what its buyers, its EDI desk and its cashier do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.kit import Kit, build
from sandbox.partner import buying, inbox, outbox, paying, showing, telling
from sandbox.partner.as2 import As2, Keys
from sandbox.partner.book import Alter, Amendment, Item, Order
from sandbox.partner.control import Control
from sandbox.partner.hearing import Sent
from sandbox.partner.paying import Advice, Apart, Paid
from sandbox.partner.rules import Chargeback, Terms
from sandbox.partner.world import How, Received, Trouble, World
from sandbox.partner.writing import Doc, Party, Style, rounded

KEY = "partner-key"
US = Party("ZZ", "HARBORPINE")
SUPPLIER = Party("ZZ", "ACMEINSTR")
PLAIN = How()


class Remittance(NamedTuple):
    """A payment as the bank will book it: `amount` with `trace` in its text, from `payer`, on `effective`."""

    amount: Decimal
    trace: str
    payer: str
    effective: date
    advice: Advice
    sent: Sent | None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PartnerSandbox:
    """A retailer that buys from one supplier. `app` takes the supplier's files at POST /inbox and, under
    /_sandbox, shows and does what the methods here do."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _utc_now,
        name: str = "Harbor and Pine",
        us: Party = US,
        supplier: Party = SUPPLIER,
        supplier_name: str = "Acme Instruments",
        style: Style | None = None,
        usage: str = "P",
        terms: Terms | None = None,
        key: str = KEY,
        auto: bool = True,
    ) -> None:
        self.kit = Kit()
        self.world = World(
            self.kit, now, name, us, supplier, supplier_name, style or Style(), usage, terms or Terms()
        )
        self.outbox = outbox.Outbox(self.world)
        self.as2: As2 | None = None
        self.key, self.auto = key, auto
        self._orders = self._payments = self._claims = 0
        self.app = build(self.kit, Control(self).routes())

    def connect(self, url: str, key: str) -> None:
        """Where our files go: the hub's POST /files/{connection} and its upload key."""
        self.outbox.line = outbox.Http(url, key)

    def connect_as2(self, url: str, them: str, us: str, ours: Keys, their_certificate: str) -> None:
        """Our files go by AS2 to the hub's POST /webhooks/{connection}, and theirs may come to POST /as2.

        `them` and `us` are AS2 names; needs the openssl command."""
        self.as2 = As2(url, us, them, ours, their_certificate)
        self.outbox.line = self.as2

    # what buyers do

    def order(self, items: Sequence[Item], number: str = "", on: date | None = None, **more: Any) -> Order:
        """Write an order into our books; `more` are fields of Order. It is sent with `send_order`."""
        with self.kit.lock:
            self._orders += 1
            at = self.world.now()
            told = number or f"{4_500_000 + self._orders:010}"
            made = replace(buying.as_order(told, items, on or at.date(), at), **more)
            self.world.book.orders[made.key] = made
            return made

    def send_order(self, *orders: Order, purpose: str = "00", how: How = PLAIN) -> Sent:
        """Send 850s, all in one group. `purpose` is BEG01: 00 original, 01 cancellation, 07 duplicate."""
        with self.kit.lock:
            docs = [buying.purchase_order(one, purpose, self.world.supplier_name) for one in orders]
            for one in orders if purpose == "01" else ():
                one.amendments.append(Amendment("", self.world.now().date(), "01", ()))
        return self.send([docs], how)

    def change(self, order: Order, alters: Sequence[Alter], purpose: str = "04", how: How = PLAIN) -> Sent:
        """Send an 860; it counts once an 865 has accepted it. `purpose` is BCH01: 04 change, 01 cancel."""
        with self.kit.lock:
            at = self.world.now()
            made = Amendment(str(len(order.amendments) + 1), at.date(), purpose, list(alters))
            doc = buying.change(order, made, at)
            order.amendments.append(made)
        return self.send([[doc]], how)

    # what the EDI desk does

    def send(self, groups: Sequence[Sequence[Doc]], how: How = PLAIN) -> Sent:
        """Send sets, a list for each group. Raises ValueError: a text holds a separator."""
        with self.kit.lock:
            made = self.world.write(groups, how)
            for doc in (one for docs in groups for one in docs):
                self._note(doc, made)
        return self.outbox.carry(made) if how.post else made

    def _note(self, doc: Doc, made: Sent) -> None:
        stamp = made.at.isoformat(timespec="seconds")
        said = {"at": stamp, "direction": "out", "set": doc.set_id, "number": doc.about, "status": "sent"}
        for order in self.world.book.orders.values():
            if order.number == doc.about:
                order.history.append({**said, "interchange": made.control})

    def again(self, sent: Sent) -> int:
        """Send the same bytes once more; the status of the answer."""
        return self.outbox.carry(sent).status

    def send_technical(self, number: str, code: str = "A", note: str = "000") -> Sent:
        """Send a TA1 about an interchange of theirs."""
        at = self.world.now()
        with self.kit.lock:
            ta1 = telling.technical(number, (f"{at:%y%m%d}", f"{at:%H%M}"), code, note)
            made = self.world.write([], PLAIN, [ta1])
        return self.outbox.carry(made)

    def say(self, subject: str, lines: Sequence[str], how: How = PLAIN) -> Sent:
        """Send an 864."""
        return self.send([[telling.text(subject, lines, self.world.now())]], how)

    def object(self, set_id: str, reference: str, words: Sequence[str], how: How = PLAIN) -> Sent:
        """Send an 824: a document of theirs (by its own number) is refused, in words."""
        with self.kit.lock:
            number = f"{self.world.last_interchange + 1:06}"
        doc = telling.objection(number, set_id, reference, words, self.world.now())
        return self.send([[doc]], how)

    def trouble(self, kind: str, **facts: Any) -> None:
        """How the next answers misbehave, see Trouble."""
        with self.kit.lock:
            self.world.troubles.append(Trouble(kind=kind, **facts))

    def take(self, body: bytes, via: str = "http") -> list[Received]:
        """A file of theirs has come. Raises NotX12."""
        with self.kit.lock:
            return inbox.take(self.world, body, via)

    def send_due(self) -> list[Sent]:
        """Send answers whose time has come, and again what was not taken."""
        return self.outbox.send_due()

    # what the cashier does

    def pays(
        self,
        invoice: str,
        *,
        withheld: Decimal = Decimal(0),
        reason: str = "",
        discount: Decimal = Decimal(0),
    ) -> Paid:
        """The open amount of an invoice, less what is kept back for a reason (X12 element 426) and discount.

        Raises KeyError: no such invoice has come."""
        with self.kit.lock:
            order, found = self.world.book.invoice(invoice)
            self._claims += withheld > 0
            claim = f"CL-{self._claims:06}" if withheld else ""
            amount = found.open - withheld - discount
            return Paid(invoice, amount, discount, withheld, reason, order.number, claim, found.on)

    def remit(
        self,
        items: Sequence[Paid] | None = None,
        *,
        handling: str = "I",
        apart: Sequence[Apart] = (),
        days: int = 1,
        trace: str = "",
        amount: Decimal | None = None,
        send: bool = True,
        how: How = PLAIN,
    ) -> Remittance:
        """Pay invoices (all that are open) and send the 820; the demo posts the bank line from the figures.

        `handling` is BPR01: I money comes by the bank, C this orders it, P or H no money at all. `amount`
        other than the sum makes an 820 that does not foot."""
        with self.kit.lock:
            paid = self._all_open() if items is None else tuple(items)
            advice = self._advice(paid, tuple(apart), handling, days)
            advice = advice._replace(
                trace=trace or advice.trace, amount=advice.amount if amount is None else amount
            )
            doc = paying.render(
                advice, payee=self.world.supplier_name, adx_reduces=self.world.terms.adx_reduces
            )
            if handling not in "PH":
                self._settle(advice.items)
        made = self.send([[doc]], how) if send else None
        return Remittance(advice.amount, advice.trace, advice.payer, advice.effective, advice, made)

    def _all_open(self) -> tuple[Paid, ...]:
        return tuple(self.pays(one.number) for _, one in list(self.world.book.invoices()) if one.open)

    def _advice(self, items: tuple[Paid, ...], apart: tuple[Apart, ...], handling: str, days: int) -> Advice:
        self._payments += 1
        deducted = sum((one.amount for one in apart), Decimal(0))
        total = sum((one.amount for one in items), Decimal(0)) - deducted
        if total < 0:
            raise ValueError(f"the payment would be {total}: pay more invoices, or deduct less")
        effective = self.world.now().date() + timedelta(days)
        trace = f"{self.world.us.id[:4]}{effective:%Y%m%d}{self._payments:05}"
        return Advice(trace, rounded(total), effective, self.world.name.upper(), items, apart, handling)

    def _settle(self, items: Sequence[Paid]) -> None:
        for item in items:
            if item.invoice not in self.world.book.invoice_numbers:
                continue
            _, found = self.world.book.invoice(item.invoice)
            found.paid += item.amount
            found.discount += item.discount
            if item.withheld:
                found.withheld.append((item.withheld, item.reason))

    # what is told

    def chargebacks(self) -> list[Chargeback]:
        """Every violation so far, with numbers left out and answers overdue as of now."""
        with self.kit.lock:
            stamp = self.world.now().isoformat(timespec="seconds")
            complaints = self.as2.complaints if self.as2 else []
            told = [Chargeback("receipt", words, at=stamp) for words in complaints]
            return [*self.world.chargebacks(), *told]

    def told(self, number: str, release: str = "") -> dict[str, Any]:
        """What an order has come to. Raises KeyError."""
        with self.kit.lock:
            return showing.order(self.world, self.world.book.orders[number, release])
