"""Which fields of Stripe's objects mappings may use: Stripe's own, and those the connector works out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hub.sdk import Field, Schema

# `name:type`, text where no type stands; a name without a dot that ends in `:object` has more below it.
_IN: Mapping[str, str] = {
    "payment": (
        "id currency status description created:integer livemode:bool amount:integer amount_captured:integer "
        "amount_refunded:integer paid:bool captured:bool disputed:bool refunded:bool receipt_number "
        "receipt_email statement_descriptor metadata:object billing_details:object billing_details.name "
        "billing_details.email billing_details.phone payment_method_details:object "
        "payment_method_details.type customer:object customer.id customer.name customer.email "
        "customer.metadata:object outcome:object balance_transaction:object balance_transaction.id "
        "o2c.amount:decimal o2c.fee:decimal o2c.booked_on:date o2c.available_on:date o2c.method "
        "o2c.payment_intent o2c.customer o2c.cancelled_on:date o2c.references:list o2c.applications:list "
        "o2c.applications[].invoice o2c.applications[].amount:decimal o2c.documents:list "
        "o2c.documents[].number o2c.documents[].amount:decimal"
    ),
    "refund": (
        "id currency status created:integer amount:integer reason failure_reason receipt_number "
        "metadata:object o2c.amount:decimal o2c.booked_on:date o2c.payment o2c.reason o2c.cancelled_on:date"
    ),
    "dispute": (
        "id currency status created:integer amount:integer reason network_reason_code metadata:object "
        "o2c.amount:decimal o2c.withdrawn:decimal o2c.fee:decimal o2c.payment o2c.reason o2c.opened_on:date "
        "o2c.respond_by:date o2c.outcome"
    ),
    "payout": (
        "id currency status type method automatic:bool created:integer amount:integer metadata:object "
        "statement_descriptor o2c.amount:decimal o2c.arrives_on:date o2c.account o2c.trace o2c.descriptor "
        "o2c.failed_on:date o2c.items:list o2c.items[].reference o2c.items[].type o2c.items[].document "
        "o2c.items[].gross:decimal o2c.items[].fee:decimal o2c.items[].net:decimal o2c.items[].text"
    ),
    "invoice": (
        "id number currency status hosted_invoice_url invoice_pdf total:integer amount_remaining:integer "
        "created:integer customer description metadata:object metadata.o2c_id o2c.issue_date:date "
        "o2c.due_date:date o2c.total:decimal o2c.tax_exclusive:decimal o2c.cancelled_on:date o2c.lines:list "
        "o2c.lines[].sku o2c.lines[].name o2c.lines[].amount:decimal"
    ),
}
_ADDRESS = "line1 line2 city postal_code state country"
_OUT: Mapping[str, str] = {
    "customer": (
        "name email phone description business_name tax_exempt metadata:object preferred_locales:list "
        "address:object " + " ".join(f"address.{name}" for name in _ADDRESS.split())
    ),
    "invoice": (
        "customer currency number description footer due_date:date effective_at:date metadata:object "
        "custom_fields:list custom_fields[].name custom_fields[].value payment_settings:object "
        "payment_settings.payment_method_types:list rendering:object rendering.template lines:list "
        "lines[].amount:decimal lines[].description lines[].category lines[].percent:decimal "
        "lines[].metadata:object lines[].metadata.o2c_sku taxes:list taxes[].category "
        "taxes[].percent:decimal taxes[].amount:decimal taxes[].taxable:decimal taxes[].name "
        "expected:object expected.total:decimal cancelled:bool"
    ),
    "credit_memo": (
        "invoice currency memo reason metadata:object expected:object expected.total:decimal cancelled:bool"
    ),
    "adjustment": (
        "invoice currency memo metadata:object expected:object expected.total:decimal cancelled:bool"
    ),
    "payment": (
        "currency paid_on:date method description allocations:list allocations[].invoice "
        "allocations[].amount:decimal cancelled:bool"
    ),
}
_SIZES = {"number": 26, "memo": 5_000, "name": 256, "phone": 20, "email": 512, "custom_fields[].value": 140}


def schema(kind: str) -> Schema:
    """Fields of both directions. Metadata is open: any name may be read and written there."""
    found = {field.name: field for field in (*_fields(_IN.get(kind, "")), *_fields(_OUT.get(kind, "")))}
    return Schema(tuple(found.values()))


def _fields(words: str) -> Iterator[Field]:
    for word in words.split():
        name, _, kind = word.partition(":")
        yield Field(name, kind or "text", max_length=_SIZES.get(name, 0))
