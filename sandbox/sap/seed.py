"""What the system comes with: company codes, products with prices, a few customers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.sap.odata import Sent
from sandbox.sap.partners import Partners
from sandbox.sap.store import Row, Store
from sandbox.sap.system import ACCOUNTS, COMPANIES, RECEIVABLES, System

PRODUCTS = (
    ("TG11", "Trading Good 11", "PC", "4006381333931", {"1010": "17.50", "1710": "19.90"}),
    ("TG12", "Trading Good 12", "PC", "4006381333948", {"1010": "100.00", "1710": "110.00"}),
    ("TG20", "Trading Good 20", "PC", "", {"1010": "5.25", "1710": "5.95"}),
    ("SRV01", "Consulting", "H", "", {"1010": "120.00", "1710": "140.00"}),
)
CUSTOMERS = (
    ("10100001", "Inlandskunde DE 1", "1010", "NT30", "DE123456788"),
    ("10100002", "Inlandskunde DE 2", "1010", "0001", ""),
    ("17100001", "Domestic US Customer 1", "1710", "NT30", ""),
    ("17100002", "Domestic US Customer 2", "1710", "0002", ""),
)


def furnish(system: System, partners: Partners) -> None:
    """Put everything in place."""
    store = system.store
    for one in COMPANIES.values():
        known = {"CompanyCode": one.code, "Country": one.country, "ChartOfAccounts": "YCOA", "Language": "EN"}
        store.put(
            "A_CompanyCode", {**known, "CompanyCodeName": one.name, "CityName": "", "Currency": one.currency}
        )
        area = {"SalesOrganization": one.code, "CompanyCode": one.code}
        store.put("A_SalesOrganization", {**area, "SalesOrganizationCurrency": one.currency})
    for number in ACCOUNTS:
        store.put("A_GLAccountInChartOfAccounts", {"ChartOfAccounts": "YCOA", "GLAccount": number})
    for id, text, unit, gtin, prices in PRODUCTS:
        add_product(system, id, text, unit, gtin=gtin, prices={k: Decimal(v) for k, v in prices.items()})
    for number, name, company, terms, vat in CUSTOMERS:
        store.numbers["BU_PARTNER"] = int(number) - 1
        add_customer(partners, name, company, terms, vat)
    store.numbers["BU_PARTNER"] = 999999


def add_product(
    system: System, id: str, text: str, unit: str, *, gtin: str, prices: dict[str, Decimal]
) -> None:
    """A product, sold in every organization that has a price for it; unit H makes it a service."""
    store = system.store
    kind = "SERV" if unit == "H" else "HAWA"
    common: Row = {"Product": id, "ProductType": kind, "BaseUnit": unit, "ProductGroup": "L001"}
    common |= {"ProductStandardID": gtin, "Division": "00", "LastChangeDateTime": system.stamp()}
    store.put("A_Product", {**common, **{k: v for k, v in system.created().items() if k != "CreationTime"}})
    store.put("A_ProductDescription", {"Product": id, "Language": "EN", "ProductDescription": text})
    one = Decimal(1)
    measure = {"QuantityNumerator": one, "QuantityDenominator": one, "GlobalTradeItemNumber": gtin}
    store.put(
        "A_ProductUnitsOfMeasure", {"Product": id, "AlternativeUnit": unit, "BaseUnit": unit, **measure}
    )
    if gtin:
        key = {"Product": id, "AlternativeUnit": unit, "ConsecutiveNumber": "1"}
        main = {"ProductStandardID": gtin, "IsMainGlobalTradeItemNumber": True}
        store.put("A_ProductUnitsOfMeasureEAN", {**key, **main})
    for organization, price in prices.items():
        area = {"ProductSalesOrg": organization, "ProductDistributionChnl": "10"}
        store.put("A_ProductSalesDelivery", {"Product": id, **area, "Price": price})
        country = COMPANIES[organization].country
        tax = {"Country": country, "TaxCategory": "TTX1", "TaxClassification": "1"}
        store.put("A_ProductSalesTax", {"Product": id, **tax})


def add_customer(
    partners: Partners,
    name: str,
    company: str,
    terms: str,
    vat: str,
    *,
    duns: str = "",
    email: str = "",
    currency: str = "",
) -> str:
    """A customer with company code and sales area; its number."""
    country = COMPANIES[company].country
    address = Sent({"Country": country, "CityName": "Walldorf" if country == "DE" else "Palo Alto"}, {})
    if email:
        address.nested["to_EmailAddress"] = [
            Sent({"EmailAddress": email, "Person": "", "OrdinalNumber": "1"}, {})
        ]
    books = {"CompanyCode": company, "ReconciliationAccount": RECEIVABLES, "PaymentTerms": terms}
    area: dict[str, Any] = {"SalesOrganization": company, "DistributionChannel": "10", "Division": "00"}
    area |= {"CustomerPaymentTerms": terms, "Currency": currency or COMPANIES[company].currency}
    tax = {"DepartureCountry": country, "CustomerTaxCategory": "TTX1", "CustomerTaxClassification": "1"}
    customer = Sent(
        {},
        {
            "to_CustomerCompany": [Sent(books, {})],
            "to_CustomerSalesArea": [Sent(area, {"to_SalesAreaTax": [Sent(tax, {})]})],
        },
    )
    nested = {
        "to_BusinessPartnerAddress": [address],
        "to_BusinessPartnerRole": [Sent({"BusinessPartnerRole": one}, {}) for one in ("FLCU00", "FLCU01")],
        "to_Customer": [customer],
    }
    if vat:
        told = {"BPTaxType": f"{country}0", "BPTaxNumber": vat}
        nested["to_BusinessPartnerTax"] = [Sent(told, {})]
    if duns:
        told = {"BPIdentificationType": "BUP001", "BPIdentificationNumber": duns}
        nested["to_BuPaIdentification"] = [Sent(told, {})]
    values = {"BusinessPartnerCategory": "2", "OrganizationBPName1": name, "SearchTerm1": name[:20].upper()}
    return str(partners.create("A_BusinessPartner", Sent(values, nested))["BusinessPartner"])


def forget(store: Store) -> None:
    """Empty every table and number range."""
    for table in store.tables.values():
        for key in list(table.rows):
            table.swap(key, None)
    store.numbers.clear()
