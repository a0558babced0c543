"""Tells an admin before saving whether the hub can work with this SAP system, and what to repair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from connectors.sap import cube
from connectors.sap.client import BILLING, CUBE, DELIVERIES, ORDERS, ORDERS_V4, PARTNERS, PRODUCTS, Client
from connectors.sap.settings import Settings
from connectors.sap.translate import any_of, text
from hub.sdk import AuthFailed, ConnectorError, Health, Record

_COMPANY_CODES = "/sap/opu/odata/sap/API_COMPANYCODE_SRV"
_SALES = "/sap/opu/odata/sap/API_SALESORGANIZATION_SRV"
# service, set, and the communication scenario that grants it (vendors.md 4.1)
_APIS = (
    (PARTNERS, "A_BusinessPartner", "SAP_COM_0008"),
    (PRODUCTS, "A_Product", "SAP_COM_0009"),
    (ORDERS, "A_SalesOrder", "SAP_COM_0109"),
    (DELIVERIES, "A_OutbDeliveryHeader", "SAP_COM_0106"),
    (BILLING, "A_BillingDocument", "SAP_COM_0120"),
    (CUBE, cube.SET, "SAP_COM_0002"),
)


class Finding(NamedTuple):
    """One thing to repair; the connection cannot work before a `blocking` one is."""

    text: str
    blocking: bool = True


def examine(client: Client, settings: Settings) -> Health:
    """Asks every service that will be needed, and fails closed: what was not answered is not there."""
    findings: list[Finding] = []
    for api, name, scenario in _apis(settings):
        try:
            client.page(api, name, {"$top": "1"})
        except AuthFailed as error:
            return Health(False, "SAP refused the credentials", (f"{name}: {error}",))
        except ConnectorError as error:
            findings.append(Finding(f"{name} (communication scenario {scenario}): {error}"))
    if not findings:
        findings += [*_fields(client, settings), *_organisation(client, settings), *_accounts(settings)]
    blocked = [one.text for one in findings if one.blocking]
    summary = blocked[0] if blocked else f"SAP answers with all {len(_APIS)} services"
    return Health(not blocked, summary, tuple(one.text for one in findings))


def _apis(settings: Settings) -> Iterator[tuple[str, str, str]]:
    for api, name, scenario in _APIS:
        v4 = api == ORDERS and settings.sales_api == "v4"
        yield (ORDERS_V4, "SalesOrder", scenario) if v4 else (api, name, scenario)


def _fields(client: Client, settings: Settings) -> Iterator[Finding]:
    """A custom field that is not there would be refused with every order."""
    if not settings.reference_field.startswith("YY1_"):
        return
    v4 = settings.sales_api == "v4"
    try:
        query = {"$top": "1", "$filter": f"{settings.reference_field} eq {text('O2C')}"}
        client.page(ORDERS_V4 if v4 else ORDERS, "SalesOrder" if v4 else "A_SalesOrder", query)
    except ConnectorError as error:
        yield Finding(f"field {settings.reference_field} of sales orders: {error}; enable it for this API")


def _organisation(client: Client, settings: Settings) -> Iterator[Finding]:
    """Company codes with their currency, and sales organisations, against the settings."""
    codes = {one.company_code for one in settings.sellers.values()}
    found = _listed(client, _COMPANY_CODES, "A_CompanyCode", "CompanyCode", codes)
    if found is None:
        yield Finding("company codes cannot be listed (SAP_COM_0200): they are not compared", blocking=False)
    else:
        for one in settings.sellers.values():
            row = found.get(one.company_code)
            if row is None:
                yield Finding(f"company code {one.company_code} does not exist in SAP")
            elif row.get("Currency") and row["Currency"] != one.currency:
                told = f"company code {one.company_code} is kept in {row['Currency']}, not {one.currency}"
                yield Finding(f"{told}: correct sellers")
    names = {one.sales_organization for one in settings.sellers.values()}
    sales = _listed(client, _SALES, "A_SalesOrganization", "SalesOrganization", names)
    if sales is None:
        yield Finding("sales organisations cannot be listed: they are not compared", blocking=False)
    for name in sorted(names - set(sales)) if sales is not None else ():
        yield Finding(f"sales organization {name} does not exist in SAP")


def _listed(client: Client, api: str, name: str, key: str, wanted: set[str]) -> Mapping[str, Record] | None:
    try:
        rows = client.rows(api, name, {"$filter": any_of(key, sorted(wanted))})
    except ConnectorError:
        return None
    return {str(row.get(key)): row for row in rows}


def _accounts(settings: Settings) -> Iterator[Finding]:
    for seller, one in settings.sellers.items():
        missing = [name for name in type(one.accounts).model_fields if not getattr(one.accounts, name)]
        if missing:
            told = f"seller {seller!r}: no G/L account for {', '.join(missing)}"
            yield Finding(f"{told}: such postings are refused, and such lines not recognised", blocking=False)
