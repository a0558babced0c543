"""The balance: every movement is a balance transaction; what is available can be paid out."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.clock import business_days

# Type of a balance transaction to its reporting category, as the reports of the balance group them.
CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payment_failure_refund": "charge_failure",
    "payout": "payout",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "stripe_fee": "fee",
    "topup": "topup",
}


def move(
    account: Account,
    type: str,
    amount: int,
    currency: str,
    source: str | None,
    *,
    fee: int = 0,
    category: str = "",
    described: str | None = None,
    available: int | None = None,
    fee_for: str = "Stripe processing fees",
) -> Thing:
    """Book a movement: `amount` gross and signed, `fee` taken from it, available now unless told when."""
    now = account.now()
    on = now if available is None else available
    fees = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": fee_for,
            "type": "stripe_fee",
        }
    ]
    made = account.add(
        "balance_transaction",
        {
            "amount": amount,
            "available_on": on,
            "balance_type": "payments",
            "created": now,
            "currency": currency,
            "description": described,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fees if fee else [],
            "net": amount - fee,
            "reporting_category": category or CATEGORIES[type],
            "source": source,
            "status": "available" if on <= now else "pending",
            "type": type,
            "_payout": None,
        },
    )
    if type != "payout":
        account.unpaid.append(made["id"])
    return made


def settle_status(account: Account, thing: Thing) -> Thing:
    """A transaction with the status it has by now."""
    if thing["status"] == "pending" and thing["available_on"] <= account.now():
        thing["status"] = "available"
    return thing


def card_fee(account: Account, amount: int) -> int:
    """What a card payment costs."""
    share = (Decimal(account.terms.card_rate) * amount).quantize(Decimal(1), ROUND_HALF_UP)
    return int(share) + account.terms.card_fixed


def debit_fee(account: Account, amount: int) -> int:
    """What a bank debit costs: a share with a cap."""
    share = (Decimal(account.terms.debit_rate) * amount).quantize(Decimal(1), ROUND_HALF_UP)
    return min(int(share), account.terms.debit_cap)


def card_available(account: Account) -> int:
    """When a card payment of now can be paid out."""
    return business_days(account.now(), account.terms.card_days)


def totals(account: Account) -> dict[str, tuple[int, int]]:
    """By currency: available, pending. Counted over every transaction there is."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in account.all("balance_transaction"):
        settled = settle_status(account, one)["status"] == "available"
        found[one["currency"]][0 if settled else 1] += one["net"]
    return {currency: (sums[0], sums[1]) for currency, sums in found.items()}


def balance(account: Account) -> dict[str, Any]:
    """The balance object."""
    sums = totals(account) or {account.currency: (0, 0)}

    def part(at: int) -> list[dict[str, Any]]:
        return [
            {"amount": both[at], "currency": currency, "source_types": {"card": both[at]}}
            for currency, both in sorted(sums.items())
        ]

    return {
        "object": "balance",
        "available": part(0),
        "connect_reserved": [{"amount": 0, "currency": account.currency}],
        "livemode": False,
        "pending": part(1),
        "refund_and_dispute_prefunding": {"available": part(0)[:0], "pending": part(1)[:0]},
    }
