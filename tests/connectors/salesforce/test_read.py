"""Reading: everything that deliveries name is read again, in few calls, whatever the org shows and hides."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.salesforce.soql import record_id
from hub.sdk import AuthFailed, Change, Delivery, Invalid, QuotaSpent, RateLimited, Rejected, Transient
from sandbox.salesforce.simulator import SalesforceSandbox
from tests.connectors.salesforce.company import (
    ORDERS_PACKAGE,
    PACKAGE,
    Clock,
    Company,
    Switchboard,
    named,
    orders,
)


def one(changes: Any, kind: str) -> Change:
    found = [change for change in changes if change.kind == kind]
    assert len(found) == 1, found
    return found[0]


def test_a_won_opportunity_comes_with_account_contact_and_lines(company: Company) -> None:
    deal = company.won()
    changes = company.connect().read(named(("Opportunity", deal)))
    assert [change.kind for change in changes] == ["customer", "order"]
    customer, order = changes
    assert customer.record is not None
    assert order.record is not None
    assert customer.record["contact"]["Email"] == "ann@blue.test"
    assert order.record["stage"] == {"label": "Closed Won", "closed": True, "won": True}
    assert order.record["account"]["Name"] == "Blue Widgets"
    lines = [
        (line["product"]["code"], line["Quantity"], line["UnitPrice"]) for line in order.record["line_items"]
    ]
    assert lines == [("BOLT", 10, 10), ("NUT", 4, 50)]
    assert order.record["org"]["currency"] == "USD"
    assert order.revision == datetime(2026, 10, 5, 9, 30, tzinfo=UTC)


def test_won_is_what_salesforce_says_not_how_the_stage_is_called(company: Company) -> None:
    deal = company.won()
    company.sandbox.update("Opportunity", deal, {"StageName": "Negotiation/Review"})
    record = orders(company.connect().read(named(("Opportunity", deal))))[deal]
    assert record["stage"]["won"] is False


def test_where_is_won_is_hidden_the_stages_of_the_org_tell(company: Company) -> None:
    deal = company.won()
    company.sandbox.hide("Opportunity", "IsWon", "IsClosed")
    record = orders(company.connect().read(named(("Opportunity", deal))))[deal]
    assert record["stage"] == {"label": "Closed Won", "closed": True, "won": True}


def test_a_line_leads_to_its_opportunity_and_a_contact_to_its_account(company: Company) -> None:
    deal = company.won()
    line = next(iter(company.sandbox.org.rows("OpportunityLineItem")))
    contact = next(iter(company.sandbox.org.rows("Contact")))
    salesforce = company.connect()
    changes = salesforce.read(named(("OpportunityLineItem", line)))
    assert list(orders(changes)) == [deal]
    assert [c.kind for c in salesforce.read(named(("Contact", contact)))] == ["customer"]
    company.sandbox.delete("OpportunityLineItem", line)
    changes = salesforce.read(named(("OpportunityLineItem", line), deleted=True))
    assert len(orders(changes)[deal]["line_items"]) == 1


def test_many_deliveries_of_one_record_share_one_change(company: Company) -> None:
    deals = [company.won(f"Deal {n}") for n in range(3)]
    answers = company.connect().read_many([named(("Opportunity", deals[n % 3])) for n in range(30)])
    assert len(answers) == 30
    assert len({id(change) for answer in answers for change in answer}) == 6
    assert answers[0] == answers[3]


def test_a_thousand_deliveries_take_few_calls(company: Company) -> None:
    box = company.sandbox
    account = box.add_account("Bulk Buyer")
    with box.org.transaction():
        deals = [box.add_opportunity(account, f"D{n}", lines=[("BOLT", "1", "10")]) for n in range(1000)]
    salesforce = company.connect()
    before = company.calls()
    answers = salesforce.read_many([named(("Opportunity", deal)) for deal in deals])
    assert sum(len(orders(answer)) for answer in answers) == 1000
    assert company.calls() - before < 25


def test_deleted_records_are_changes_without_a_record(company: Company) -> None:
    deal = company.won()
    company.clock.forward(minutes=1)
    company.sandbox.delete("Opportunity", deal)
    change = one(company.connect().read(named(("Opportunity", deal))), "order")
    assert (change.record, change.problem) == (None, None)
    assert change.revision == datetime(2026, 10, 5, 9, 31, tzinfo=UTC)


def test_what_cannot_be_seen_is_only_deleted_when_somebody_said_so(company: Company) -> None:
    unknown = record_id("0065g00000ZZZZZ")
    salesforce = company.connect()
    hidden = one(salesforce.read(named(("Opportunity", unknown))), "order")
    assert hidden.problem is not None
    assert "not shared" in hidden.problem.reason
    gone = one(salesforce.read(named(("Opportunity", unknown), deleted=True)), "order")
    assert (gone.record, gone.problem) == (None, None)


def test_lines_that_are_hidden_are_a_problem_of_that_order_alone(company: Company) -> None:
    first, second = company.won(), company.won("Second")
    box = company.sandbox
    with box.kit.lock:
        for id, row in list(box.org.rows("OpportunityLineItem").items()):
            if row["OpportunityId"] == first:
                box.org.table("OpportunityLineItem").put(id, {**row, "IsDeleted": True})
    changes = company.connect().read(named(("Opportunity", first), ("Opportunity", second)))
    by_id = {change.external_id: change for change in changes if change.kind == "order"}
    assert by_id[first].problem is not None
    assert by_id[first].problem.field == "line_items"
    assert by_id[second].record is not None


def test_fields_hidden_from_the_user_are_not_asked_for(company: Company) -> None:
    deal = company.won()
    company.sandbox.hide("Opportunity", "Description", "O2C_PO_Number__c")
    company.sandbox.hide("Account", "Website")
    company.sandbox.hide("Product2", "Family")
    record = orders(company.connect().read(named(("Opportunity", deal))))[deal]
    assert (record["Description"], record["O2C_PO_Number__c"]) == (None, None)


def test_a_field_that_goes_away_meanwhile_costs_one_more_round(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect()
    salesforce.read(named(("Opportunity", deal)))
    company.sandbox.hide("Opportunity", "Description")
    assert orders(salesforce.read(named(("Opportunity", deal))))[deal]["Description"] is None


def test_a_field_of_the_settings_is_read(company: Company) -> None:
    company.sandbox.add_field("Opportunity", "Region__c")
    deal = company.won(Region__c="North")
    salesforce = company.connect(opportunity_fields=("Region__c", "Nowhere__c"))
    assert orders(salesforce.read(named(("Opportunity", deal))))[deal]["Region__c"] == "North"
    assert "Region__c" in {field.name for field in salesforce.schema("order").fields}
    assert "Nowhere__c" not in {field.name for field in salesforce.schema("order").fields}


def test_an_ended_session_is_renewed_without_anybody_noticing(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect()
    salesforce.read(named(("Opportunity", deal)))
    company.sandbox.expire_sessions()
    assert deal in orders(salesforce.read(named(("Opportunity", deal))))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("REQUEST_LIMIT_EXCEEDED", QuotaSpent),
        ("CONCURRENT_REQUESTS", RateLimited),
        ("SERVER_UNAVAILABLE", Transient),
    ],
)
def test_limits_are_told_by_their_class(company: Company, code: str, kind: type[Exception]) -> None:
    deal = company.won()
    company.sandbox.refuse(code, times=-1)
    with pytest.raises(kind) as caught:
        company.connect().read(named(("Opportunity", deal)))
    assert type(caught.value) is kind


def test_the_reserve_stops_us_before_it_stops_people(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect(daily_reserve=20)
    company.sandbox.use_calls(79_990)
    with pytest.raises(QuotaSpent, match="left to other people"):  # noqa: PT012 - the call that learns of it may pass
        for _ in range(2):
            salesforce.read(named(("Opportunity", deal)))
    before = company.calls()
    with pytest.raises(QuotaSpent):
        salesforce.read(named(("Opportunity", deal)))
    assert company.calls() == before
    assert company.calls() < 80_100


def test_the_login_of_another_org_reads_nothing(company: Company) -> None:
    deal = company.won()
    with pytest.raises(AuthFailed, match="00D000000000XYZ"):
        company.connect(org_id="00D000000000XYZEA2").read(named(("Opportunity", deal)))
    assert company.calls() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"records": []}',
        b'{"records": [{"id": "006"}]}',
        b'{"records": [{"object": "Opportunity", "id": "006\' OR Name != \'"}]}',
        b'{"rows": {"order": 1}}',
        b'{"rows": {"order": {"Id": "x"}}}',
        b"[" * 100_000,
    ],
)
def test_bodies_that_name_nothing_are_refused(company: Company, body: bytes) -> None:
    with pytest.raises(Invalid):
        company.connect().read(Delivery({}, body, "", datetime.now(UTC)))


def test_objects_that_are_none_of_ours_are_passed_over(company: Company) -> None:
    assert company.connect().read(named(("Lead", record_id("00Q5g00000ZZZZZ")))) == []


def featured(server: Switchboard, clock: Clock, *features: str, **more: Any) -> Company:
    made = Company(SalesforceSandbox(now=clock, features=features, **more), server.url, clock)
    server.app = made.sandbox.app
    made.furnish()
    return made


def test_an_org_with_many_currencies_tells_the_currency_of_each_record(
    clock: Clock, salesforce_server: Switchboard
) -> None:
    company = featured(salesforce_server, clock, "multi_currency")
    product = company.sandbox.add_product("GEAR", "7", "Gear")
    company.sandbox.add_price(product, "6", currency="EUR")
    account = company.sandbox.add_account("Rouge", CurrencyIsoCode="EUR")
    deal = company.sandbox.add_opportunity(account, lines=[("GEAR", 2, "6")], CurrencyIsoCode="EUR")
    changes = company.connect().read(named(("Opportunity", deal)))
    assert orders(changes)[deal]["CurrencyIsoCode"] == "EUR"
    assert orders(changes)[deal]["org"]["currency"] is None
    assert company.connect().check().ok


def test_state_and_country_codes_are_read_where_the_org_has_them(
    clock: Clock, salesforce_server: Switchboard
) -> None:
    company = featured(salesforce_server, clock, "state_country_codes")
    account = company.sandbox.add_account("Coded", BillingCountryCode="US", BillingStateCode="CA")
    record = one(company.connect().read(named(("Account", account))), "customer").record
    assert record is not None
    assert (record["BillingCountryCode"], record["BillingStateCode"]) == ("US", "CA")


def test_a_person_account_is_its_own_contact(clock: Clock, salesforce_server: Switchboard) -> None:
    company = featured(salesforce_server, clock, "person_accounts")
    box = company.sandbox
    account = box.add("Account", {"FirstName": "Ada", "LastName": "Byron", "PersonEmail": "ada@x.test"})
    record = one(company.connect().read(named(("Account", account))), "customer").record
    assert record is not None
    assert (record["contact"]["LastName"], record["contact"]["Email"]) == ("Byron", "ada@x.test")


def test_an_activated_order_becomes_an_order_where_orders_are_the_source(company: Company) -> None:
    box = company.sandbox
    box.install(ORDERS_PACKAGE)
    account = box.add_account("Order Buyer")
    contact = box.add_contact(account, "Bill")
    order = box.add(
        "Order",
        {
            **{"AccountId": account, "EffectiveDate": company.clock().date(), "Status": "Draft"},
            **{"Pricebook2Id": box.standard_pricebook, "BillToContactId": contact, "PoNumber": "PO-9"},
        },
    )
    product = next(id for id, row in box.org.rows("Product2").items() if row["ProductCode"] == "BOLT")
    box.add("OrderItem", {"OrderId": order, "Product2Id": product, "Quantity": 3, "UnitPrice": "9.5"})
    salesforce = company.connect(order_source="order")
    assert orders(salesforce.read(named(("Order", order))))[order]["stage"]["won"] is False
    box.update("Order", order, {"Status": "Activated"})
    record = orders(salesforce.read(named(("Order", order))))[order]
    assert record["stage"]["won"] is True
    assert record["contact"]["LastName"] == "Bill"
    assert record["line_items"][0]["product"]["code"] == "BOLT"
    assert record["line_items"][0]["UnitPrice"] == Decimal("9.5")
    assert salesforce.check().ok


def test_an_opportunity_is_none_of_ours_where_orders_are_the_source(company: Company) -> None:
    company.sandbox.install(ORDERS_PACKAGE)
    deal = company.won()
    assert orders(company.connect(order_source="order").read(named(("Opportunity", deal)))) == {}


def test_an_org_that_lacks_an_object_is_refused_in_its_own_words(company: Company) -> None:
    company.sandbox.org.objects.pop("Contact")
    with pytest.raises(Rejected, match="does not exist"):
        company.connect().read(
            named(("Opportunity", company.sandbox.add_opportunity(company.sandbox.add_account())))
        )


def test_the_package_that_is_read_is_the_one_that_ships() -> None:
    assert (PACKAGE / "package.xml").is_file()


def test_an_account_that_was_merged_away_leads_to_the_one_that_is_left(company: Company) -> None:
    box = company.sandbox
    lost, kept = box.add_account("Acme Inc"), box.add_account("Acme")
    with box.kit.lock:
        row = box.org.rows("Account")[lost]
        box.org.table("Account").put(lost, {**row, "IsDeleted": True, "MasterRecordId": kept})
    change = one(company.connect().read(named(("Account", lost))), "customer")
    assert (change.record, change.merged_into) == (None, kept)


def test_a_merge_of_merges_leads_to_the_account_that_is_left(company: Company) -> None:
    box = company.sandbox
    first, second, last = box.add_account("A"), box.add_account("B"), box.add_account("C")
    box.org.merge("Account", second, first)
    box.org.merge("Account", last, second)
    change = one(company.connect().read(named(("Account", first))), "customer")
    assert (change.record, change.merged_into) == (None, last)
    both = company.connect().read(named(("Account", first), ("Account", second)))
    assert {change.merged_into for change in both} == {last}


def test_the_oldest_contact_is_the_accounts_and_the_deleted_one_is_not(company: Company) -> None:
    deal = company.won()
    account = company.account_of(deal)
    first = next(iter(company.sandbox.org.rows("Contact")))
    company.clock.forward(minutes=1)
    company.sandbox.add_contact(account, "Younger")
    salesforce = company.connect()
    record = one(salesforce.read(named(("Account", account))), "customer").record
    assert record is not None
    assert record["contact"]["LastName"] == "Lee"
    company.sandbox.delete("Contact", first)
    record = one(salesforce.read(named(("Account", account))), "customer").record
    assert record is not None
    assert record["contact"]["LastName"] == "Younger"
