"""Catching up: no record is skipped, whatever shares an instant, commits late, is deleted or changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from connectors.salesforce import poll
from connectors.salesforce.poll import PAGE, Cursor, Pace, Walk
from connectors.salesforce.soql import by_ids, literal, moment, record_id
from hub.sdk import Invalid, Page, Transient
from tests.connectors.salesforce.company import Company, orders

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PACE = Pace(timedelta(minutes=5), timedelta(minutes=15))
IDS = [record_id(f"0065g00000{n:05d}") for n in range(3)]


def row(id: str, at: datetime) -> Mapping[str, Any]:
    return {"Id": id, "SystemModstamp": at.isoformat(timespec="milliseconds").replace("+00:00", "+0000")}


def everything(company: Company, cursor: str | None = None, **settings: Any) -> tuple[list[Any], str]:
    """All pages, and the cursor at the end."""
    salesforce = company.connect(**{"poll_margin": 0, **settings})
    arrivals: list[Any] = []
    for _ in range(50):
        page = salesforce.poll(cursor)
        arrivals += page.arrivals
        cursor = page.cursor
        if not page.more:
            return arrivals, str(cursor)
    raise AssertionError("it does not come to an end")


def read(company: Company, arrivals: list[Any]) -> dict[str, Any]:
    answers = company.connect().read_many([one.delivery for one in arrivals])
    return {id: record for answer in answers for id, record in orders(list(answer)).items()}


def test_a_first_poll_brings_the_whole_history(company: Company) -> None:
    deals = [company.won(f"D{n}") for n in range(3)]
    arrivals, _ = everything(company)
    assert sorted(read(company, arrivals)) == sorted(deals)


def test_poll_from_leaves_out_what_is_older(company: Company) -> None:
    company.won("Old")
    company.clock.forward(days=2)
    new = company.won("New")
    arrivals, _ = everything(company, poll_from=datetime(2026, 10, 6, tzinfo=UTC))
    assert list(read(company, arrivals)) == [new]


def test_more_than_a_page_at_one_instant_is_walked_by_id(company: Company) -> None:
    box = company.sandbox
    account = box.add_account()
    with box.org.transaction():
        made = [box.add_opportunity(account, f"D{n}") for n in range(PAGE + 5)]
    arrivals, _ = everything(company, poll_accounts=False)
    assert len({one.event_ids[0] for one in arrivals}) == len(arrivals) == len(made)


def test_a_later_poll_brings_what_changed_and_repeats_only_what_is_recognised(company: Company) -> None:
    first = company.won("First")
    company.clock.time = datetime.now(UTC) - timedelta(seconds=30)
    second = company.won("Second")
    arrivals, cursor = everything(company)
    known = {id for one in arrivals for id in one.event_ids}
    company.clock.forward(seconds=10)
    company.sandbox.update("Opportunity", second, {"NextStep": "call"})
    again, _ = everything(company, cursor)
    fresh = [one for one in again if not known & set(one.event_ids)]
    assert list(read(company, fresh)) == [second]
    assert first not in read(company, again)


def test_a_row_that_commits_late_is_found_by_the_look_back(company: Company) -> None:
    company.won("Known")
    _, cursor = everything(company)
    late = company.sandbox.add_account("Late")
    with company.sandbox.org.stamped(datetime.now(UTC) - timedelta(minutes=10)):
        deal = company.sandbox.add_opportunity(late, "Took ten minutes to commit")
    arrivals, _ = everything(company, cursor)
    assert deal in read(company, arrivals)


def test_a_deleted_record_is_found(company: Company) -> None:
    deal = company.won()
    _, cursor = everything(company)
    company.clock.time = datetime.now(UTC) - timedelta(seconds=5)
    company.sandbox.delete("Opportunity", deal)
    arrivals, _ = everything(company, cursor)
    assert read(company, arrivals)[deal] is None


def test_accounts_are_polled_from_the_first_poll_on(company: Company) -> None:
    company.won()
    first, cursor = everything(company)
    assert [one for one in first if b'"Account"' in one.delivery.body] == []
    company.clock.time = datetime.now(UTC) - timedelta(seconds=1)
    account = company.sandbox.add_account("New Customer")
    arrivals, _ = everything(company, cursor)
    assert [one for one in arrivals if account.encode() in one.delivery.body]
    without, _ = everything(company, poll_accounts=False)
    assert [one for one in without if b'"Account"' in one.delivery.body] == []


def test_an_idle_poll_costs_one_call_per_object(company: Company) -> None:
    company.won()
    salesforce = company.connect()
    cursor = salesforce.poll(None).cursor
    before = company.calls()
    page = salesforce.poll(cursor)
    assert (page.arrivals, page.more) == ([], False)
    assert company.calls() - before == 2


def test_an_object_that_was_added_later_is_walked_from_its_beginning(company: Company) -> None:
    _, cursor = everything(company, poll_accounts=False)
    assert "Account" not in Cursor.parse(cursor).walks
    _, cursor = everything(company, cursor)
    assert "Account" in Cursor.parse(cursor).walks
    _, cursor = everything(company, cursor, poll_accounts=False)
    assert "Account" not in Cursor.parse(cursor).walks


def test_the_question_is_bounded_above_and_keyed_below() -> None:
    walk = poll.ahead(Walk(NOW - timedelta(hours=1)), PACE, NOW)
    assert walk.until == NOW - timedelta(minutes=5)
    asked = poll.question("Opportunity", walk)
    assert "SystemModstamp >= 2026-11-21T10:45:00.000Z" in asked
    assert "SystemModstamp <= 2026-11-21T11:55:00.000Z" in asked
    asked = poll.question("Opportunity", walk._replace(id=IDS[0]))
    assert f"(SystemModstamp = 2026-11-21T10:45:00.000Z AND Id > '{IDS[0]}')" in asked
    assert "ORDER BY SystemModstamp, Id" in asked


def test_the_bound_of_a_walk_stays_while_it_is_under_way() -> None:
    walk = Walk(NOW, IDS[0], NOW + timedelta(hours=1))
    assert poll.ahead(walk, PACE, NOW + timedelta(days=1)) == walk


def test_a_clock_that_went_back_moves_no_walk_back() -> None:
    walk = poll.ahead(Walk(NOW), PACE, NOW - timedelta(hours=2))
    assert poll.following(walk, []) == Walk(NOW)


def test_a_page_that_is_not_sorted_stops_the_walk() -> None:
    walk = Walk(NOW, "", NOW)
    with pytest.raises(Transient, match="sort"):
        poll.following(walk, [row(IDS[0], NOW), row(IDS[1], NOW - timedelta(seconds=1))])
    with pytest.raises(Transient, match="SystemModstamp"):
        poll.following(walk, [{"Id": IDS[0]}])


def test_a_cursor_survives_being_written_down() -> None:
    walks = {"Opportunity": Walk(NOW, IDS[0], NOW), "Account": Walk(NOW)}
    cursor = Cursor(walks, "0a1b", NOW)
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "null", "[" * 9999),
        '{"walks": {"Opportunity": ["x", "", ""]}, "replay": "", "walked": ""}',
    ],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(text: str, company: Company) -> None:
    with pytest.raises(Invalid, match="clear it"):
        Cursor.parse(text)
    if text:
        with pytest.raises(Invalid):
            company.connect().poll(text)


def test_beside_a_stream_walks_are_rare() -> None:
    pace = PACE._replace(repair=timedelta(minutes=15))
    cursor = Cursor({"Opportunity": Walk(NOW)}, "", NOW)
    assert not poll.due(cursor, pace, NOW + timedelta(minutes=1))
    assert poll.due(cursor, pace, NOW + timedelta(minutes=15))
    under_way = Cursor({"Opportunity": Walk(NOW, IDS[0], NOW)}, "", NOW)
    assert poll.due(under_way, pace, NOW)


def test_a_page_names_each_record_once_with_its_own_event(company: Company) -> None:
    company.won()
    page: Page = company.connect(poll_margin=0).poll(None)
    assert [len(one.event_ids) for one in page.arrivals] == [1]
    assert page.arrivals[0].event_ids[0].endswith("@2026-10-05T09:30:00.000Z")


def test_ids_get_their_last_three_characters() -> None:
    assert record_id("001D000000IqhSL") == "001D000000IqhSLIAZ"  # the example of Salesforce's help
    assert record_id("001D000000IqhSLIAZ") == "001D000000IqhSLIAZ"
    for wrong in ("001D000000IqhSLAAA", "001'OR'1'='1'", "", "001D000000IqhS"):
        with pytest.raises(Invalid):
            record_id(wrong)


def test_text_cannot_leave_its_literal() -> None:
    assert literal("O'Neil\\") == "'O\\'Neil\\\\'"


def test_a_long_list_of_ids_is_cut_to_what_an_address_holds() -> None:
    ids = [record_id(f"0065g00000{n:05d}") for n in range(500)]
    few = list(by_ids(["Id"], "Opportunity", "Id", [*ids, *ids]))
    assert len(few) == 3
    many = list(by_ids([f"Field_{n:03d}__c" for n in range(650)], "Opportunity", "Id", ids))
    assert len(many) > 3
    assert all(len(quote(one)) < 16_000 for one in many)
    with pytest.raises(Invalid, match="too many fields"):
        list(by_ids([f"A_rather_long_name_{n:03d}__c" for n in range(500)], "Opportunity", "Id", ids))


def test_an_instant_is_written_without_a_plus_sign() -> None:
    assert moment(datetime.fromisoformat("2026-11-21T13:00:00+01:00")) == "2026-11-21T12:00:00.000Z"
