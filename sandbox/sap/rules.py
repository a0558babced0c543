"""Which application answers for which entity set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.sap import orders as orders_
from sandbox.sap import partners as partners_
from sandbox.sap import shipping as shipping_
from sandbox.sap.billing import Billing
from sandbox.sap.ledger import CUBE, Ledger
from sandbox.sap.odata import Sent
from sandbox.sap.refusals import Refusal
from sandbox.sap.store import Row
from sandbox.sap.system import System


class Application:
    """All applications of the system behind one set of verbs."""

    def __init__(self, system: System, looked: Callable[[], None]) -> None:
        self.system, self.looked = system, looked
        self.partners = partners_.Partners(system)
        self.orders = orders_.Orders(system)
        self.shipping = shipping_.Shipping(system, self.orders)
        self.ledger = Ledger(system)
        self.billing = Billing(system, self.ledger, self.orders, self.shipping)

    def _of(self, name: str) -> partners_.Partners | orders_.Orders | shipping_.Shipping:
        if name in partners_.NAMES:
            return self.partners
        if name in orders_.NAMES:
            return self.orders
        if name in shipping_.NAMES:
            return self.shipping
        raise Refusal(405, "/IWBEP/CM_MGW_RT/175", f"{name} cannot be changed here")

    def create(self, name: str, sent: Sent) -> Row:
        """A new entity. Raises Refusal."""
        return self._of(name).create(name, sent)

    def update(self, name: str, row: Row, values: dict[str, Any]) -> Row:
        """An entity with changed values. Raises Refusal."""
        return self._of(name).update(name, row, values)

    def remove(self, name: str, row: Row) -> None:
        """An entity deleted. Raises Refusal."""
        self._of(name).remove(name, row)

    def act(self, name: str, given: Mapping[str, str]) -> Any:
        """A function import. Raises Refusal."""
        if "DeliveryDocument" in given:
            return self.shipping.act(name, given)
        if "BillingDocument" in given:
            return self.billing.act(name, given)
        return {"Boolean": True}

    def before_reading(self, name: str) -> None:
        """Clearing requests are worked off while others read the ledger."""
        if name == CUBE:
            self.looked()
