"""Salesforce on the stage of the demo: a simulated org and the people who work in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.types import ASGIApp

from hub import secrets
from hub.demo.crm import Address, Item, Mirrored, Shown
from sandbox.salesforce.outbound import OutboundMessages
from sandbox.salesforce.simulator import SalesforceSandbox


class SalesforceCrm:
    """A Salesforce org that sends outbound messages, also for what the hub writes."""

    title, connection = "Salesforce", "salesforce"

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._org = SalesforceSandbox(now=now)
        self._org.package.polls = 0  # its deployments are done at once
        self._messages = OutboundMessages(self._org.org)
        self._path_token = secrets.new_token()
        self._products: dict[str, str] = {}
        self.app: ASGIApp = self._org.app

    def settings(self, url: str) -> Mapping[str, Any]:
        """An app that logs in with its own secret, and the unguessable part of the address of messages."""
        one = self._org
        app = {"consumer_key": one.consumer_key, "consumer_secret": one.consumer_secret}
        org = {"base_url": url, "org_id": one.org.org_id, "currency": "USD"}
        return {"auth": "client_credentials", "path_token": self._path_token, **org, **app}

    def push_to(self, hub: str) -> None:
        """An outbound message per object, which tells the id and nothing else."""
        for sobject in ("Account", "Opportunity"):
            target = f"{hub}/webhooks/salesforce/{self._path_token}"
            self._messages.subscribe(sobject, ("Id",), target)

    def permit(self) -> None:
        """The package's permission sets for the integration user: new fields are shown to nobody before."""
        with self._org.kit.lock:
            self._org.package.assign()

    def company(
        self, name: str, domain: str, terms: str, limit: str = "", address: Address | None = None
    ) -> str:
        """An account with the package's fields filled in."""
        given: dict[str, Any] = {"Website": f"https://{domain}", "O2C_Payment_Terms__c": terms}
        if limit:
            given["O2C_Credit_Limit__c"] = Decimal(limit)
        if address:
            parts = ("Street", "City", "State", "PostalCode", "Country")
            given |= {f"Billing{part}": value for part, value in zip(parts, address, strict=True)}
        return self._org.add_account(name, **given)

    def contact(self, company: str, email: str, first: str, last: str) -> None:
        """A contact of the account."""
        self._org.add_contact(company, last, FirstName=first, Email=email)

    def deal(
        self, company: str, title: str, items: Sequence[Item], purchase_order: str = "", seller: str = ""
    ) -> str:
        """An opportunity with products from the standard price book, moved to the won stage."""
        org = self._org
        deal = org.add_opportunity(
            company,
            title,
            Pricebook2Id=org.standard_pricebook,
            O2C_PO_Number__c=purchase_order or None,
            O2C_Seller__c=seller or None,
        )
        for one in items:
            if one.sku not in self._products:
                self._products[one.sku] = org.add_product(one.sku, one.price, one.name)
            org.add_line(
                deal, self._products[one.sku], Decimal(one.quantity), Decimal(one.price),
                O2C_Tax_Percent__c=Decimal(one.tax_percent), O2C_Delivery__c=one.delivery,
            )  # fmt: skip
        org.win(deal)
        return deal

    def rename(self, deal: str, title: str) -> None:
        """Another name for the opportunity."""
        self._org.update("Opportunity", deal, {"Name": title})

    def set_purchase_order(self, deal: str, number: str) -> None:
        """Another PO number on the opportunity."""
        self._org.update("Opportunity", deal, {"O2C_PO_Number__c": number})

    def send(self) -> None:
        """One SOAP message of up to 100 notifications per object."""
        self._messages.deliver()

    def send_again(self, count: int) -> None:
        """The last notifications, although they were acknowledged."""
        self._messages.resend(count)

    def send_reversed(self) -> None:
        """One message per notification."""
        self._messages.deliver_reversed()

    def keep_sending(self, stop: threading.Event, every: float) -> None:
        """Messages, also those that were not acknowledged."""
        self._messages.run(stop, every)

    def shown(self, deal: str) -> Shown:
        """The opportunity's amount and the package's fields the hub writes."""
        row = self._org.row("Opportunity", deal)
        told = row.get("O2C_Order_Status__c") or "", row.get("O2C_Payment_Status__c") or ""
        return Shown(Decimal(row["Amount"]), *told)

    def invoices(self) -> Sequence[Mirrored]:
        """The package's object ERP Invoice."""
        return self._mirrored("ERP_Invoice__c", "Open_Amount__c")

    def payments(self) -> Sequence[Mirrored]:
        """The package's object ERP Payment."""
        return self._mirrored("ERP_Payment__c", "Amount__c")

    def _mirrored(self, sobject: str, amount: str) -> Sequence[Mirrored]:
        with self._org.kit.lock:
            rows = [row for row in self._org.org.rows(sobject).values() if not row["IsDeleted"]]
            return [Mirrored(row["Name"], Decimal(row[amount])) for row in rows]
