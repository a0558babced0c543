"""The wire: pages are followed as told and only at home, composite calls, what every call carries."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.salesforce.client import Client, _path
from hub.sdk import Rejected, Transient
from sandbox.kit import Fault
from tests.connectors.salesforce.company import Company, named


def client(company: Company, **changed: Any) -> Client:
    return company.connect(**changed)._client


def many(company: Company, count: int) -> None:
    account = company.sandbox.add_account()
    with company.sandbox.org.transaction():
        for n in range(count):
            company.sandbox.add_opportunity(account, f"D{n}")


def test_all_pages_of_an_answer_are_followed(company: Company) -> None:
    many(company, 4_001)
    before = company.calls()
    rows = client(company).query("SELECT Id FROM Opportunity")
    assert len({row["Id"] for row in rows}) == 4_001
    assert company.calls() - before == 3


def test_a_cursor_that_has_expired_is_asked_again_later(company: Company) -> None:
    many(company, 2_001)
    company.sandbox.kit.faults.append(
        Fault(
            kind="refuse",
            status=400,
            path=r"/query/",
            body=[{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}],
        )
    )
    with pytest.raises(Transient, match="locator"):
        client(company).query("SELECT Id FROM Opportunity")


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ("/services/data/v68.0/query/01g-2000", "/services/data/v68.0/query/01g-2000"),
        ("https://evil.test/services/data/v68.0/query/01g", "/services/data/v68.0/query/01g"),
    ],
)
def test_the_next_page_is_always_at_home(told: str, path: str) -> None:
    assert _path(told) == path


@pytest.mark.parametrize("told", [None, "", "https://evil.test/", "//evil.test/x", "/etc/passwd"])
def test_an_address_that_is_no_page_is_refused(told: Any) -> None:
    with pytest.raises(Transient, match="next page"):
        _path(told)


def test_a_composite_call_makes_parent_and_child_or_neither(company: Company) -> None:
    wire = client(company)
    root = wire.root
    account = {
        "method": "POST",
        "url": f"{root}/sobjects/Account",
        "referenceId": "buyer",
        "body": {"Name": "Both"},
    }
    contact = {
        "method": "POST",
        "url": f"{root}/sobjects/Contact",
        "referenceId": "person",
        "body": {"LastName": "Lee", "AccountId": "@{buyer.id}"},
    }
    told = wire.composite([account, contact])
    assert [one["httpStatusCode"] for one in told] == [201, 201]
    broken = {**contact, "body": {"AccountId": "@{buyer.id}"}}
    told = wire.composite([account, broken])
    assert [one["httpStatusCode"] for one in told] == [400, 400]
    assert len(company.sandbox.org.rows("Account")) == 1


def test_a_collection_is_bounded_before_it_is_sent(company: Company) -> None:
    for count in (0, 201):
        with pytest.raises(ValueError, match="1 to 200"):
            client(company).update("Opportunity", [{"Id": "x"}] * count)


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'{"records": 1}', b"<html>login</html>", b'{"done": true}']
)
def test_a_200_that_is_no_answer_is_an_unknown_outcome(company: Company, body: bytes) -> None:
    wire = client(company)
    wire.limits()
    told = {b"[]": [], b"null": None, b'{"records": 1}': {"records": 1}, b'{"done": true}': {"done": True}}
    fault = Fault(kind="refuse", status=200, path="/query", body=told.get(body, "<html>login</html>"))
    company.sandbox.kit.faults.append(fault)
    with pytest.raises(Transient):
        wire.query("SELECT Id FROM Account")


def test_describes_are_remembered_until_forgotten(company: Company) -> None:
    wire = client(company)
    wire.describe("Account")
    before = company.calls()
    wire.describe("Account")
    assert company.calls() == before
    wire.forget()
    wire.describe("Account")
    assert company.calls() == before + 1


def test_what_the_org_does_not_have_is_refused(company: Company) -> None:
    with pytest.raises(Rejected) as caught:
        client(company).describe("Nothing__c")
    assert caught.value.status == 404


def test_a_page_of_a_proxy_that_repeats_our_headers_shows_no_session(company: Company) -> None:
    wire = client(company)
    wire.limits()
    token = wire.session().token
    fault = Fault(
        kind="refuse", status=502, path="/query", body=f"<html>you sent Bearer {token}</html>", times=-1
    )
    company.sandbox.kit.faults.append(fault)
    with pytest.raises(Transient) as caught:
        wire.query("SELECT Id FROM Account")
    assert "you sent" in str(caught.value)
    assert token not in f"{caught.value}{caught.value!r}"


@pytest.mark.parametrize("records", [["x"], [{}], [None]])
def test_rows_that_are_none_are_asked_again_later(company: Company, records: Any) -> None:
    deal = company.won()
    salesforce = company.connect()
    list(salesforce.read(named(("Opportunity", deal))))
    fault = Fault(kind="refuse", status=200, path="/query", body={"done": True, "records": records}, times=-1)
    company.sandbox.kit.faults.append(fault)
    with pytest.raises(Transient):
        salesforce.read(named(("Opportunity", deal)))


def test_a_deployment_without_an_id_is_an_unknown_outcome(company: Company) -> None:
    wire = client(company)
    fault = Fault(kind="refuse", status=200, path="deployRequest", body={"id": "../1"})
    company.sandbox.kit.faults.append(fault)
    with pytest.raises(Transient, match="no id of the deployment"):
        wire.deploy(b"zip", {})
