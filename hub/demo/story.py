"""The story: five orders and the people around them, each step over the wire."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from hub.demo.crm import Address, Crm, Item
from hub.demo.retail import Trade
from hub.demo.stage import UPLOAD_KEY, Stage, Stuck
from hub.demo.till import DAYS, Till
from hub.demo.watch import Deal, Told, Watch
from hub.model import OrderState

HARBOR, ALPINE, FINCH = "Harbor: four cafés", "Alpine: two arms", "Blue Finch: barista training"
GOODS = {"ESP-200": "Espresso machine", "GRD-50": "Grinder", "ARM-6X": "Six-axis arm"}
LABOUR = {"INST-1": "Installation", "TRAIN-8": "Training day"}
TRAINING = Item("TRAIN-8", "Training day", "1", "980.00", delivery="service")
Say = Callable[[str], None]


class Story:
    """Plays each act and waits for what the hub makes of it."""

    def __init__(self, stage: Stage, say: Say) -> None:
        self.stage, self.say = stage, say
        self.told = Told()
        self.watch = Watch(stage, self.told)
        self.harbors, self.others = stage.crms[0], stage.crms[-1]  # two CRMs, or twice the same
        self.harbors_erp, self.others_erp = stage.erps[0], stage.erps[-1]

    def play(self) -> Told:
        """All acts, in order."""
        self._systems_are_set_up()
        self._connections_are_checked()
        self._catalogue()
        self._harbor_is_won()
        self._messages_come_twice_and_reversed()
        self._harbor_ships_in_two_parts()
        self._alpine_is_held_and_released()
        self._erp_loses_a_reply()
        self._bluefinch_buys_a_service()
        self._three_weeks_later_money_arrives()
        self._a_person_finds_the_payer()
        self._a_retailer_trades_by_edi()
        self._harbor_changes_its_deal_too_late()
        for crm in self.stage.crms:
            crm.send()  # also what our own writes made it say
        self.stage.until("the last statuses reach the CRM and the ERP", self.stage.quiet)
        return self.told

    def encore(self) -> None:
        """After the tie-out: two questions are left open for whoever looks at the console."""
        self._days_pass(1)
        crm = self.others
        company = crm.company("Meridian Clinics", "meridian.example", "Net 30", "10000.00")
        machines = [Item("ESP-200", "Espresso machine", "5", "3250.00")]
        self._deal(crm, company, "Meridian: staff kitchens", machines, "MC-4410")
        self.watch.case("credit_hold")
        self._deal(crm, company, "Meridian: barista course", [TRAINING])
        self.watch.order("Meridian: barista course", OrderState.INVOICED)
        self.stage.bank.pay("J. Okafor", "GB94BARC10201530093459", Decimal("980.00"), "course in march")
        self.stage.bank.statement(self.stage.clock.today)
        self.stage.bank.upload(f"{self.stage.url}/files/bank", UPLOAD_KEY)
        self.watch.case("unmatched_payment")

    def _days_pass(self, days: int) -> None:
        """Not while a call is under way: a session that has just begun would be days old before its use."""
        self.stage.until("everything is quiet before a new day", self.stage.quiet)
        self.stage.clock.advance(days)
        if self.stage.desk:
            self.stage.desk.days_passed()

    # -- act 1: orders ---------------------------------------------------------
    def _systems_are_set_up(self) -> None:
        for crm in self.stage.crms:
            missing = self._install(crm, "GET")
            self._install(crm, "POST")
            crm.permit()
            lacking = self._install(crm, "GET")
            if lacking or not missing:
                raise Stuck(f"{crm.title} is not set up: {lacking}")
            self.say(f"{crm.title}: {len(missing)} things the hub needs there are missing; it makes them")

    def _install(self, crm: Crm, method: str) -> list[dict[str, str]]:
        """What is not there yet; with POST it was made, as far as the hub can do that alone."""
        steps: list[dict[str, str]] = self.stage.api(method, f"/connections/{crm.connection}/install")
        return [step for step in steps if step["state"] != "there"]

    def _connections_are_checked(self) -> None:
        crms, erps = self.stage.crms, self.stage.erps
        desks = [self.stage.desk] if self.stage.desk else []
        names = [*(one.connection for one in erps), *(one.connection for one in desks)]
        for name in (*(one.connection for one in crms), *names, "bank"):
            health = self.stage.api("POST", f"/connections/{name}/check")
            if not health["ok"]:
                raise Stuck(f"{name} is not healthy: {health}")
        titles = ", ".join(
            [*(one.title for one in crms), *(one.title for one in erps), *(one.title for one in desks)]
        )
        self.say(f"Connections: credentials and scopes of {titles} and the bank tried, all well")

    def _catalogue(self) -> None:
        for erp in self.stage.erps:
            for sku, name in GOODS.items():
                erp.stock(sku, name, "goods")
            for sku, name in LABOUR.items():
                erp.stock(sku, name, "service")

    def _deal(self, crm: Crm, company: str, title: str, items: list[Item], purchase_order: str = "") -> None:
        erp = self.harbors_erp if title == HARBOR else self.others_erp
        seller = erp.seller if len(self.stage.erps) > 1 else ""
        deal = crm.deal(company, title, items, purchase_order, seller)
        self.told.deals[title] = Deal(crm, deal)
        crm.send()

    def _harbor_is_won(self) -> None:
        crm = self.harbors
        place = Address("200 Front St", "Portland", "OR", "97204", "United States")
        company = crm.company("Harbor Coffee Roasters", "harborcoffee.example", "Net 30", "50000.00", place)
        crm.contact(company, "ap@harborcoffee.example", "Nora", "Quinn")
        items = [
            Item("ESP-200", "Espresso machine", "4", "3250.00", tax_percent="8.25"),
            Item("GRD-50", "Grinder", "6", "749.50", tax_percent="8.25"),
            Item("INST-1", "Installation", "1", "1200.00", delivery="service"),
        ]
        self._deal(crm, company, HARBOR, items, "PO-88121")
        order = self.watch.order(HARBOR, OrderState.PART_INVOICED)
        credit = order.credit.reason if order.credit else "not checked"
        self.say(f"{crm.title}: deal won -> order {order.number}, {order.payable_amount}, credit {credit}")
        self.watch.order_at(self.harbors_erp, order)
        title = self.harbors_erp.title
        self.say(f"{title}: sales order booked; the installation is a service and is invoiced at once")

    def _messages_come_twice_and_reversed(self) -> None:
        crm, deal = self.harbors, self.told.deals[HARBOR].id
        self.stage.until("the order is in all systems", self.stage.quiet)
        crm.send()
        before = self.watch.count("order")
        crm.send_again(3)
        crm.rename(deal, HARBOR.replace("é", "e"))
        crm.rename(deal, HARBOR)
        crm.send_reversed()
        self.stage.until("the repeated and reordered messages are processed", self.stage.quiet)
        assert self.watch.count("order") == before
        self.say(f"{crm.title}: three messages sent again, two in reverse order -> still one order")

    # -- act 2: shipments and invoices ------------------------------------------
    def _harbor_ships_in_two_parts(self) -> None:
        order = self.watch.order(HARBOR, OrderState.PART_INVOICED)
        erp = self.harbors_erp
        so = self.watch.order_at(erp, order)
        self._days_pass(2)
        erp.ship(so, {"ESP-200": "3", "GRD-50": "6"}, self.stage.clock.today, "1Z999")
        self.watch.invoices(order, 2)
        self.say(
            f"{erp.title}: three machines and six grinders shipped -> second invoice, for what left, no more"
        )
        self._days_pass(5)
        erp.ship(so, {"ESP-200": "1"}, self.stage.clock.today)
        third = self.watch.invoices(order, 3)[-1]
        self.watch.order(HARBOR, OrderState.INVOICED)
        self.say(
            f"{erp.title}: the last machine shipped -> third invoice {third.number}, {third.payable_amount}"
        )

    def _alpine_is_held_and_released(self) -> None:
        crm = self.others
        company = crm.company("Alpine Robotics", "alpinerobotics.example", "Net 15", "20000.00")
        arms = [Item("ARM-6X", "Six-axis arm", "2", "14800.00")]
        self._deal(crm, company, ALPINE, arms, "AR-2026-17")
        order = self.watch.order(ALPINE, OrderState.HELD)
        case = self.watch.case("credit_hold", order.id)
        self.say(f"Credit: {case['title']}")
        self.watch.decide(case, "release", "Their prepayment guarantee arrived; signed off by the CFO.")
        self.watch.order(ALPINE, OrderState.APPROVED)
        self.say("Credit: a person released it through the API; the figures of that moment are kept")

    def _erp_loses_a_reply(self) -> None:
        order, erp = self.watch.order(ALPINE, OrderState.APPROVED), self.others_erp
        so = self.watch.order_at(erp, order)
        erp.lose_a_reply()
        erp.ship(so, {"ARM-6X": "2"}, self.stage.clock.today)
        [invoice] = self.watch.invoices(order, 1)
        self.stage.until(f"{erp.title} has lost the reply to an invoice", erp.lost_it)
        self.watch.hurry(erp.connection)
        self.watch.invoice_at(erp, invoice)
        mine = [one for one in erp.made("invoice") if one == invoice.id]
        assert len(mine) == 1, mine
        self.say(f"{erp.title}: the reply to invoice {invoice.number} was lost; looked up, not repeated")

    def _bluefinch_buys_a_service(self) -> None:
        crm = self.others
        company = crm.company("Blue Finch Studio", "bluefinch.example", "Due on receipt")
        self._deal(crm, company, FINCH, [TRAINING._replace(quantity="2.5")])
        order = self.watch.order(FINCH, OrderState.INVOICED)
        self.say(f"{crm.title}: a service order {order.number} -> invoiced at once, due on receipt")

    # -- act 3: cash --------------------------------------------------------------
    def _three_weeks_later_money_arrives(self) -> None:
        self._days_pass(21)
        harbor, alpine, finch = (
            self.watch.invoices(self.watch.order(title)) for title in (HARBOR, ALPINE, FINCH)
        )
        iban = "DE75512108001245126199"
        till = Till(self.stage, self.told, self.watch, self.say)
        desk, ach = self.stage.desk, self.stage.ach
        if desk and ach:
            till.by_card(desk, harbor[0])
            till.by_ach(ach, "Harbor Coffee Roasters", harbor[1])
            self._days_pass(DAYS)
            till.payout_leaves(desk)
        else:
            two = harbor[0].payable_amount + harbor[1].payable_amount
            text = f"Inv {harbor[0].number} and {harbor[1].number}"
            self._pay("Harbor Coffee Roasters", iban, two.amount, text)
        self._pay("HARBOR COFFEE", iban, harbor[2].payable_amount.amount, f"{harbor[2].number} final")
        self._pay(
            "Alpine Robotics AG",
            "CH5604835012345678009",
            alpine[0].payable_amount.amount,
            alpine[0].number.replace("-", " "),
        )
        self._pay(
            "M. Finch",
            "GB33BUKB20201555555555",
            finch[0].payable_amount.amount,
            "thanks for the lovely training",
        )
        self.stage.bank.statement(self.stage.clock.today)
        status = self.stage.bank.upload(f"{self.stage.url}/files/bank", UPLOAD_KEY)
        again = self.stage.bank.upload(f"{self.stage.url}/files/bank", UPLOAD_KEY)
        assert (status, again) == (202, 202), (status, again)
        if desk:
            till.payout_is_explained(desk)
        self.watch.order(HARBOR, OrderState.CLOSED)
        self.watch.order(ALPINE, OrderState.CLOSED)
        for erp in self.stage.erps:
            self.watch.hurry(erp.connection)  # SAP clears minutes after it was asked to
        named = "two" if desk else "three"
        self.say(f"Bank: camt.053 with four credits, sent twice; {named} name our invoices and are applied")

    def _pay(self, name: str, iban: str, amount: Decimal, text: str) -> None:
        self.stage.bank.pay(name, iban, amount, text)
        self.told.paid_in += amount
        self.told.banked += amount

    def _a_person_finds_the_payer(self) -> None:
        case = self.watch.case("unmatched_payment")
        self.say(f"Cash: {case['title']}")
        suggestion = case["evidence"]["suggestions"][0]
        chosen = {"invoices": [{"invoice": suggestion["invoice"]}]}
        self.watch.decide(case, "apply", "M. Finch owns Blue Finch Studio.", chosen)
        self.watch.order(FINCH, OrderState.CLOSED)
        self.say(
            f"Cash: a person applied it to {suggestion['number']}, suggested by its amount; order closed"
        )

    # -- act 4: a trading partner ---------------------------------------------------
    def _a_retailer_trades_by_edi(self) -> None:
        if self.stage.retailer is None:
            return
        trade = Trade(self.stage, self.stage.retailer, self.told, self.watch, self.say)
        trade.is_set_up()
        order = trade.orders()
        trade.ships_and_bills(order)
        self._days_pass(20)
        trade.pays_short(order)

    def _harbor_changes_its_deal_too_late(self) -> None:
        crm, deal = self.told.deals[HARBOR]
        self.stage.until("everything is quiet", self.stage.quiet)
        crm.set_purchase_order(deal, "PO-99999")
        crm.send()
        case = self.watch.case("late_change")
        self.say(f"{crm.title}: {case['title']} -> a case; the books stay as agreed")
        self.watch.decide(case, "keep", "Told the account manager; a new deal will be made.")
