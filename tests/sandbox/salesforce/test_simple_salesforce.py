"""The simulated org is driven by simple-salesforce, a client nobody here wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from sandbox.kit import serve
from sandbox.salesforce.simulator import SalesforceSandbox

simple_salesforce = pytest.importorskip("simple_salesforce", reason="simple-salesforce is a dev dependency")


class Plain(HTTPAdapter):
    """Takes every https address to the sandbox's port over http: the client cannot be told to."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.netloc = urlsplit(base).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        asked = urlsplit(request.url or "")
        request.url = urlunsplit(("http", self.netloc, asked.path, asked.query, ""))
        return super().send(request, *args, **more)


@pytest.fixture(scope="module")
def sandbox() -> SalesforceSandbox:
    made = SalesforceSandbox()
    made.add_field("Account", "ERP_Id__c", externalId=True, unique=True, length=40)
    made.add_product("CHAIR", "100")
    return made


@pytest.fixture(scope="module")
def session(sandbox: SalesforceSandbox) -> Iterator[requests.Session]:
    with serve(sandbox.app) as base, requests.Session() as made:
        made.mount("https://", Plain(base))
        yield made


@pytest.fixture(scope="module")
def sf(sandbox: SalesforceSandbox, session: requests.Session) -> Any:
    known = {"username": sandbox.username, "consumer_key": sandbox.consumer_key}
    return simple_salesforce.Salesforce(
        **known, privatekey=sandbox.private_key, session=session, version="68.0"
    )


def test_its_jwt_login_opens_a_session_at_the_instance(sf: Any, sandbox: SalesforceSandbox) -> None:
    assert sf.session_id in sandbox.login.sessions
    assert sf.sf_instance.startswith("127.0.0.1:")
    assert sf.is_sandbox() is True


def test_its_client_credentials_login_works(sandbox: SalesforceSandbox, session: requests.Session) -> None:
    known = {"consumer_key": sandbox.consumer_key, "consumer_secret": sandbox.consumer_secret}
    made = simple_salesforce.Salesforce(**known, domain="o2c.my", session=session, version="68.0")
    assert made.session_id in sandbox.login.sessions


def test_a_login_that_is_refused_is_its_own_error(
    sandbox: SalesforceSandbox, session: requests.Session
) -> None:
    known = {"username": "stranger", "consumer_key": sandbox.consumer_key, "privatekey": sandbox.private_key}
    with (
        pytest.warns(UserWarning, match="self-authorize"),
        pytest.raises(simple_salesforce.exceptions.SalesforceAuthenticationFailed, match="approved"),
    ):
        simple_salesforce.Salesforce(**known, session=session)


def test_it_creates_reads_updates_upserts_and_deletes(sf: Any) -> None:
    made = sf.Account.create({"Name": "Acme"})
    assert made["success"] is True
    assert sf.Account.update(made["id"], {"Phone": "555"}) == 204
    assert sf.Account.get(made["id"])["Phone"] == "555"
    assert sf.Account.upsert("ERP_Id__c/C-1", {"Name": "By key"}) == 201
    assert sf.Account.upsert("ERP_Id__c/C-1", {"Name": "By key again"}) == 200
    assert sf.Account.get_by_custom_id("ERP_Id__c", "C-1")["Name"] == "By key again"
    assert sf.Account.delete(made["id"]) == 204
    with pytest.raises(simple_salesforce.exceptions.SalesforceResourceNotFound):
        sf.Account.get(made["id"])


def test_it_pages_through_a_query_and_sees_the_usage(sf: Any, sandbox: SalesforceSandbox) -> None:
    account = sandbox.add_account("Pages")
    first = sandbox.add_opportunity(account, "D", lines=[("CHAIR", 2, "9.99")])
    sandbox.clone_opportunities(first, 2_499)
    said = "SELECT Id, Amount, Account.Name, (SELECT Quantity FROM OpportunityLineItems) FROM Opportunity"
    whole = sf.query_all(said)
    assert (whole["totalSize"], whole["done"], len(whole["records"])) == (2_500, True, 2_500)
    assert whole["records"][-1]["OpportunityLineItems"]["records"][0]["Quantity"] == 2
    assert sum(1 for _ in sf.query_all_iter("SELECT Id FROM OpportunityLineItem")) == 2_500
    assert sf.api_usage["api-usage"].total == sandbox.org.limit


def test_it_describes_and_counts(sf: Any) -> None:
    names = {one["name"] for one in sf.describe()["sobjects"]}
    assert {"Account", "Opportunity", "OpportunityLineItem", "Order"} <= names
    fields = {one["name"] for one in sf.Opportunity.describe()["fields"]}
    assert {"StageName", "IsWon", "Amount"} <= fields
    assert sf.limits()["DailyApiRequests"]["Max"] > 0
    assert sf.Account.metadata()["objectDescribe"]["name"] == "Account"


def test_its_errors_carry_our_codes(sf: Any) -> None:
    with pytest.raises(simple_salesforce.exceptions.SalesforceMalformedRequest) as caught:
        sf.query("SELECT Nope FROM Account")
    assert caught.value.content[0]["errorCode"] == "INVALID_FIELD"


def test_it_reads_changed_and_deleted_ids(sf: Any, sandbox: SalesforceSandbox) -> None:
    from datetime import UTC, datetime, timedelta

    made = sandbox.add_account("Short-lived")
    sandbox.delete("Account", made)
    ends = datetime.now(UTC) + timedelta(minutes=1)
    told = sf.Account.deleted(ends - timedelta(hours=1), ends)
    assert made in [one["id"] for one in told["deletedRecords"]]
    assert sf.Account.updated(ends - timedelta(hours=1), ends)["ids"]


def test_composite_calls_go_through_its_restful_door(sf: Any) -> None:
    root = "/services/data/v68.0"
    parts = [
        {
            "method": "POST",
            "url": f"{root}/sobjects/Account",
            "referenceId": "a",
            "body": {"Name": "Composite"},
        },
        {"method": "GET", "url": f"{root}/sobjects/Account/@{{a.id}}", "referenceId": "b"},
    ]
    told = sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": parts})
    assert [one["httpStatusCode"] for one in told["compositeResponse"]] == [201, 200]
    assert told["compositeResponse"][1]["body"]["Name"] == "Composite"


def test_bulk_2_jobs_insert_and_read_back(sf: Any) -> None:
    records = [{"Name": f"Bulk {n}", "ERP_Id__c": f"B-{n}"} for n in range(30)]
    (told,) = sf.bulk2.Account.upsert(records=records, external_id_field="ERP_Id__c", wait=0)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (30, 0)
    pages = list(sf.bulk2.Account.query("SELECT Id, Name FROM Account WHERE ERP_Id__c LIKE 'B-%'", wait=0))
    assert sum(page.count("Bulk ") for page in pages) == 30


def test_it_logs_in_again_after_its_session_ended(sf: Any, sandbox: SalesforceSandbox) -> None:
    sandbox.expire_sessions()
    opened = sandbox.login.issued
    assert sf.query("SELECT Id FROM Account LIMIT 1")["done"] is True
    assert sandbox.login.issued == opened + 1
