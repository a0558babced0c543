"""A system on a real port with a client that is logged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from sandbox.kit import serve
from sandbox.sap import SapSandbox

ROOT = "/sap/opu/odata/sap/"
SHARED = Path(__file__).parents[4] / "shared" / "specs" / "sap"


def spec(*path: str) -> Path:
    """A published specification, or the test is skipped."""
    found = SHARED.joinpath(*path)
    if not found.exists():
        pytest.skip(f"no published specification at {found}")
    return found


class Place(NamedTuple):
    """The system, its address, and a client with its CSRF token."""

    sap: SapSandbox
    url: str
    http: httpx.Client

    def get(self, service: str, path: str, **query: str) -> Any:
        reply = self.http.get(f"{ROOT}{service}/{path}", params=query or None)
        assert reply.status_code == 200, reply.text
        return reply.json()["d"]

    def post(self, service: str, path: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        return self.http.post(f"{ROOT}{service}/{path}", json=body, headers=headers)

    def order(
        self, reference: str = "", lines: Any = (("TG12", "10"),), customer: str = "10100001", **more: Any
    ) -> Any:
        items = [{"Material": m, "RequestedQuantity": q} for m, q in lines]
        body = {
            "SalesOrderType": "OR", "SalesOrganization": "1710" if customer[:2] == "17" else "1010",
            "DistributionChannel": "10", "OrganizationDivision": "00", "SoldToParty": customer,
            "PurchaseOrderByShipToParty": reference, "to_Item": items, **more,
        }  # fmt: skip
        reply = self.post("API_SALES_ORDER_SRV", "A_SalesOrder", body)
        assert reply.status_code == 201, reply.text
        return reply.json()["d"]


@contextmanager
def started(**settings: Any) -> Iterator[Place]:
    """A fresh system, served."""
    sap = SapSandbox(**settings)
    with serve(sap.app) as url, closing(client(sap, url)) as http:
        yield Place(sap, url, http)


def client(sap: SapSandbox, url: str, *, token: bool = True) -> httpx.Client:
    """A client of the communication user; with a token unless told otherwise."""
    login = sap.credentials
    http = httpx.Client(
        base_url=url,
        auth=(login["user"], login["password"]),
        headers={"accept": "application/json"},
        timeout=10,
    )
    if token:
        reply = http.get(f"{ROOT}API_SALES_ORDER_SRV/", headers={"x-csrf-token": "Fetch"})
        http.headers["x-csrf-token"] = reply.headers["x-csrf-token"]
    return http
