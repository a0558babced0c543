"""Business partners and customers: creation with all that hangs on them, roles, areas, numbers."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.sap.odata import Sent
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import ACCOUNTS, COMPANIES, CURRENCIES, TERMS, USER, System, missing

FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
CUSTOMER_ROLES = frozenset({"FLCU00", "FLCU01"})
OF_PARTNER = frozenset(
    [
        "A_BusinessPartnerAddress", "A_BusinessPartnerRole", "A_BusinessPartnerTaxNumber",
        "A_BuPaIdentification",
    ]
)  # fmt: skip
OF_CUSTOMER = frozenset(
    ["A_CustomerCompany", "A_CustomerSalesArea", "A_CustomerSalesAreaTax", "A_CustSalesPartnerFunc"]
)
OF_ADDRESS = frozenset({"A_AddressEmailAddress", "A_AddressPhoneNumber", "A_BuPaAddressUsage"})
NAMES = OF_PARTNER | OF_CUSTOMER | OF_ADDRESS | {"A_BusinessPartner", "A_CustomerDunning", "A_Customer"}


class Partners:
    """The business partner application."""

    def __init__(self, system: System) -> None:
        self.system, self.store = system, system.store

    def create(self, name: str, sent: Sent) -> Row:
        """A new partner, or something that hangs on one."""
        if name == "A_BusinessPartner":
            return self._partner(sent)
        row = self._part(name, dict(sent.values), sent)
        self._touch(self._owner(row))
        self.store.effect("create", name, "/".join(self.store[name].key(row)), "")
        return row

    def _partner(self, sent: Sent) -> Row:
        values = sent.values
        category = values.get("BusinessPartnerCategory") or "2"
        field_name = "LastName" if category == "1" else "OrganizationBPName1"
        if not values.get(field_name):
            raise business("R11/401", f"Enter a value for field {field_name}")
        number = str(self.store.next("BU_PARTNER", 1000000))
        full = (
            values.get("OrganizationBPName1") or f"{values.get('FirstName', '')} {values['LastName']}".strip()
        )
        row = {
            **_blank(self.store, "A_BusinessPartner"),
            **values,
            "BusinessPartner": number,
            "BusinessPartnerCategory": category,
            "BusinessPartnerGrouping": values.get("BusinessPartnerGrouping") or "BP02",
            "BusinessPartnerName": full,
            "BusinessPartnerFullName": full,
            "BusinessPartnerUUID": str(uuid.uuid4()),
            "Customer": "",
            **self.system.created(),
        }
        self._stamped(row)
        self._nested(number, sent)
        ids = self.store.find("A_BuPaIdentification", BusinessPartner=number)
        reference = ",".join(one["BPIdentificationNumber"] for one in ids)
        self.store.effect("create", "A_BusinessPartner", number, reference)
        made = self.store.get("A_BusinessPartner", number)
        assert made is not None
        return made

    def _nested(self, number: str, sent: Sent) -> None:
        roles = [
            one.values.get("BusinessPartnerRole") for one in sent.nested.get("to_BusinessPartnerRole", ())
        ]
        customers = sent.nested.get("to_Customer", ())
        if customers or CUSTOMER_ROLES & set(roles):
            self._customer(number, dict(customers[0].values) if customers else {})
        names = {
            "to_BusinessPartnerRole": "A_BusinessPartnerRole",
            "to_BusinessPartnerAddress": "A_BusinessPartnerAddress",
            "to_BusinessPartnerTax": "A_BusinessPartnerTaxNumber",
            "to_BuPaIdentification": "A_BuPaIdentification",
        }
        for nav, name in names.items():
            for one in sent.nested.get(nav, ()):
                self._part(name, {**one.values, "BusinessPartner": number}, one)
        for customer in customers:
            self._children(number, customer)

    def _children(self, number: str, sent: Sent) -> None:
        for one in sent.nested.get("to_CustomerCompany", ()):
            self._part("A_CustomerCompany", {**one.values, "Customer": number}, one)
        for one in sent.nested.get("to_CustomerSalesArea", ()):
            self._part("A_CustomerSalesArea", {**one.values, "Customer": number}, one)

    def _part(self, name: str, values: dict[str, Any], sent: Sent) -> Row:
        row = {**_blank(self.store, name), **values}
        if name in OF_PARTNER and self.store.get("A_BusinessPartner", row["BusinessPartner"]) is None:
            raise business("R1/111", f"Business partner {row['BusinessPartner']} does not exist")
        if name in OF_CUSTOMER and self.store.get("A_Customer", row["Customer"]) is None:
            raise business("F2/153", f"Customer {row['Customer']} has not been created")
        check = {
            "A_BusinessPartnerAddress": self._address,
            "A_BusinessPartnerRole": self._role,
            "A_BusinessPartnerTaxNumber": self._tax_number,
            "A_CustomerCompany": self._company,
            "A_CustomerSalesArea": self._area,
        }.get(name)
        if check is not None:
            check(row)
        keys = self.store[name].of.keys
        if name in OF_ADDRESS and not row.get("OrdinalNumber") and "OrdinalNumber" in keys:
            row["OrdinalNumber"] = str(len(self.store.find(name, AddressID=row["AddressID"])) + 1)
        key = self.store[name].key(row)
        if key in self.store[name].rows:
            raise business("R1/212", f"{name[2:]} {'/'.join(key)} already exists")
        self.store.put(name, row)
        self._below(name, row, sent)
        return row

    def _below(self, name: str, row: Row, sent: Sent) -> None:
        for nav, many in sent.nested.items():
            target = self.store[name].of.navs[nav]
            for one in many:
                joined = {theirs: row[ours] for theirs, ours in target.joined}
                self._part(target.target, {**one.values, **joined}, one)

    def _address(self, row: Row) -> None:
        if not row.get("Country"):
            raise business("AM/201", "Enter a country/region")
        row["AddressID"] = row.get("AddressID") or str(self.store.next("ADRNR", 20001))
        row["AddressUUID"] = str(uuid.uuid4())
        row["ValidityStartDate"] = row.get("ValidityStartDate") or self.system.now()
        row["ValidityEndDate"] = row.get("ValidityEndDate") or FOREVER

    def _role(self, row: Row) -> None:
        row["ValidFrom"] = row.get("ValidFrom") or datetime.combine(self.system.today(), time(), UTC)
        row["ValidTo"] = row.get("ValidTo") or FOREVER
        if row["BusinessPartnerRole"] in CUSTOMER_ROLES and not self.store.get(
            "A_Customer", row["BusinessPartner"]
        ):
            self._customer(row["BusinessPartner"], {})

    def _tax_number(self, row: Row) -> None:
        number = row.get("BPTaxNumber") or row.get("BPTaxLongNumber") or ""
        if not number:
            raise missing("BPTaxNumber")
        row["BPTaxNumber"] = number
        others = self.store.find("A_BusinessPartnerTaxNumber", BPTaxNumber=number)
        if others:
            partner = others[0]["BusinessPartner"]
            self.system.warn(
                "BUPA_TAX/015", f"Tax number {number} is already used by business partner {partner}"
            )
        customer = self.store.get("A_Customer", row["BusinessPartner"])
        if customer is not None and row["BPTaxType"].endswith("0"):
            self.store.put("A_Customer", {**customer, "VATRegistration": number})

    def _customer(self, number: str, values: dict[str, Any]) -> None:
        partner = self.store.get("A_BusinessPartner", number)
        assert partner is not None
        blank = _blank(self.store, "A_Customer")
        names = {
            "CustomerName": partner["BusinessPartnerName"],
            "CustomerFullName": partner["BusinessPartnerName"],
        }
        known = {"Customer": number, "CustomerAccountGroup": "CUST", "DeletionIndicator": False}
        self.store.put("A_Customer", {**blank, **values, **names, **known, **self.system.created()})
        self.store.put("A_BusinessPartner", {**partner, "Customer": number})

    def _company(self, row: Row) -> None:
        self.system.company(row.get("CompanyCode"))
        account = str(row.get("ReconciliationAccount") or "").zfill(10)
        if account not in ACCOUNTS:
            raise business(
                "F2/162", f"Reconciliation account {row.get('ReconciliationAccount')} is not defined"
            )
        row["ReconciliationAccount"] = account.lstrip("0")
        self._terms(row.get("PaymentTerms"))

    def _area(self, row: Row) -> None:
        if row.get("SalesOrganization") not in COMPANIES or row.get("DistributionChannel") != "10":
            area = f"{row.get('SalesOrganization')} {row.get('DistributionChannel')} {row.get('Division')}"
            raise business("VP/204", f"Sales area {area} is not defined")
        row["Currency"] = row.get("Currency") or COMPANIES[row["SalesOrganization"]].currency
        if row["Currency"] not in CURRENCIES:
            raise business("SV/098", f"Entry {row['Currency']} does not exist in TCURC")
        self._terms(row.get("CustomerPaymentTerms"))

    def _terms(self, terms: str | None) -> None:
        if terms and terms not in TERMS:
            raise business("F2/158", f"Terms of payment {terms} are not defined")

    def update(self, name: str, row: Row, values: dict[str, Any]) -> Row:
        """Changed fields of a partner or of what hangs on one."""
        changed = {**row, **values}
        checks = {"A_CustomerCompany": self._company, "A_CustomerSalesArea": self._area}
        if name in checks:
            checks[name](changed)
        if name == "A_BusinessPartner":
            changed["BusinessPartnerName"] = (
                changed.get("OrganizationBPName1") or changed["BusinessPartnerName"]
            )
            changed["BusinessPartnerFullName"] = changed["BusinessPartnerName"]
            self._stamped(changed)
            self._renamed(changed)
        else:
            self.store.put(name, changed)
            self._touch(self._owner(changed))
        self.store.effect("update", name, "/".join(self.store[name].key(row)), "")
        return changed

    def _renamed(self, partner: Row) -> None:
        customer = self.store.get("A_Customer", partner["BusinessPartner"])
        if customer is not None:
            name = partner["BusinessPartnerName"]
            self.store.put("A_Customer", {**customer, "CustomerName": name, "CustomerFullName": name})

    def remove(self, name: str, row: Row) -> None:
        """Something of a partner deleted."""
        self.store.remove(name, row)
        self._touch(self._owner(row))
        self.store.effect("delete", name, "/".join(self.store[name].key(row)), "")

    def _owner(self, row: Row) -> str:
        if "AddressID" in row and "BusinessPartner" not in row:
            addresses = self.store.find("A_BusinessPartnerAddress", AddressID=row["AddressID"])
            return str(addresses[0]["BusinessPartner"]) if addresses else ""
        return str(row.get("BusinessPartner") or row.get("Customer") or "")

    def _touch(self, number: str) -> None:
        partner = self.store.get("A_BusinessPartner", number)
        if partner is not None:
            self._stamped(dict(partner))

    def _stamped(self, row: Row) -> None:
        at = self.system.now().astimezone(ZoneInfo(self.system.zone))
        row |= {"LastChangeDate": at.date(), "LastChangeTime": at.time().replace(microsecond=0)}
        row["LastChangedByUser"] = USER
        row["ETag"] = f"{USER}{self.system.now():%Y%m%d%H%M%S}"
        self.store.put("A_BusinessPartner", row)


def _blank(store: Any, name: str) -> Row:
    return {one.name: "" for one in store[name].of.properties.values() if one.type == "S"}
