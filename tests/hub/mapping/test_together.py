from __future__ import annotations

from hub.mapping import MappingDocument, check_together, loads
from hub.mapping.together import DECIDED_BY_ORIGIN
from hub.merge import ELSEWHERE
from hub.registry import goes_anywhere


def order(vendor: str, owns: str, via: str = "text") -> MappingDocument:
    fields = f"fields:\n  customer: {{ from: company, via: {via} }}"
    text = f"mapping: {vendor}.deal -> order\n{fields}\nowns: {owns}\n"
    return loads(text, name=f"{vendor}/order.in.yaml")


def out(vendor: str) -> MappingDocument:
    text = f"mapping: order -> {vendor}.deal\nfields:\n  number: {{ from: number }}\n"
    return loads(text, name=f"{vendor}/order.out.yaml")


def test_two_systems_that_own_one_field_are_found() -> None:
    documents = {
        "crm": [order("hubspot", "[customer]")],
        "shop": [order("shopify", "[customer]"), out("shopify")],
    }
    assert [str(finding) for finding in check_together(documents)] == [
        "shopify/order.in.yaml:4:8: 'customer' of order is owned by 'shop' and by 'crm'; "
        "only one system may change a field: remove it from owns in one of them"
    ]


def test_two_systems_that_never_see_a_document_of_the_other_do_not_overlap() -> None:
    one, two = order("hubspot", "[customer]"), order("shopify", "[customer]")
    assert check_together({"crm": [one], "shop": [two]}) == ()
    both = {"crm": [one, out("hubspot")], "shop": [two, out("shopify")]}
    assert check_together(both, lambda connection, kind: False) == ()
    assert check_together(both, lambda connection, kind: connection == "crm") != ()


def test_what_its_origin_decides_has_no_second_owner() -> None:
    told = "fields:\n  booked_on: {{ from: day, via: date }}\nowns: [booked_on]\n"
    bank, erp = (
        loads(f"mapping: {vendor}.line -> payment\n" + told.format(), name=f"{vendor}/payment.in.yaml")
        for vendor in ("bank", "sap")
    )
    sent = loads("mapping: payment -> sap.line\nfields:\n  n: { from: number }\n", name="sap/out.yaml")
    assert check_together({"bank": [bank], "erp": [erp, sent]}) == ()
    assert frozenset(ELSEWHERE) == DECIDED_BY_ORIGIN, "the merge knows the same kinds"


def test_one_owner_is_no_overlap() -> None:
    assert check_together({"crm": [order("hubspot", "[customer]")], "shop": [order("shopify", "[]")]}) == ()


def test_two_connections_to_one_system_share_its_mapping() -> None:
    assert (
        check_together({"eu": [order("hubspot", "[customer]")], "us": [order("hubspot", "[customer]")]}) == ()
    )


def test_reference_to_a_kind_that_its_connection_never_maps_is_found() -> None:
    crm = order("hubspot", "[]", "xref(customer)")
    customer = loads(
        "mapping: sap.kunde -> customer\nfields:\n  name: { from: n }\n", name="sap/customer.in.yaml"
    )
    assert [str(finding) for finding in check_together({"crm": [crm], "erp": [customer]})] == [
        "hubspot/order.in.yaml:3:35: 'crm' has no mapping of customer, so this would wait for ever; "
        "add a mapping of customer to it, or remove the reference"
    ]
    assert check_together({"crm": [crm, customer]}) == ()


def test_shipped_mappings_go_together(shipped: dict[str, list[MappingDocument]]) -> None:
    assert [str(finding) for finding in check_together(shipped, goes_anywhere)] == []
