"""Setting up: what an admin is told before a connection is saved, and what the installer makes and leaves."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from connectors.salesforce.install import LOOKS_MAX, contents, steps, zipped
from connectors.salesforce.schema import BASELINE, KEY, MIRRORS, PROGRESS
from hub.sdk import Step, Transient, parse_xml
from sandbox.salesforce.simulator import SalesforceSandbox
from tests.connectors.salesforce.company import PATH_TOKEN, Clock, Company, Switchboard

NS = "{http://soap.sforce.com/2006/04/metadata}"


@pytest.fixture
def bare(clock: Clock, salesforce_server: Switchboard) -> Company:
    """An org without our package."""
    made = Company(SalesforceSandbox(now=clock), salesforce_server.url, clock)
    salesforce_server.app = made.sandbox.app
    return made


def installed(company: Company, *, dry: bool, source: str = "opportunity") -> Mapping[str, Step]:
    client = company.connect()._client
    return {step.what: step for step in steps(client, source, dry=dry, wait=lambda _: None)}


def test_a_well_prepared_org_passes(company: Company) -> None:
    health = company.connect().check()
    assert (health.ok, health.findings) == (True, ())


def test_check_writes_nothing(company: Company) -> None:
    before = len(company.sandbox.kit.effects)
    company.connect().check()
    assert len(company.sandbox.kit.effects) == before


def test_without_the_package_the_check_says_what_to_install(bare: Company) -> None:
    health = bare.connect().check()
    assert not health.ok
    assert any("ERP_Invoice__c is not there" in finding for finding in health.findings)
    assert any("O2C_Order_Number__c" in finding for finding in health.findings)


@pytest.mark.parametrize(
    ("sobject", "name", "blocks"),
    [
        ("Opportunity", "AccountId", True),
        ("Opportunity", "O2C_Order_Status__c", True),
        ("OpportunityLineItem", "UnitPrice", True),
        ("Product2", "ProductCode", True),
        ("ERP_Invoice__c", "Open_Amount__c", True),
        ("OpportunityLineItem", "O2C_Tax_Percent__c", False),
        ("Account", "O2C_Credit_Limit__c", False),
    ],
)
def test_a_hidden_field_is_named(company: Company, sobject: str, name: str, blocks: bool) -> None:
    company.sandbox.hide(sobject, name)
    health = company.connect().check()
    assert health.ok is not blocks
    assert any(name in finding for finding in health.findings)


def test_an_org_with_one_currency_must_be_told_which(company: Company) -> None:
    health = company.connect(currency="").check()
    assert not health.ok
    assert "one currency" in health.summary


def test_a_missing_path_token_and_a_day_nearly_spent_are_told_but_block_nothing(company: Company) -> None:
    company.sandbox.use_calls(79_900)
    health = company.connect(path_token=None, daily_reserve=21).check()
    assert health.ok is False or any("reserve" in finding for finding in health.findings)
    assert any("no path token" in finding for finding in health.findings)


def test_another_org_and_other_credentials_fail_with_the_reason(company: Company) -> None:
    assert "00D000000000XYZEA2" in company.connect(org_id="00D000000000XYZEA2").check().summary
    health = company.connect(consumer_secret="not-the-secret").check()
    assert "refuses the login" in health.summary
    assert "not-the-secret" not in str(health)
    assert PATH_TOKEN not in str(health)


def test_all_three_logins_work(company: Company) -> None:
    box = company.sandbox
    company.clock.time = datetime.now(UTC)
    jwt = {"auth": "jwt", "username": box.username, "private_key": box.private_key}
    assert company.connect(**jwt).check().ok
    assert company.connect(auth="refresh", refresh_token=box.refresh_token).check().ok
    box.login.preauthorised = False
    assert "pre-authorise" in company.connect(**jwt).check().summary


def test_a_version_that_is_retired_is_named(company: Company) -> None:
    assert "api_version" in company.connect(api_version="29.0").check().summary


def test_looking_makes_nothing(bare: Company) -> None:
    found = installed(bare, dry=True)
    assert {step.state for step in found.values()} == {"missing"}
    assert "ERP_Invoice__c" not in bare.sandbox.org.objects


def test_installing_makes_everything_and_names_what_a_person_must_do(bare: Company) -> None:
    found = installed(bare, dry=False)
    assert "ERP_Invoice__c" in bare.sandbox.org.objects
    assert found["permission set O2C_Hub of the integration user"].state == "missing"
    assert "permission set" in found["object ERP_Invoice__c"].detail
    bare.sandbox.package.assign()
    again = installed(bare, dry=False)
    assert {step.state for step in again.values()} == {"there"}
    assert bare.connect().check().ok


def test_installing_twice_deploys_once(company: Company) -> None:
    before = len(company.sandbox.package.deployments)
    found = installed(company, dry=False)
    assert {step.state for step in found.values()} == {"there"}
    assert len(company.sandbox.package.deployments) == before


def test_the_package_for_orders_is_deployed_where_they_are_the_source(company: Company) -> None:
    found = installed(company, dry=False, source="order")
    assert found["object ERP_Invoice__c"].state == "there"
    assert "fields of Order" in found
    assert "O2C_Order_Number__c" in company.sandbox.org.objects["Order"].fields


def test_a_refused_component_is_told_in_salesforces_words(bare: Company) -> None:
    del bare.sandbox.org.objects["Account"]
    found = list(installed(bare, dry=False).values())
    refused = [step for step in found if step.state == "refused"]
    assert refused
    assert any("Account" in step.detail for step in refused)


def test_a_deployment_that_never_ends_is_given_up(bare: Company) -> None:
    bare.sandbox.package.polls = 10 * LOOKS_MAX
    with pytest.raises(Transient, match="Deployment Status"):
        installed(bare, dry=False)


@pytest.mark.parametrize("folder", ["package", "package_orders"])
def test_the_package_lists_exactly_what_it_holds(folder: str) -> None:
    archive = zipfile.ZipFile(io.BytesIO(zipped(folder)))
    manifest = parse_xml(archive.read("package.xml"))
    listed = {str(one.text) for one in manifest.iterfind(f"{NS}types/{NS}members")}
    objects = contents(folder)
    custom = {name for name in objects if name.endswith("__c")}
    fields = {f"{o}.{name}" for o, names in objects.items() if o not in custom for name in names}
    sets = {name.split("/")[1].partition(".")[0] for name in archive.namelist() if name.startswith("perm")}
    assert listed == custom | fields | sets
    assert zipped(folder) == zipped(folder)


def test_each_custom_object_has_a_unique_external_id_without_regard_to_case() -> None:
    archive = zipfile.ZipFile(io.BytesIO(zipped("package")))
    for sobject in MIRRORS.values():
        fields = parse_xml(archive.read(f"objects/{sobject}.object")).iterfind(f"{NS}fields")
        key = next(one for one in fields if one.findtext(f"{NS}fullName") == KEY)
        facts = {name: key.findtext(f"{NS}{name}") for name in ("externalId", "unique", "caseSensitive")}
        assert facts == {"externalId": "true", "unique": "true", "caseSensitive": "false"}


def test_permission_sets_cover_every_field_that_may_be_granted() -> None:
    for folder, name in (
        ("package", "O2C_Hub"),
        ("package", "O2C_Reader"),
        ("package_orders", "O2C_Hub_Orders"),
    ):
        archive = zipfile.ZipFile(io.BytesIO(zipped(folder)))
        root = parse_xml(archive.read(f"permissionsets/{name}.permissionset"))
        granted = {str(one.text) for one in root.iterfind(f"{NS}fieldPermissions/{NS}field")}
        wanted = {
            f"{o}.{field}" for o, fields in contents(folder).items() for field in fields if field != KEY
        }
        assert granted == wanted  # a required field is everybody's and may not be listed


def test_the_package_has_what_the_shipped_mappings_write() -> None:
    package = contents("package")
    assert {one.name for one in PROGRESS} <= set(package["Opportunity"])
    for sobject in MIRRORS.values():
        own = {one.name for one in BASELINE[sobject] if one.name.endswith("__c")}
        assert own == set(package[sobject])
    for sobject in ("Opportunity", "Account", "OpportunityLineItem"):
        shipped = {one.name for one in BASELINE[sobject] if one.name.startswith("O2C_")}
        assert shipped == set(package[sobject])


def test_schemas_are_shipped_where_the_org_cannot_be_asked(company: Company) -> None:
    away = company.connect(consumer_secret="wrong-secret")
    for kind in ("customer", "order", "invoice", "payment"):
        schema = away.schema(kind)
        assert schema.fields
        assert not schema.complete
        assert company.connect().schema(kind).complete
    assert away.schema("shipment").fields == ()


def test_schemas_tell_lengths_and_options(company: Company) -> None:
    fields = {field.name: field for field in company.connect().schema("order").fields}
    assert fields["O2C_Tracking__c"].max_length == 255
    assert "Net 30" in fields["O2C_Payment_Terms__c"].options
    assert fields["line_items[].O2C_Delivery__c"].options == ("goods", "service")
    invoice = {field.name: field for field in company.connect().schema("invoice").fields}
    assert KEY not in invoice
    assert invoice["Payable_Amount__c"].type == "decimal"
