"""Business partners, products and reference lists."""

from __future__ import annotations

from typing import Any

from tests.sandbox.sap.place import ROOT, Place

SRV = "API_BUSINESS_PARTNER"


def partner(**changes: Any) -> dict[str, Any]:
    area = {
        "SalesOrganization": "1010", "DistributionChannel": "10", "Division": "00", "Currency": "EUR",
        "CustomerPaymentTerms": "NT30",
    }  # fmt: skip
    company = {"CompanyCode": "1010", "ReconciliationAccount": "12100000", "PaymentTerms": "NT30"}
    return {
        "BusinessPartnerCategory": "2", "BusinessPartnerGrouping": "BP02",
        "OrganizationBPName1": "Bluefinch GmbH",
        "to_BusinessPartnerAddress": {"results": [{
            "Country": "DE", "CityName": "Bonn",
            "to_EmailAddress": [{"EmailAddress": "ap@bluefinch.example", "Person": "", "OrdinalNumber": "1"}],
        }]},
        "to_BusinessPartnerRole": [{"BusinessPartnerRole": "FLCU00"}, {"BusinessPartnerRole": "FLCU01"}],
        "to_BusinessPartnerTax": [{"BPTaxType": "DE0", "BPTaxNumber": "DE999999999"}],
        "to_BuPaIdentification": [{"BPIdentificationType": "HUB", "BPIdentificationNumber": "cus-1"}],
        "to_Customer": {"to_CustomerCompany": [company], "to_CustomerSalesArea": [area]},
        **changes,
    }  # fmt: skip


def test_a_partner_is_created_with_all_that_makes_a_customer(place: Place) -> None:
    reply = place.post(SRV, "A_BusinessPartner", partner())
    assert reply.status_code == 201, reply.text
    number = reply.json()["d"]["BusinessPartner"]
    told = place.get(SRV, f"A_BusinessPartner('{number}')", **{
        "$expand": "to_Customer/to_CustomerCompany,to_Customer/to_CustomerSalesArea,"
        "to_BusinessPartnerAddress/to_EmailAddress"
    })  # fmt: skip
    assert told["Customer"] == number
    assert told["to_Customer"]["VATRegistration"] == "DE999999999"
    assert told["to_Customer"]["to_CustomerCompany"]["results"][0]["PaymentTerms"] == "NT30"
    address = told["to_BusinessPartnerAddress"]["results"][0]
    assert address["to_EmailAddress"]["results"][0]["EmailAddress"] == "ap@bluefinch.example"
    assert place.sap.kit.effects[-1]["reference"] == "cus-1"
    assert place.order("o", customer=number)["TransactionCurrency"] == "EUR"


def test_partners_are_found_by_our_number_tax_number_and_mail(place: Place) -> None:
    place.post(SRV, "A_BusinessPartner", partner())
    for name, text in (
        ("A_BuPaIdentification", "BPIdentificationType eq 'HUB' and BPIdentificationNumber eq 'cus-1'"),
        ("A_BusinessPartnerTaxNumber", "BPTaxNumber eq 'DE999999999'"),
        ("A_AddressEmailAddress", "EmailAddress eq 'ap@bluefinch.example'"),
        ("A_BusinessPartner", "startswith(OrganizationBPName1,'Bluefinch')"),
    ):
        assert len(place.get(SRV, name, **{"$filter": text})["results"]) == 1, name


def test_a_partner_that_is_half_wrong_leaves_nothing_behind(place: Place) -> None:
    wrong = {"to_CustomerCompany": [{"CompanyCode": "9999", "ReconciliationAccount": "12100000"}]}
    before = place.sap.count("A_BusinessPartner")
    reply = place.post(SRV, "A_BusinessPartner", partner(to_Customer=wrong))
    assert (reply.status_code, "9999" in reply.json()["error"]["message"]["value"]) == (400, True)
    assert place.sap.count("A_BusinessPartner") == before
    assert place.sap.kit.effects == []


def test_a_second_partner_with_a_tax_number_is_only_a_warning(place: Place) -> None:
    place.post(SRV, "A_BusinessPartner", partner())
    assert "DE999999999" in place.post(SRV, "A_BusinessPartner", partner()).headers["sap-message"]


def test_a_change_moves_the_stamps_and_the_name_of_the_customer(place: Place) -> None:
    place.http.patch(f"{ROOT}{SRV}/A_BusinessPartner('10100001')", json={"OrganizationBPName1": "New Name"})
    assert place.get(SRV, "A_Customer('10100001')")["CustomerName"] == "New Name"
    key = "Customer='10100001',SalesOrganization='1010',DistributionChannel='10',Division='00'"
    url = f"{ROOT}{SRV}/A_CustomerSalesArea({key})"
    assert place.http.patch(url, json={"CustomerPaymentTerms": "NT60"}).status_code == 204
    assert place.http.patch(url, json={"CustomerPaymentTerms": "XXXX"}).status_code == 400
    assert place.order("o")["CustomerPaymentTerms"] == "NT60"


def test_an_area_is_added_to_a_customer(place: Place) -> None:
    path = "A_CustomerSalesArea"
    body = {
        "Customer": "10100001",
        "SalesOrganization": "1710",
        "DistributionChannel": "10",
        "Division": "00",
    }
    assert place.post(SRV, path, body).status_code == 201
    assert place.post(SRV, path, body).status_code == 400
    assert place.http.delete(f"{ROOT}{SRV}/A_BusinessPartner('10100001')").status_code == 405


def test_products_are_found_by_number_and_gtin(place: Place) -> None:
    service = "API_PRODUCT_SRV"
    assert place.get(service, "A_Product('TG11')")["BaseUnit"] == "PC"
    rows = place.get(service, "A_Product", **{"$filter": "ProductStandardID eq '4006381333948'"})["results"]
    assert [row["Product"] for row in rows] == ["TG12"]
    names = place.get(service, "A_Product('TG11')/to_Description")["results"]
    assert names[0]["ProductDescription"] == "Trading Good 11"


def test_company_codes_and_sales_organizations_can_be_listed(place: Place) -> None:
    rows = place.get("API_COMPANYCODE_SRV", "A_CompanyCode")["results"]
    assert [(row["CompanyCode"], row["Currency"]) for row in rows] == [("1010", "EUR"), ("1710", "USD")]
    rows = place.get("API_SALESORGANIZATION_SRV", "A_SalesOrganization")["results"]
    assert [row["CompanyCode"] for row in rows] == ["1010", "1710"]
