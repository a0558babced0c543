"""The system stays quick with thousands of documents."""

from __future__ import annotations

import time

from sandbox.sap import SapSandbox
from tests.sandbox.sap.place import Place


def fill(sap: SapSandbox, count: int) -> None:
    for at in range(count):
        order = sap.create_order("10100001", [["TG12", 1, 10], ["TG11", 2, 5]], reference=f"V-{at}")
        bill = sap.bill(delivery=sap.deliver(order))
        sap.pay("10100001", "23.80", [bill])


def test_looking_one_order_up_among_many_is_quick_and_all_ties_out(place: Place) -> None:
    fill(place.sap, 300)
    begun = time.monotonic()
    for at in range(0, 300, 10):
        text = f"PurchaseOrderByCustomer eq 'V-{at}' and SoldToParty eq '10100001'"
        assert len(place.get("API_SALES_ORDER_SRV", "A_SalesOrder", **{"$filter": text})["results"]) == 1
    assert time.monotonic() - begun < 5
    assert place.sap.check() == []
    assert place.sap.books() == {}
