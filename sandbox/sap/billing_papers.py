"""What stands in a billing document: header, partners, items with price and tax."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sandbox.sap.positions import Amounts, Position
from sandbox.sap.store import Row
from sandbox.sap.system import COMPANIES, System

HEAD, LINE = "A_BillingDocument", "A_BillingDocumentItem"


class Papers:
    """Writes the rows of billing documents."""

    def __init__(self, system: System) -> None:
        self.system, self.store = system, system.store

    def head(self, number: str, type_: str, order: Row, day: date) -> Row:
        """The header of a billing document, without its amounts."""
        partners = self.store.find("A_SalesOrderHeaderPartner", SalesOrder=order.get("SalesOrder") or "-")
        payer = next((p["Customer"] for p in partners if p["PartnerFunction"] == "PY"), order["SoldToParty"])
        return {
            **{one.name: "" for one in self.store[HEAD].of.properties.values() if one.type == "S"},
            **self.system.created(),
            "LastChangeDateTime": self.system.stamp(),
            "BillingDocument": number,
            "BillingDocumentType": type_,
            "SDDocumentCategory": {"F2": "M", "G2": "O", "S1": "N", "S2": "S"}[type_],
            "BillingDocumentCategory": "L" if type_ == "F2" else "",
            "SalesOrganization": order["SalesOrganization"],
            "DistributionChannel": "10",
            "Division": "00",
            "BillingDocumentDate": day,
            "BillingDocumentIsCancelled": False,
            "TransactionCurrency": order["TransactionCurrency"],
            "PayerParty": payer,
            "SoldToParty": order["SoldToParty"],
            "CustomerPaymentTerms": order.get("CustomerPaymentTerms") or "",
            "CompanyCode": order["SalesOrganization"],
            "FiscalYear": str(day.year),
            "PurchaseOrderByCustomer": order.get("PurchaseOrderByCustomer") or "",
            "DocumentReferenceID": number,
            "AssignmentReference": order.get("AssignmentReference") or "",
            "Country": COMPANIES[order["SalesOrganization"]].country,
            "OverallSDProcessStatus": "C",
            "OverallBillingStatus": "C",
            "InvoiceClearingStatus": "A",
        }

    def partners(self, row: Row) -> None:
        """Sold-to, payer and bill-to party."""
        for function, customer in (
            ("SP", row["SoldToParty"]),
            ("PY", row["PayerParty"]),
            ("BP", row["PayerParty"]),
        ):
            told = {
                "BillingDocument": row["BillingDocument"],
                "PartnerFunction": function,
                "Customer": customer,
            }
            self.store.put("A_BillingDocumentPartner", told)

    def line(self, head: Row, number: str, told: Position, amounts: Amounts) -> None:
        """One item with its price and its tax."""
        item = told.item
        blank = {one.name: "" for one in self.store[LINE].of.properties.values() if one.type == "S"}
        known = ("Material", "TransactionCurrency")
        unit = item.get("RequestedQuantityUnit") or "PC"
        product = self.store.get("A_Product", item.get("Material") or "") or {}
        row = {
            **blank,
            **self.system.created(),
            **{k: item.get(k) or "" for k in known},
            "TransactionCurrency": head["TransactionCurrency"],
            "BillingDocument": head["BillingDocument"],
            "BillingDocumentItem": number,
            "SalesDocumentItemCategory": item.get("SalesOrderItemCategory") or "",
            "BillingDocumentItemText": item.get("SalesOrderItemText") or "",
            "InternationalArticleNumber": product.get("ProductStandardID") or "",
            "BillingQuantity": told.quantity,
            "BillingQuantityInBaseUnit": told.quantity,
            "BillingQuantityUnit": unit,
            "BaseUnit": unit,
            "NetAmount": amounts.net,
            "TaxAmount": amounts.tax,
            "GrossAmount": amounts.net + amounts.tax,
            "ReferenceSDDocument": told.document,
            "ReferenceSDDocumentItem": told.line,
            "ReferenceSDDocumentCategory": told.category,
            "SalesDocument": told.order.get("SalesOrder") or "",
            "SalesDocumentItem": item.get("SalesOrderItem") or "",
            "SalesSDDocumentCategory": "C",
        }
        self.store.put(LINE, row)
        keys = {"BillingDocument": row["BillingDocument"], "BillingDocumentItem": number}
        rate = (amounts.tax / amounts.net * 100).quantize(Decimal("0.01")) if amounts.net else Decimal(0)
        tax = {
            "ConditionType": "TTX1",
            "ConditionCategory": "D",
            "TaxCode": amounts.code,
            "ConditionAmount": amounts.tax,
        }
        price = {"ConditionType": "PPR0", "ConditionAmount": amounts.net}
        price["ConditionRateValue"] = amounts.net / told.quantity if told.quantity else amounts.net
        for step, one in (("10", price), ("901", {**tax, "ConditionRateValue": rate})):
            counted = {"PricingProcedureStep": step, "PricingProcedureCounter": "1"}
            shown = {"ConditionBaseValue": amounts.net, "ConditionCurrency": head["TransactionCurrency"]}
            self.store.put("A_BillingDocumentItemPrcgElmnt", {**keys, **counted, **shown, **one})
