"""Merged objects: whoever tells of it, the old id follows to the one that survived."""

from __future__ import annotations

import pytest

from hub.sdk import Change
from tests.connectors.hubspot.account import Account, changed_deal, event, pushed


def followed(changes: list[Change]) -> set[tuple[str, str, str]]:
    return {(one.kind, one.external_id, one.merged_into) for one in changes if one.merged_into}


def two_deals(account: Account) -> tuple[str, str]:
    company = account.sandbox.create_company(name="Blue")
    first, second = (account.sandbox.create_deal(company, dealname=name) for name in ("A", "B"))
    return first, second


def test_the_event_of_a_merge_leads_both_old_deals_to_the_new_one(account: Account) -> None:
    first, second = two_deals(account)
    new = account.sandbox.merge("deals", first, second)
    one = event(
        "deal.merge",
        int(first),
        primaryObjectId=int(first),
        mergedObjectIds=[int(second)],
        newObjectId=int(new),
    )
    changes = list(account.connect().read(pushed(one)))
    assert followed(changes) == {("order", first, new), ("order", second, new)}
    assert [change.external_id for change in changes if change.kind == "order" and change.record] == [new]


def test_what_was_merged_comes_before_what_it_was_merged_into(account: Account) -> None:
    first, second = two_deals(account)
    new = account.sandbox.merge("deals", first, second)
    ids = [
        change.external_id for change in account.connect().read(changed_deal(new)) if change.kind == "order"
    ]
    assert ids[-1] == new
    assert set(ids[:-1]) == {first, second}


@pytest.mark.parametrize("told", ["deal.propertyChange", "deal.deletion", "deal.restore"])
def test_a_late_event_of_a_merged_deal_is_no_deletion(account: Account, told: str) -> None:
    first, second = two_deals(account)
    new = account.sandbox.merge("deals", first, second)
    changes = list(account.connect().read(pushed(event(told, int(second)))))
    assert ("order", second, new) in followed(changes)
    assert all(change.record or change.merged_into for change in changes)
    assert new in {change.external_id for change in changes if change.record}


def test_a_company_follows_to_the_one_that_kept_its_id(account: Account) -> None:
    account.sandbox.objects.merges_mint_ids = False
    kept, gone = (account.sandbox.create_company(name=name) for name in ("Blue", "Blue Inc"))
    account.sandbox.merge("companies", kept, gone)
    by_survivor = list(account.connect().read(pushed(event("company.propertyChange", int(kept)))))
    assert [(one.external_id, one.merged_into) for one in by_survivor] == [(gone, kept), (kept, "")]
    by_old = list(account.connect().read(pushed(event("company.propertyChange", int(gone)))))
    assert followed(by_old) == {("customer", gone, kept)}


def test_merges_of_merges_lead_to_the_last_one(account: Account) -> None:
    first, second = two_deals(account)
    third = account.sandbox.create_deal(dealname="C")
    middle = account.sandbox.merge("deals", first, second)
    last = account.sandbox.merge("deals", middle, third)
    late = event(
        "deal.merge",
        int(first),
        primaryObjectId=int(first),
        mergedObjectIds=[int(second)],
        newObjectId=int(middle),
    )
    changes = list(account.connect().read(pushed(late)))
    assert {("order", first, last), ("order", second, last)} <= followed(changes)


def test_a_merge_that_only_the_event_tells_of_is_believed(account: Account) -> None:
    one = event("deal.merge", 6, primaryObjectId=6, mergedObjectIds=[7], newObjectId=8)
    changes = list(account.connect().read(pushed(one)))
    assert followed(changes) == {("order", "6", "8"), ("order", "7", "8")}


def test_polling_tells_of_merges_too(account: Account) -> None:
    first, second = two_deals(account)
    new = account.sandbox.merge("deals", first, second)
    connector = account.connect()
    changes = [change for one in connector.poll(None).arrivals for change in connector.read(one.delivery)]
    assert followed(changes) == {("order", first, new), ("order", second, new)}


def test_a_backfill_tells_of_merges_too(account: Account) -> None:
    first, second = two_deals(account)
    new = account.sandbox.merge("deals", first, second)
    connector = account.connect()
    page = connector.backfill(account.clock().replace(year=2020), None)
    answers = connector.read_many([arrival.delivery for arrival in page.arrivals])
    assert followed([one for answer in answers for one in answer]) == {
        ("order", first, new),
        ("order", second, new),
    }
