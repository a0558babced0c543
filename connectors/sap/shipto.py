"""Where the goods of one order go: the address of its ship-to party, for this order alone.

The service creates no addresses (A_SalesOrderPartnerAddress is not creatable [edmx 2024]): an order has those
of its customer from the start, and they are changed there. Older systems and the V4 service have no such set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sap.client import ORDERS, Client
from connectors.sap.translate import entity, text
from hub.sdk import Record, Rejected

_SET = "A_SalesOrderPartnerAddress"


def wanted(record: Record, *, v4: bool) -> Mapping[str, Any]:
    """The address an order asks for; empty: its customer's own. Raises Rejected where it cannot be said."""
    told = record.get("delivery")
    address = {k: v for k, v in told.items() if v not in (None, "")} if isinstance(told, Mapping) else {}
    if address and v4:
        text_ = (
            "the order has a delivery address of its own, which the V4 service cannot carry: use sales_api v2"
        )
        raise Rejected(f"{text_}, or take `delivery` out of the mapping", code="delivery", sent=False)
    return address


def bring(client: Client, order: str, function: str, address: Mapping[str, Any]) -> None:
    """Make it the address of the order's ship-to party, unless it is so already. Raises ConnectorError."""
    party = entity("A_SalesOrderHeaderPartner", SalesOrder=order, PartnerFunction=function)
    known = client.rows(ORDERS, f"{party}/to_Address", {})
    if not known:
        raise Rejected(
            f"sales order {order} has no address of partner {function}: correct ship_to", code="ship_to"
        )
    row = known[0]
    blank = {name: "" for name in ("StreetName", "StreetSuffixName1", "CityName", "PostalCode", "Region")}
    full = {**blank, "HouseNumber": "", **address}  # no part of the old address may stay
    changed = {name: value for name, value in full.items() if str(value) != str(row.get(name) or "")}
    if changed:
        version = text(str(row.get("AddressRepresentationCode") or ""))
        keys = (
            f"SalesOrder={text(order)},PartnerFunction={text(function)},AddressRepresentationCode={version}"
        )
        client.update(ORDERS, f"{_SET}({keys})", changed, str(row.get("etag") or ""))
