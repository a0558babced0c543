"""Our table of entity types says what the published metadata says."""

from __future__ import annotations

import pytest
from lxml import etree

from sandbox.sap import SapSandbox
from sandbox.sap.schema import EDM
from sandbox.sap.tables_v4 import SALES_ORDER_V4
from tests.sandbox.sap.place import spec

FILES = {
    "API_BUSINESS_PARTNER": "API_BUSINESS_PARTNER.edmx",
    "API_SALES_ORDER_SRV": "API_SALES_ORDER_SRV.2024.edmx",
    "API_OUTBOUND_DELIVERY_SRV": "API_OUTBOUND_DELIVERY_SRV_0002.edmx",
    "API_BILLING_DOCUMENT_SRV": "API_BILLING_DOCUMENT_SRV.edmx",
    "API_OPLACCTGDOCITEMCUBE_SRV": "API_OPLACCTGDOCITEMCUBE_SRV.edmx",
    "API_JOURNALENTRYITEMBASIC_SRV": "API_JOURNALENTRYITEMBASIC_SRV.edmx",
    "API_PRODUCT_SRV": "API_PRODUCT_SRV.edmx",
}
SAP = "{http://www.sap.com/Protocols/SAPData}"
INTERFACES = {one.name: one for one in SapSandbox.interfaces}


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_property_of_ours_is_that_of_the_published_metadata(name: str) -> None:
    root = etree.parse(spec("odata-v2", FILES[name])).getroot()
    published = {one.get("Name"): one for one in root.iter("{*}EntityType")}
    checked = 0
    for ours in INTERFACES[name].types.values():
        theirs = published[f"{ours.name}Type"]
        assert list(ours.keys) == [one.get("Name") for one in theirs.iter("{*}PropertyRef")], ours.name
        columns = {one.get("Name"): one for one in theirs.iter("{*}Property")}
        for one in ours.properties.values():
            it, where = columns[one.name], f"{ours.name}.{one.name}"
            assert it.get("Type") == EDM[one.type], where
            size = (
                it.get("MaxLength") if one.type == "S" else it.get("Precision") if one.type == "D" else None
            )
            assert int(size or 0) == one.size, where
            assert (it.get("Nullable") != "false") == one.nullable, where
            assert (it.get(f"{SAP}creatable") != "false") == one.creatable, where
            assert (it.get(f"{SAP}updatable") != "false") == one.updatable, where
            assert (it.get("ConcurrencyMode") == "Fixed") == one.etag, where
            checked += 1
        assert set(ours.navs) <= {one.get("Name") for one in theirs.iter("{*}NavigationProperty")}, ours.name
    assert checked > 20


@pytest.mark.parametrize("name", sorted(FILES))
def test_sets_and_function_imports_are_the_published_ones(name: str) -> None:
    root = etree.parse(spec("odata-v2", FILES[name])).getroot()
    sets = {one.get("Name"): one for one in root.iter("{*}EntitySet")}
    words = {"create": "creatable", "update": "updatable", "delete": "deletable"}
    for ours in INTERFACES[name].types.values():
        refused = {k for k, word in words.items() if sets[ours.name].get(SAP + word) == "false"}
        assert refused == ours.refused, ours.name
    published = {one.get("Name"): one for one in root.iter("{*}FunctionImport")}
    for action, ours in INTERFACES[name].actions.items():
        theirs = published[action]
        method = theirs.get("{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}HttpMethod")
        assert method == ours.method
        assert set(ours.parameters) == {one.get("Name") for one in theirs.iter("{*}Parameter")}


def test_the_v4_types_are_the_published_ones() -> None:
    root = etree.parse(spec("odata-v4", "CE_SALESORDER_0001.edmx")).getroot()
    published = {one.get("Name"): one for one in root.iter("{*}EntityType")}
    for ours in SALES_ORDER_V4.types.values():
        theirs = published.get(f"{ours.name}_Type", published["SalesOrderItemPricingElmnt_Type"])
        assert list(ours.keys) == [one.get("Name") for one in theirs.iter("{*}PropertyRef")]
        columns = {one.get("Name"): one for one in theirs.iter("{*}Property")}
        assert set(ours.properties) <= set(columns)
        for one in ours.properties.values():
            size = columns[one.name].get("MaxLength")
            assert one.type != "S" or int(size or 0) == one.size, one.name
        assert set(ours.navs) <= {one.get("Name") for one in theirs.iter("{*}NavigationProperty")}
