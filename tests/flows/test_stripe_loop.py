"""Invoices paid through Stripe and by bank, refunded, disputed, paid out: the books tie out to the cent."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.stripe.connector import Settings, Stripe
from connectors.stripe.signatures import signature
from hub import clock as hub_clock
from hub.catalog import files
from hub.connector import Delivery
from hub.decide import decide
from hub.errors import ConnectorError
from hub.mapping import compile_mapping, load
from hub.process import REACTIONS
from hub.registry import Live
from hub.stages.outcome import Choice
from hub.store import connections
from hub.store.tables import INBOX, XREF
from sandbox.kit import Fault, serve
from sandbox.stripe import KEY, StripeSandbox
from sandbox.stripe.methods import Fate
from tests.world import ROOT, ROUTES, World, make_world

SECRET = "whsec_the_secret_of_the_loop"
TOLD = {
    "customer.changed": ["stripe"],
    "invoice.issued": ["stripe"],
    "invoice.cancelled": ["stripe"],
    "credit_memo.issued": ["stripe"],
    "credit_memo.cancelled": ["stripe"],
    "adjustment.booked": ["stripe"],
    "adjustment.reversed": ["stripe"],
    "payment.applied": ["stripe"],
    "payment.reversed": ["stripe"],
}


class Stage:
    """One port where each test's own account appears."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Loop:
    """A hub with a CRM, a bank and a Stripe account, in the words of order to cash."""

    def __init__(self, world: World, box: StripeSandbox, stripe: Stripe) -> None:
        self.world, self.box, self.stripe = world, box, stripe
        self.lines = 0  # of the bank, told to the hub

    def bill(self, amount: str, company: str = "c1") -> Any:
        """A service is sold and invoiced; Stripe has the invoice, the hub its page."""
        before = {one.id for one in self.world.documents("invoice")}
        self.world.events += 1
        row = {"id": 1, "sku": "S", "quantity": "1", "price": amount, "delivery": "service", "tax": "19"}
        deal = self.world.deal(f"d{self.world.events}", lines=[row], company=company)
        self.world.send("crm", self.world.company(company, limit="99000000.00"), deal)
        self.settle()
        [made] = [one for one in self.world.documents("invoice") if one.id not in before]
        return made

    def there(self, document: Any) -> str:
        with self.world.hub.store.look() as tx:
            return str(tx.xrefs.external_id("stripe", document.id))

    def here(self, kind: str, id: str) -> Any:
        with self.world.hub.store.look() as tx:
            known = tx.xrefs.known("stripe", kind, id)
            return tx.documents.get(known.document_id) if known else None

    def now(self, document: Any) -> Any:
        with self.world.hub.store.look() as tx:
            return tx.documents.get(document.id)

    def open_of(self, invoice: Any) -> Decimal:
        with self.world.hub.store.look() as tx:
            return Decimal(tx.reader.open_amount(invoice).amount)

    def transfer(self, amount: str, *text: str) -> None:
        """A customer pays by bank."""
        self.world.events += 1
        self.world.send("bank", self.world.credit(f"b{self.world.events}", amount, *text))
        self.settle()

    def pass_days(self, days: int) -> None:
        """Time passes at Stripe and here; Stripe and the bank are asked what is new."""
        self.box.advance(days=days)
        self.world.today[0] = self.box.world.clock.moment()
        self.settle()

    def settle(self) -> None:
        """Everything is worked off and asked for, until nothing waits."""
        for turn in range(12):
            with suppress(ConnectorError):  # the next poll goes on from there
                hub_clock.poll(self.world.hub, "stripe")
            self._bank()
            self.world.work(rounds=60)
            if turn and not self.waiting():
                return
            self._hurry()

    def _bank(self) -> None:
        for line in self.box.bank_lines()[self.lines :]:
            self.lines += 1
            fields = {"payer": line["name"], "date": line["date"]}
            amount = str(Decimal(line["amount"]).scaleb(-2))
            credit = self.world.credit(
                f"po{self.lines}", amount, line["text"], line["trace_id"] or "", **fields
            )
            self.world.send("bank", credit)

    def _hurry(self) -> None:
        with self.world.hub.store.begin() as tx:
            for table in (INBOX, XREF):
                waiting = table.update().where(table.c.state != "done")
                tx.conn.execute(waiting.values(next_at=0.0, lease_until=0.0))
            for name in self.world.vendors:
                connections.resume(tx.conn, name)

    def waiting(self) -> list[Any]:
        with self.world.hub.store.look() as tx:
            rows = [
                tx.conn.execute(table.select().where(table.c.state != "done").limit(5))
                for table in (INBOX, XREF)
            ]
            return [(row.connection, row.state, row.last_error) for found in rows for row in found]

    def webhooks(self) -> Sequence[Delivery]:
        """Everything that ever happened, as polls tell it, signed like webhooks."""
        found, cursor, more = [], None, True
        while more:
            page = self.stripe.poll(cursor)
            found += [arrival.delivery for arrival in page.arrivals]
            cursor, more = page.cursor, page.more
        return [self._signed(one) for one in found]

    def _signed(self, delivery: Delivery) -> Delivery:
        now = self.world.today[0]
        stamp = str(int(now.timestamp()))
        header = f"t={stamp},v1={signature(SECRET, stamp, delivery.body)}"
        return delivery._replace(headers={"stripe-signature": header}, received_at=now)

    def balances(self) -> dict[str, str]:
        return self.world.balances()

    def held_there(self) -> Decimal:
        """What Stripe holds: available and pending."""
        told = self.stripe._client.balance()
        parts = [one["amount"] for name in ("available", "pending") for one in told[name]]
        return Decimal(sum(parts)).scaleb(-2)

    def account(self, name: str) -> Decimal:
        with self.world.hub.store.look() as tx:
            sums = [money.amount for account, money in tx.books.balances() if account == name]
        return sum(sums, Decimal(0))

    def ties_out(self, *reasons: str, extra_cash: str = "0") -> None:
        """Nothing waits; what is held is Stripe's balance, what is cash the bank's; and no case but these."""
        assert self.waiting() == [], [(c.reason, c.title, c.evidence) for c in self.world.cases()]
        seen = {case.reason for case in self.world.cases()}
        assert seen == set(reasons), [(c.reason, c.title) for c in self.world.cases()]
        assert self.account("held") == self.held_there()
        at_bank = Decimal(sum(line["amount"] for line in self.box.bank_lines())).scaleb(-2)
        assert self.account("cash") == at_bank + Decimal(extra_cash)
        assert self.account("transit") == 0
        with self.world.hub.store.look() as tx:
            assert sum((money.amount for _, money in tx.books.balances()), Decimal(0)) == 0


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    made = Stage()
    with serve(made) as url:
        yield made, url


@pytest.fixture
def loop(stage: tuple[Stage, str], tmp_path: Path) -> Iterator[Loop]:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    box = StripeSandbox(auto=False)
    stage[0].app = box.app
    stripe = Stripe(
        Settings.model_validate({"base_url": stage[1], "api_key": KEY, "webhook_secrets": SECRET})
    )
    hub: Any = world.hub
    shipped = files(ROOT / "mappings", "stripe", "stripe")
    found = {slot: compile_mapping(load(path)) for slot, path in shipped.items()}
    inward, outward = (
        {slot.kind: one for slot, one in found.items() if slot.direction == way} for way in ("in", "out")
    )
    live = {name: one for name, one in hub.registry.live.items() if name != "erp"}
    hub.registry.live = {**live, "stripe": Live("stripe", stripe, inward, outward, 1, 0.0, True)}
    del world.vendors["erp"]
    hub.routes = {
        event: [*(name for name in ROUTES.get(event, ()) if name != "erp"), *TOLD.get(event, ())]
        for event in {*ROUTES, *TOLD}
    }
    assert set(TOLD) <= set(REACTIONS)
    world.vendors["stripe"] = stripe  # type: ignore[assignment] # the world only asks for the names
    with hub.store.begin() as tx:
        connections.save(hub.store.database, tx.conn, "stripe", "stripe", {}, poll_seconds=0, now=tx.now)
    world.today[0] = datetime.now(UTC).replace(microsecond=0)
    yield Loop(world, box, stripe)
    world.hub.store.database.close()


def test_an_invoice_is_sent_and_has_a_page_to_pay(loop: Loop) -> None:
    invoice = loop.now(loop.bill("100.00"))
    there = loop.box.platform.things[loop.there(invoice)]
    assert (there["status"], there["total"], there["number"]) == ("open", 11_900, invoice.number)
    assert invoice.payment_link == there["hosted_invoice_url"]
    assert len(loop.world.documents("invoice")) == 1
    loop.ties_out()


def test_paid_by_card_in_two_parts_refunded_disputed_and_paid_out(loop: Loop) -> None:
    invoice = loop.bill("100.00")
    loop.box.pay(loop.there(invoice), 4_000)
    loop.settle()
    assert loop.open_of(invoice) == Decimal("79.00")
    second = loop.box.pay(loop.there(invoice))["latest_charge"]
    loop.settle()
    assert loop.now(invoice).state == "paid"
    loop.ties_out()
    loop.pass_days(6)
    loop.ties_out()
    assert {one.state for one in loop.world.documents("payout")} == {"settled"}
    loop.box.refund(second, 1_900)
    loop.settle()
    assert loop.open_of(invoice) == Decimal("19.00")
    loop.ties_out("refund_applied", "payment_reversed")
    dispute = loop.box.dispute(second, amount=6_000)["id"]
    loop.settle()
    loop.ties_out("refund_applied", "payment_reversed", "dispute_opened")
    loop.box.decide(dispute, "won")
    loop.settle()
    assert loop.here("dispute", dispute).state == "won"
    loop.ties_out("refund_applied", "payment_reversed")


def test_what_was_refunded_can_be_credited_there_too(loop: Loop) -> None:
    invoice = loop.bill("100.00")
    charge = loop.box.pay(loop.there(invoice))["latest_charge"]
    loop.settle()
    loop.box.refund(charge, 1_900)
    loop.settle()
    [case] = [one for one in loop.world.cases() if one.reason == "refund_applied"]
    decide(loop.world.hub, case.id, "credit", Choice("ada", "goods returned", {}))
    loop.settle()
    notes = [one for one in loop.box.platform.things.values() if one["object"] == "credit_note"]
    assert [(one["invoice"], one["total"]) for one in notes] == [(loop.there(invoice), 1_900)]
    assert loop.open_of(invoice) == 0
    loop.ties_out()


def test_a_lost_dispute_takes_the_payment_back(loop: Loop) -> None:
    invoice = loop.bill("100.00")
    charge = loop.box.pay(loop.there(invoice))["latest_charge"]
    loop.settle()
    dispute = loop.box.dispute(charge)["id"]
    loop.box.decide(dispute, "lost")
    loop.settle()
    assert loop.open_of(invoice) == Decimal("119.00")
    loop.ties_out("dispute_lost", "payment_reversed")


@pytest.mark.parametrize(
    "fate", [Fate("fails", "insufficient_funds"), Fate("returned", "insufficient_funds", 3)]
)
def test_a_debit_that_fails_days_later_leaves_the_invoice_open(loop: Loop, fate: Fate) -> None:
    invoice = loop.bill("100.00")
    loop.box.pay(loop.there(invoice), method="us_bank_account", fate=fate)
    loop.pass_days(5)
    loop.pass_days(7)
    assert loop.open_of(invoice) == Decimal("119.00")
    loop.ties_out(*(["dispute_lost", "payment_reversed"] if fate.kind == "returned" else []))


def test_a_bank_transfer_settles_the_invoice_at_stripe_too(loop: Loop) -> None:
    invoice, other = loop.bill("100.00"), loop.bill("200.00")
    loop.transfer("119.00", invoice.number)
    loop.transfer("38.00", other.number)
    things = loop.box.platform.things
    assert things[loop.there(invoice)]["status"] == "paid"
    assert things[loop.there(other)]["amount_remaining"] == 20_000
    loop.box.pay(loop.there(other))
    loop.pass_days(5)
    assert loop.now(other).state == "paid"
    loop.ties_out(extra_cash="157.00")


def test_what_a_person_writes_off_is_not_asked_for_at_stripe(loop: Loop) -> None:
    invoice = loop.bill("100.00")
    loop.transfer("118.40", invoice.number)
    [case] = loop.world.cases()
    decide(loop.world.hub, case.id, "write_off", Choice("ada", "", {}))
    loop.settle()
    there = loop.box.platform.things[loop.there(invoice)]
    assert (there["status"], there["amount_remaining"]) == ("paid", 0)
    assert loop.now(invoice).state == "paid"
    loop.ties_out(extra_cash="118.40")


def test_a_payment_without_an_invoice_is_matched_by_its_words(loop: Loop) -> None:
    invoice = loop.bill("100.00")
    loop.box.pay_freely(11_900, described=f"for {invoice.number}")
    loop.settle()
    assert loop.now(invoice).state == "paid"
    loop.ties_out()


def test_a_failed_payout_comes_back_and_is_paid_again(loop: Loop) -> None:
    loop.box.pay(loop.there(loop.bill("100.00")))
    loop.pass_days(4)
    [first] = [one for one in loop.box.platform.things.values() if one["object"] == "payout"]
    loop.box.fail_payout(first["id"])
    loop.pass_days(4)
    assert loop.here("payout", first["id"]).state == "failed"
    reasons = [case.reason for case in loop.world.cases()]
    loop.ties_out(*reasons)
    assert set(reasons) <= {"payout_failed"}


def test_every_event_twice_and_in_reverse_order_changes_nothing(loop: Loop) -> None:
    invoice = loop.bill("100.00")
    charge = loop.box.pay(loop.there(invoice))["latest_charge"]
    loop.box.refund(charge, 1_900)
    loop.pass_days(5)
    before, documents = loop.balances(), len(loop.world.rows("documents"))
    hub: Any = loop.world.hub
    told = list(loop.webhooks())
    assert len(told) > 5
    for delivery in (*reversed(told), *told, *reversed(told)):
        hub.accept([hub.receive("stripe", delivery)])
    loop.settle()
    assert (loop.balances(), len(loop.world.rows("documents"))) == (before, documents)
    loop.ties_out("refund_applied", "payment_reversed")


def test_a_hub_that_hears_everything_backwards_ends_up_the_same(loop: Loop) -> None:
    """The first it hears is the payout; nothing is polled until all webhooks were handed over."""
    invoice = loop.bill("100.00")
    charge = loop.box.pay(loop.there(invoice))["latest_charge"]
    dispute = loop.box.dispute(charge, amount=5_000)["id"]
    loop.box.decide(dispute, "won")
    loop.box.advance(days=6)
    loop.world.today[0] = loop.box.world.clock.moment()
    hub: Any = loop.world.hub
    for delivery in reversed(loop.webhooks()):
        hub.accept([hub.receive("stripe", delivery)])
        loop.world.work()
    loop.settle()
    assert loop.now(invoice).state == "paid"
    loop.ties_out()


@pytest.mark.prove
def test_a_bad_week_at_stripe_makes_nothing_twice(loop: Loop) -> None:
    chance = random.Random(7)
    invoices = []
    for n in range(4):
        fault = chance.choice(["lost_reply", "truncate", "fail_after"])
        with loop.box.kit.lock:
            loop.box.kit.faults[:] = [Fault(kind=fault, chance=0.15, times=-1, path="^/v1/")]
        invoices.append(loop.bill(f"{100 + n}.00", f"c{n % 3}"))
    with loop.box.kit.lock:
        loop.box.kit.faults.clear()
    loop.settle()
    made = [effect["kind"] for effect in loop.box.kit.effects if effect["action"] == "create"]
    assert (made.count("invoice"), made.count("customer")) == (4, 3)
    totals = [loop.box.platform.things[loop.there(one)]["total"] for one in invoices]
    assert totals == [int(one.payable_amount.amount * 100) for one in invoices]
    loop.ties_out()


@pytest.mark.prove
def test_a_quarter_with_everything_in_it_ties_out_every_week(loop: Loop) -> None:
    chance, paid_at_bank = random.Random(11), Decimal(0)
    for week in range(12):
        charges = []
        for n in range(5):
            invoice = loop.bill(f"{chance.randrange(10, 5000)}.{chance.randrange(100):02}", f"c{week}-{n}")
            how = chance.choice(["card", "parts", "debit", "failing", "bank"])
            there = loop.there(invoice)
            if how == "bank":
                loop.transfer(str(invoice.payable_amount.amount), invoice.number)
                paid_at_bank += invoice.payable_amount.amount
            elif how == "parts":
                charges.append(loop.box.pay(there, 500)["latest_charge"])
                charges.append(loop.box.pay(there)["latest_charge"])
            elif how == "card":
                charges.append(loop.box.pay(there)["latest_charge"])
            else:
                fate = Fate("fails", "insufficient_funds") if how == "failing" else Fate("succeeds", "")
                loop.box.pay(there, method="us_bank_account", fate=fate)
        loop.settle()
        for charge in charges[:2]:
            loop.box.refund(charge, chance.randrange(1, 400))
        if len(charges) > 2:
            dispute = loop.box.dispute(charges[2])["id"]
            loop.box.decide(dispute, chance.choice(["won", "lost"]))
        loop.pass_days(12)
        reasons = [case.reason for case in loop.world.cases()]
        assert set(reasons) <= {"refund_applied", "dispute_lost", "dispute_opened", "payment_reversed"}, week
        loop.ties_out(*reasons, extra_cash=str(paid_at_bank))
