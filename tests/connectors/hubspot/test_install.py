"""Setting up an account: what is missing is made once, what is there stays, and what is refused is told."""

from __future__ import annotations

from collections import Counter

import pytest

from connectors.hubspot.schema import custom
from hub.sdk import Step
from sandbox.hubspot import HubSpotSandbox
from sandbox.hubspot.catalog import Property
from sandbox.kit import Fault
from tests.connectors.hubspot.account import SECRET, TOKEN, Account, Clock, Switchboard

WRITTEN = ("deals", "invoices", "commerce_payments")


@pytest.fixture
def bare(clock: Clock, hubspot_server: Switchboard) -> Account:
    """An account that was never prepared for the hub."""
    sandbox = HubSpotSandbox(now=clock, token=TOKEN, client_secret=SECRET, with_added_properties=False)
    hubspot_server.app = sandbox.app
    return Account(sandbox, hubspot_server.url, clock)


def install(account: Account, *, dry: bool = False, notes: bool = False) -> list[Step]:
    return list(account.connect(notes=notes).install(dry=dry))


def test_a_bare_account_passes_the_check_after_an_install(bare: Account) -> None:
    assert not bare.connect().check().ok
    steps = install(bare)
    assert {step.state for step in steps} == {"there", "made"}
    assert bare.connect().check().findings == ()
    assert bare.sandbox.portal.properties["invoices"]["o2c_external_id"].unique
    assert bare.sandbox.portal.properties["line_items"]["o2c_delivery"].options == ("goods", "service")


def test_a_dry_run_makes_nothing_and_tells_what_it_would_make(bare: Account) -> None:
    dry = install(bare, dry=True)
    assert not bare.connect().check().ok
    missing = [step.what for step in dry if step.state == "missing"]
    assert missing == [step.what for step in install(bare) if step.state == "made"]
    wanted = sum(len(custom(kind)) for kind in (*WRITTEN, "companies", "line_items"))
    assert sum(what.startswith("property") for what in missing) == wanted


def test_a_second_install_finds_everything_there(bare: Account) -> None:
    install(bare)
    assert Counter(step.state for step in install(bare)).keys() == {"there"}


def test_a_prepared_account_needs_nothing(account: Account) -> None:
    assert {step.state for step in install(account, notes=True)} == {"there"}


def test_notes_get_their_property_only_where_they_are_wanted(bare: Account) -> None:
    assert not [step for step in install(bare) if "of notes" in step.what]
    made = [step.what for step in install(bare, notes=True) if step.state == "made"]
    assert made == ["group o2c of notes", "property o2c_external_id of notes"]


@pytest.mark.parametrize(
    "scope",
    ["crm.objects.contacts.read", "crm.objects.invoices.write", "crm.objects.commercepayments.write"],
)
def test_a_missing_scope_is_told_by_its_name(account: Account, scope: str) -> None:
    account.sandbox.gate.scopes.remove(scope)
    (refused,) = [step for step in install(account) if step.state == "refused"]
    assert refused.what == f"scope {scope}"
    assert scope in refused.detail


def test_definitions_that_may_not_be_written_are_refused_with_the_scope(bare: Account) -> None:
    bare.sandbox.gate.scopes.remove("crm.schemas.deals.write")
    refused = [step for step in install(bare) if step.state == "refused"]
    assert [step.what for step in refused] == ["group o2c of deals"]
    assert "crm.schemas.deals.write" in refused[0].detail
    assert bare.sandbox.portal.properties["invoices"]["o2c_external_id"].unique


def test_a_key_without_unique_values_is_told(account: Account) -> None:
    account.sandbox.portal.properties["invoices"]["o2c_external_id"] = Property("o2c_external_id", own=False)
    (refused,) = [step for step in install(account) if step.state == "refused"]
    assert refused.what == "property o2c_external_id of invoices"
    assert "unique values" in refused.detail


def test_a_property_of_another_type_is_told(account: Account) -> None:
    account.sandbox.portal.properties["deals"]["o2c_order_number"] = Property(
        "o2c_order_number", "number", own=False
    )
    (refused,) = [step for step in install(account) if step.state == "refused"]
    assert "it exists as number, the hub needs string" in refused.detail


def test_somebody_who_was_quicker_is_no_trouble(bare: Account) -> None:
    body = {"status": "error", "category": "OBJECT_ALREADY_EXISTS", "message": "exists"}
    bare.sandbox.kit.faults.append(
        Fault(kind="refuse", method="POST", path="properties", status=409, body=body, times=-1)
    )
    assert {step.state for step in install(bare)} == {"there"}


def test_an_account_that_does_not_answer_is_told_step_by_step(account: Account) -> None:
    account.sandbox.outage(times=-1)
    assert {step.state for step in install(account)} == {"refused"}
