"""The CRMs on stage: people's actions in HubSpot and in Salesforce in the same words, and what they see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from connectors.hubspot.connector import HubSpot
from connectors.salesforce.connector import Salesforce
from hub.catalog import files
from hub.mapping import compile_mapping, load
from hub.registry import Live
from hub.store import connections
from hub.store.intake import Intake
from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import Kit, serve
from sandbox.salesforce.outbound import OutboundMessages
from sandbox.salesforce.simulator import SalesforceSandbox
from tests.world import ROOT, START, World
from webhooks.receiver import Receiver

PATH_TOKEN = "an-unguessable-part-of-the-address"
SECRET = "a-client-secret"
SKUS = ("A", "B", "C")
LIMIT = "1000000.00"


class Line(NamedTuple):
    """What is bought: goods unless said otherwise."""

    sku: str
    quantity: str
    price: str
    delivery: str = "goods"


class Crm(Protocol):
    """What people do in a CRM, and what they see."""

    name: str
    connector: Any
    sandbox: Any
    kit: Kit
    writes: str  # paths of calls that write, as a regular expression

    def company(self, name: str, limit: str = LIMIT) -> str: ...
    def deal(self, company: str, *lines: Line, title: str = "A deal") -> str: ...
    def set_quantity(self, deal: str, sku: str, quantity: str) -> None: ...
    def rename(self, deal: str, title: str) -> None: ...
    def lose(self, deal: str) -> None: ...
    def delete(self, deal: str) -> None: ...
    def merge_companies(self, survivor: str, other: str) -> str: ...
    def push(self) -> None: ...
    def push_again(self) -> None: ...
    def push_reversed(self) -> None: ...
    def shown(self, deal: str) -> Mapping[str, str]: ...
    def invoices(self) -> Sequence[Mapping[str, str]]: ...
    def payments(self) -> Sequence[Mapping[str, str]]: ...


class InHubSpot:
    """A HubSpot account whose app sends signed webhooks."""

    name = "hubspot"
    writes = r"/batch/(create|update|upsert|associate)|/objects/\S+/(deals|invoices|commerce_payments)/\d+\?"

    def __init__(self, sandbox: HubSpotSandbox, url: str, **settings: Any) -> None:
        self.sandbox, self.kit = sandbox, sandbox.kit
        form = HubSpot.manifest.settings
        self.connector = HubSpot(
            form(
                base_url=url, access_token=sandbox.token, client_secret=sandbox.client_secret,
                portal_id=sandbox.portal_id, **settings,
            )
        )  # fmt: skip
        assert not [one for one in self.connector.install(dry=False) if one.state in ("missing", "refused")]

    def company(self, name: str, limit: str = LIMIT) -> str:
        domain = f"{name.lower().replace(' ', '')}.example"
        return self.sandbox.create_company(name=name, domain=domain, o2c_credit_limit=limit)

    def deal(self, company: str, *lines: Line, title: str = "A deal") -> str:
        total = sum(Decimal(one.quantity) * Decimal(one.price) for one in lines)
        deal = self.sandbox.create_deal(company, dealname=title, amount=str(total), deal_currency_code="USD")
        for at, one in enumerate(lines, 1):
            self.sandbox.create_line_item(
                deal, hs_sku=one.sku, name=one.sku, quantity=one.quantity, price=one.price,
                o2c_delivery=one.delivery, hs_position_on_quote=str(at),
            )  # fmt: skip
        self.sandbox.win(deal)
        return deal

    def set_quantity(self, deal: str, sku: str, quantity: str) -> None:
        portal = self.sandbox.portal
        found = [
            one.id for one in portal.objects["line_items"].values()
            if one.properties.get("hs_sku") == sku and deal in portal.linked("line_items", "deals", one.id)
        ]  # fmt: skip
        self.sandbox.update("line_items", found[0], {"quantity": quantity})
        self.sandbox.update("deals", deal, {"amount": ""})

    def rename(self, deal: str, title: str) -> None:
        self.sandbox.update("deals", deal, {"dealname": title})

    def lose(self, deal: str) -> None:
        self.sandbox.update("deals", deal, {"dealstage": "closedlost"})

    def delete(self, deal: str) -> None:
        self.sandbox.delete("deals", deal)

    def merge_companies(self, survivor: str, other: str) -> str:
        return self.sandbox.merge("companies", survivor, other)

    def push(self) -> None:
        assert all(200 <= one.status < 300 for one in self.sandbox.send_pending())

    def push_again(self) -> None:
        self.sandbox.resend(5)

    def push_reversed(self) -> None:
        self.sandbox.deliver_reversed()

    def shown(self, deal: str) -> Mapping[str, str]:
        found = self.sandbox.properties("deals", deal)
        names = {
            "number": "o2c_order_number", "status": "o2c_order_status", "invoices": "o2c_invoice_numbers",
            "payment": "o2c_payment_status", "open": "o2c_open_amount", "reason": "o2c_credit_reason",
            "tracking": "o2c_tracking", "due": "o2c_due_date", "overdue": "o2c_overdue_amount",
        }  # fmt: skip
        return {ours: found.get(theirs) or "" for ours, theirs in names.items()}

    def invoices(self) -> Sequence[Mapping[str, str]]:
        portal = self.sandbox.portal
        return [
            {
                "reference": one.properties["o2c_external_id"], "number": one.properties["hs_number"],
                "status": one.properties.get("o2c_payment_status", ""),
                "open": one.properties["o2c_open_amount"],
                "deal": ",".join(portal.linked("invoices", "deals", one.id)),
            }
            for one in portal.objects["invoices"].values()
        ]  # fmt: skip

    def payments(self) -> Sequence[Mapping[str, str]]:
        return [
            {"reference": one.properties["o2c_external_id"], "amount": one.properties["hs_initial_amount"]}
            for one in self.sandbox.portal.objects["commerce_payments"].values()
        ]


class InSalesforce:
    """A Salesforce org that sends outbound messages for opportunities and accounts."""

    name = "salesforce"
    writes = r"/composite/sobjects/"

    def __init__(self, sandbox: SalesforceSandbox, url: str, **settings: Any) -> None:
        self.sandbox, self.kit = sandbox, sandbox.kit
        form = Salesforce.manifest.settings
        known = {
            "base_url": url, "org_id": sandbox.org.org_id, "auth": "client_credentials",
            "consumer_key": sandbox.consumer_key, "consumer_secret": sandbox.consumer_secret,
            "path_token": PATH_TOKEN, "currency": "USD",
        }  # fmt: skip
        self.connector = Salesforce(form.model_validate(known | settings))
        assert [one for one in self.connector.install(dry=True) if one.state == "missing"]
        sandbox.install(ROOT / "connectors" / "salesforce" / "package")  # a deployment, and who may use it
        steps = list(self.connector.install(dry=False))
        assert {one.state for one in steps} == {"there"}, steps
        for sku in SKUS:
            sandbox.add_product(sku, "10", sku)
        self.messages = OutboundMessages(sandbox.org)

    def subscribe(self, target: str) -> None:
        """Outbound messages for what the hub reads."""
        for sobject in ("Account", "Opportunity"):
            self.messages.subscribe(sobject, ("Id",), target)

    def company(self, name: str, limit: str = LIMIT) -> str:
        return self.sandbox.add_account(name, O2C_Credit_Limit__c=Decimal(limit))

    def deal(self, company: str, *lines: Line, title: str = "A deal") -> str:
        goods = [(one.sku, one.quantity, one.price) for one in lines]
        deal = self.sandbox.add_opportunity(company, title, lines=goods)
        self.sandbox.win(deal)
        return deal

    def set_quantity(self, deal: str, sku: str, quantity: str) -> None:
        rows = self.sandbox.org.rows("OpportunityLineItem").values()
        mine = [row for row in rows if row["OpportunityId"] == deal and row["ProductCode"] == sku]
        given = {"Quantity": Decimal(quantity), "UnitPrice": mine[0]["UnitPrice"]}
        self.sandbox.update("OpportunityLineItem", mine[0]["Id"], given)
        self.rename(deal, str(self.sandbox.row("Opportunity", deal)["Name"]) + ".")

    def rename(self, deal: str, title: str) -> None:
        self.sandbox.update("Opportunity", deal, {"Name": title})

    def lose(self, deal: str) -> None:
        self.sandbox.lose(deal)

    def delete(self, deal: str) -> None:
        self.sandbox.delete("Opportunity", deal)

    def merge_companies(self, survivor: str, other: str) -> str:
        self.sandbox.org.merge("Account", survivor, other)
        return survivor

    def push(self) -> None:
        receipts = self.messages.deliver()
        assert all(one.acknowledged or not one.notifications for one in receipts), receipts

    def push_again(self) -> None:
        self.messages.resend(5)

    def push_reversed(self) -> None:
        self.messages.deliver_reversed()

    def shown(self, deal: str) -> Mapping[str, str]:
        found = self.sandbox.row("Opportunity", deal)
        names = {
            "number": "O2C_Order_Number__c", "status": "O2C_Order_Status__c",
            "invoices": "O2C_Invoice_Numbers__c", "payment": "O2C_Payment_Status__c",
            "open": "O2C_Open_Amount__c", "reason": "O2C_Credit_Reason__c", "tracking": "O2C_Tracking__c",
            "due": "O2C_Due_Date__c", "overdue": "O2C_Overdue_Amount__c",
        }  # fmt: skip
        return {ours: _text(found.get(theirs)) for ours, theirs in names.items()}

    def invoices(self) -> Sequence[Mapping[str, str]]:
        return [
            {
                "reference": row["O2C_Id__c"], "number": row["Name"], "status": row["Payment_Status__c"],
                "open": _text(row["Open_Amount__c"]), "deal": row["Opportunity__c"],
            }
            for row in self.sandbox.org.rows("ERP_Invoice__c").values()
        ]  # fmt: skip

    def payments(self) -> Sequence[Mapping[str, str]]:
        return [
            {"reference": row["O2C_Id__c"], "amount": _text(row["Amount__c"])}
            for row in self.sandbox.org.rows("ERP_Payment__c").values()
        ]


def _text(value: Any) -> str:
    return "" if value is None else f"{value:.2f}" if isinstance(value, Decimal) else str(value)


@contextmanager
def on_stage(world: World, *names: str, **settings: Any) -> Iterator[dict[str, Any]]:
    """These CRMs in front of the world's hub, each pushing to its receiver on a real port."""
    hub: Any = world.hub
    hub.routes = {**hub.routes, **_routes(hub.routes, names)}
    with ExitStack() as stack:
        intake = Intake(hub.store.database, lambda: None)
        stack.callback(intake.stop)
        door = stack.enter_context(serve(Receiver(hub, intake, public_url="", bytes_max=1_000_000)))
        crms: dict[str, Any] = {}
        for name in names:
            crms[name] = _open(stack, world, name, f"{door}/webhooks/{name}", settings.get(name, {}))
            _connect(world, crms[name])
        yield crms


def _routes(routes: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, list[str]]:
    told = [event for event, known in routes.items() if "crm" in known]
    told += ["order.received", "order.invalid", "order.rejected", "order.cancelled"]
    found = {event: [*routes.get(event, ()), *names] for event in told}
    for event in (
        "invoice.issued",
        "invoice.part_paid",
        "invoice.paid",
        "invoice.overdue",
        "payment.applied",
    ):
        found[event] = [*routes.get(event, ()), *names]
    return found


class Ticking:
    """The world's time, a few milliseconds later with every look: no two changes at one instant."""

    def __init__(self, world: World) -> None:
        self.world, self.looks = world, 0

    def __call__(self) -> datetime:
        self.looks += 1
        return self.world.today[0] + timedelta(milliseconds=self.looks)


def _open(stack: ExitStack, world: World, name: str, target: str, settings: Mapping[str, Any]) -> Any:
    if name == "hubspot":
        hubspot = HubSpotSandbox(now=Ticking(world))
        crm = InHubSpot(hubspot, stack.enter_context(serve(hubspot.app)), **settings)
        hubspot.webhooks.target = target
        return crm
    salesforce = SalesforceSandbox(now=Ticking(world))
    from_the_start = {"poll_from": START - timedelta(days=1), **settings}
    other = InSalesforce(salesforce, stack.enter_context(serve(salesforce.app)), **from_the_start)
    other.subscribe(f"{target}/{PATH_TOKEN}")
    return other


def _connect(world: World, crm: Any) -> None:
    registry: Any = world.hub.registry
    found = files(ROOT / "mappings", crm.name, crm.name)
    inbound, outbound = (
        {slot.kind: compile_mapping(load(path)) for slot, path in found.items() if slot.direction == way}
        for way in ("in", "out")
    )
    live = Live(crm.name, crm.connector, inbound, outbound, 1, 0.0, True)
    registry.live = {**registry.live, crm.name: live}
    world.vendors[crm.name] = crm
    with world.hub.store.begin() as tx:
        connections.save(
            world.hub.store.database, tx.conn, crm.name, crm.name, {}, poll_seconds=0, now=tx.now
        )


__all__ = ["InHubSpot", "InSalesforce", "Line", "on_stage"]
