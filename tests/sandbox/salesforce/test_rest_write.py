"""Writing to the simulated org: records, collections, composite calls, and what objects do by themselves."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.salesforce.wire import Running, error, running

EXTERNAL = {"externalId": True, "unique": True, "length": 40}


@pytest.fixture
def org():
    with running() as one:
        one.sandbox.add_field("Account", "ERP_Id__c", **EXTERNAL)
        one.sandbox.add_field("Opportunity", "ERP_Id__c", **EXTERNAL)
        one.sandbox.add_field("Opportunity", "Loose__c", externalId=True)
        one.sandbox.add_field("Opportunity", "Invoiced__c", "Currency")
        yield one


def effects(org: Running) -> list[tuple[str, str, str]]:
    return [(one["action"], one["kind"], one["reference"]) for one in org.sandbox.kit.effects]


def deal(org: Running, **values: Any) -> str:
    return org.sandbox.add_opportunity(org.sandbox.add_account("Acme"), **values)


def test_a_record_is_created_read_changed_and_deleted(org: Running) -> None:
    made = org.post("/sobjects/Account", {"Name": " Acme ", "AnnualRevenue": 10, "ERP_Id__c": "C-1"})
    assert (made.status_code, made.json()["success"], made.json()["errors"]) == (201, True, [])
    id = made.json()["id"]
    assert org.patch(f"/sobjects/Account/{id}", {"Phone": "555"}).status_code == 204
    shown = org.get(f"/sobjects/Account/{id}", params={"fields": "Name,Phone,ERP_Id__c"}).json()
    assert (shown["Name"], shown["Phone"], shown["ERP_Id__c"]) == ("Acme", "555", "C-1")
    assert org.get(f"/sobjects/Account/{id[:15]}").status_code == 200
    assert org.call("DELETE", f"/sobjects/Account/{id}").status_code == 204
    assert error(org.get(f"/sobjects/Account/{id}")) == (404, "ENTITY_IS_DELETED")
    assert [one[0] for one in effects(org)] == ["create", "update", "delete"]
    assert {one[2] for one in effects(org)} == {"C-1"}


@pytest.mark.parametrize(
    ("body", "code", "fields"),
    [
        ({}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ({"Name": "x" * 256}, "STRING_TOO_LONG", ["Name"]),
        ({"Name": "a", "Nope": 1}, "INVALID_FIELD", None),
        ({"Name": "a", "IsDeleted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["IsDeleted"]),
        ({"Name": "a", "Id": "001000000000000"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Id"]),
        ({"Name": "a", "AnnualRevenue": "lots"}, "JSON_PARSER_ERROR", None),
        ({"Name": "a", "AnnualRevenue": 10**20}, "NUMBER_OUTSIDE_VALID_RANGE", ["AnnualRevenue"]),
        ({"Name": 5}, "JSON_PARSER_ERROR", None),
        ({"Name": "a", "ParentId": "x"}, "MALFORMED_ID", ["ParentId"]),
        ({"Name": "a", "ParentId": "003000000000000"}, "MALFORMED_ID", ["ParentId"]),
        ({"Name": "a", "ParentId": "001000000000000"}, "INVALID_CROSS_REFERENCE_KEY", ["ParentId"]),
        ({"Name": "a", "Parent": {"ERP_Id__c": "no"}}, "INVALID_FIELD", None),
    ],
)
def test_a_record_that_is_wrong_is_refused(org: Running, body: Any, code: str, fields: Any) -> None:
    answer = org.post("/sobjects/Account", body)
    assert error(answer) == (400, code)
    assert answer.json()[0].get("fields") == fields
    assert effects(org) == []


def test_upsert_creates_then_updates_and_tells_which(org: Running) -> None:
    path = "/sobjects/Account/ERP_Id__c/C-7"
    first = org.patch(path, {"Name": "Acme"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    second = org.patch(path, {"Name": "Acme Ltd"})
    assert (second.status_code, second.json()["created"], second.json()["id"]) == (
        200,
        False,
        first.json()["id"],
    )
    assert org.patch(path, {"Name": "Old"}, version="45.0").status_code == 204
    assert org.get(path).json()["Name"] == "Old"
    assert error(org.patch(path, {"Name": "x", "ERP_Id__c": "C-7"})) == (400, "INVALID_FIELD")
    only = org.patch("/sobjects/Account/ERP_Id__c/C-8?updateOnly=true", {"Name": "x"})
    assert error(only) == (404, "NOT_FOUND")
    assert error(org.patch("/sobjects/Account/ERP_Id__c/a%2Fb", {"Name": "x"})) == (404, "NOT_FOUND")
    assert error(org.patch("/sobjects/Account/Site/x", {"Name": "x"})) == (404, "NOT_FOUND")
    assert len(org.org.rows("Account")) == 1


def test_a_key_that_several_records_hold_answers_300_with_their_addresses(org: Running) -> None:
    ids = [deal(org, Loose__c="L-1"), deal(org, Loose__c="L-1")]
    answer = org.patch("/sobjects/Opportunity/Loose__c/L-1", {"NextStep": "x"})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v68.0/sobjects/Opportunity/{one}" for one in ids]


def test_a_unique_value_is_taken_once_whatever_its_case(org: Running) -> None:
    id = org.sandbox.add_account("A", ERP_Id__c="Key")
    answer = org.post("/sobjects/Account", {"Name": "B", "ERP_Id__c": "KEY"})
    assert error(answer) == (400, "DUPLICATE_VALUE")
    assert id[:15] in answer.json()[0]["message"]


def test_the_duplicate_rule_stops_until_saving_is_allowed(org: Running) -> None:
    org.org.duplicate_rule = True
    org.sandbox.add_account("Acme")
    answer = org.post("/sobjects/Account", {"Name": "acme"})
    assert error(answer) == (400, "DUPLICATES_DETECTED")
    assert answer.json()[0]["duplicateResult"]["matchResults"]
    allowed = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert org.post("/sobjects/Account", {"Name": "acme"}, headers=allowed).status_code == 201


def test_a_collection_answers_per_record_in_order_with_http_200(org: Running) -> None:
    org.org.trip("UNABLE_TO_LOCK_ROW", matching="C-3")
    records = [
        {"attributes": {"type": "Account"}, "ERP_Id__c": "C-1", "Name": "One"},
        {"attributes": {"type": "Account"}, "ERP_Id__c": "C-2"},
        {"attributes": {"type": "Account"}, "ERP_Id__c": "C-3", "Name": "Three"},
        {"attributes": {"type": "Account"}, "ERP_Id__c": None, "Name": "Four"},
    ]
    path = "/composite/sobjects/Account/ERP_Id__c"
    answer = org.patch(path, {"records": records})
    told = answer.json()
    assert answer.status_code == 200
    assert [one["success"] for one in told] == [True, False, False, False]
    codes = [one["errors"][0]["statusCode"] for one in told[1:]]
    assert codes == ["REQUIRED_FIELD_MISSING", "UNABLE_TO_LOCK_ROW", "MISSING_ARGUMENT"]
    assert set(told[1]["errors"][0]) == {"statusCode", "message", "fields"}
    assert effects(org) == [("create", "Account", "C-1")]
    again = org.patch(path, {"records": [records[0], records[2]]}).json()
    assert [(one["success"], one["created"]) for one in again] == [(True, False), (True, True)]


def test_all_or_none_takes_back_the_good_ones(org: Running) -> None:
    good = {"attributes": {"type": "Account"}, "Name": "Good"}
    bad = {"attributes": {"type": "Account"}}
    told = org.post("/composite/sobjects", {"allOrNone": True, "records": [good, bad]}).json()
    codes = [one["errors"][0]["statusCode"] for one in told]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert (dict(org.org.rows("Account")), effects(org)) == ({}, [])


def test_collections_update_and_delete_by_id_and_know_their_limits(org: Running) -> None:
    one, two = org.sandbox.add_account("One"), org.sandbox.add_account("Two")
    kind = {"attributes": {"type": "Account"}}
    told = org.patch(
        "/composite/sobjects",
        {"records": [{**kind, "id": one, "Phone": "1"}, {**kind, "id": "001000000000000"}]},
    ).json()
    assert [entry["success"] for entry in told] == [True, False]
    assert told[1]["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    gone = org.call(
        "DELETE", "/composite/sobjects", params={"ids": f"{one},{two}", "allOrNone": "true"}
    ).json()
    assert [entry["success"] for entry in gone] == [True, True]
    many = {"records": [{**kind, "Name": str(n)} for n in range(201)]}
    assert error(org.post("/composite/sobjects", many)) == (400, "EXCEEDED_ID_LIMIT")
    mixed = [{"attributes": {"type": t}, "Name": "x"} for _ in range(6) for t in ("Account", "Product2")]
    assert error(org.post("/composite/sobjects", {"records": mixed})) == (400, "LIMIT_EXCEEDED")


def part(method: str, url: str, reference: str, body: Any = None) -> dict[str, Any]:
    found = {"method": method, "url": f"/services/data/v68.0{url}", "referenceId": reference}
    return found | ({"body": body} if body is not None else {})


def test_composite_parts_use_what_earlier_ones_answered(org: Running) -> None:
    parts = [
        part("POST", "/sobjects/Account", "acc", {"Name": "Acme"}),
        part("POST", "/sobjects/Contact", "con", {"LastName": "Roe", "AccountId": "@{acc.id}"}),
        part("GET", "/query?q=SELECT+Id+FROM+Contact+WHERE+AccountId='@{acc.id}'", "found"),
        part("PATCH", "/sobjects/Contact/@{found.records[0].Id}", "last", {"Phone": "1"}),
    ]
    answer = org.post("/composite", {"compositeRequest": parts})
    told = answer.json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in told] == [201, 201, 200, 204]
    assert [one["referenceId"] for one in told] == ["acc", "con", "found", "last"]
    assert org.sandbox.row("Contact", told[1]["body"]["id"])["Phone"] == "1"


def test_composite_all_or_none_halts_and_takes_back(org: Running) -> None:
    parts = [
        part("POST", "/sobjects/Account", "acc", {"Name": "Acme"}),
        part("POST", "/sobjects/Contact", "con", {"AccountId": "@{acc.id}"}),
        part("PATCH", "/sobjects/Contact/@{con.id}", "more", {"Phone": "1"}),
    ]
    told = org.post("/composite", {"allOrNone": True, "compositeRequest": parts}).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in told] == [400, 400, 400]
    codes = [one["body"][0]["errorCode"] for one in told]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]
    assert (dict(org.org.rows("Account")), effects(org)) == ({}, [])
    loose = org.post("/composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in loose] == [201, 400, 400]
    assert effects(org) == [("create", "Account", "")]


def test_composite_has_its_limits(org: Running) -> None:
    one = part("GET", "/query?q=SELECT+Id+FROM+Account", "r")
    many = [{**one, "referenceId": f"r{n}"} for n in range(6)]
    assert error(org.post("/composite", {"compositeRequest": many})) == (400, "LIMIT_EXCEEDED")
    many = [part("GET", "/limits", f"r{n}") for n in range(26)]
    assert error(org.post("/composite", {"compositeRequest": many})) == (400, "LIMIT_EXCEEDED")
    same = [part("GET", "/limits", "r"), part("GET", "/limits", "r")]
    assert error(org.post("/composite", {"compositeRequest": same}))[0] == 400


def test_a_batch_carries_on_after_a_failure_and_a_tree_does_not(org: Running) -> None:
    requests = [
        {"method": "POST", "url": "v68.0/sobjects/Account", "richInput": {}},
        {"method": "POST", "url": "v68.0/sobjects/Account", "richInput": {"Name": "B"}},
    ]
    told = org.post("/composite/batch", {"batchRequests": requests}).json()
    assert (told["hasErrors"], [one["statusCode"] for one in told["results"]]) == (True, [400, 201])
    child = {"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "Roe"}
    top = {
        "attributes": {"type": "Account", "referenceId": "a"},
        "Name": "T",
        "Contacts": {"records": [child]},
    }
    grown = org.post("/composite/tree/Account", {"records": [top]})
    assert (grown.status_code, [one["referenceId"] for one in grown.json()["results"]]) == (201, ["a", "c"])
    del child["LastName"]
    assert org.post("/composite/tree/Account", {"records": [top]}).status_code == 400
    assert len(org.org.rows("Account")) == 2


def test_parents_are_named_by_their_external_id(org: Running) -> None:
    account = org.sandbox.add_account("Acme", ERP_Id__c="C-1")
    body = {
        "Name": "D",
        "StageName": "Prospecting",
        "CloseDate": "2026-12-01",
        "Account": {"ERP_Id__c": "C-1"},
    }
    made = org.post("/sobjects/Opportunity", body).json()["id"]
    assert org.sandbox.row("Opportunity", made)["AccountId"] == account


def test_the_amount_of_an_opportunity_is_the_sum_of_its_lines(org: Running) -> None:
    org.sandbox.add_product("CHAIR", "100")
    id = deal(org, lines=[("CHAIR", 3, "33.33"), ("CHAIR", 1, "0.01")], Amount="5")
    assert org.sandbox.row("Opportunity", id)["Amount"] == Decimal("100.00")
    assert org.patch(f"/sobjects/Opportunity/{id}", {"Amount": 1, "NextStep": "x"}).status_code == 204
    row = org.sandbox.row("Opportunity", id)
    assert (row["Amount"], row["NextStep"], row["HasOpportunityLineItem"]) == (Decimal("100.00"), "x", True)
    line = org.query(f"SELECT Id FROM OpportunityLineItem WHERE OpportunityId = '{id}' ORDER BY Id")[0]["Id"]
    path = f"/sobjects/OpportunityLineItem/{line}"
    assert error(org.patch(path, {"Quantity": 2})) == (400, "REQUIRED_FIELD_MISSING")
    assert error(org.patch(path, {"UnitPrice": 1, "TotalPrice": 1})) == (400, "FIELD_INTEGRITY_EXCEPTION")
    assert org.patch(path, {"Quantity": 2, "UnitPrice": 10, "Discount": 10}).status_code == 204
    assert org.sandbox.row("Opportunity", id)["Amount"] == Decimal("18.01")
    org.sandbox.delete("OpportunityLineItem", line)
    assert org.sandbox.row("Opportunity", id)["Amount"] == Decimal("0.01")


def test_stages_decide_what_is_won(org: Running) -> None:
    id = deal(org)
    org.sandbox.win(id)
    row = org.sandbox.row("Opportunity", id)
    assert (row["IsWon"], row["IsClosed"], row["Probability"]) == (True, True, Decimal(100))
    org.sandbox.update("Opportunity", id, {"StageName": "Qualification"})
    assert org.sandbox.row("Opportunity", id)["IsWon"] is False


def test_an_order_is_a_draft_before_it_is_activated(org: Running) -> None:
    org.sandbox.add_product("CHAIR", "100")
    entry = next(iter(org.org.rows("PricebookEntry")))
    account = org.sandbox.add_account("Acme")
    body = {
        "AccountId": account,
        "EffectiveDate": "2026-11-22",
        "Pricebook2Id": org.sandbox.standard_pricebook,
    }
    assert error(org.post("/sobjects/Order", {**body, "Status": "Activated"})) == (400, "FAILED_ACTIVATION")
    wrong = org.post("/sobjects/Order", {**body, "Status": "Shipped"})
    assert error(wrong) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    id = org.post("/sobjects/Order", {**body, "Status": "Draft"}).json()["id"]
    assert error(org.patch(f"/sobjects/Order/{id}", {"Status": "Activated"})) == (400, "FAILED_ACTIVATION")
    item = {"OrderId": id, "PricebookEntryId": entry, "Quantity": 2, "UnitPrice": 90.5}
    assert org.post("/sobjects/OrderItem", item).status_code == 201
    assert org.patch(f"/sobjects/Order/{id}", {"Status": "Activated"}).status_code == 204
    row = org.sandbox.row("Order", id)
    assert (row["TotalAmount"], row["StatusCode"], row["OrderNumber"]) == (
        Decimal("181.00"),
        "Activated",
        "00000101",
    )
    assert error(org.post("/sobjects/OrderItem", item)) == (400, "FIELD_INTEGRITY_EXCEPTION")


def test_a_price_book_wants_the_standard_price_first(org: Running) -> None:
    product = org.sandbox.add("Product2", {"Name": "Chair", "IsActive": True})
    book = org.sandbox.add("Pricebook2", {"Name": "Partner", "IsActive": True})
    entry = {"Product2Id": product, "Pricebook2Id": book, "UnitPrice": 5, "IsActive": True}
    assert error(org.post("/sobjects/PricebookEntry", entry)) == (400, "STANDARD_PRICE_NOT_DEFINED")
    org.sandbox.add_price(product, "9")
    assert org.post("/sobjects/PricebookEntry", entry).status_code == 201
    assert error(org.post("/sobjects/PricebookEntry", entry)) == (400, "DUPLICATE_VALUE")


def test_several_currencies_exist_only_where_the_org_has_them() -> None:
    with running(features=["multi_currency"]) as org:
        product = org.sandbox.add_product("CHAIR", "100")
        org.sandbox.add_price(product, "90", currency="EUR")
        account = org.sandbox.add_account("Acme", CurrencyIsoCode="EUR")
        id = org.sandbox.add_opportunity(account, lines=[("CHAIR", 1, "90")], CurrencyIsoCode="EUR")
        (row,) = org.query(
            "SELECT CurrencyIsoCode, (SELECT CurrencyIsoCode FROM OpportunityLineItems) FROM Opportunity"
        )
        assert row["CurrencyIsoCode"] == row["OpportunityLineItems"]["records"][0]["CurrencyIsoCode"] == "EUR"
        assert {one["IsoCode"] for one in org.query("SELECT IsoCode FROM CurrencyType")} == {
            "USD",
            "EUR",
            "GBP",
        }
        bad = org.post("/sobjects/Account", {"Name": "x", "CurrencyIsoCode": "XXX"})
        assert error(bad) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
        usd = next(i for i, e in org.org.rows("PricebookEntry").items() if e["CurrencyIsoCode"] == "USD")
        line = {"OpportunityId": id, "PricebookEntryId": usd, "Quantity": 1, "UnitPrice": 1}
        assert error(org.post("/sobjects/OpportunityLineItem", line)) == (400, "FIELD_INTEGRITY_EXCEPTION")


def test_countries_and_states_may_be_picklists() -> None:
    with running(features=["state_country_codes"]) as org:
        made = org.post(
            "/sobjects/Account", {"Name": "A", "BillingCountryCode": "US", "BillingStateCode": "MA"}
        )
        row = org.sandbox.row("Account", made.json()["id"])
        assert (row["BillingCountry"], row["BillingState"]) == ("United States", "Massachusetts")
        wrong = org.post("/sobjects/Account", {"Name": "A", "BillingCountry": "Freedonia"})
        assert error(wrong) == (400, "FIELD_INTEGRITY_EXCEPTION")
        bare = org.post("/sobjects/Account", {"Name": "A", "BillingState": "Texas"})
        assert error(bare) == (400, "FIELD_INTEGRITY_EXCEPTION")


def test_person_accounts_and_contracts_come_with_their_features() -> None:
    with running(features=["person_accounts", "contracts"]) as org:
        made = org.post("/sobjects/Account", {"FirstName": "Jane", "LastName": "Roe"}).json()["id"]
        row = org.sandbox.row("Account", made)
        assert (row["Name"], row["IsPersonAccount"]) == ("Jane Roe", True)
        body = {"AccountId": made, "StartDate": "2026-01-01", "ContractTerm": 12}
        contract = org.sandbox.row("Contract", org.post("/sobjects/Contract", body).json()["id"])
        assert (str(contract["EndDate"]), contract["StatusCode"]) == ("2027-01-01", "Draft")
    with running() as plain:
        assert error(plain.get("/sobjects/Contract/describe")) == (404, "NOT_FOUND")


def test_changed_and_deleted_ids_are_listed(org: Running) -> None:
    kept, gone = org.sandbox.add_account("Kept"), org.sandbox.add_account("Gone")
    org.clock.move(minutes=10)
    org.sandbox.delete("Account", gone)
    org.clock.move(minutes=10)
    span = {"start": "2026-11-22T08:00:00+00:00", "end": "2026-11-22T10:00:00Z"}
    told = org.get("/sobjects/Account/updated/", params=span).json()
    assert told == {"ids": [kept], "latestDateCovered": "2026-11-22T09:20:00.000+0000"}
    told = org.get("/sobjects/Account/deleted/", params=span).json()
    assert told["deletedRecords"] == [{"id": gone, "deletedDate": "2026-11-22T09:10:00.000+0000"}]
    old = {**span, "start": "2026-10-01T00:00:00Z"}
    assert error(org.get("/sobjects/Account/updated", params=old)) == (400, "INVALID_REPLICATION_DATE")


def test_deleting_takes_children_along_and_undeleting_brings_them_back(org: Running) -> None:
    org.sandbox.add_product("CHAIR", "100")
    id = deal(org, lines=[("CHAIR", 1, "5")])
    account = org.sandbox.row("Opportunity", id)["AccountId"]
    org.sandbox.delete("Account", account)
    line = next(iter(org.org.rows("OpportunityLineItem").values()))
    assert (org.sandbox.row("Opportunity", id)["IsDeleted"], line["IsDeleted"]) == (True, True)
    org.org.undelete("Account", account)
    row = org.sandbox.row("Opportunity", id)
    assert (row["IsDeleted"], row["Amount"]) == (False, Decimal("5.00"))


def test_listeners_hear_one_change_per_record_and_who_made_it(org: Running) -> None:
    heard: list[Any] = []
    org.org.listen(heard.append)
    org.sandbox.add_product("CHAIR", "100")
    heard.clear()
    id = deal(org, lines=[("CHAIR", 1, "5"), ("CHAIR", 2, "5")])
    told = [(one.sobject, one.change) for one in heard]
    assert told == [
        ("Account", "CREATE"),
        ("Opportunity", "CREATE"),
        *[("OpportunityLineItem", "CREATE")] * 2,
    ]
    assert heard[1].row["Amount"] == Decimal("15.00")
    heard.clear()
    headers = {"Sforce-Call-Options": "client=o2chub"}
    org.patch(f"/sobjects/Opportunity/{id}", {"Invoiced__c": 12.34}, headers=headers)
    (one,) = heard
    assert (one.change, one.client, one.user == org.sandbox.login.user_id) == ("UPDATE", "o2chub", True)
    assert "Invoiced__c" in one.changed
    assert one.row["Invoiced__c"] == Decimal("12.34")


def test_a_record_changed_since_is_not_overwritten(org: Running) -> None:
    id = org.sandbox.add_account("Acme")
    since = {"If-Unmodified-Since": "Sun, 22 Nov 2026 08:59:00 GMT"}
    assert error(org.patch(f"/sobjects/Account/{id}", {"Phone": "1"}, headers=since))[0] == 412
