"""SuiteTalk's names and the order it wants them in: fields, lists and namespaces of the records used here.

Source: the 2023.2 schemas. A field stands where its xsd:sequence has it; out of order a message is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


class Names(NamedTuple):
    """The namespaces of one endpoint version."""

    messages: str
    core: str
    common: str
    sales: str
    customers: str
    relationships: str


def names(version: str) -> Names:
    """The namespaces of a version such as 2023_2."""
    return Names(
        f"urn:messages_{version}.platform.webservices.netsuite.com",
        f"urn:core_{version}.platform.webservices.netsuite.com",
        f"urn:common_{version}.platform.webservices.netsuite.com",
        f"urn:sales_{version}.transactions.webservices.netsuite.com",
        f"urn:customers_{version}.transactions.webservices.netsuite.com",
        f"urn:relationships_{version}.lists.webservices.netsuite.com",
    )


class Shape(NamedTuple):
    """A record type: its name and namespace (a field of Names), its fields and those of its lists, in order.

    A type follows each name but text; `lines` is a list, see LISTS.
    """

    type: str
    space: str
    fields: Mapping[str, str]
    lines: Mapping[str, Mapping[str, str]]


def _table(words: str) -> Mapping[str, str]:
    return {name: type for name, _, type in (word.partition(":") for word in words.split())}


# REST's name of a sublist -> SuiteTalk's list and line
LISTS: Mapping[str, tuple[str, str]] = {
    "item": ("itemList", "item"),
    "apply": ("applyList", "apply"),
    "credit": ("creditList", "credit"),
    "package": ("packageList", "package"),
}
ENUMS: Mapping[str, Mapping[str, str]] = {  # REST's ids of what SuiteTalk spells out
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
ADDRESS = _table(
    "internalId country:enum attention addressee addrPhone addr1 addr2 addr3 city state zip override:bool"
)

SHAPES: Mapping[str, Shape] = {
    "customer": Shape(
        "Customer",
        "relationships",
        _table(
            "customForm:ref entityId altName isPerson:bool salutation firstName lastName companyName "
            "entityStatus:ref parent:ref phone fax email url isInactive:bool category:ref comments "
            "dateCreated:datetime subsidiary:ref salesRep:ref vatRegNumber accountNumber "
            "taxExempt:bool terms:ref creditLimit:decimal balance:decimal overdueBalance:decimal "
            "daysOverdue:integer unbilledOrders:decimal priceLevel:ref currency:ref "
            "depositBalance:decimal taxable:bool taxItem:ref resaleNumber startDate:date endDate:date "
            "receivablesAccount:ref lastModifiedDate:datetime defaultTaxReg:ref"
        ),
        {},
    ),
    "salesOrder": Shape(
        "SalesOrder",
        "sales",
        _table(
            "createdDate:datetime customForm:ref entity:ref currency:ref tranDate:date tranId "
            "createdFrom:ref orderStatus:enum opportunity:ref salesRep:ref partner:ref startDate:date "
            "endDate:date otherRefNum memo exchangeRate:decimal promoCode:ref discountItem:ref "
            "discountRate isTaxable:bool taxItem:ref taxRate:decimal toBePrinted:bool "
            "toBeEmailed:bool email message billingAddress:address shippingAddress:address fob "
            "shipDate:date shipMethod:ref shippingCost:decimal shippingTax1Rate:decimal "
            "shippingTaxCode:ref handlingTax1Rate:decimal handlingCost:decimal shipComplete:bool "
            "subTotal:decimal discountTotal:decimal taxTotal:decimal total:decimal class:ref "
            "department:ref subsidiary:ref lastModifiedDate:datetime location:ref status:status "
            "terms:ref item:lines"
        ),
        {
            "item": _table(
                "item:ref lineUniqueKey:integer quantity:decimal units:ref description price:ref "
                "rate:number amount:decimal isTaxable:bool department:ref class:ref location:ref "
                "isClosed:bool grossAmt:decimal line:integer quantityBilled:decimal "
                "quantityFulfilled:decimal tax1Amt:decimal taxCode:ref taxRate1:decimal "
                "expectedShipDate:date"
            )
        },
    ),
    "invoice": Shape(
        "Invoice",
        "sales",
        _table(
            "createdDate:datetime lastModifiedDate:datetime customForm:ref entity:ref tranDate:date "
            "tranId createdFrom:ref postingPeriod:ref department:ref class:ref terms:ref location:ref "
            "subsidiary:ref currency:ref dueDate:date salesRep:ref partner:ref startDate:date "
            "endDate:date otherRefNum memo amountPaid:decimal amountRemaining:decimal balance:decimal "
            "account:ref exchangeRate:decimal discountItem:ref discountRate isTaxable:bool "
            "taxItem:ref taxRate:decimal toBePrinted:bool toBeEmailed:bool message "
            "billingAddress:address shippingAddress:address fob shipDate:date shipMethod:ref "
            "shippingCost:decimal shippingTax1Rate:decimal handlingTax1Rate:decimal "
            "handlingCost:decimal subTotal:decimal discountTotal:decimal taxTotal:decimal "
            "total:decimal status:status email item:lines approvalStatus:ref"
        ),
        {
            "item": _table(
                "item:ref line:integer description amount:decimal isTaxable:bool quantity:decimal "
                "units:ref price:ref rate:number quantityRemaining:decimal department:ref "
                "orderLine:integer class:ref location:ref grossAmt:decimal tax1Amt:decimal "
                "taxCode:ref taxRate1:decimal"
            )
        },
    ),
    "creditMemo": Shape(
        "CreditMemo",
        "customers",
        _table(
            "createdDate:datetime lastModifiedDate:datetime customForm:ref currency:ref entity:ref "
            "tranDate:date tranId createdFrom:ref postingPeriod:ref department:ref class:ref "
            "location:ref subsidiary:ref salesRep:ref otherRefNum memo balance:decimal account:ref "
            "exchangeRate:decimal amountRemaining:decimal discountItem:ref discountRate "
            "isTaxable:bool taxItem:ref taxRate:decimal unapplied:decimal autoApply:bool "
            "applied:decimal email message billingAddress:address shippingCost:decimal "
            "shippingTax1Rate:decimal handlingTax1Rate:decimal handlingCost:decimal subTotal:decimal "
            "discountTotal:decimal taxTotal:decimal total:decimal status:status item:lines "
            "apply:lines"
        ),
        {
            "item": _table(
                "item:ref orderLine:integer line:integer quantity:decimal description price:ref "
                "rate:number amount:decimal isTaxable:bool taxCode:ref taxRate1:decimal "
                "tax1Amt:decimal grossAmt:decimal department:ref class:ref location:ref units:ref"
            ),
            "apply": _table(
                "apply:bool doc:doc applyDate:date type refNum total:decimal due:decimal currency "
                "amount:decimal line:integer"
            ),
        },
    ),
    "customerPayment": Shape(
        "CustomerPayment",
        "customers",
        _table(
            "createdDate:datetime lastModifiedDate:datetime customForm:ref arAcct:ref customer:ref "
            "balance:decimal pending:decimal currency:ref payment:decimal autoApply:bool "
            "tranDate:date tranId postingPeriod:ref paymentMethod:ref memo checkNum "
            "exchangeRate:decimal undepFunds:bool account:ref total:decimal subsidiary:ref "
            "applied:decimal unapplied:decimal class:ref department:ref location:ref "
            "paymentOption:ref status:status apply:lines credit:lines"
        ),
        {
            "apply": _table(
                "apply:bool doc:doc line:integer applyDate:date type refNum total:decimal due:decimal "
                "currency discDate:date discAmt:decimal disc:decimal amount:decimal"
            ),
            "credit": _table(
                "apply:bool doc:doc line:integer creditDate:date type refNum appliedTo total:decimal "
                "due:decimal currency amount:decimal"
            ),
        },
    ),
    "itemFulfillment": Shape(
        "ItemFulfillment",
        "sales",
        _table(
            "createdDate:datetime lastModifiedDate:datetime postingPeriod:ref entity:ref "
            "createdFrom:ref shippingAddress:address pickedDate:date packedDate:date shippedDate:date "
            "shipStatus:enum tranDate:date tranId shipMethod:ref memo package:lines item:lines"
        ),
        {
            "item": _table(
                "itemReceive:bool itemName description department:ref class:ref location:ref "
                "quantity:decimal item:ref orderLine:integer quantityRemaining:decimal"
            ),
            "package": _table("packageWeight:decimal packageDescr packageTrackingNumber"),
        },
    ),
}
