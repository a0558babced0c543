"""Which fields and sublists each record has, as in the SuiteTalk 2023.2 schemas and REST's spelling."""

from __future__ import annotations

from dataclasses import dataclass, field

CUSTOM = ("custbody_", "custcol", "custentity", "custitem")  # prefixes of custom field ids


def _table(words: str) -> dict[str, str]:
    """`name:type` words; a name alone is text, a `!` marks what only NetSuite itself writes."""
    return {name: kind or "text" for name, _, kind in (word.partition(":") for word in words.split())}


@dataclass(frozen=True)
class Sublist:
    """Lines of a record. `key`: the columns that tell which line is meant; none: always appended."""

    key: tuple[str, ...]
    columns: dict[str, str]


@dataclass(frozen=True)
class RecordType:
    """One record type: `refs` are the record types its reference fields point at."""

    name: str
    body: dict[str, str]
    sublists: dict[str, Sublist] = field(default_factory=dict)
    sequence: str = "transaction"  # which counter numbers it
    posting: bool = False  # needs an open accounting period
    code: str = ""  # transaction.type in SuiteQL
    prefix: str = ""


REFS = {
    "entity": "customer",
    "customer": "customer",
    "item": "item",
    "currency": "currency",
    "terms": "term",
    "subsidiary": "subsidiary",
    "createdFrom": "salesOrder",
    "doc": "invoice",
    "account": "account",
    "arAcct": "account",
    "receivablesAccount": "account",
    "location": "location",
    "parent": "customer",
}
"""Reference fields whose target must exist; other references are taken as they are."""

_LINE = (
    "item:ref line:number quantity:number description rate:number amount:number price:ref taxCode:ref "
    "taxRate1:number units:ref isClosed:bool isTaxable:bool location:ref department:ref class:ref "
    "expectedShipDate:date lineUniqueKey:number! tax1Amt:number! grossAmt:number! "
)
_STAMPS = " createdDate:datetime! lastModifiedDate:datetime!"
_SUMS = " subTotal:number! discountTotal:number! taxTotal:number total:number! status:ref!"

RECORDS: dict[str, RecordType] = {
    "customer": RecordType(
        "customer",
        _table(
            "entityId companyName isPerson:bool firstName lastName email phone fax url comments "
            "subsidiary:ref currency:ref terms:ref creditLimit:number isInactive:bool vatRegNumber "
            "resaleNumber parent:ref salesRep:ref entityStatus:ref category:ref receivablesAccount:ref "
            "taxItem:ref taxable:bool emailPreference:ref language:ref balance:number! "
            "overdueBalance:number! unbilledOrders:number! depositBalance:number! dateCreated:datetime! "
            "lastModifiedDate:datetime!"
        ),
        {
            "currencyList": Sublist(("currency",), _table("currency:ref balance:number!")),
            "addressbook": Sublist(
                ("internalId",),
                _table(
                    "internalId label defaultBilling:bool defaultShipping:bool isResidential:bool "
                    "addressbookAddress:address"
                ),
            ),
        },
        sequence="entity",
    ),
    "salesOrder": RecordType(
        "salesOrder",
        _table(
            "entity:ref tranDate:date tranId otherRefNum memo currency:ref exchangeRate:number "
            "subsidiary:ref terms:ref orderStatus:ref shipDate:date shipMethod:ref shippingCost:number "
            "email billingAddress:address shippingAddress:address location:ref department:ref class:ref "
            "salesRep:ref opportunity:ref startDate:date endDate:date" + _SUMS + _STAMPS
        ),
        {
            "item": Sublist(
                ("line",),
                _table(
                    _LINE + "quantityBilled:number! quantityFulfilled:number! quantityBackOrdered:number! "
                    "quantityCommitted:number!"
                ),
            )
        },
        code="SalesOrd",
        prefix="SO",
    ),
    "itemFulfillment": RecordType(
        "itemFulfillment",
        _table(
            "entity:ref! createdFrom:ref! tranDate:date tranId memo shipStatus:ref shipMethod:ref "
            "shippingCost:number shippingAddress:address shippedDate:date packedDate:date pickedDate:date "
            "status:ref!" + _STAMPS
        ),
        {
            "item": Sublist(
                ("orderLine",),
                _table(
                    "item:ref orderLine:number line:number! quantity:number itemReceive:bool description "
                    "location:ref quantityRemaining:number!"
                ),
            ),
            "package": Sublist((), _table("packageTrackingNumber packageDescr packageWeight:number")),
        },
        posting=True,
        code="ItemShip",
        prefix="IF",
    ),
    "invoice": RecordType(
        "invoice",
        _table(
            "entity:ref createdFrom:ref tranDate:date dueDate:date tranId otherRefNum memo currency:ref "
            "exchangeRate:number subsidiary:ref terms:ref account:ref approvalStatus:ref "
            "postingPeriod:ref email billingAddress:address shippingAddress:address location:ref "
            "department:ref class:ref startDate:date endDate:date amountPaid:number! "
            "amountRemaining:number!" + _SUMS + _STAMPS
        ),
        {"item": Sublist(("orderLine",), _table(_LINE + "orderLine:number"))},
        posting=True,
        code="CustInvc",
        prefix="INV",
    ),
    "customerPayment": RecordType(
        "customerPayment",
        _table(
            "customer:ref payment:number tranDate:date tranId memo currency:ref exchangeRate:number "
            "subsidiary:ref arAcct:ref account:ref undepFunds:bool autoApply:bool paymentMethod:ref "
            "paymentOption:ref checkNum postingPeriod:ref department:ref class:ref location:ref "
            "applied:number! unapplied:number! total:number! balance:number! status:ref!" + _STAMPS
        ),
        {
            "apply": Sublist(
                ("doc", "line"),
                _table(
                    "doc:ref line:number apply:bool amount:number disc:number due:number! total:number! "
                    "refNum:text! type:text! applyDate:date!"
                ),
            )
        },
        posting=True,
        code="CustPymt",
        prefix="PYMT",
    ),
}
ITEM_TYPES = {
    "inventoryItem": "InvtPart",
    "nonInventorySaleItem": "NonInvtPart",
    "serviceSaleItem": "Service",
    "otherChargeSaleItem": "OthCharge",
}
"""Record type of an item -> item.itemtype in SuiteQL."""
SHIPPED = frozenset({"inventoryItem", "nonInventorySaleItem"})
"""Items that must be fulfilled before they are billed."""

for _name in ITEM_TYPES:
    RECORDS[_name] = RecordType(
        _name,
        _table("itemId displayName salesDescription isInactive:bool incomeAccount:ref" + _STAMPS),
        sequence="item",
    )

BY_LOWER = {name.lower(): name for name in RECORDS}
