"""Many deliveries at once: every object is read once, newest state, and nobody pays for another's trouble."""

from __future__ import annotations

import random

from hub.sdk import Change
from sandbox.hubspot.catalog import Pipeline, Stage
from tests.connectors.hubspot.account import Account, changed_deal, event, orders, pushed

CHUNK = 500  # deliveries that the hub hands over together


def test_ten_thousand_webhooks_for_a_thousand_deals_cost_few_calls(account: Account) -> None:
    seeded = account.sandbox.seed(deals=1_000, companies=200)
    deliveries = [changed_deal(deal) for deal in seeded.deals for _ in range(10)]
    random.Random(4).shuffle(deliveries)
    connector = account.connect()
    newest: dict[str, Change] = {}
    before = account.sandbox.kit.calls
    for start in range(0, len(deliveries), CHUNK):
        for answer in connector.read_many(deliveries[start : start + CHUNK]):
            newest |= {change.external_id: change for change in answer if change.kind == "order"}
    calls = account.sandbox.kit.calls - before
    assert set(newest) == set(seeded.deals)
    assert all(
        change.record is not None and len(change.record["line_items"]) == 2 for change in newest.values()
    )
    assert calls < 700, calls


def test_an_object_that_several_deliveries_name_is_one_change_in_all_of_them(account: Account) -> None:
    deal = account.won_deal()
    (company,) = account.sandbox.portal.linked("deals", "companies", deal)
    by_deal, again, by_company = account.connect().read_many(
        [changed_deal(deal), changed_deal(deal), pushed(event("company.propertyChange", int(company)))]
    )
    assert [change.kind for change in by_deal] == ["customer", "order"]
    assert all(one is other for one, other in zip(by_deal, again, strict=True))
    assert [change.kind for change in by_company] == ["customer"]
    assert by_company[0] is by_deal[0]


def test_each_answer_has_what_its_delivery_named_and_no_more(account: Account) -> None:
    first, second = account.won_deal(), account.sandbox.create_deal(dealname="Other")
    account.sandbox.create_line_item(second, hs_sku="A", quantity="1", price="1")
    (line, *_) = account.sandbox.portal.linked("deals", "line_items", second)
    (contact,) = account.sandbox.portal.linked("deals", "contacts", first)
    by_deal, by_line, by_contact, by_other = account.connect().read_many(
        [
            changed_deal(first),
            pushed(event("line_item.propertyChange", int(line))),
            pushed(event("contact.propertyChange", int(contact))),
            pushed(event("ticket.creation", 5)),
        ]
    )
    assert set(orders(list(by_deal))) == {first}
    assert set(orders(list(by_line))) == {second}
    assert [change.kind for change in by_contact] == ["customer"]
    assert by_contact[0] is by_deal[0]
    assert by_other == []


def test_a_deal_that_cannot_be_expressed_is_a_problem_of_its_own(account: Account) -> None:
    box = account.sandbox
    box.portal.pipelines.append(Pipeline("9", "Old", [Stage("91", "Gone", "0.1")]))
    lost, fine = box.create_deal(pipeline="9", dealstage="91"), account.won_deal()
    box.remove_pipeline("9")
    bad, good = account.connect().read_many([changed_deal(lost), changed_deal(fine)])
    assert [(change.record, change.problem is not None) for change in bad] == [(None, True)]
    assert fine in orders(list(good))


def test_what_is_gone_is_told_to_everybody_who_asked(account: Account) -> None:
    deal = account.won_deal()
    account.sandbox.delete("deals", deal)
    one, other = account.connect().read_many([changed_deal(deal), changed_deal(deal)])
    assert [(change.external_id, change.record, change.problem) for change in one] == [(deal, None, None)]
    assert one[0] is other[0]


def test_nothing_asked_costs_nothing(account: Account) -> None:
    assert list(account.connect().read_many([])) == []
    assert account.sandbox.kit.calls == 0
