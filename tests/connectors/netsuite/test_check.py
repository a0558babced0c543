"""What check() advises, and how mapping tables are held to what the account has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.netsuite import books, events, items, matching, suiteql
from connectors.netsuite.connector import NetSuite
from connectors.netsuite.settings import Settings
from hub.connector import BatchSource, Bookkeeper, Matcher
from hub.errors import Invalid, Transient
from hub.mapping import check_mapping, load
from sandbox.kit import Fault
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import CUSTOMER, Connect, customer, line, order, write

FOLDER = Path(__file__).resolve().parents[3] / "mappings/netsuite"
OTHER_TERM = ('NET30: "2"', 'NET30: "77"')


def test_it_is_all_the_hub_may_ask_it_to_be(netsuite: NetSuite) -> None:
    assert isinstance(netsuite, BatchSource)
    assert isinstance(netsuite, Matcher)
    assert isinstance(netsuite, Bookkeeper)


def test_two_connections_of_one_account_share_its_limit(account: NetSuiteSandbox) -> None:
    told = {"auth": "tba", **account.tba}
    spelled = told | {"account_id": str(told["account_id"]).lower().replace("_", "-")}
    one, other = (Settings.model_validate(form) for form in (told, spelled))
    assert one.account == other.account
    assert one.concurrency == 3
    assert Settings.model_validate(told | {"account_id": "999"}).account != one.account


def test_a_missing_write_off_item_and_a_closed_period_are_told_before_they_hurt(
    account: NetSuiteSandbox, connect: Connect
) -> None:
    health = connect().check()
    assert health.ok
    assert ["no item named WRITE-OFF" in finding for finding in health.findings] == [True]
    account.add_item("WRITE-OFF", "otherChargeSaleItem")
    assert connect().check().findings == []
    account.close_period(account.books.now().date() + timedelta(days=31))  # a period is a month
    assert "become cases" in connect().check().findings[0]
    assert "next open period" in connect(closed_period="next_open").check().findings[0]


def test_more_calls_at_a_time_than_the_account_has_are_told(
    account: NetSuiteSandbox, connect: Connect
) -> None:
    account.administrator = True
    account.add_item("WRITE-OFF", "otherChargeSaleItem")
    health = connect(concurrency=20).check()
    assert health.ok
    assert health.findings == ["concurrency is 20, the account allows 5 calls at a time in all"]


def test_a_field_that_is_not_there_is_named(connect: Connect) -> None:
    health = connect(duns_field="custentity_nothing", body_fields=("custbody_nothing",)).check()
    assert not health.ok
    told = "\n".join(health.findings)
    assert "field custentity_nothing of customer" in told
    assert "field custbody_nothing of transaction" in told


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_tables_fit_an_account_as_it_is_set_up(path: Path, netsuite: NetSuite) -> None:
    document = load(path)
    assert [str(one) for one in check_mapping(document, netsuite.schema(document.kind))] == []


def test_an_id_the_account_does_not_have_is_a_finding_that_names_table_and_nearest(
    netsuite: NetSuite, tmp_path: Path
) -> None:
    text = (FOLDER / "order.out.yaml").read_text(encoding="utf-8")
    assert OTHER_TERM[0] in text
    path = tmp_path / "order.out.yaml"
    path.write_text(text.replace(*OTHER_TERM), encoding="utf-8")
    [finding] = check_mapping(load(path), netsuite.schema("order"))
    assert "'77'" in str(finding)
    assert "terms" in str(finding)


def test_an_account_of_one_company_has_no_list_of_subsidiaries(
    account: NetSuiteSandbox, netsuite: NetSuite
) -> None:
    account.kit.faults.append(Fault(kind="refuse", status=400, path="/suiteql", times=-1))
    options = {field.name: field.options for field in netsuite.schema("order").fields}
    assert options["currency.id"] == ()
    account.kit.faults.clear()
    options = {field.name: field.options for field in netsuite.schema("order").fields}
    assert "4" in options["currency.id"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"write_off": "journal"}, "write_off_account"),
        ({"body_fields": ("tranid; --",)}, "custom body field"),
        ({"duns_field": "x' OR 1=1"}, "duns_field"),
        ({"tax_number_field": ""}, "tax_number_field"),
        ({"watch": ()}, "watch"),
        ({"concurrency": 0}, "concurrency"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    connect: Connect, changed: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        connect(**changed)


def test_custom_fields_of_a_header_reach_the_mapping(account: NetSuiteSandbox, connect: Connect) -> None:
    account.people.add_field("custbody_region")
    netsuite = connect(body_fields=("custbody_region",))
    buyer = netsuite.push(write("customer", customer(), CUSTOMER))
    deposit = account.people.deposit(buyer, "5")
    account.people.set_custom("customerDeposit", deposit, "custbody_region", "north")
    [change] = netsuite.read(netsuite.arrival("payment", deposit).delivery)
    assert change.record is not None
    assert change.record["custbody_region"] == "north"


def test_inactive_items_step_back_and_two_active_ones_are_a_question(
    account: NetSuiteSandbox, netsuite: NetSuite
) -> None:
    rows = [
        {"id": "1", "itemid": "A", "isinactive": "T"},
        {"id": "2", "itemid": "A", "isinactive": "F"},
        {"id": "3", "itemid": "B", "isinactive": "F"},
        {"id": "4", "itemid": "B", "isinactive": "F"},
    ]
    known = items._Known(rows)
    assert known.of(items.Asked("A", "", "1")) == ["2"]
    assert known.of(items.Asked("B", "", "1")) == ["3", "4"]
    assert known.of(items.Asked("C", "", "1")) == ()


def test_names_are_compared_without_their_legal_form() -> None:
    assert suiteql.stem("ACME, Inc.") == suiteql.stem("Acme GmbH & Co. KG") == "acme"
    assert suiteql.stem("AG") == "ag"
    assert suiteql.bare("DE 123.456-789") == "DE123456789"
    q = suiteql.customers(suiteql.Wanted("r", name="O'Neill Ltd"))
    assert "LIKE 'o''neill%'" in q
    assert "email" not in q.split("WHERE")[1]
    assert matching.MOST == 20


def test_a_cursor_of_open_items_is_a_number(netsuite: NetSuite) -> None:
    with pytest.raises(Invalid, match="start again"):
        netsuite.open_items("1; DROP")


def test_open_items_go_on_from_the_last_one(
    account: NetSuiteSandbox, netsuite: NetSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = netsuite.push(write("customer", customer(), CUSTOMER))
    made = [account.people.pay(buyer, "5", currency="4") for _ in range(5)]
    short = netsuite._client.query
    monkeypatch.setattr(netsuite._client, "query", lambda q: short(q, limit=2))
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = netsuite.open_items(cursor)
        seen, cursor = seen + [one.external_id for one in page.items], page.cursor
    assert (seen, cursor) == (made, None)


def test_every_page_of_a_query_is_read(
    account: NetSuiteSandbox, netsuite: NetSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        account.add_item(f"I-{number}")
    monkeypatch.setattr("connectors.netsuite.client.ROWS_MAX", 3)
    pages = netsuite._client.query
    monkeypatch.setattr(netsuite._client, "query", lambda q, *, offset=0: pages(q, limit=3, offset=offset))
    named = [row["itemid"] for row in netsuite._client.rows("SELECT itemid FROM item ORDER BY id")]
    assert len(named) == len(set(named)) == account.count("inventoryItem") + account.count("serviceSaleItem")
    monkeypatch.setattr("connectors.netsuite.client.PAGES_MAX", 2)
    with pytest.raises(Transient, match="rows"):
        list(netsuite._client.rows("SELECT itemid FROM item ORDER BY id"))


def test_the_lines_of_an_order_that_name_an_item_by_id_need_no_question(
    account: NetSuiteSandbox, netsuite: NetSuite
) -> None:
    buyer = netsuite.push(write("customer", customer(), CUSTOMER))
    by_id = line("l1", "BOLT-1", 1) | {"item": {"id": account.books.items["BOLT-1"]}}
    calls = account.kit.calls
    netsuite.push(write("order", order(buyer, [by_id], "11.90"), "5" * 32))
    assert account.kit.calls - calls == 3  # is it there, write it, read it back


def test_what_is_watched_names_types_netsuite_has() -> None:
    assert set(events.codes_of(("payment",))) == {"CustPymt", "CustDep", "DepAppl", "CustRfnd"}
    assert set(books._KINDS) <= set(events.TYPES)


def test_a_company_called_percent_is_not_every_company() -> None:
    assert "LIKE" not in suiteql.customers(suiteql.Wanted("e1", domain="%", name="%"))
    assert "LIKE 'acme%'" in suiteql.customers(suiteql.Wanted("e1", name="%ac%me%"))
