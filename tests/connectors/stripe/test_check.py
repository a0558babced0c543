"""Before saving: the key, its mode, every permission, and the webhook endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.stripe.check import READ
from connectors.stripe.connector import Settings, Stripe
from connectors.stripe.events import TYPES
from hub.sdk import Conflict
from sandbox.stripe import KEY
from tests.connectors.stripe.conftest import SECRET, TARGET, Account


def settings(**changed: Any) -> Settings:
    return Settings.model_validate({"api_key": KEY, **changed})


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": "pk_test_publishable"},
        {"api_key": "sk_live_key_of_real_money"},
        {"livemode": True},
        {"api_key": "sk_test_two words"},
        {"api_key": "sk_test_schlüssel"},
        {"webhook_secrets": "not_a_secret_at_all"},
        {"account": "someone"},
        {"api_version": "latest"},
        {"time_zone": "Moon/Crater"},
        {"base_url": "ftp://x"},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_work_are_refused_without_being_shown(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**wrong)
    assert str(wrong.get("api_key", "a value that is nowhere")) not in str(caught.value)


def test_a_live_key_works_in_live_mode() -> None:
    assert settings(api_key="rk_live_key_of_real_money", livemode=True).livemode


def test_several_secrets_stand_side_by_side() -> None:
    assert settings(webhook_secrets="whsec_the_first_one\n whsec_the_second").secrets() == [
        "whsec_the_first_one",
        "whsec_the_second",
    ]
    assert settings().secrets() == []


def test_a_good_key_is_healthy_and_a_missing_webhook_secret_is_only_told(account: Account) -> None:
    health = account.connect(webhook_secrets=None).check()
    assert health.ok
    assert [text for text in health.findings if "only polls" in text]
    assert account.box.kit.effects == []


def test_a_key_of_the_other_mode_is_told(account: Account) -> None:
    account.box.add_key("sk_live_the_sandbox_takes_it")
    health = account.connect(api_key="sk_live_the_sandbox_takes_it", livemode=True).check()
    assert not health.ok
    assert "livemode" in health.summary


def test_every_missing_permission_is_named(account: Account) -> None:
    rights = {"balance": "read", "charge": "read", "customer": "read", "event": "read", "invoice": "write"}
    account.box.add_key("rk_test_too_little", rights)
    health = account.connect(api_key="rk_test_too_little").check()
    assert not health.ok
    told = "\n".join(health.findings)
    assert "Payouts: read" in told
    assert "Disputes: read" in told
    assert "Customers: write" in told
    assert "Charges and refunds: read" not in told or "reading refunds" in told
    assert "rk_test_too_little" not in told


def test_the_installation_makes_the_endpoint_once(account: Account) -> None:
    stripe = account.connect(public_url=TARGET)
    assert [text for text in stripe.check().findings if "run the installation" in text]
    dry = list(stripe.install(dry=True))
    assert (dry[-1].what, dry[-1].state) == ("webhook endpoint", "missing")
    made = list(stripe.install(dry=False))
    assert made[-1].state == "made"
    assert len([step for step in made if step.state == "there"]) == len(READ)
    again = list(stripe.install(dry=False))
    assert (again[-1].state, again[-1].detail) == ("there", "")
    endpoints = [one for one in account.box.platform.things.values() if one["object"] == "webhook_endpoint"]
    assert [(one["url"], sorted(one["enabled_events"])) for one in endpoints] == [(TARGET, sorted(TYPES))]
    assert not [step for step in (*made, *again) if endpoints[0]["_secret"] in step.detail]
    assert stripe.check().findings == ()


def test_an_endpoint_that_lacks_events_or_is_off_is_told(account: Account) -> None:
    made = account.box.add_endpoint(TARGET, ["charge.succeeded"], version="2020-08-27")
    made["status"] = "disabled"
    told = "\n".join(account.connect(public_url=TARGET).check().findings)
    assert "does not send" in told
    assert "payout.paid" in told
    assert "enable it" in told
    assert "2020-08-27" in told


def test_without_an_address_the_installation_asks_for_it(stripe: Stripe) -> None:
    assert list(stripe.install(dry=False))[-1].state == "missing"


def test_what_the_installation_may_not_do_is_refused_in_stripes_words(account: Account) -> None:
    account.box.add_key("rk_test_blind", {"charge": "read"})
    steps = list(account.connect(api_key="rk_test_blind", public_url=TARGET).install(dry=False))
    assert steps[-1].state == "refused"
    assert {step.state for step in steps} >= {"there", "refused"}


def test_the_schema_knows_both_directions(stripe: Stripe) -> None:
    names = {field.name for field in stripe.schema("payment").fields}
    assert {"o2c.applications[].invoice", "allocations[].invoice", "currency"} <= names
    assert stripe.schema("shipment").fields == ()


def test_secrets_are_in_no_error(account: Account) -> None:
    account.faults(
        {"kind": "refuse", "status": 409, "body": {"error": {"message": f"key {KEY} {SECRET[:3]}"}}}
    )
    with pytest.raises(Conflict) as caught:
        account.connect().find("customer", "x")
    assert KEY not in f"{caught.value!s}{caught.value!r}"
