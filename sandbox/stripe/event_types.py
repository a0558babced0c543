"""The event types an endpoint can be enabled for, as far as they are about the objects simulated here."""

from __future__ import annotations

_NAMES: dict[str, tuple[str, ...]] = {
    "balance": ("available",),
    "charge": ("captured", "expired", "failed", "pending", "refunded", "succeeded", "updated"),
    "charge.dispute": ("closed", "created", "funds_reinstated", "funds_withdrawn", "updated"),
    "charge.refund": ("updated",),
    "credit_note": ("created", "updated", "voided"),
    "customer": ("created", "deleted", "updated"),
    "customer.tax_id": ("created", "deleted", "updated"),
    "customer_cash_balance_transaction": ("created",),
    "invoice": (
        *(
            "created",
            "deleted",
            "finalization_failed",
            "finalized",
            "marked_uncollectible",
            "overdue",
            "overpaid",
        ),
        *("paid", "payment_action_required", "payment_attempt_required", "payment_failed"),
        *("payment_succeeded", "sent", "upcoming", "updated", "voided", "will_be_due"),
    ),
    "invoice_payment": ("paid",),
    "invoiceitem": ("created", "deleted"),
    "payment_intent": (
        *("amount_capturable_updated", "canceled", "created", "partially_funded", "payment_failed"),
        *("processing", "requires_action", "succeeded"),
    ),
    "payment_method": ("attached", "automatically_updated", "detached", "updated"),
    "payout": ("canceled", "created", "failed", "paid", "reconciliation_completed", "updated"),
    "price": ("created", "deleted", "updated"),
    "product": ("created", "deleted", "updated"),
    "refund": ("created", "failed", "updated"),
    "tax_rate": ("created", "updated"),
}
TYPES = frozenset(f"{about}.{what}" for about, names in _NAMES.items() for what in names)
