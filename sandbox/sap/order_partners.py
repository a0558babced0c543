"""Who takes part in a sales order, and where: sold-to, ship-to, bill-to and payer with their addresses."""

from __future__ import annotations

from sandbox.sap.odata import Sent
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import System

PARTNER, ADDRESS = "A_SalesOrderHeaderPartner", "A_SalesOrderPartnerAddress"
FUNCTIONS = ("SP", "SH", "BP", "PY")
_MASTER = {
    "StreetName": "StreetName", "CityName": "CityName", "PostalCode": "PostalCode", "Country": "Country",
    "Region": "Region", "HouseNumber": "HouseNumber",
}  # fmt: skip


class Partners:
    """The partners of sales orders."""

    def __init__(self, system: System) -> None:
        self.store = system.store

    def of_order(self, order: Row, sent: Sent) -> None:
        """Those a new order names, and the sold-to party in every other function. Raises Refusal."""
        told = {one.values.get("PartnerFunction"): one.values for one in sent.nested.get("to_Partner", ())}
        for function in (*FUNCTIONS, *(f for f in told if f not in FUNCTIONS and f)):
            row = {"Customer": order["SoldToParty"], **told.get(function, {}), "PartnerFunction": function}
            if row["Customer"] and self.store.get("A_Customer", row["Customer"]) is None:
                raise business("VP/201", f"Customer {row['Customer']} does not exist")
            self.store.put(PARTNER, {**row, "SalesOrder": order["SalesOrder"]})
            self._address(order["SalesOrder"], function, row["Customer"] or "")

    def _address(self, order: str, function: str, customer: str) -> None:
        """The partner's own, which can be changed for this order."""
        blank = {one.name: "" for one in self.store[ADDRESS].of.properties.values() if one.type == "S"}
        master = self.store.get("A_BusinessPartner", customer) or {}
        places = self.store.find("A_BusinessPartnerAddress", BusinessPartner=customer)
        known = {name: places[0].get(theirs) or "" for name, theirs in _MASTER.items()} if places else {}
        named = {"OrganizationName1": master.get("OrganizationBPName1") or ""}
        keys = {"SalesOrder": order, "PartnerFunction": function, "AddressRepresentationCode": ""}
        self.store.put(ADDRESS, {**blank, **known, **named, **keys})
