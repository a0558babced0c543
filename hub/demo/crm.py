"""A CRM in the words of the story: what people do there and what they see, whichever CRM it is."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from starlette.types import ASGIApp

# What can be asked for -> the CRMs on stage. With two, Harbor is in the first, everybody else in the last.
CHOICES: Mapping[str, Sequence[str]] = {
    "hubspot": ("hubspot",),
    "salesforce": ("salesforce",),
    "both": ("hubspot", "salesforce"),
}


class Address(NamedTuple):
    """Where a company gets its bills."""

    street: str
    city: str
    state: str
    postal_code: str
    country: str


class Item(NamedTuple):
    """A line of a deal: quantity and price in units and USD; goods unless said otherwise."""

    sku: str
    name: str
    quantity: str
    price: str
    tax_percent: str = "0"
    delivery: str = "goods"


class Shown(NamedTuple):
    """What sales see on a deal; the amount is the CRM's own, before tax."""

    amount: Decimal
    status: str
    payment: str


class Mirrored(NamedTuple):
    """An invoice or a payment as a CRM shows it: of an invoice what is open, of a payment what was paid."""

    number: str
    amount: Decimal


class Crm(Protocol):
    """A CRM on stage. Each method is what a person does or sees there; ids are the CRM's own."""

    title: str
    connection: str  # of this name in the hub, and the name of its connector
    app: ASGIApp

    def settings(self, url: str) -> Mapping[str, Any]:
        """What an admin enters at the hub; `url` is where the CRM listens."""
        ...

    def push_to(self, hub: str) -> None:
        """An admin lets changes be sent to the hub at this address."""
        ...

    def permit(self) -> None:
        """An admin lets the hub see what it has just installed."""
        ...

    def company(
        self, name: str, domain: str, terms: str, limit: str = "", address: Address | None = None
    ) -> str:
        """A new company, with its payment terms and credit limit in USD."""
        ...

    def contact(self, company: str, email: str, first: str, last: str) -> None:
        """Somebody who works there."""
        ...

    def deal(
        self, company: str, title: str, items: Sequence[Item], purchase_order: str = "", seller: str = ""
    ) -> str:
        """A new deal in USD, won at once."""
        ...

    def rename(self, deal: str, title: str) -> None:
        """A deal gets another title."""
        ...

    def set_purchase_order(self, deal: str, number: str) -> None:
        """The customer's order number is changed."""
        ...

    def send(self) -> None:
        """The CRM tells the hub what has changed."""
        ...

    def send_again(self, count: int) -> None:
        """The last messages arrive once more."""
        ...

    def send_reversed(self) -> None:
        """What waits arrives one by one, the last change first."""
        ...

    def keep_sending(self, stop: threading.Event, every: float) -> None:
        """Tell the hub every so many seconds, until told to stop."""
        ...

    def shown(self, deal: str) -> Shown:
        """What sales see on a deal."""
        ...

    def invoices(self) -> Sequence[Mirrored]:
        """All invoices the hub shows there."""
        ...

    def payments(self) -> Sequence[Mirrored]:
        """All payments the hub shows there."""
        ...
