"""Which fields of Salesforce's objects the hub reads and writes: as described by the org, else as shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from hub.sdk import Field, Record, Schema

# Salesforce's field types (`type` of a describe) in the hub's words; all others are text.
_TYPES = {
    "boolean": "bool",
    "currency": "decimal",
    "double": "decimal",
    "percent": "decimal",
    "int": "integer",
    "long": "integer",
    "date": "date",
    "datetime": "datetime",
    "address": "object",
    "location": "object",
}
ORDERS = {"opportunity": "Opportunity", "order": "Order"}
LINES = {"Opportunity": "OpportunityLineItem", "Order": "OrderItem"}
PARENT = {"OpportunityLineItem": "OpportunityId", "OrderItem": "OrderId", "Contact": "AccountId"}
INVOICE, PAYMENT = "ERP_Invoice__c", "ERP_Payment__c"
KEY = "O2C_Id__c"  # external id, unique, without regard to case: what makes a repeated write the same one

_STAMPS = (Field("Id"), Field("SystemModstamp", "datetime"), Field("IsDeleted", "bool"))
_CURRENCY = Field("CurrencyIsoCode", label="Currency")

# Written by order.out.yaml; made by the package on Opportunity, and on Order where orders are used.
PROGRESS = (
    Field("O2C_Order_Number__c", label="Order Number", max_length=60),
    Field("O2C_Order_Status__c", label="Order Status", max_length=60),
    Field("O2C_Invoice_Numbers__c", label="Invoice Numbers", max_length=255),
    Field("O2C_Payment_Status__c", label="Payment Status", max_length=60),
    Field("O2C_Invoiced_Amount__c", "decimal", label="Invoiced Amount"),
    Field("O2C_Open_Amount__c", "decimal", label="Open Amount"),
    Field("O2C_Paid_Amount__c", "decimal", label="Paid Amount"),
    Field("O2C_Overdue_Amount__c", "decimal", label="Overdue Amount"),
    Field("O2C_Due_Date__c", "date", label="Due Date"),
    Field("O2C_Credit_Reason__c", label="Credit Decision", max_length=255),
    Field("O2C_Tracking__c", label="Tracking", max_length=255),
)
_AGREED = (
    Field("O2C_PO_Number__c", label="Purchase Order", max_length=100),
    Field("O2C_Payment_Terms__c", label="Payment Terms", max_length=40),
    Field("O2C_Requested_On__c", "date", label="Requested Delivery"),
    Field("O2C_Seller__c", label="Selling Company", max_length=40),
)
_OPPORTUNITY = (
    *_STAMPS,
    Field("Name", label="Opportunity Name", max_length=120),
    Field("AccountId"),
    Field("Amount", "decimal"),
    Field("StageName", label="Stage"),
    Field("IsWon", "bool"),
    Field("IsClosed", "bool"),
    Field("CloseDate", "date"),
    Field("Description", max_length=32_000),
    Field("Type"),
    Field("OwnerId"),
    Field("HasOpportunityLineItem", "bool"),
    _CURRENCY,
    *_AGREED,
)
_ORDER = (
    *_STAMPS,
    Field("OrderNumber", label="Order Number"),
    Field("Name", label="Order Name", max_length=80),
    Field("AccountId"),
    Field("OpportunityId"),
    Field("ContractId"),
    Field("Status"),
    Field("StatusCode", label="Status Category"),
    Field("EffectiveDate", "date", label="Order Start Date"),
    Field("TotalAmount", "decimal", label="Order Amount"),
    Field("PoNumber", label="PO Number", max_length=80),
    Field("Description", max_length=32_000),
    Field("BillToContactId"),
    Field("IsReductionOrder", "bool"),
    *(Field(f"Shipping{part}") for part in ("Street", "City", "State", "PostalCode", "Country")),
    Field("ShippingCountryCode"),
    Field("ShippingStateCode"),
    _CURRENCY,
    *_AGREED[1:],
)
_LINE = (
    Field("Id"),
    Field("Product2Id"),
    Field("Quantity", "decimal"),
    Field("UnitPrice", "decimal", label="Sales Price"),
    Field("ListPrice", "decimal"),
    Field("TotalPrice", "decimal"),
    Field("Description", max_length=255),
    Field("ServiceDate", "date"),
    _CURRENCY,
    Field("O2C_Tax_Percent__c", "decimal", label="Tax Percent"),
    Field("O2C_Delivery__c", label="Delivery", max_length=20),
)
_OPPORTUNITY_LINE = (
    *_LINE, Field("OpportunityId"), Field("ProductCode"), Field("Discount", "decimal"),
    Field("SortOrder", "integer"), Field("Name"),
)  # fmt: skip
_ORDER_LINE = (*_LINE, Field("OrderId"), Field("OrderItemNumber"))
_ACCOUNT = (
    *_STAMPS,
    Field("MasterRecordId"),
    Field("Name", label="Account Name", max_length=255),
    Field("AccountNumber", max_length=40),
    Field("Website", max_length=255),
    Field("Phone", max_length=40),
    *(Field(f"Billing{part}") for part in ("Street", "City", "State", "PostalCode", "Country")),
    Field("BillingStateCode"),
    Field("BillingCountryCode"),
    Field("IsPersonAccount", "bool"),
    *(
        Field(name)
        for name in ("PersonContactId", "PersonEmail", "PersonMobilePhone", "FirstName", "LastName")
    ),
    _CURRENCY,
    Field("O2C_Payment_Terms__c", label="Payment Terms", max_length=40),
    Field("O2C_Tax_Id__c", label="Tax ID", max_length=60),
    Field("O2C_Credit_Limit__c", "decimal", label="Credit Limit"),
)
_CONTACT = (
    Field("Id"),
    Field("AccountId"),
    Field("FirstName", max_length=40),
    Field("LastName", max_length=80),
    Field("Email", max_length=80),
    Field("Phone", max_length=40),
    Field("CreatedDate", "datetime"),
)
_INVOICE = (
    Field(KEY, required=True, max_length=64),
    Field("Name", label="Invoice Number", max_length=80),
    Field("Account__c"),
    Field("Opportunity__c"),
    Field("Source_Record__c", max_length=18),
    Field("Order_Number__c", max_length=60),
    Field("Purchase_Order__c", max_length=100),
    Field("Issue_Date__c", "date"),
    Field("Due_Date__c", "date"),
    Field("Currency__c", max_length=3),
    Field("Net_Amount__c", "decimal"),
    Field("Payable_Amount__c", "decimal"),
    Field("Open_Amount__c", "decimal"),
    Field("Paid_Amount__c", "decimal"),
    Field("Payment_Status__c", max_length=40),
    Field("Overdue__c", "bool"),
)
_PAYMENT = (
    Field(KEY, required=True, max_length=64),
    Field("Name", label="Payment Number", max_length=80),
    Field("Account__c"),
    Field("Opportunity__c"),
    Field("Booked_On__c", "date"),
    Field("Currency__c", max_length=3),
    Field("Amount__c", "decimal"),
    Field("Unapplied_Amount__c", "decimal"),
    Field("Invoice_Numbers__c", max_length=255),
    Field("Payer_Name__c", max_length=255),
    Field("Remittance__c", max_length=255),
)
BASELINE: Mapping[str, Sequence[Field]] = {
    "Opportunity": (*_OPPORTUNITY, *PROGRESS),
    "Order": (*_ORDER, *PROGRESS),
    "OpportunityLineItem": _OPPORTUNITY_LINE,
    "OrderItem": _ORDER_LINE,
    "Account": _ACCOUNT,
    "Contact": _CONTACT,
    INVOICE: _INVOICE,
    PAYMENT: _PAYMENT,
}
MIRRORS = {"invoice": INVOICE, "payment": PAYMENT}
# Parts of the record that are not fields of one object; the same for both kinds of orders.
_AROUND = (
    Field("account", "object"),
    Field("contact", "object"),
    Field("line_items", "list"),
    Field("line_items[].product", "object"),
    Field("line_items[].product.code"),
    Field("line_items[].product.name"),
    Field("line_items[].product.family"),
    Field("stage.label"),
    Field("stage.closed", "bool"),
    Field("stage.won", "bool"),
    Field("org.currency"),
    Field("org.time_zone"),
)
Described = Callable[[str], Record]


def field(found: Record) -> Field:
    """One field of a describe. Required: it must be given when a record is made."""
    options = found.get("picklistValues") or ()
    kind = _TYPES.get(str(found.get("type")), "text")
    must = not found.get("nillable", True) and not found.get("defaultedOnCreate") and found.get("createable")
    return Field(
        name=str(found["name"]),
        type=kind,
        label=str(found.get("label") or ""),
        required=bool(must),
        options=tuple(str(one["value"]) for one in options if one.get("active", True)),
        max_length=int(found.get("length") or 0) if kind == "text" else 0,
    )


def visible(described: Record) -> Mapping[str, Record]:
    """The fields of an object that this user may see, by name. Nothing else may be asked for."""
    return {str(one["name"]): one for one in described.get("fields") or ()}


def wanted(sobject: str, extra: Iterable[str]) -> Sequence[str]:
    """What is read of an object: what is shipped and what the admin added."""
    return tuple(dict.fromkeys((*(one.name for one in BASELINE[sobject]), *extra)))


def readable(sobject: str, extra: Iterable[str], described: Record) -> Sequence[str]:
    """The wanted fields that exist for this user: others make Salesforce refuse the whole question."""
    known = visible(described)
    return [name for name in wanted(sobject, extra) if name in known]


def present(sobject: str, described: Record, extra: Iterable[str]) -> Sequence[Field]:
    """Fields of an object for mappings: as the org has them, or as shipped where it lacks them.

    A field an admin added counts only when it exists; a shipped one then reads as no value.
    """
    found = {name: field(one) for name, one in visible(described).items()}
    shipped = {one.name: one for one in BASELINE[sobject]}
    known = {**shipped, **found}
    return [known[name] for name in wanted(sobject, extra) if name in known]


def order_schema(order_object: str, fields: Mapping[str, Sequence[Field]], *, complete: bool) -> Schema:
    """The record of an order: its own fields, then those of account, contact and lines.

    The shipped mapping serves both kinds of orders, so the fields of the other kind count as known too.
    """
    line_object = LINES[order_object]
    places = {"": order_object, "account.": "Account", "contact.": "Contact", "line_items[].": line_object}
    parts = [_placed(prefix, fields[sobject]) for prefix, sobject in places.items()]
    for other in ORDERS.values():
        parts += [_placed("", BASELINE[other]), _placed("line_items[].", BASELINE[LINES[other]])]
    unique = {one.name: one for part in reversed([list(_AROUND), *parts]) for one in part}
    return Schema(fields=tuple(unique.values()), complete=complete)


def customer_schema(fields: Mapping[str, Sequence[Field]], *, complete: bool) -> Schema:
    """The record of a customer: the account's fields and its contact."""
    parts = (
        *_placed("", fields["Account"]),
        *_placed("contact.", fields["Contact"]),
        Field("contact", "object"),
    )
    return Schema(fields=(*parts, Field("org.currency"), Field("org.time_zone")), complete=complete)


def mirror_schema(fields: Iterable[Field], *, complete: bool) -> Schema:
    """The fields of an invoice or payment there; the key is the connector's to fill in."""
    return Schema(fields=tuple(one for one in fields if one.name != KEY), complete=complete)


def _placed(prefix: str, fields: Iterable[Field]) -> list[Field]:
    """Nothing is required of a record that is only read, or that exists before it is written."""
    return [
        Field(prefix + one.name, one.type, one.label, False, one.options, one.max_length) for one in fields
    ]
