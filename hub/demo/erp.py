"""An ERP in the words of the story: what people do there and what its books say, whichever ERP it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from starlette.types import ASGIApp

# What can be asked for -> the ERPs on stage. With two, Harbor buys from the seller in the first.
ERPS: Mapping[str, Sequence[str]] = {
    "netsuite": ("netsuite",),
    "sap": ("sap",),
    "both": ("netsuite", "sap"),
}


class Booked(NamedTuple):
    """A document in the ERP's books: its id there, its total with tax, what of it is still owed; in USD."""

    id: str
    total: Decimal
    open: Decimal


class Erp(Protocol):
    """An ERP on stage. `document` is the hub's id, which the ERP keeps as our reference."""

    title: str
    connection: str  # of this name in the hub, and the name of its connector
    seller: str  # the company of ours whose books it keeps, where there are several
    app: ASGIApp

    def settings(self, url: str, *, seller: str) -> Mapping[str, Any]:
        """What an admin enters at the hub; `url` is where the ERP listens."""
        ...

    def tables(self) -> Mapping[str, Mapping[str, str]]:
        """Entries an admin adds to the mapping tables, because only this account has them."""
        ...

    def stock(self, sku: str, name: str, delivery: str) -> None:
        """An item that is sold: goods or a service."""
        ...

    def order(self, document: str) -> Booked | None:
        """The sales order of an order of ours, with its total as it is shown there."""
        ...

    def invoice(self, document: str) -> Booked | None:
        """The receivable of an invoice of ours."""
        ...

    def ship(self, order: str, quantities: Mapping[str, str], on: date, tracking: str = "") -> None:
        """Goods of a sales order, by its id there, leave the warehouse."""
        ...

    def lose_a_reply(self) -> None:
        """The next invoice is booked, and the answer that says so is lost on the way."""
        ...

    def lost_it(self) -> bool:
        """Has that happened?"""
        ...

    def made(self, kind: str) -> Sequence[str]:
        """Our references of the orders or invoices that were ever created there, repeats included."""
        ...

    def received(self) -> Decimal:
        """Sum of all customer payments ever booked there."""
        ...

    def calls(self) -> int:
        """How many calls it was sent."""
        ...
