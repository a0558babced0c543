"""The properties a fresh simulated account has: the vendor's own, and those an admin adds for the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.hubspot.catalog import TYPES, Property

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF")


def _many(type: str, names: str, *, read_only: bool = False, own: bool = True) -> list[Property]:
    return [Property(name, type, read_only=read_only, own=own) for name in names.split()]


def _choice(name: str, values: str | Sequence[str], *, own: bool = True, read_only: bool = False) -> Property:
    options = tuple(values.split()) if isinstance(values, str) else tuple(values)
    return Property(name, "enumeration", own=own, options=options, read_only=read_only)


def _stamps(kind: str) -> list[Property]:
    """What every object has. Contacts alone call the second stamp differently."""
    return [
        Property("hs_object_id", "number", "Record ID", read_only=True),
        Property(
            TYPES[kind].created, "datetime", "Create date", read_only=TYPES[kind].created != "createdate"
        ),
        Property(TYPES[kind].changed, "datetime", "Last modified date", read_only=True),
        Property("hs_merged_object_ids", "string", "Merged record IDs", read_only=True),
        Property("hubspot_owner_id", "string", "Owner"),
    ]


_OWN: Mapping[str, list[Property]] = {
    "deals": [
        *_many("string", "dealname description dealstage pipeline hs_next_step"),
        *_many("number", "amount"),
        *_many("datetime", "closedate"),
        *_many("bool", "hs_is_closed hs_is_closed_won", read_only=True),
        Property("deal_currency_code", "enumeration", "Currency", options=CURRENCIES),
    ],
    "companies": _many("string", "name domain address address2 city state zip country phone website"),
    "contacts": [
        Property("email", unique=True),
        *_many("string", "firstname lastname phone company jobtitle"),
    ],
    "line_items": [
        *_many("string", "name hs_sku hs_product_id hs_line_item_currency_code recurringbillingfrequency"),
        *_many("string", "hs_tax_rate_group_id description hs_recurring_billing_period"),
        *_many("number", "quantity price discount hs_discount_percentage hs_position_on_quote"),
        *_many("number", "amount", read_only=True),
    ],
    "products": [
        *_many("string", "name description"),
        Property("hs_sku", unique=True),  # HubSpot keeps SKUs of products apart
        *_many("number", "price hs_cost_of_goods_sold hs_price_eur hs_price_usd"),
    ],
    "invoices": [
        _choice("hs_currency", CURRENCIES),
        _choice("hs_invoice_status", "draft open paid voided"),
        _choice("hs_invoice_billable", "true false"),
        *_many("datetime", "hs_invoice_date hs_due_date hs_external_createdate hs_payment_date"),
        *_many("string", "hs_number hs_title hs_comments hs_purchase_order_number hs_tax_id"),
        *_many("string", "hs_invoice_link hs_pdf_download_link hs_invoice_payment_collection_method"),
        *_many("number", "hs_amount_billed hs_balance_due hs_amount_paid", read_only=True),
    ],
    "commerce_payments": [
        _choice("hs_currency_code", CURRENCIES),
        _choice("hs_latest_status", "succeeded processing failed refunded partially_refunded disputed_won"),
        *_many("number", "hs_initial_amount hs_fees_amount hs_refunds_amount"),
        *_many("number", "hs_net_amount", read_only=True),
        *_many("datetime", "hs_initiated_date hs_payout_date"),
        *_many("string", "hs_customer_email hs_reference_number hs_external_reference_id"),
        *_many("string", "hs_payment_method_type hs_payment_method_bank_or_issuer hs_max_refundable_amount"),
    ],
    "orders": [
        *_many("string", "hs_order_name hs_external_order_id hs_external_order_status hs_pipeline"),
        *_many("string", "hs_pipeline_stage hs_fulfillment_status hs_source_store"),
        *_many("string", "hs_shipping_tracking_number hs_payment_processing_method"),
        *_many("string", "hs_billing_address_name hs_billing_address_street hs_billing_address_city"),
        *_many(
            "string", "hs_billing_address_state hs_billing_address_postal_code hs_billing_address_country"
        ),
        *_many("string", "hs_shipping_address_name hs_shipping_address_street hs_shipping_address_city"),
        *_many("string", "hs_shipping_address_state hs_shipping_address_postal_code"),
        *_many("string", "hs_shipping_address_country hs_shipping_status_url"),
        *_many("number", "hs_total_price hs_subtotal_price hs_tax hs_shipping_cost hs_order_discount"),
        _choice("hs_currency_code", CURRENCIES),
        *_many("datetime", "hs_external_created_date hs_processed_date"),
    ],
    "notes": [
        *_many("datetime", "hs_timestamp"),
        *_many("string", "hs_note_body hs_attachment_ids"),
    ],
}
# What the hub's set-up guide asks an admin to create.
_ADDED: Mapping[str, list[Property]] = {
    "deals": [
        *_many(
            "string",
            "po_number payment_terms o2c_order_number o2c_order_status o2c_invoice_numbers",
            own=False,
        ),
        *_many("string", "o2c_payment_status o2c_credit_reason o2c_tracking o2c_seller", own=False),
        *_many("number", "o2c_invoiced_amount o2c_open_amount o2c_paid_amount o2c_overdue_amount", own=False),
        *_many("date", "o2c_requested_on o2c_due_date", own=False),
    ],
    "companies": [
        *_many("string", "payment_terms o2c_tax_id o2c_currency o2c_credit_currency", own=False),
        *_many("number", "o2c_credit_limit", own=False),
    ],
    "line_items": [
        Property("o2c_delivery", "enumeration", "Delivery", own=False, options=("goods", "service")),
        *_many("number", "o2c_tax_percent", own=False),
    ],
    "invoices": [
        Property("o2c_external_id", unique=True, own=False),
        *_many("string", "o2c_order_number o2c_payment_status", own=False),
        *_many("number", "o2c_invoice_amount o2c_open_amount o2c_paid_amount", own=False),
    ],
    "commerce_payments": [
        Property("o2c_external_id", unique=True, own=False),
        *_many("string", "o2c_payment_number o2c_payment_state o2c_invoice_numbers", own=False),
        *_many("string", "o2c_remittance", own=False),
        *_many("number", "o2c_unapplied_amount", own=False),
    ],
    "notes": [Property("o2c_external_id", unique=True, own=False)],
}


def properties(*, with_added: bool) -> dict[str, dict[str, Property]]:
    """All properties per object type, with or without those an admin adds for the hub."""
    return {
        kind: {one.name: one for one in (*_stamps(kind), *own, *(_ADDED.get(kind, ()) if with_added else ()))}
        for kind, own in _OWN.items()
    }
