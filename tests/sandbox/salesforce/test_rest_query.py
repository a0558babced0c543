"""SOQL of the simulated org: what it finds, how it pages, what it refuses."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.sandbox.salesforce.wire import START, Running, error, running


@pytest.fixture(scope="module")
def org():
    with running() as one:
        s = one.sandbox
        s.add_product("CHAIR", "100", "Chair")
        s.add_product("DESK", "250.50", "Desk")
        acme = s.add_account("Acme", BillingCity="Boston", Description="long text")
        beta = s.add_account("beta_co", Phone="555")
        s.add_account("100% O'Neil")
        s.add_contact(acme, "Roe", FirstName="Jane", Email="jane@acme.example")
        s.add_opportunity(acme, "First", lines=[("CHAIR", 4, "90"), ("DESK", 1, "250.50")])
        one.clock.move(minutes=1)
        s.add_opportunity(acme, "Second", lines=[("DESK", 2, "200.05")], stage="Closed Won")
        s.add_opportunity(beta, "Third", Amount="10.10", NextStep="call")
        yield one


def names(org: Running, where: str, sobject: str = "Opportunity") -> list[str]:
    return [one["Name"] for one in org.query(f"SELECT Name FROM {sobject} {where} ORDER BY Name")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("WHERE StageName = 'closed won'", ["Second"]),
        ("WHERE IsWon = false", ["First", "Third"]),
        ("WHERE Amount > 400 AND Amount <= 610.5", ["First", "Second"]),
        ("WHERE Amount = 10.10", ["Third"]),
        ("WHERE NextStep = null", ["First", "Second"]),
        ("WHERE NextStep != 'call'", ["First", "Second"]),
        ("WHERE NOT (Name = 'First' OR Name = 'Third')", ["Second"]),
        ("WHERE Account.Name = 'ACME' AND (Name LIKE 'F%' OR Name LIKE '_econd')", ["First", "Second"]),
        ("WHERE Name IN ('First', 'Third')", ["First", "Third"]),
        ("WHERE Name NOT IN ('First', 'Third')", ["Second"]),
        ("WHERE CloseDate = 2026-11-22", ["First", "Second", "Third"]),
        ("WHERE CloseDate < TODAY", []),
        ("WHERE CloseDate = LAST_N_DAYS:3", ["First", "Second", "Third"]),
        ("WHERE SystemModstamp >= 2026-11-22T09:01:00Z", ["Second", "Third"]),
        ("WHERE SystemModstamp < 2026-11-22T10:01:00+01:00", ["First"]),
        ("WHERE Id IN (SELECT OpportunityId FROM OpportunityLineItem WHERE Quantity = 4)", ["First"]),
        ("WHERE HasOpportunityLineItem = TRUE AND Id NOT IN ('006000000000001')", ["First", "Second"]),
    ],
)
def test_conditions_find_what_they_say(org: Running, where: str, found: list[str]) -> None:
    assert names(org, where) == found


def test_texts_may_hold_escaped_signs(org: Running) -> None:
    assert names(org, r"WHERE Name = '100% O\'Neil'", "Account") == ["100% O'Neil"]
    assert names(org, r"WHERE Name LIKE '100\% %'", "Account") == ["100% O'Neil"]
    assert names(org, r"WHERE Name LIKE 'beta\_co'", "Account") == ["beta_co"]
    assert names(org, r"WHERE Name LIKE 'bet\_co'", "Account") == []


def test_parents_children_and_numbers_have_their_shape(org: Running) -> None:
    (first,) = org.query(
        "SELECT Id, Amount, Account.Name, Account.Owner.Username, (SELECT Quantity, UnitPrice,"
        " PricebookEntry.Product2.ProductCode FROM OpportunityLineItems ORDER BY TotalPrice DESC)"
        " FROM Opportunity WHERE Name = 'First'"
    )
    url = f"/services/data/v68.0/sobjects/Opportunity/{first['Id']}"
    assert first["attributes"] == {"type": "Opportunity", "url": url}
    assert first["Amount"] == Decimal("610.5")
    assert first["Account"]["attributes"]["type"] == "Account"
    assert first["Account"]["Owner"]["Username"] == "sales@o2c.example"
    lines = first["OpportunityLineItems"]
    assert (lines["totalSize"], lines["done"]) == (2, True)
    codes = [one["PricebookEntry"]["Product2"]["ProductCode"] for one in lines["records"]]
    assert codes == ["CHAIR", "DESK"]
    (third,) = org.query("SELECT (SELECT Id FROM OpportunityLineItems) FROM Opportunity WHERE Name = 'Third'")
    assert third["OpportunityLineItems"] is None


def test_an_alias_and_any_case_are_understood(org: Running) -> None:
    rows = org.query("select o.NAME, o.account.name from opportunity o where o.Name = 'First'")
    assert (rows[0]["Name"], rows[0]["Account"]["Name"]) == ("First", "Acme")


def test_count_answers_with_a_number_only(org: Running) -> None:
    body = org.get("/query", params={"q": "SELECT COUNT() FROM Opportunity"}).json()
    assert body == {"totalSize": 3, "done": True, "records": []}


def test_order_limit_and_offset_hold(org: Running) -> None:
    said = "SELECT Name FROM Opportunity ORDER BY NextStep DESC NULLS LAST, Amount DESC LIMIT 2 OFFSET 1"
    assert [one["Name"] for one in org.query(said)] == ["First", "Second"]
    first = org.query("SELECT Name FROM Opportunity ORDER BY NextStep, Name LIMIT 1")
    assert first[0]["Name"] == "First"


@pytest.mark.parametrize(
    ("soql", "code", "part"),
    [
        ("SELECT Nope FROM Account", "INVALID_FIELD", "No such column 'Nope' on entity 'Account'"),
        ("SELECT Foo.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Foo'"),
        ("SELECT Id FROM Nope__c", "INVALID_TYPE", "sObject type 'Nope__c' is not supported"),
        ("SELECT Id, (SELECT Id FROM Nopes) FROM Account", "INVALID_TYPE", "in FROM part of query call"),
        ("SELECT CurrencyIsoCode FROM Account", "INVALID_FIELD", "CurrencyIsoCode"),
        ("SELECT Id FRM Account", "MALFORMED_QUERY", "unexpected token: 'FRM'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "quote"),
        ("SELECT Id FROM Account WHERE Name = 'a\\z'", "MALFORMED_QUERY", "Illegal character sequence"),
        ("SELECT Id FROM Account WHERE Name='a' AND Name='b' OR Name='c'", "MALFORMED_QUERY", "'OR'"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-01-01T00:00:00", "MALFORMED_QUERY", "ERROR at"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD", "must be of type dateTime and should not be enclosed"),  # noqa: E501 - one case, one line
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "type string and should be enclosed"),
        ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("", "MALFORMED_QUERY", "has to be specified"),
    ],
)  # fmt: skip
def test_a_query_that_is_wrong_is_refused_with_its_code(
    org: Running, soql: str, code: str, part: str
) -> None:
    refused, message = org.refusal(soql)
    assert refused == code
    assert part in message


def test_an_address_over_16_kilobytes_is_refused(org: Running) -> None:
    ids = "','".join(f"001{n:012d}" for n in range(1_000))
    answer = org.get("/query", params={"q": f"SELECT Id FROM Account WHERE Id IN ('{ids}')"})
    assert error(answer) == (414, "URI_TOO_LONG")


def test_a_plus_that_was_not_encoded_breaks_the_query(org: Running) -> None:
    path = "/query?q=SELECT+Id+FROM+Account+WHERE+SystemModstamp+>+2026-01-01T00:00:00+01:00"
    assert error(org.get(path)) == (400, "MALFORMED_QUERY")


def test_a_hidden_field_is_as_if_absent_to_the_api_only() -> None:
    with running() as org:
        account = org.sandbox.add_account("Acme", Phone="1")
        org.sandbox.hide("Account", "Phone")
        assert org.refusal("SELECT Phone FROM Account")[0] == "INVALID_FIELD"
        assert error(org.patch(f"/sobjects/Account/{account}", {"Phone": "2"})) == (400, "INVALID_FIELD")
        named = {one["name"] for one in org.get("/sobjects/Account/describe").json()["fields"]}
        assert "Phone" not in named
        assert org.sandbox.row("Account", account)["Phone"] == "1"


def test_pages_follow_the_locator_until_it_expires() -> None:
    with running() as org:
        acme = org.sandbox.add_account("Acme")
        first = org.sandbox.add_opportunity(acme, "D")
        org.sandbox.clone_opportunities(first, 4_499)
        body = org.get("/query", params={"q": "SELECT Id FROM Opportunity"}).json()
        assert (body["totalSize"], body["done"], len(body["records"])) == (4_500, False, 2_000)
        assert body["nextRecordsUrl"].startswith("/services/data/v68.0/query/01g")
        seen = {one["Id"] for one in body["records"]}
        while not body["done"]:
            locator = body["nextRecordsUrl"].removeprefix("/services/data/v68.0")
            body = org.get(locator).json()
            seen |= {one["Id"] for one in body["records"]}
        assert len(seen) == 4_500
        org.clock.move(hours=47)
        org.sandbox.access_token = org.sandbox.login.open()
        assert org.get(locator).status_code == 200
        org.clock.move(hours=2)
        org.sandbox.access_token = org.sandbox.login.open()
        assert error(org.get(locator)) == (400, "INVALID_QUERY_LOCATOR")
        sized = {"Sforce-Query-Options": "batchSize=200"}
        small = org.get("/query", params={"q": "SELECT Id FROM Opportunity"}, headers=sized).json()
        assert len(small["records"]) == 200


def test_the_cursor_of_stamp_and_id_loses_nothing_among_equal_stamps() -> None:
    with running() as org:
        acme = org.sandbox.add_account("Acme")
        made = [org.sandbox.add_opportunity(acme, f"D{n}") for n in range(25)]
        org.clock.move(seconds=1)
        made += [org.sandbox.add_opportunity(acme, f"E{n}") for n in range(5)]
        seen: list[str] = []
        at, last = "2026-01-01T00:00:00Z", "000000000000000AAA"
        for _ in range(10):
            rows = org.query(
                f"SELECT Id, SystemModstamp FROM Opportunity WHERE (SystemModstamp = {at} AND Id > '{last}')"
                f" OR SystemModstamp > {at} ORDER BY SystemModstamp, Id LIMIT 7"
            )
            if not rows:
                break
            seen += [one["Id"] for one in rows]
            at, last = rows[-1]["SystemModstamp"].replace("+0000", "Z"), rows[-1]["Id"]
        assert seen == made


def test_a_late_commit_appears_behind_the_cursor() -> None:
    with running() as org:
        org.sandbox.add_account("Now")
        with org.org.stamped(START - timedelta(minutes=4)):
            late = org.sandbox.add_account("Late")
        after = "SELECT Id FROM Account WHERE SystemModstamp >= 2026-11-22T09:00:00Z"
        back = "SELECT Id FROM Account WHERE SystemModstamp >= 2026-11-22T08:50:00Z AND Name = 'Late'"
        assert late not in [one["Id"] for one in org.query(after)]
        assert [one["Id"] for one in org.query(back)] == [late]


def test_query_all_shows_the_recycle_bin_and_merged_accounts() -> None:
    with running() as org:
        s = org.sandbox
        winner, loser = s.add_account("Winner"), s.add_account("Loser")
        deal = s.add_opportunity(loser, "D")
        gone = s.add_account("Gone")
        org.clock.move(seconds=5)
        org.org.merge("Account", winner, loser)
        s.delete("Account", gone)
        assert names(org, "", "Account") == ["Winner"]
        said = "SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true ORDER BY Name"
        rows = org.get("/queryAll", params={"q": said}).json()["records"]
        assert [(one["Id"], one["MasterRecordId"]) for one in rows] == [(gone, None), (loser, winner)]
        assert s.row("Opportunity", deal)["AccountId"] == winner
        org.org.purge("Account", gone)
        assert len(org.get("/queryAll", params={"q": said}).json()["records"]) == 1


def test_bulk_gets_flat_rows_of_python_values(org: Running) -> None:
    said = "SELECT Id, account.name, Amount FROM Opportunity WHERE Name = 'Third'"
    assert org.org.columns(said) == ["Id", "Account.Name", "Amount"]
    (row,) = org.org.query(said)
    assert (row["Account.Name"], row["Amount"]) == ("beta_co", Decimal("10.10"))
