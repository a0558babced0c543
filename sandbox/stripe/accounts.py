"""The accounts themselves: the platform and those connected to it."""

from __future__ import annotations

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import PAGE, SPAN
from sandbox.stripe.listing import page
from sandbox.stripe.refusals import missing


def shown(account: Account) -> Thing:
    """The account object."""
    return {
        "id": account.id,
        "object": "account",
        "business_profile": {"name": account.name},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": account.country,
        "created": account.created,
        "default_currency": account.currency,
        "details_submitted": True,
        "email": "accounts@example.com",
        "external_accounts": {
            "object": "list",
            "data": [account.things[account.bank]],
            "has_more": False,
            "url": f"/v1/accounts/{account.id}/external_accounts",
        },
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
            "card_payments": {
                "decline_on": {"avs_failure": True, "cvc_failure": True},
                "statement_descriptor_prefix": None,
            },
            "payments": {"statement_descriptor": account.name.upper()[:22]},
            "dashboard": {"display_name": account.name, "timezone": "Etc/UTC"},
            "payouts": {
                "debit_negative_balances": False,
                "schedule": {"delay_days": account.terms.card_days, "interval": account.schedule},
                "statement_descriptor": None,
            },
        },
        "type": "standard",
    }


def add_bank(account: Account) -> None:
    """Where payouts go."""
    fields = {
        "account": account.id,
        "account_holder_name": account.name,
        "account_holder_type": "company",
        "bank_name": "STRIPE TEST BANK",
        "country": account.country,
        "currency": account.currency,
        "default_for_currency": True,
        "fingerprint": "1JWtPxqbdX5Gamtc",
        "last4": "6789",
        "metadata": {},
        "routing_number": "110000000",
        "status": "new",
    }
    account.add("bank_account", fields, id=account.bank)


def _retrieve(call: Call) -> Thing:
    found = call.world.accounts.get(call.ids[0])
    if found is None:
        raise missing("account", call.ids[0])
    return shown(found)


def _list(call: Call) -> Thing:
    others = [one for one in call.world.accounts.values() if one is not call.account]
    return page(call.account, "account", call.given, "/v1/accounts", among=[shown(one) for one in others])


OPERATIONS = (
    Op("GET", "/v1/account", lambda call: shown(call.account)),
    Op("GET", "/v1/accounts", _list, {**PAGE, "created": SPAN}),
    Op("GET", "/v1/accounts/{}", _retrieve),
)
