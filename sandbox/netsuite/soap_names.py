"""SuiteTalk 2023.2: namespaces, and which fields a record has there, in the order of its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

VERSION = "2023_2"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
MESSAGES = f"urn:messages_{VERSION}.platform.webservices.netsuite.com"
CORE = f"urn:core_{VERSION}.platform.webservices.netsuite.com"
COMMON = f"urn:common_{VERSION}.platform.webservices.netsuite.com"
FAULTS = f"urn:faults_{VERSION}.platform.webservices.netsuite.com"
SALES = f"urn:sales_{VERSION}.transactions.webservices.netsuite.com"
CUSTOMERS = f"urn:customers_{VERSION}.transactions.webservices.netsuite.com"
RELATIONSHIPS = f"urn:relationships_{VERSION}.lists.webservices.netsuite.com"
ACCOUNTING = f"urn:accounting_{VERSION}.lists.webservices.netsuite.com"
NAMES = {
    "soapenv": ENVELOPE,
    "xsi": XSI,
    "platformMsgs": MESSAGES,
    "platformCore": CORE,
    "platformCommon": COMMON,
    "platformFaults": FAULTS,
    "tranSales": SALES,
    "tranCust": CUSTOMERS,
    "listRel": RELATIONSHIPS,
    "listAcct": ACCOUNTING,
}
PREFIXES = {uri: prefix for prefix, uri in NAMES.items()}

# REST's name of a sublist -> SOAP's list and line
SUBLISTS: Mapping[str, tuple[str, str]] = {
    "item": ("itemList", "item"),
    "apply": ("applyList", "apply"),
    "credit": ("creditList", "credit"),
    "currencyList": ("currencyList", "currency"),
    "addressbook": ("addressbookList", "addressbook"),
    "package": ("packageList", "package"),
}
BY_LIST = {outer: name for name, (outer, _) in SUBLISTS.items()}

ENUMS: Mapping[str, Mapping[str, str]] = {
    "orderStatus": {
        "A": "_pendingApproval",
        "B": "_pendingFulfillment",
        "C": "_cancelled",
        "D": "_partiallyFulfilled",
        "E": "_pendingBillingPartFulfilled",
        "F": "_pendingBilling",
        "G": "_fullyBilled",
        "H": "_closed",
    },
    "shipStatus": {"A": "_picked", "B": "_packed", "C": "_shipped"},
}


class Shape(NamedTuple):
    """One record type in SOAP: its namespace, and its fields in schema order; lines by REST's names."""

    type: str
    namespace: str
    fields: tuple[str, ...]
    lines: Mapping[str, tuple[str, ...]] = {}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ITEM = Shape(
    "InventoryItem",
    ACCOUNTING,
    _words(
        "createdDate lastModifiedDate salesDescription incomeAccount itemId upcCode displayName isInactive"
    ),
)

SHAPES: Mapping[str, Shape] = {
    "customer": Shape(
        "Customer",
        RELATIONSHIPS,
        _words(
            "entityId isPerson firstName lastName companyName entityStatus parent phone fax email url "
            "isInactive category comments dateCreated subsidiary salesRep vatRegNumber accountNumber terms "
            "creditLimit balance overdueBalance unbilledOrders currency depositBalance taxable taxItem "
            "resaleNumber receivablesAccount lastModifiedDate defaultTaxReg addressbookList currencyList"
        ),
        {
            "addressbook": _words(
                "defaultShipping defaultBilling isResidential label addressbookAddress internalId"
            ),
            "currencyList": _words("currency balance"),
        },
    ),
    "salesOrder": Shape(
        "SalesOrder",
        SALES,
        _words(
            "createdDate entity currency tranDate tranId createdFrom orderStatus opportunity salesRep "
            "startDate endDate otherRefNum memo exchangeRate email billingAddress shippingAddress shipDate "
            "shipMethod shippingCost subTotal discountTotal taxTotal total class department subsidiary "
            "lastModifiedDate location status terms itemList"
        ),
        {
            "item": _words(
                "item lineUniqueKey quantity units description price rate amount isTaxable department class "
                "location isClosed grossAmt line quantityBackOrdered quantityBilled quantityCommitted "
                "quantityFulfilled tax1Amt taxCode taxRate1 expectedShipDate"
            )
        },
    ),
    "invoice": Shape(
        "Invoice",
        SALES,
        _words(
            "createdDate lastModifiedDate entity tranDate tranId createdFrom postingPeriod department class "
            "terms location subsidiary currency dueDate startDate endDate otherRefNum memo amountPaid "
            "amountRemaining account exchangeRate billingAddress shippingAddress shippingCost subTotal "
            "discountTotal taxTotal total status email itemList approvalStatus"
        ),
        {
            "item": _words(
                "item line description amount isTaxable quantity units price rate department orderLine class "
                "location grossAmt tax1Amt taxCode taxRate1"
            )
        },
    ),
    "itemFulfillment": Shape(
        "ItemFulfillment",
        SALES,
        _words(
            "createdDate lastModifiedDate postingPeriod entity createdFrom shippingAddress pickedDate "
            "packedDate shippedDate shipStatus tranDate tranId shipMethod shippingCost memo packageList "
            "itemList"
        ),
        {
            "item": _words("itemReceive description location quantity item orderLine quantityRemaining"),
            "package": _words("packageWeight packageDescr packageTrackingNumber"),
        },
    ),
    "customerPayment": Shape(
        "CustomerPayment",
        CUSTOMERS,
        _words(
            "createdDate lastModifiedDate arAcct customer balance pending currency payment autoApply "
            "tranDate tranId postingPeriod paymentMethod memo checkNum exchangeRate undepFunds account "
            "total subsidiary applied unapplied class department location paymentOption status "
            "applyList creditList"
        ),
        {
            "apply": _words(
                "apply doc line applyDate type refNum total due currency discDate discAmt disc amount"
            ),
            "credit": _words("apply doc line creditDate type refNum appliedTo total due currency amount"),
        },
    ),
    "creditMemo": Shape(
        "CreditMemo",
        CUSTOMERS,
        _words(
            "createdDate lastModifiedDate currency entity tranDate tranId createdFrom postingPeriod "
            "department class location subsidiary otherRefNum memo account exchangeRate amountPaid "
            "amountRemaining unapplied autoApply applied email billingAddress shippingCost "
            "subTotal discountTotal taxTotal total status itemList applyList"
        ),
        {
            "item": _words(
                "item orderLine line quantity description price rate amount isTaxable taxCode taxRate1 "
                "tax1Amt grossAmt department class location units"
            ),
            "apply": _words("apply doc applyDate type refNum total due currency amount line"),
        },
    ),
    "inventoryItem": _ITEM,
    "nonInventorySaleItem": _ITEM._replace(type="NonInventorySaleItem"),
    "serviceSaleItem": _ITEM._replace(type="ServiceSaleItem"),
    "otherChargeSaleItem": _ITEM._replace(type="OtherChargeSaleItem"),
}
BY_TYPE = {shape.type: name for name, shape in SHAPES.items()}
LONGS = frozenset({"line", "orderLine", "lineUniqueKey", "doc"})
