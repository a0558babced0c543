"""IDocs: what is sent after goods issue and billing, and orders that come in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.kit import serve
from tests.sandbox.sap.place import Place, spec


@pytest.fixture
def received(place: Place) -> Iterator[list[bytes]]:
    got: list[bytes] = []

    async def take(request: Request) -> Response:
        got.append(await request.body())
        return Response(status_code=202)

    with serve(Starlette(routes=[Route("/idocs", take, methods=["POST"])])) as url:
        place.sap.idoc_url = f"{url}/idocs"
        yield got
    place.sap.idoc_url, place.sap.idoc_copies = "", 1


def paths(root: Any) -> set[str]:
    """Every element as the path of names above it."""
    tree = root.getroottree()
    return {
        "/".join(p.split("[")[0] for p in tree.getpath(one).split("/"))
        for one in root.iter()
        if isinstance(one.tag, str)
    }


def test_delivery_and_invoice_are_sent_and_may_come_twice(place: Place, received: list[bytes]) -> None:
    place.sap.idoc_copies = 2
    order = place.sap.create_order("10100001", [["TG11", 3]], reference="PO-7")
    place.sap.bill(delivery=place.sap.deliver(order, tracking="1Z-77"))
    roots = [etree.fromstring(one) for one in received]
    assert [one.tag for one in roots] == ["DELVRY07", "DELVRY07", "INVOIC02", "INVOIC02"]
    assert received[0] == received[1]
    assert roots[0].findtext(".//E1EDL20/BOLNR") == "1Z-77"
    assert roots[0].findtext(".//E1EDL24/LFIMG") == "3.000"
    assert roots[2].findtext(".//E1EDK02[QUALF='001']/BELNR") == "PO-7"
    assert roots[2].findtext(".//E1EDS01[SUMID='011']/SUMME") == "62.48"


def test_what_is_sent_has_the_structure_of_the_published_samples(place: Place) -> None:
    order = place.sap.create_order("10100001", [["TG11", 3]], reference="PO-7")
    delivery = place.sap.deliver(order)
    bill = place.sap.bill(delivery=delivery)
    for kind, number, sample in (
        ("DESADV", delivery, "004010-02-Delivery-Notification-Outbound.xml"),
        ("INVOIC", bill, "004010-03-Invoice-Outbound.xml"),
    ):
        ours = etree.fromstring(place.sap.idocs.make(kind, number).encode())
        known = paths(etree.parse(str(spec("b2b-o2c", "x12", sample))).getroot())
        extra = {one for one in paths(ours) if one not in known} - MAY
        assert not extra, extra


# Fields of these segments that the samples happen not to fill (SAP's segment definitions have them).
MAY = {"/DELVRY07/IDOC/E1EDL20/E1EDL24/EAN11", "/INVOIC02/IDOC/E1EDP01/WERKS"}


def test_an_order_comes_in_as_idoc(place: Place) -> None:
    body = """<ORDERS05><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><IDOCTYP>ORDERS05</IDOCTYP></EDI_DC40>
    <E1EDK01 SEGMENT="1"><CURCY>EUR</CURCY></E1EDK01>
    <E1EDK14 SEGMENT="1"><QUALF>008</QUALF><ORGID>1010</ORGID></E1EDK14>
    <E1EDKA1 SEGMENT="1"><PARVW>AG</PARVW><PARTN>0010100001</PARTN></E1EDKA1>
    <E1EDK02 SEGMENT="1"><QUALF>001</QUALF><BELNR>EDI-1</BELNR></E1EDK02>
    <E1EDP01 SEGMENT="1"><POSEX>000010</POSEX><MENGE>4</MENGE><MENEE>PCE</MENEE><VPREI>99.50</VPREI>
    <E1EDP19 SEGMENT="1"><QUALF>003</QUALF><IDTNR>4006381333948</IDTNR></E1EDP19>
    </E1EDP01></IDOC></ORDERS05>"""
    reply = place.http.post("/sap/bc/idoc_xml", content=body)
    assert reply.status_code == 200, reply.text
    order = place.get("API_SALES_ORDER_SRV", "A_SalesOrder('1')")
    assert (order["TotalNetAmount"], order["PurchaseOrderByCustomer"]) == ("398.00", "EDI-1")
    refused = place.http.post("/sap/bc/idoc_xml", content=body.replace("0010100001", "10100001"))
    assert refused.status_code == 400
