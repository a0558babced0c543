"""The API versions an account can ask for, and which of them changed shapes that matter here."""

from __future__ import annotations

from sandbox.stripe.refusals import invalid

LATEST = "2026-10-28.endive"
# Versions the simulator renders; an endpoint or a call may name any of them.
VERSIONS = (
    *("2020-08-27", "2022-08-01", "2022-11-15", "2023-08-16", "2023-10-16", "2024-04-10", "2024-06-20"),
    *("2024-09-30.acacia", "2024-10-28.acacia", "2024-11-20.acacia", "2024-12-18.acacia"),
    *("2025-01-27.acacia", "2025-02-24.acacia", "2025-03-31.basil", "2025-04-30.basil", "2025-05-28.basil"),
    *("2025-06-30.basil", "2025-07-30.basil", "2025-08-27.basil", "2025-09-30.clover", "2025-10-29.clover"),
    *("2025-11-17.clover", "2025-12-15.clover", "2026-01-28.clover", "2026-02-25.clover"),
    *("2026-03-25.dahlia", "2026-04-22.dahlia", "2026-05-27.dahlia", "2026-06-24.dahlia"),
    *("2026-07-29.dahlia", "2026-08-26.dahlia", "2026-09-30.endive", LATEST),
)
BASIL = (
    "2025-03-31"  # invoices have payments of their own: invoice.charge and payment_intent.invoice are gone
)
NO_TYPES = "2026-09-30"  # payment_method_types of a call is allowed_payment_method_types
NO_CHARGES = "2022-11-15"  # payment_intent.charges and charge.refunds are no longer sent unasked


def before(version: str, change: str) -> bool:
    """Is the version older than a change?"""
    return version[:10] < change


def known(version: str) -> str:
    """The version, if there is such a one. Raises Refused."""
    if version not in VERSIONS:
        told = (
            f"Invalid Stripe API version: {version[:40]}. The version has to be one that was released; "
            f"the latest is {LATEST}."
        )
        raise invalid(told)
    return version
