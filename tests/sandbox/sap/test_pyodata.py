"""The best-known OData V2 client for Python works against the system."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from tests.sandbox.sap.place import ROOT, Place

pyodata = pytest.importorskip("pyodata", reason="pyodata is not installed")


@pytest.fixture
def session(place: Place) -> Any:
    login = place.sap.credentials
    made = requests.Session()
    made.auth = (login["user"], login["password"])
    return made


def opened(place: Place, session: Any, service: str) -> Any:
    reply = session.head(f"{place.url}{ROOT}{service}/", headers={"x-csrf-token": "fetch"})
    session.headers["x-csrf-token"] = reply.headers["x-csrf-token"]
    return pyodata.Client(f"{place.url}{ROOT}{service}", session)


@pytest.mark.parametrize(
    "service",
    [
        "API_BUSINESS_PARTNER", "API_SALES_ORDER_SRV", "API_OUTBOUND_DELIVERY_SRV;v=0002",
        "API_BILLING_DOCUMENT_SRV", "API_OPLACCTGDOCITEMCUBE_SRV", "API_PRODUCT_SRV",
    ],
)  # fmt: skip
def test_the_metadata_of_every_service_is_understood(place: Place, session: Any, service: str) -> None:
    assert opened(place, session, service).schema.entity_types


def test_an_order_is_made_read_and_changed(place: Place, session: Any) -> None:
    client = opened(place, session, "API_SALES_ORDER_SRV")
    orders = client.entity_sets.A_SalesOrder
    request = orders.create_entity()
    request.set(
        SalesOrganization="1010", SoldToParty="10100001", PurchaseOrderByCustomer="py-1",
        to_Item=[{"Material": "TG12", "RequestedQuantity": "2"}],
    )  # fmt: skip
    made = request.execute()
    assert made.SalesOrder == "1"
    found = orders.get_entities().filter("PurchaseOrderByCustomer eq 'py-1'").expand("to_Item").execute()
    assert [Decimal(str(one.TotalNetAmount)) for one in found] == [Decimal(200)]
    assert [line.Material for line in found[0].to_Item] == ["TG12"]
    assert orders.get_entities().count().execute() == 1
