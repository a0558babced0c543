"""Which fields and sublists each record has, as in the SuiteTalk 2023.2 schemas and REST's spelling."""

from __future__ import annotations

from dataclasses import dataclass, field

CUSTOM = ("custbody", "custcol", "custentity", "custitem", "cseg_")  # prefixes of custom field ids


def table(words: str) -> dict[str, str]:
    """`name:type` words; a name alone is text, a `!` marks what only NetSuite itself writes."""
    return {name: kind or "text" for name, _, kind in (word.partition(":") for word in words.split())}


@dataclass(frozen=True)
class Sublist:
    """Lines of a record. `key`: the columns that tell which line is meant; none: always appended."""

    key: tuple[str, ...]
    columns: dict[str, str]


@dataclass(frozen=True)
class RecordType:
    """One record type."""

    name: str
    body: dict[str, str]
    sublists: dict[str, Sublist] = field(default_factory=dict)
    sequence: str = "transaction"  # which counter numbers it
    posting: bool = False  # needs an open accounting period
    code: str = ""  # transaction.type in SuiteQL
    prefix: str = ""
    label: str = ""  # what people read


@dataclass(frozen=True)
class CustomField:
    """A field the account's administrator made. `options`: internal id -> name, for lists and segments."""

    id: str
    type: str = "text"
    options: tuple[tuple[str, str], ...] = ()

    @property
    def segment(self) -> bool:
        """Is it a custom segment, a dimension of its own on bodies and lines?"""
        return self.id.startswith("cseg_")

    def on(self, kind: RecordType, *, line: bool) -> bool:
        """Does a record type have it, in its body or on its lines?"""
        if self.segment:
            return kind.sequence == "transaction"
        if line:
            return self.id.startswith("custcol")
        prefix = {"entity": "custentity", "item": "custitem"}.get(kind.sequence, "custbody")
        return self.id.startswith(prefix)


REFS = {
    "entity": "customer",
    "customer": "customer",
    "item": "item",
    "currency": "currency",
    "terms": "term",
    "subsidiary": "subsidiary",
    "createdFrom": "transaction",
    "salesOrder": "salesOrder",
    "doc": "transaction",
    "account": "account",
    "arAcct": "account",
    "receivablesAccount": "account",
    "location": "location",
    "department": "department",
    "class": "classification",
    "parent": "customer",
    "postingPeriod": "accountingPeriod",
    "taxCode": "salesTaxItem",
    "taxItem": "salesTaxItem",
}
"""Reference fields whose target must exist; other references are taken as they are."""

_LINE = (
    "item:ref line:number quantity:number description rate:number amount:number price:ref taxCode:ref "
    "taxRate1:number units:ref isClosed:bool isTaxable:bool location:ref department:ref class:ref "
    "expectedShipDate:date lineUniqueKey:number! tax1Amt:number! grossAmt:number! "
)
_STAMPS = " createdDate:datetime! lastModifiedDate:datetime!"
_SUMS = " subTotal:number! discountTotal:number! taxTotal:number total:number! status:ref!"
_POSTED = "postingPeriod:ref department:ref class:ref location:ref "
_APPLY = "doc:ref line:number apply:bool amount:number due:number! total:number! refNum:text! type:text! "
_APPLY_KEY = ("doc", "line")
_CASH = (
    "tranDate:date tranId memo currency:ref exchangeRate:number subsidiary:ref arAcct:ref account:ref "
    "paymentMethod:ref paymentOption:ref checkNum " + _POSTED
)


def _apply(more: str = "") -> Sublist:
    return Sublist(_APPLY_KEY, table(_APPLY + "applyDate:date! currency:text! " + more))


RECORDS: dict[str, RecordType] = {
    "customer": RecordType(
        "customer",
        table(
            "entityId companyName isPerson:bool firstName lastName email phone fax url comments "
            "subsidiary:ref currency:ref terms:ref creditLimit:number isInactive:bool vatRegNumber "
            "accountNumber creditHoldOverride:ref resaleNumber parent:ref salesRep:ref entityStatus:ref "
            "category:ref receivablesAccount:ref taxItem:ref taxable:bool emailPreference:ref "
            "language:ref balance:number! overdueBalance:number! unbilledOrders:number! "
            "depositBalance:number! defaultTaxReg:ref dateCreated:datetime! lastModifiedDate:datetime!"
        ),
        {
            "currencyList": Sublist(("currency",), table("currency:ref balance:number!")),
            "addressbook": Sublist(
                ("internalId",),
                table(
                    "internalId label defaultBilling:bool defaultShipping:bool isResidential:bool "
                    "addressbookAddress:address"
                ),
            ),
        },
        sequence="entity",
        label="Customer",
    ),
    "salesOrder": RecordType(
        "salesOrder",
        table(
            "entity:ref tranDate:date tranId otherRefNum memo currency:ref exchangeRate:number "
            "subsidiary:ref terms:ref orderStatus:ref shipDate:date shipMethod:ref shippingCost:number "
            "email billingAddress:address shippingAddress:address location:ref department:ref class:ref "
            "salesRep:ref opportunity:ref startDate:date endDate:date" + _SUMS + _STAMPS
        ),
        {
            "item": Sublist(
                ("line",),
                table(
                    _LINE + "quantityBilled:number! quantityFulfilled:number! quantityBackOrdered:number! "
                    "quantityCommitted:number!"
                ),
            )
        },
        code="SalesOrd",
        prefix="SO",
        label="Sales Order",
    ),
    "itemFulfillment": RecordType(
        "itemFulfillment",
        table(
            "entity:ref! createdFrom:ref! tranDate:date tranId memo shipStatus:ref shipMethod:ref "
            "shippingCost:number shippingAddress:address shippedDate:date packedDate:date pickedDate:date "
            "postingPeriod:ref status:ref!" + _STAMPS
        ),
        {
            "item": Sublist(
                ("orderLine",),
                table(
                    "item:ref orderLine:number line:number! quantity:number itemReceive:bool description "
                    "location:ref quantityRemaining:number!"
                ),
            ),
            "package": Sublist((), table("packageTrackingNumber packageDescr packageWeight:number")),
        },
        posting=True,
        code="ItemShip",
        prefix="IF",
        label="Item Fulfillment",
    ),
    "invoice": RecordType(
        "invoice",
        table(
            "entity:ref createdFrom:ref tranDate:date dueDate:date tranId otherRefNum memo currency:ref "
            "exchangeRate:number subsidiary:ref terms:ref account:ref approvalStatus:ref "
            "email billingAddress:address shippingAddress:address startDate:date endDate:date "
            "shippingCost:number amountPaid:number! amountRemaining:number! " + _POSTED + _SUMS + _STAMPS
        ),
        {"item": Sublist(("orderLine",), table(_LINE + "orderLine:number"))},
        posting=True,
        code="CustInvc",
        prefix="INV",
        label="Invoice",
    ),
    "creditMemo": RecordType(
        "creditMemo",
        table(
            "entity:ref createdFrom:ref tranDate:date tranId otherRefNum memo currency:ref "
            "exchangeRate:number subsidiary:ref account:ref autoApply:bool email billingAddress:address "
            "shippingCost:number applied:number! unapplied:number! amountPaid:number! "
            "amountRemaining:number! " + _POSTED + _SUMS + _STAMPS
        ),
        {"item": Sublist(("orderLine",), table(_LINE + "orderLine:number")), "apply": _apply()},
        posting=True,
        code="CustCred",
        prefix="CM",
        label="Credit Memo",
    ),
    "customerPayment": RecordType(
        "customerPayment",
        table(
            "customer:ref payment:number undepFunds:bool autoApply:bool applied:number! unapplied:number! "
            "total:number! balance:number! pending:number! status:ref! " + _CASH + _STAMPS
        ),
        {
            "apply": _apply("disc:number discAmt:number! discDate:date!"),
            "credit": Sublist(_APPLY_KEY, table(_APPLY + "creditDate:date! currency:text! appliedTo:text!")),
        },
        posting=True,
        code="CustPymt",
        prefix="PYMT",
        label="Payment",
    ),
    "customerDeposit": RecordType(
        "customerDeposit",
        table(
            "customer:ref payment:number salesOrder:ref undepFunds:bool applied:number! unapplied:number! "
            "total:number! status:ref! " + _CASH + _STAMPS
        ),
        posting=True,
        code="CustDep",
        prefix="CD",
        label="Customer Deposit",
    ),
    "depositApplication": RecordType(
        "depositApplication",
        table(
            "customer:ref! deposit:ref! tranDate:date tranId memo currency:ref! exchangeRate:number "
            "subsidiary:ref! arAcct:ref total:number! applied:number! status:ref! " + _POSTED + _STAMPS
        ),
        {"apply": _apply("disc:number")},
        posting=True,
        code="DepAppl",
        prefix="DA",
        label="Deposit Application",
    ),
    "customerRefund": RecordType(
        "customerRefund",
        table("customer:ref total:number! balance:number! status:ref! " + _CASH + _STAMPS),
        {"apply": _apply()},
        posting=True,
        code="CustRfnd",
        prefix="RF",
        label="Customer Refund",
    ),
    "journalEntry": RecordType(
        "journalEntry",
        table(
            "tranDate:date tranId memo currency:ref exchangeRate:number subsidiary:ref approved:bool "
            "reversalDate:date postingPeriod:ref void:bool! status:ref!" + _STAMPS
        ),
        {
            "line": Sublist(
                ("line",),
                table(
                    "line:number account:ref debit:number credit:number entity:ref memo department:ref "
                    "class:ref location:ref"
                ),
            )
        },
        posting=True,
        code="Journal",
        prefix="JE",
        label="Journal",
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
        table(
            "itemId displayName upcCode salesDescription isInactive:bool incomeAccount:ref unitsType:ref"
            + _STAMPS
        ),
        sequence="item",
        label="Item",
    )

BY_LOWER = {name.lower(): name for name in RECORDS}
BY_CODE = {kind.code: name for name, kind in RECORDS.items() if kind.code}
"""transaction.type -> record type."""
