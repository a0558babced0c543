"""Setting up: what an admin is told before a connection is saved, and what is never told."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from connectors.hubspot.auth import Bearer
from connectors.hubspot.connector import HubSpot, Settings
from connectors.hubspot.schema import BASELINE
from hub.sdk import AuthFailed, SecretStr
from sandbox.hubspot import HubSpotSandbox
from sandbox.hubspot.catalog import Property
from sandbox.kit import Fault
from tests.connectors.hubspot.account import SECRET, TOKEN, Account, Clock, Switchboard, changed_deal


def test_a_well_prepared_account_passes(account: Account) -> None:
    health = account.connect(portal_id=account.sandbox.portal_id).check()
    assert (health.ok, health.findings) == (True, ())


def test_check_writes_nothing(account: Account) -> None:
    account.connect().check()
    assert account.sandbox.kit.effects == []


def test_a_bad_token_fails_and_is_not_repeated(account: Account) -> None:
    health = account.connect(access_token="pat-na1-wrong").check()
    assert not health.ok
    assert "refuses the access token" in health.summary
    assert "pat-na1-wrong" not in str(health)


def test_an_expired_token_fails(account: Account) -> None:
    account.sandbox.gate.expired = True
    assert "expired" in account.connect().check().summary


@pytest.mark.parametrize(
    "scope",
    [
        "crm.objects.deals.read",
        "crm.objects.deals.write",
        "crm.objects.companies.read",
        "crm.objects.contacts.read",
        "crm.objects.line_items.read",
    ],
)
def test_a_missing_scope_is_named(account: Account, scope: str) -> None:
    account.sandbox.gate.scopes.remove(scope)
    health = account.connect().check()
    assert not health.ok
    assert any(scope in finding for finding in health.findings)


def test_another_account_than_the_settings_say_fails(account: Account) -> None:
    health = account.connect(portal_id=99).check()
    assert not health.ok
    assert "24681357" in health.summary


def test_properties_that_writes_need_block_and_others_are_told(
    clock: Clock, hubspot_server: Switchboard
) -> None:
    sandbox = HubSpotSandbox(now=clock, token=TOKEN, with_added_properties=False)
    hubspot_server.app = sandbox.app
    health = Account(sandbox, hubspot_server.url, clock).connect().check()
    assert not health.ok
    assert any("deals have no property o2c_order_number" in finding for finding in health.findings)
    assert any("deals have no property po_number: create it if" in finding for finding in health.findings)


def test_an_optional_property_that_is_missing_does_not_block(account: Account) -> None:
    del account.sandbox.portal.properties["line_items"]["o2c_delivery"]
    health = account.connect().check()
    assert health.ok
    assert [finding for finding in health.findings if "o2c_delivery" in finding]


def test_without_client_secret_the_admin_is_told_that_only_polls_bring_changes(account: Account) -> None:
    health = account.connect(client_secret=None).check()
    assert health.ok
    assert any("only polls" in finding for finding in health.findings)


def test_an_account_that_does_not_answer_fails_closed() -> None:
    health = HubSpot(Settings(base_url="http://127.0.0.1:1", access_token=SecretStr(TOKEN))).check()
    assert not health.ok
    assert "no connection" in health.summary


def test_trouble_in_the_middle_fails_closed(account: Account) -> None:
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="/crm/pipelines", status=500, times=-1))
    health = account.connect().check()
    assert not health.ok
    assert "pipelines" in health.summary


def test_the_schema_is_what_hubspot_has_now(account: Account) -> None:
    account.sandbox.portal.properties["deals"]["so_number"] = Property("so_number", own=False)
    schema = account.connect(deal_properties=["so_number", "not_there"]).schema("order")
    names = {field.name: field for field in schema.fields}
    assert schema.complete
    assert "properties.so_number" in names
    assert "properties.not_there" not in names
    assert names["properties.amount"].type == "decimal"
    assert names["properties.deal_currency_code"].options == ("USD", "EUR", "GBP", "JPY", "CHF")
    assert {"stage.won", "company.id", "line_items[].properties.hs_sku"} <= names.keys()


def test_the_schema_tells_the_longest_text_where_the_account_has_such_a_rule(account: Account) -> None:
    rules = [
        {
            "propertyName": "dealname",
            "propertyValidationRules": [{"ruleType": "MAX_LENGTH", "ruleArguments": ["40"]}],
        },
        {
            "propertyName": "amount",
            "propertyValidationRules": [{"ruleType": "MAX_NUMBER", "ruleArguments": ["9"]}],
        },
    ]
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="property-validations/.*/0-3", status=200, body={"results": rules})
    )
    names = {field.name: field.max_length for field in account.connect().schema("order").fields}
    assert (names["properties.dealname"], names["properties.amount"]) == (40, 0)


def test_an_account_without_rules_for_values_still_has_a_schema(account: Account) -> None:
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="property-validations", status=403, body={}, times=-1)
    )
    assert account.connect().schema("order").complete


@pytest.mark.parametrize(("kind", "name"), [("invoice", "hs_due_date"), ("payment", "hs_initial_amount")])
def test_what_is_written_has_a_schema_too(account: Account, kind: str, name: str) -> None:
    fields = {field.name: field for field in account.connect().schema(kind).fields}
    assert f"properties.{name}" in fields
    assert "properties.o2c_external_id" in fields


def test_invoices_that_cannot_be_written_do_not_block_the_connection(account: Account) -> None:
    account.sandbox.gate.scopes.remove("crm.objects.invoices.write")
    del account.sandbox.portal.properties["commerce_payments"]["o2c_external_id"]
    health = account.connect().check()
    assert health.ok
    assert [one for one in health.findings if "crm.objects.invoices.write" in one]
    assert [one for one in health.findings if "run install" in one]


def test_the_schema_is_the_shipped_one_when_nobody_answers() -> None:
    schema = HubSpot(Settings(base_url="http://127.0.0.1:1", access_token=SecretStr(TOKEN))).schema(
        "customer"
    )
    assert not schema.complete
    assert "properties.name" in {field.name for field in schema.fields}


def test_a_kind_we_do_not_know_has_no_fields(account: Account) -> None:
    assert account.connect().schema("shipment").fields == ()


@pytest.mark.parametrize("kind", BASELINE)
def test_every_property_of_the_baseline_exists_in_the_simulated_account(account: Account, kind: str) -> None:
    known = account.sandbox.portal.properties[kind]
    assert [field.name for field in BASELINE[kind] if field.name not in known] == []


def test_the_token_is_on_every_call_and_in_no_text(account: Account) -> None:
    connector = account.connect()
    request = httpx.Request("GET", "https://api.hubapi.com/")
    next(Bearer(SecretStr(TOKEN)).auth_flow(request))
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    told = repr(connector) + repr(vars(connector)) + str(connector._settings) + repr(Bearer(SecretStr(TOKEN)))
    assert TOKEN not in told
    assert SECRET not in told


def test_an_error_page_that_echoes_the_token_does_not_get_it_into_the_error(account: Account) -> None:
    echo = {"message": f"refused: authorization: Bearer {TOKEN}", "category": "FORBIDDEN"}
    account.sandbox.kit.faults.append(Fault(kind="refuse", status=403, body=echo, times=-1))
    with pytest.raises(Exception, match="refused") as caught:
        list(account.connect().read(changed_deal("5")))
    assert TOKEN not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))


def test_a_wrong_token_while_reading_pauses_the_connection(account: Account) -> None:
    with pytest.raises(AuthFailed) as caught:
        list(account.connect(access_token="wrong-token-value").read(changed_deal("5")))
    assert "wrong-token-value" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"access_token": ""},
        {"access_token": TOKEN, "crm_version": "v3"},
        {"access_token": TOKEN, "base_url": "ftp://x"},
        {"access_token": TOKEN, "base_url": "https://x/y"},
        {"access_token": TOKEN, "portal_id": 0},
        {"access_token": TOKEN, "surprise": 1},
    ],
)
def test_settings_that_cannot_work_are_refused_without_the_token(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(settings)
    assert TOKEN not in str(caught.value)
