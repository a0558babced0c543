"""Reading: events are hints, the objects are read again with everything around them."""

from __future__ import annotations

import pytest

from hub.sdk import RateLimited, Rejected, Transient
from sandbox.hubspot.catalog import Pipeline, Stage
from sandbox.kit import Fault
from tests.connectors.hubspot.account import Account, changed_deal, event, orders, pushed


def test_a_won_deal_comes_with_its_customer_before_it(account: Account) -> None:
    deal = account.won_deal()
    changes = list(account.connect().read(changed_deal(deal)))
    assert [change.kind for change in changes] == ["customer", "order"]
    customer, order = changes
    assert customer.record is not None
    assert order.record is not None
    assert order.external_id == deal
    assert order.record["company"]["id"] == customer.external_id
    assert customer.record["contact"]["properties"]["email"] == "ann@blue.test"
    assert order.record["stage"] == {
        "id": "closedwon",
        "label": "Closed Won",
        "pipeline": "default",
        "closed": True,
        "won": True,
    }
    assert order.revision == account.clock()
    assert order.record["account"] == {"currency": "USD", "currencies": ["USD"], "time_zone": "UTC"}
    assert order.record["owner"] is None


def test_lines_are_in_the_order_of_the_quote_and_those_without_a_place_last(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.create_line_item(deal, name="Washer", hs_sku="W-1", quantity="1", price="1")
    record = orders(list(account.connect().read(changed_deal(deal))))[deal]
    assert [line["properties"]["hs_sku"] for line in record["line_items"]] == ["N-1", "B-1", "W-1"]


def test_the_primary_company_is_the_customer_even_if_it_is_not_the_oldest(account: Account) -> None:
    deal = account.won_deal()
    second = account.sandbox.create_company(name="The real buyer")
    account.sandbox.associate("deals", deal, "companies", second, primary=True)
    changes = list(account.connect().read(changed_deal(deal)))
    assert orders(changes)[deal]["company"]["id"] == second


def test_a_deal_without_company_contact_and_lines_is_read_as_it_is(account: Account) -> None:
    deal = account.sandbox.create_deal(dealname="Alone")
    record = orders(list(account.connect().read(changed_deal(deal))))[deal]
    assert (record["company"], record["contact"], record["line_items"]) == (None, None, [])
    assert record["stage"]["won"] is False


def test_won_is_what_hubspot_says_even_in_a_pipeline_with_numbers_for_stages(account: Account) -> None:
    deal = account.sandbox.create_deal(dealname="Resold", pipeline="75231940", dealstage="148263501")
    connector = account.connect()
    assert not orders(list(connector.read(changed_deal(deal))))[deal]["stage"]["won"]
    account.sandbox.win(deal)
    stage = orders(list(connector.read(changed_deal(deal))))[deal]["stage"]
    assert (stage["id"], stage["label"], stage["won"]) == ("148263503", "Ordered", True)


def test_a_lost_deal_is_closed_but_not_won(account: Account) -> None:
    deal = account.sandbox.create_deal(dealname="Lost")
    account.sandbox.update("deals", deal, {"dealstage": "closedlost"})
    stage = orders(list(account.connect().read(changed_deal(deal))))[deal]["stage"]
    assert (stage["closed"], stage["won"]) == (True, False)


def test_a_stage_that_no_pipeline_has_is_a_problem_of_that_deal_alone(account: Account) -> None:
    lost_stage = account.sandbox.create_deal(dealname="?", pipeline="75231940", dealstage="148263501")
    fine = account.won_deal()
    account.sandbox.remove_pipeline("75231940")
    both = pushed(event("deal.creation", int(lost_stage)), event("deal.creation", int(fine)))
    changes = {change.external_id: change for change in account.connect().read(both)}
    problem = changes[lost_stage].problem
    assert problem is not None
    assert (problem.mapping, problem.field, problem.value) == (
        "hubspot.deal",
        "properties.dealstage",
        "148263501",
    )
    assert changes[lost_stage].record is None
    assert changes[fine].record is not None


def test_a_stage_made_a_moment_ago_is_found_although_pipelines_are_remembered(account: Account) -> None:
    deal = account.won_deal()
    connector = account.connect()
    list(connector.read(changed_deal(deal)))
    account.sandbox.portal.pipelines.append(
        Pipeline("99", "New", [Stage("991", "Signed", "1.0", closed=True)])
    )
    account.sandbox.update("deals", deal, {"pipeline": "99", "dealstage": "991"})
    assert orders(list(connector.read(changed_deal(deal))))[deal]["stage"]["label"] == "Signed"


def test_a_deleted_deal_is_a_change_without_a_record(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.delete("deals", deal)
    changes = list(account.connect().read(pushed(event("deal.deletion", int(deal)))))
    assert [(change.kind, change.external_id, change.record) for change in changes] == [("order", deal, None)]


def test_a_late_deletion_of_a_restored_deal_deletes_nothing(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.delete("deals", deal)
    account.sandbox.restore("deals", deal)
    changes = list(account.connect().read(pushed(event("deal.deletion", int(deal)))))
    assert orders(changes)[deal]["properties"]["dealname"] == "Autumn order"


def test_a_deleted_company_is_a_change_without_a_record(account: Account) -> None:
    company = account.sandbox.create_company(name="Gone")
    account.sandbox.delete("companies", company)
    changes = list(account.connect().read(pushed(event("company.deletion", int(company)))))
    assert [(change.kind, change.external_id, change.record) for change in changes] == [
        ("customer", company, None)
    ]


def test_a_company_comes_with_its_oldest_contact(account: Account) -> None:
    company = account.sandbox.create_company(name="Blue")
    account.sandbox.create_contact(company, email="first@blue.test")
    account.sandbox.create_contact(company, email="second@blue.test")
    (change,) = account.connect().read(pushed(event("company.propertyChange", int(company))))
    assert change.record is not None
    assert change.record["contact"]["properties"]["email"] == "first@blue.test"


def test_a_line_item_leads_to_its_deal_and_a_contact_to_its_company(account: Account) -> None:
    deal = account.won_deal()
    (line, *_) = account.sandbox.portal.linked("deals", "line_items", deal)
    (contact,) = account.sandbox.portal.linked("deals", "contacts", deal)
    by_line = list(account.connect().read(pushed(event("line_item.propertyChange", int(line)))))
    assert list(orders(by_line)) == [deal]
    by_contact = list(account.connect().read(pushed(event("contact.propertyChange", int(contact)))))
    assert [change.kind for change in by_contact] == ["customer"]


def test_events_about_other_things_read_nothing(account: Account) -> None:
    assert list(account.connect().read(pushed(event("ticket.creation", 5)))) == []
    assert account.sandbox.kit.calls == 0


def test_many_deals_are_read_in_batches_and_their_company_once(account: Account) -> None:
    company = account.sandbox.create_company(name="Big")
    deals = [account.sandbox.create_deal(company, dealname=f"Deal {n}") for n in range(100)]
    for deal in deals:
        account.sandbox.create_line_item(deal, hs_sku="A", quantity="1", price="1")
        account.sandbox.create_line_item(deal, hs_sku="B", quantity="1", price="1")
    changes = list(account.connect().read(pushed(*[event("deal.creation", int(deal)) for deal in deals])))
    assert [change.kind for change in changes] == ["customer"] + ["order"] * 100
    assert all(len(record["line_items"]) == 2 for record in orders(changes).values())
    assert account.sandbox.kit.calls == 10  # two of them for 200 line items


def test_associations_over_several_pages_are_all_read(account: Account) -> None:
    deal = account.won_deal()
    for n in range(5):
        account.sandbox.create_line_item(deal, hs_sku=f"S-{n}", quantity="1", price="1")
    account.sandbox.associations.page = 3
    record = orders(list(account.connect().read(changed_deal(deal))))[deal]
    assert len(record["line_items"]) == 7


def test_a_deal_with_too_many_pages_of_lines_is_a_problem_and_not_cut(account: Account) -> None:
    deal = account.won_deal()
    for n in range(20):
        account.sandbox.create_line_item(deal, hs_sku=f"S-{n}", quantity="1", price="1")
    account.sandbox.associations.page = 1
    assert "more than 20 pages of line_items" in problem_of(account, deal)


def problem_of(account: Account, deal: str) -> str:
    (change,) = [one for one in account.connect().read(changed_deal(deal)) if one.kind == "order"]
    assert change.record is None
    return str(change.problem)


def test_a_line_in_another_currency_than_its_won_deal_is_a_problem(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.create_line_item(
        deal, hs_sku="X", quantity="1", price="1", hs_line_item_currency_code="JPY"
    )
    assert f"priced in JPY, deal {deal} is in EUR" in problem_of(account, deal)


def test_properties_from_the_settings_are_read_too(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.update("companies", companies(account, deal)[0], {"website": "https://blue.test"})
    plain = orders(list(account.connect().read(changed_deal(deal))))[deal]
    assert "website" not in plain["company"]["properties"]
    more = orders(list(account.connect(company_properties=["website"]).read(changed_deal(deal))))[deal]
    assert more["company"]["properties"]["website"] == "https://blue.test"


def companies(account: Account, deal: str) -> list[str]:
    return list(account.sandbox.portal.linked("deals", "companies", deal))


def test_every_batch_answering_not_found_means_deleted(account: Account) -> None:
    deal = account.won_deal()
    gone = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "resource not found"}
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="deals/batch/read", status=404, body=gone))
    changes = list(account.connect().read(changed_deal(deal)))
    assert [(change.kind, change.record) for change in changes] == [("order", None)]


def test_a_wrong_address_is_an_error_and_never_a_deletion(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="batch/read", status=404, body={"status": "error", "message": "Not found"})
    )
    with pytest.raises(Rejected):
        list(account.connect().read(changed_deal(deal)))


def test_an_answer_without_results_is_an_error_and_never_a_deletion(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="batch/read", status=200, body={}, times=-1))
    with pytest.raises(Transient, match="no list of results"):
        list(account.connect().read(changed_deal(deal)))


def test_a_cut_answer_is_asked_for_again(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.kit.faults.append(Fault(kind="truncate", path="batch/read"))
    assert deal in orders(list(account.connect().read(changed_deal(deal))))


def test_a_rate_limit_while_reading_says_when_to_come_back(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.rate_limit("TEN_SECONDLY_ROLLING")
    with pytest.raises(RateLimited) as caught:
        list(account.connect().read(changed_deal(deal)))
    assert caught.value.retry_after == 10


def test_the_owner_of_a_deal_has_a_name_and_is_asked_for_once(account: Account) -> None:
    deal = account.won_deal(hubspot_owner_id="41001")
    connector = account.connect()
    record = orders(list(connector.read(changed_deal(deal))))[deal]
    assert record["owner"] == {
        "id": "41001",
        "email": "olga@sandbox.test",
        "firstName": "Olga",
        "lastName": "Owner",
    }
    first = account.sandbox.kit.calls
    list(connector.read(changed_deal(deal)))
    assert account.sandbox.kit.calls - first == first - 3  # owners, account and pipelines are remembered


def test_an_owner_we_may_not_see_is_an_id_without_a_name(account: Account) -> None:
    account.sandbox.gate.scopes.remove("crm.objects.owners.read")
    deal = account.won_deal(hubspot_owner_id="77")
    record = orders(list(account.connect().read(changed_deal(deal))))[deal]
    assert record["owner"] == {"id": "77", "email": None, "firstName": None, "lastName": None}


def test_a_line_that_cannot_be_read_makes_a_case_instead_of_a_smaller_order(account: Account) -> None:
    deal = account.won_deal()
    empty: dict[str, list[object]] = {"results": []}
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="2026-09/line_items/batch/read", status=200, body=empty)
    )
    connector = account.connect()
    (order,) = [change for change in connector.read(changed_deal(deal)) if change.kind == "order"]
    assert order.record is None
    assert order.problem is not None
    assert "cannot be read" in str(order.problem)
    assert len(orders(list(connector.read(changed_deal(deal))))[deal]["line_items"]) == 2


def test_what_is_remembered_is_forgotten_when_its_time_is_over(account: Account) -> None:
    wire = account.connect()._client.wire
    for n in range(50):
        wire.keep(f"/pages/{n}", {}, -1.0)
    wire.keep("/last", {}, 60.0)
    assert list(wire._known) == ["/last"]
