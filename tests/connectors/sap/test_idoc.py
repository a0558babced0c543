"""IDocs: the vendor's samples and our own, numbers and dates as SAP writes them, bad files told apart."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from lxml import etree

from connectors.sap import idoc
from connectors.sap.idoc_segments import day, number
from connectors.sap.reading import bill_record, shipments
from connectors.sap.settings import Settings
from hub.sdk import Change, ConnectorError, Invalid, Unmappable

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "specs" / "sap" / "b2b-o2c"


def control(
    message: str = "DESADV", basic: str = "DELVRY07", number: str = "0000000000000042", more: str = ""
) -> str:
    return (
        f"<EDI_DC40><TABNAM>EDI_DC40</TABNAM><MANDT>100</MANDT><DOCNUM>{number}</DOCNUM><IDOCTYP>{basic}</IDOCTYP>"
        f"<MESTYP>{message}</MESTYP><SNDPOR>SAPS4H</SNDPOR><SNDPRN>S4HCLNT100</SNDPRN><CREDAT>20261121</CREDAT>"
        f"<CRETIM>101530</CRETIM>{more}</EDI_DC40>"
    )


def dated(issued: str = "20261121") -> str:
    return f"<E1EDT13><QUALF>006</QUALF><NTANF>20261120</NTANF><ISDD>{issued}</ISDD></E1EDT13>"


def delivered(quantity: str = "         3.000", order: str = "0000004711", position: str = "000010") -> str:
    return (
        f"<E1EDL24><POSNR>{position}</POSNR><MATNR>000000000000000011</MATNR><LFIMG>{quantity}</LFIMG><VRKME>PCE</VRKME>"
        f"<VGBEL>{order}</VGBEL><VGPOS>{position}</VGPOS></E1EDL24>"
    )


def delivery(inner: str = "", head: str = "", issued: str = "20261121") -> str:
    return (
        f"<IDOC BEGIN='1'>{head or control()}<E1EDL20><VBELN>0080000001</VBELN><VKORG>1010</VKORG>"
        f"<BOLNR>1Z999</BOLNR>{dated(issued)}{inner or delivered()}</E1EDL20></IDOC>"
    )


def invoice(
    kind: str = "INVO",
    tax: str = "19.00",
    gross: str = "119.00",
    item: str = "100.00",
    billing: str = "F2",
    head: str = "",
) -> str:
    return (
        f"<IDOC>{head or control('INVOIC', 'INVOIC02')}<E1EDK01><CURCY>EUR</CURCY><ZTERM>NT30</ZTERM>"
        f"<BSART>{kind}</BSART><BELNR>0090000012</BELNR></E1EDK01><E1EDKA1><PARVW>RG</PARVW><PARTN>0010100001</PARTN></E1EDKA1>"
        "<E1EDK02><QUALF>009</QUALF><BELNR>0090000012</BELNR><DATUM>20261121</DATUM></E1EDK02>"
        "<E1EDK03><IDDAT>028</IDDAT><DATUM>20261221</DATUM></E1EDK03>"
        f"<E1EDK14><QUALF>008</QUALF><ORGID>1010</ORGID></E1EDK14><E1EDK14><QUALF>015</QUALF><ORGID>{billing}</ORGID>"
        "</E1EDK14><E1EDK14><QUALF>003</QUALF><ORGID>1010</ORGID></E1EDK14>"
        "<E1EDP01><POSEX>000010</POSEX><MENGE>4.000</MENGE><MENEE>PCE</MENEE><E1EDP02><QUALF>002</QUALF>"
        "<BELNR>0000004711</BELNR><ZEILE>000010</ZEILE></E1EDP02><E1EDP19><QUALF>002</QUALF><IDTNR>TG11</IDTNR>"
        f"</E1EDP19><E1EDP26><QUALF>003</QUALF><BETRG>{item}</BETRG></E1EDP26><E1EDP04><MWSKZ>A1</MWSKZ>"
        f"<MSATZ>19.000</MSATZ><MWSBT>{tax}</MWSBT></E1EDP04></E1EDP01>"
        f"<E1EDS01><SUMID>010</SUMID><SUMME>100.00</SUMME></E1EDS01><E1EDS01><SUMID>005</SUMID><SUMME>{tax}</SUMME></E1EDS01>"
        f"<E1EDS01><SUMID>011</SUMID><SUMME>{gross}</SUMME></E1EDS01></IDOC>"
    )


def order(message: str = "ORDRSP", own: str = "0000004711") -> str:
    sap = f"<E1EDK02><QUALF>002</QUALF><BELNR>{own}</BELNR></E1EDK02>" if own else ""
    return (
        f"<IDOC>{control(message, 'ORDERS05')}<E1EDK01><CURCY>EUR</CURCY><BELNR>PO-77</BELNR></E1EDK01>"
        "<E1EDKA1><PARVW>AG</PARVW><PARTN>0010100001</PARTN></E1EDKA1>"
        f"<E1EDK02><QUALF>001</QUALF><BELNR>PO-77</BELNR><DATUM>20261119</DATUM></E1EDK02>{sap}"
        "<E1EDK14><QUALF>008</QUALF><ORGID>1010</ORGID></E1EDK14><E1EDP01><POSEX>000010</POSEX><MENGE>2.000</MENGE>"
        "<MENEE>PCE</MENEE><VPREI>50.00</VPREI><PEINH>1</PEINH><NETWR>100.00</NETWR><E1EDP19><QUALF>002</QUALF>"
        "<IDTNR>000000000000000011</IDTNR></E1EDP19></E1EDP01></IDOC>"
    )


def file(*idocs: str, root: str = "DELVRY07") -> bytes:
    return f"<?xml version='1.0' encoding='UTF-8'?><{root}>{''.join(idocs)}</{root}>".encode()


def only(body: bytes) -> Change:
    found = idoc.read(body)
    assert len(found) == 1
    return found[0]


def told(body: bytes) -> dict[str, Any]:
    change = only(body)
    assert change.problem is None, change.problem
    assert change.record is not None
    return dict(change.record)


# the vendor's samples


def sample(name: str) -> bytes:
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"the vendor's sample {name} is not in ../shared/specs/sap/b2b-o2c")
    return path.read_bytes()


def test_the_vendors_delivery_becomes_a_shipment_that_left() -> None:
    change = only(sample("soap/02-Delivery-Notification-Outbound.xml"))
    assert (change.kind, change.external_id) == ("shipment", "80000849")
    record = dict(change.record or {})
    assert record["ActualGoodsMovementDate"] == date(2018, 12, 18)
    assert record["OverallGoodsMovementStatus"] == "C"
    item = record["to_DeliveryDocumentItem"][0]
    assert (item["ReferenceSDDocument"], item["ReferenceSDDocumentItem"]) == ("1390", "10")
    assert (item["ActualDeliveryQuantity"], item["DeliveryQuantityUnit"]) == (Decimal("1.000"), "PCE")


def test_the_vendors_invoice_foots_and_is_due_when_it_says() -> None:
    change = only(sample("soap/03-Invoice-Outbound.xml"))
    assert (change.kind, change.external_id) == ("invoice", "90001519")
    record = dict(change.record or {})
    assert (record["TotalNetAmount"], record["TaxAmount"], record["TotalGrossAmount"]) == (
        Decimal("450.00"), Decimal("85.50"), Decimal("535.50"),
    )  # fmt: skip
    assert (record["BillingDocumentDate"], record["NetDueDate"]) == (date(2018, 10, 26), date(2018, 10, 31))
    assert [item["NetAmount"] for item in record["to_Item"]] == [Decimal("250.00"), Decimal("200.00")]
    assert record["to_Item"][0]["SalesDocument"] == "5829"


def test_the_vendors_order_response_is_known_by_the_sales_orders_number() -> None:
    change = only(sample("soap/01-b-Sales-Order-Response-Outbound.xml"))
    assert (change.kind, change.external_id) == ("order", "1390")
    assert dict(change.record or {})["PurchaseOrderByCustomer"] == "xpm"


@pytest.mark.parametrize(
    "path", sorted(SAMPLES.glob("*/*Outbound.xml")) or [Path("none")], ids=lambda one: one.name
)
def test_every_idoc_of_the_vendor_is_read_without_a_problem(path: Path) -> None:
    body = sample(str(path.relative_to(SAMPLES)) if path.is_absolute() else str(path))
    change = only(body)
    assert change.problem is None
    assert change.kind in ("order", "shipment", "invoice")
    assert len(idoc.verify(body)) == 1


# our own


def test_leading_zeros_are_gone_as_in_odata() -> None:
    record = told(file(delivery()))
    assert record["DeliveryDocument"] == "80000001"
    item = record["to_DeliveryDocumentItem"][0]
    assert (item["Material"], item["ReferenceSDDocument"], item["DeliveryDocumentItem"]) == (
        "11",
        "4711",
        "10",
    )
    assert item["ActualDeliveryQuantity"] == Decimal("3.000")


def test_a_delivery_before_goods_issue_has_not_left() -> None:
    record = told(file(delivery(issued="00000000")))
    assert (record["OverallGoodsMovementStatus"], record["ActualGoodsMovementDate"]) == ("A", None)


def test_the_event_is_the_idocs_number_at_its_sender() -> None:
    body = file(delivery(), delivery(head=control(number="0000000000000043")), delivery())
    assert idoc.verify(body) == [
        "idoc:S4HCLNT100:100:0000000000000042", "idoc:S4HCLNT100:100:0000000000000043",
    ]  # fmt: skip


def test_the_moment_an_idoc_was_made_is_in_its_systems_own_zone() -> None:
    (change,) = idoc.read(file(delivery()), "Europe/Berlin")
    assert change.revision == change.as_of == datetime(2026, 11, 21, 9, 15, 30, tzinfo=UTC)


def test_several_idocs_of_several_kinds_are_read_in_order() -> None:
    found = idoc.read(file(delivery(), invoice(), order(), root="IDOCS"))
    assert [(one.kind, one.external_id) for one in found] == [
        ("shipment", "80000001"), ("invoice", "90000012"), ("order", "4711"),
    ]  # fmt: skip


def test_an_idoc_that_cannot_be_read_does_not_hold_up_the_others() -> None:
    first, second = idoc.read(file(delivery(delivered("three")), delivery()))
    assert first.record is None
    assert isinstance(first.problem, Unmappable)
    assert first.problem.field == "E1EDL24-LFIMG"
    assert second.problem is None


def test_a_purchase_order_is_known_by_customer_and_number() -> None:
    change = only(file(order("ORDERS", own="")))
    assert (change.kind, change.external_id) == ("order", "10100001:PO-77")
    assert "SalesOrder" not in dict(change.record or {})


def test_a_credit_memo_is_told_by_the_documents_kind() -> None:
    assert only(file(invoice("CRME", billing="G2"))).kind == "credit_memo"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (invoice(kind="SBIN"), "E1EDK01-BSART"),
        (invoice(billing="S1"), "E1EDK14-ORGID"),
        (invoice(gross="120.00"), "E1EDS01-SUMME"),
        (invoice(item="99.00"), "E1EDP26-BETRG"),
        (invoice(head=control("INVOIC", "DELVRY07")), "EDI_DC40-IDOCTYP"),
        (invoice(head=control("INVOIC", "INVOIC02", more="<TEST>X</TEST>")), "EDI_DC40-TEST"),
        (invoice(head=control("MATMAS", "MATMAS05")), "EDI_DC40-MESTYP"),
        (order(own="").replace("<BELNR>PO-77</BELNR>", "", 1), "E1EDK02-BELNR"),
    ],
)
def test_what_cannot_be_trusted_is_a_problem_that_names_its_segment(body: str, field: str) -> None:
    change = only(file(body))
    assert change.record is None
    assert change.problem is not None
    assert change.problem.field == field


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<a/>",
        b"<DELVRY07/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><DELVRY07><IDOC>&b;</IDOC></DELVRY07>",
        b"<DELVRY07><IDOC><E1EDL20/></IDOC></DELVRY07>",
        b"<DELVRY07><IDOC><EDI_DC40><DOCNUM>0000</DOCNUM></EDI_DC40></IDOC></DELVRY07>",
    ],
)
def test_a_file_without_idocs_is_refused(body: bytes) -> None:
    for read in (idoc.verify, idoc.read):
        with pytest.raises(Invalid):
            read(body)


def test_a_file_of_too_many_idocs_is_refused() -> None:
    with pytest.raises(Invalid, match="split it"):
        idoc.read(file("<IDOC/>" * (idoc.IDOCS_MAX + 1)))


def test_a_file_over_the_size_is_refused() -> None:
    with pytest.raises(Invalid, match="over"):
        idoc.verify(b"<a>" + b" " * idoc.BYTES_MAX + b"</a>")


def test_other_encodings_are_read_as_they_say() -> None:
    text = file(delivery()).decode().replace("1Z999", "Grüße")
    for name in ("utf-16", "iso-8859-1"):
        body = text.replace("encoding='UTF-8'", f"encoding='{name}'").encode(name)
        assert told(body)["BillOfLading"] == "Grüße"
        assert idoc.is_idoc(body)
    assert not idoc.is_idoc(b'{"sap": "delivery"}')


def test_an_idoc_in_a_soap_envelope_is_read_the_same() -> None:
    inner = delivery().replace("<IDOC ", "<IDOC xmlns='urn:sap-com:document:sap:idoc:soap:messages' ")
    body = (
        "<soap:Envelope xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'><soap:Body>"
        f"<DELVRY07 xmlns='urn:sap-com:document:sap:idoc:soap:messages'>{inner}</DELVRY07></soap:Body>"
        "</soap:Envelope>"
    ).encode()
    assert told(body) == told(file(delivery()))


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("12.50-", "-12.50"),
        ("-12.50", "-12.50"),
        ("  1.000 ", "1.000"),
        ("+3", "3"),
        (".5", "0.5"),
        ("7.", "7"),
    ],
)
def test_numbers_as_sap_writes_them(words: str, value: str) -> None:
    node = etree.fromstring(f"<E1EDP05><KPERC>{words}</KPERC></E1EDP05>")
    assert number(node, "KPERC") == Decimal(value)


@pytest.mark.parametrize("words", ["-1-", "1,5", "1.000,00", "x", "1e3", "NaN", "١٢"])
def test_what_is_no_number_is_a_problem(words: str) -> None:
    node = etree.fromstring(f"<E1EDP05><KPERC>{words}</KPERC></E1EDP05>")
    with pytest.raises(Unmappable, match="E1EDP05-KPERC: is not a number"):
        number(node, "KPERC")


@pytest.mark.parametrize("words", ["20261301", "2026-11-21", "20260230", "1"])
def test_what_is_no_day_is_a_problem(words: str) -> None:
    with pytest.raises(Unmappable, match="is not a date"):
        day(etree.fromstring(f"<E1EDK03><DATUM>{words}</DATUM></E1EDK03>"), "DATUM")


# in the shape of the OData changes


def own_settings() -> Settings:
    company = {"company_code": "1010", "sales_organization": "1010"}
    own = {"base_url": "https://my1-api.s4hana.cloud.sap", "username": "u", "password": "p"}
    return Settings.model_validate({**own, "sellers": {"DE": company}})


def shaped(change: Change, orders: dict[str, Any]) -> list[dict[str, Any]]:
    """The records that mappings read, made by the same code as those of polls."""
    record = dict(change.record or {})
    if change.kind == "shipment":
        made = shipments(change.external_id, record, orders, own_settings())
        return [{"id": one.external_id, **(one.record or {})} for one in made]
    return [bill_record(record, orders, None, own_settings())]


def test_one_mapping_serves_idocs_and_odata() -> None:
    left, billed = idoc.read(file(delivery(delivered() + delivered("1.000", "0000004712")), invoice()))
    ship, other = shaped(left, {})
    assert (ship["id"], other["id"]) == ("80000001:4711", "80000001:4712")
    assert (ship["seller"], ship["order"]) == ("DE", {"external_id": "4711", "reference": ""})
    (bill,) = shaped(billed, {})
    line = bill["to_Item"][0]
    assert (line["tax_percent"], line["tax_code"], line["unit_price"]) == (
        Decimal(19),
        "A1",
        Decimal("25.000000"),
    )
    assert bill["NetDueDate"] == date(2026, 12, 21)


def test_our_references_come_from_the_orders_where_they_can_be_read() -> None:
    item = {"SalesOrderItem": "10", "PurchaseOrderByShipToParty": "L1"}
    orders = {"4711": {"SalesOrder": "4711", "PurchaseOrderByShipToParty": "our-order", "to_Item": [item]}}
    left, billed = idoc.read(file(delivery(), invoice()))
    (ship,) = shaped(left, orders)
    assert (ship["order"]["reference"], ship["items"][0]["order_line"]) == ("our-order", "L1")
    assert shaped(billed, orders)[0]["to_Item"][0]["order_line"] == "L1"


# anything at all

NAMES = """IDOC EDI_DC40 DOCNUM MESTYP IDOCTYP E1EDL20 VBELN E1EDL24 LFIMG E1EDK01 BSART E1EDK02 QUALF BELNR
    E1EDP01 MENGE E1EDS01 SUMID SUMME E1EDT13 ISDD CREDAT CRETIM"""
WORDS = """0 42 INVOIC INVOIC02 DESADV DELVRY07 ORDERS ORDERS05 009 006 INVO 10.00- 20261121 00000000 99999999
    246060 x ٣"""
TAGS = st.sampled_from(tuple(NAMES.split()))
TEXTS = st.sampled_from(("", " ", *WORDS.split()))
TREES = st.recursive(
    st.tuples(TAGS, TEXTS).map(lambda told: f"<{told[0]}>{told[1]}</{told[0]}>"),
    lambda inner: st.tuples(TAGS, st.lists(inner, max_size=5)).map(
        lambda told: f"<{told[0]}>{''.join(told[1])}</{told[0]}>"
    ),
    max_leaves=25,
)


@bounded(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=200), st.lists(TREES, max_size=6).map(lambda parts: file(delivery(), *parts))
    )
)
def test_no_file_gets_past_the_error_tree(body: bytes) -> None:
    for read in (idoc.verify, idoc.read):
        try:
            read(body)
        except (ConnectorError, Invalid, Unmappable):
            continue


@bounded(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([invoice(), delivery(), order(), order("ORDERS")]), st.integers(0, 2000), TEXTS)
def test_a_damaged_idoc_is_a_problem_or_a_whole_record(idoc_text: str, at: int, scrap: str) -> None:
    texts = idoc_text.split(">")
    cut = at % len(texts)
    name, _, rest = texts[cut].partition("<")
    damaged = ">".join(
        [*texts[:cut], (scrap if name else name) + "<" + rest if rest else texts[cut], *texts[cut + 1 :]]
    )
    try:
        found = idoc.read(file(damaged))
        for one in found:
            if one.record is not None and one.kind != "order":
                shaped(one, {})
    except (ConnectorError, Invalid):
        return
    assert all((one.record is None) == (one.problem is not None) for one in found)
