"""A backfill over Bulk API 2.0: every record complete and once, few calls, resumable at every step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.salesforce import bulk, bulk_rows, bulk_windows
from connectors.salesforce.answers import trouble
from connectors.salesforce.bulk import BulkPage, Kept, Plan, Related, Sought, backfill_step
from hub.sdk import Door, Invalid, Rejected, Reply, Transient
from sandbox.kit import Kit, serve
from sandbox.salesforce import ids
from sandbox.salesforce.bulk import Bulk
from sandbox.salesforce.calls import Call, Router
from sandbox.salesforce.org import Org
from sandbox.salesforce.queries import Queries
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.standard import custom_object
from sandbox.salesforce.values import dumped

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
VERSION = "68.0"
OPPORTUNITY = {
    "Id": "id",
    "Name": "string",
    "AccountId": "reference",
    "Amount": "currency",
    "CloseDate": "date",
    "IsWon": "boolean",
    "Description": "textarea",
    "SystemModstamp": "datetime",
}
LINE = {"Quantity": "double", "UnitPrice": "currency", "SortOrder": "int", "Product2.Name": "string"}
ROLE = {"ContactId": "reference", "IsPrimary": "boolean", "Contact.LastName": "string"}
ACCOUNT = {"Name": "string", "BillingCountry": "string"}


def plan(**more: Any) -> Plan:
    given = {
        "record": Sought("Opportunity", OPPORTUNITY),
        "lines": Sought("OpportunityLineItem", LINE),
        "parent": "OpportunityId",
        "since": BEGAN,
        "until": NOW - timedelta(minutes=5),
        "related": (
            Related("account", Sought("Account", ACCOUNT)),
            Related("roles", Sought("OpportunityContactRole", ROLE), key="OpportunityId", lookup="Id"),
        ),
        "window": 400,
    }
    return Plan(**{**given, **more})


class Wire:
    """Calls over real HTTP, counted; raises what the connector's own client raises."""

    def __init__(self, url: str, **door: Any) -> None:
        self.door = Door(url, **door)
        self.calls: list[str] = []

    def call(self, method: str, path: str, **options: Any) -> Reply:
        self.calls.append(f"{method} {path.partition('/jobs')[2] or options['params']['q']}")
        reply = self.door.call(method, path, **options)
        error = trouble(reply)
        if error is not None:
            raise error
        return reply


def contact_roles() -> SObject:
    """Who has which part in an opportunity; an object of every real org."""
    roles = custom_object("OpportunityContactRole", "00K", "Contact Role", "Contact Roles")
    deal = Field(
        "OpportunityId", "reference", refers_to=("Opportunity",), relationship="Opportunity", children="Roles"
    )
    person = Field("ContactId", "reference", refers_to=("Contact",), relationship="Contact", children="Roles")
    roles.add([deal, person, Field("IsPrimary", "boolean")])
    return roles


class World:
    """A simulated org with its bulk jobs on a real port, filled without the cost of its rules."""

    def __init__(self) -> None:
        self.now = NOW
        self.org = Org(Kit(), lambda: self.now)
        if "OpportunityContactRole" not in self.org.objects:
            self.org.define(contact_roles())
        self.bulk = Bulk(self.org, lambda _: None)
        self.bulk.pace.polls = 1
        self.queries = Queries(self.org)
        self.product = self.put("Product2", 1, BEGAN, Name='Wid"get, grün\nzwei', IsActive=True)
        self.accounts = [
            self.put("Account", n, BEGAN, Name=f"Acme {n}", BillingCountry=None) for n in range(1, 6)
        ]
        self.contact = self.put("Contact", 1, BEGAN, LastName="Lovelace", Name="Lovelace")

    def put(self, sobject: str, number: int, at: datetime, **values: Any) -> str:
        id = ids.made(self.org.objects[sobject].prefix, number)
        row = {"Id": id, "IsDeleted": False, "CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}
        self.org.table(sobject).put(id, {**row, **values})
        return id

    def deal(self, number: int, at: datetime, lines: int = 2, **values: Any) -> str:
        given = {
            "Name": f"Deal {number}",
            "AccountId": self.accounts[number % 5] if number % 7 else None,
            "Amount": Decimal(number) + Decimal("0.10"),
            "CloseDate": at.date(),
            "IsWon": number % 2 == 0,
        }
        id = self.put("Opportunity", number, at, **{**given, **values})
        for line in range(lines):
            self.put(
                "OpportunityLineItem", number * 10 + line, at, OpportunityId=id, Quantity=Decimal("1.50"),
                UnitPrice=Decimal("7.25"), SortOrder=line + 1, Product2Id=self.product,
            )  # fmt: skip
        if number % 3 == 0:
            role = {"OpportunityId": id, "ContactId": self.contact, "IsPrimary": True}
            self.put("OpportunityContactRole", number, at, **role)
        return id

    def deals(
        self, count: int, first: int = 1, *, apart: int = 60, at: datetime = BEGAN, lines: int = 2
    ) -> list[str]:
        numbers = range(first, first + count)
        return [self.deal(n, at + timedelta(seconds=apart * n), lines) for n in numbers]

    def app(self) -> Starlette:
        router = Router()
        self.queries.add_to(router)

        def query(request: Request) -> Response:
            call = Call("GET", "/query", 68, query=dict(request.query_params))
            with self.org.kit.lock:
                answer = router.answer(call)
            return Response(dumped(answer.body), answer.status, media_type="application/json")

        return Starlette(routes=[*self.bulk.routes(), Route("/services/data/v{version}/query", query)])


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serve(world.app()) as url:
        yield url


@pytest.fixture
def wire(url: str) -> Wire:
    return Wire(url)


def walk(
    wire: Wire,
    cursor: str | None = None,
    *,
    kept: Kept | None = None,
    version: str = VERSION,
    seen: list[BulkPage] | None = None,
    **more: Any,
) -> list[BulkPage]:
    """All steps to the end, each bounded by what a test may wait for."""
    pages = [] if seen is None else seen
    kept = kept or Kept()
    while not pages or pages[-1].more:
        pages.append(backfill_step(wire, version, plan(**more), cursor, kept))
        cursor = pages[-1].cursor
        assert len(pages) < 500, "the walk does not end"
    return pages


def until(wire: Wire, stage: str, cursor: str | None = None) -> str:
    """The first cursor at this stage."""
    for _ in range(50):
        if cursor and json.loads(cursor).get("stage", "cut") == stage:
            return cursor
        cursor = backfill_step(wire, VERSION, plan(), cursor).cursor
    raise AssertionError(f"{stage} is never reached")


def found(pages: list[BulkPage]) -> list[str]:
    return [one.record["Id"] for page in pages for one in page.records]


def test_every_record_comes_once_and_oldest_first_in_windows(world: World, wire: Wire) -> None:
    made = world.deals(1_050)
    pages = walk(wire)
    assert found(pages) == made
    assert {page.total for page in pages} == {1_050}
    assert max(len(page.records) for page in pages) <= 400
    assert backfill_step(wire, VERSION, plan(), pages[-1].cursor) == pages[-1]._replace(records=())


def test_a_record_equals_what_rest_gives_with_lines_account_and_roles(world: World, wire: Wire) -> None:
    text = 'Ä "quoted", comma\r\nand a new line;\ttab\u2028'
    world.deal(3, BEGAN + timedelta(days=1), Description=text)
    world.deal(7, BEGAN + timedelta(days=2), lines=0)
    first, second = [one for page in walk(wire) for one in page.records]
    assert dict(first.record) == bare(rest(wire, OPPORTUNITY, "Opportunity")[0])
    assert (first.record["Amount"], type(first.record["Amount"])) == (Decimal("3.10"), Decimal)
    assert (first.record["IsWon"], first.record["Description"]) == (False, text)
    assert first.record["SystemModstamp"] == "2026-01-02T00:00:00.000+0000"
    wanted = ("Id", "OpportunityId", *LINE)
    assert [dict(line) for line in first.lines] == [
        bare(one) for one in rest(wire, wanted, "OpportunityLineItem")
    ]
    assert first.related["account"][0]["Name"] == "Acme 4"
    assert first.related["roles"][0]["Contact"] == {"LastName": "Lovelace"}
    assert (second.lines, second.related) == ([], {"account": [], "roles": []})
    assert second.record["AccountId"] is None


def rest(wire: Wire, fields: Any, sobject: str) -> list[Any]:
    query = f"SELECT {', '.join(fields)} FROM {sobject} ORDER BY Id"
    return wire.call("GET", "/services/data/v68.0/query", params={"q": query}).json()["records"]


def bare(record: Any) -> Any:
    if isinstance(record, dict):
        return {name: bare(value) for name, value in record.items() if name != "attributes"}
    return record


def test_orders_are_walked_like_opportunities(world: World, wire: Wire) -> None:
    for number in range(1, 5):
        at = BEGAN + timedelta(days=number)
        id = world.put("Order", number, at, AccountId=world.accounts[0], OrderNumber=f"0000{number}")
        world.put("OrderItem", number, at, OrderId=id, Quantity=Decimal(number))
    (page,) = [
        page
        for page in walk(
            wire,
            record=Sought("Order", {"OrderNumber": "string", "AccountId": "reference"}),
            lines=Sought("OrderItem", {"Quantity": "double"}),
            parent="OrderId",
            related=(Related("account", Sought("Account", ACCOUNT)),),
        )
        if page.records
    ]
    assert [one.record["OrderNumber"] for one in page.records] == ["00001", "00002", "00003", "00004"]
    assert [one.lines[0]["Quantity"] for one in page.records] == [1, 2, 3, 4]
    assert {one.related["account"][0]["Name"] for one in page.records} == {"Acme 1"}


def test_more_records_of_one_instant_than_fit_in_a_window_are_all_found(world: World, wire: Wire) -> None:
    made = world.deals(150, 1, apart=1)
    made += world.deals(1_300, 151, apart=0, at=BEGAN + timedelta(days=1))
    made += world.deals(250, 1_451, apart=0, at=BEGAN + timedelta(days=1, seconds=1))
    made += world.deals(90, 1_701, apart=1, at=BEGAN + timedelta(days=2))
    pages = walk(wire)
    assert sorted(found(pages)) == sorted(made)
    assert len(set(found(pages))) == len(made)
    stamps = [one.record["SystemModstamp"] for page in pages for one in page.records]
    assert stamps == sorted(stamps)


def test_an_instant_that_fills_windows_exactly_is_left_behind(world: World, wire: Wire) -> None:
    made = world.deals(800, 1, apart=0) + world.deals(10, 801, apart=0, at=BEGAN + timedelta(seconds=1))
    assert sorted(found(walk(wire))) == sorted(made)


def test_the_walk_ends_where_it_began_to_look_and_starts_where_it_is_told(world: World, wire: Wire) -> None:
    world.deal(1, BEGAN - timedelta(seconds=1))
    inside = world.deal(2, BEGAN)
    world.deal(3, NOW - timedelta(minutes=5))
    first = backfill_step(wire, VERSION, plan(), None)
    world.deal(4, NOW + timedelta(days=1))
    pages = walk(wire, first.cursor, until=NOW + timedelta(days=9))  # the end stands in the cursor
    assert found(pages) == [inside]
    assert first.total == 1


def test_nothing_to_find_ends_at_once(wire: Wire) -> None:
    (page,) = walk(wire)
    assert (page.records, page.more, page.total) == ((), False, 0)


def test_killed_after_any_step_it_goes_on_from_the_cursor_with_the_same_records(
    world: World, wire: Wire
) -> None:
    made = world.deals(700)
    cursor, seen = None, []
    for _ in range(100):
        page = backfill_step(wire, VERSION, plan(), cursor)  # nothing kept in memory: as after a restart
        stage = json.loads(cursor or "{}").get("stage")
        if stage == "deliver":
            again = backfill_step(wire, VERSION, plan(), cursor)
            assert again.records == page.records
        seen += found([page])
        cursor = page.cursor
        if not page.more:
            break
    assert seen == made


def test_pages_of_one_window_need_no_calls_while_it_is_kept(
    world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "DELIVERED", 100)
    made = world.deals(350)
    kept = Kept()
    cursor = until(wire, "deliver")
    before = len(wire.calls)
    pages = walk(wire, cursor, kept=kept)
    assert found(pages) == made
    assert [len(page.records) for page in pages] == [100, 100, 100, 50]
    assert len(wire.calls) - before == 4  # records, lines, accounts, roles
    assert kept.get(json.loads(cursor)["jobs"]["record"]) is None  # the memory is given back


def test_a_record_that_changes_meanwhile_is_left_to_the_poll_and_never_half_read(
    world: World, wire: Wire
) -> None:
    made = world.deals(3)
    cursor = until(wire, "sides")
    cursor = until(wire, "records", cursor)
    world.put("OpportunityLineItem", 999, NOW, OpportunityId=made[1], Quantity=Decimal(9))
    world.deal(2, NOW)
    assert found(walk(wire, cursor)) == [made[0], made[2]]


def test_calls_are_at_most_one_per_500_records_with_lines_accounts_and_roles(
    world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a model of one to ten: windows of 1,600 from pages of 200 need the calls of 16,000 from 2,000."""
    assert (bulk.WINDOW, bulk_windows.KEYS_MAX) == (16_000, 2_000)
    monkeypatch.setattr(bulk_windows, "KEYS_MAX", 200)
    monkeypatch.setattr(bulk_rows, "ROWS_PER_CALL", (5_000, 1_000, 100))
    world.bulk.pace.polls = 2
    made = world.deals(3_198)  # two full windows; each ends before its last instant
    pages = walk(wire, window=1_600)
    assert found(pages) == made
    assert len(wire.calls) <= 2 * 16_000 / 500
    assert all(0 < page.wait <= 60 for page in pages if page.wait)


def test_a_failed_job_begins_the_window_again_and_the_third_time_speaks_up(world: World, wire: Wire) -> None:
    made = world.deals(30)
    world.bulk.pace.failures = ["InternalServerError: retry limit exceeded"]
    pages = walk(wire)
    assert found(pages) == made
    world.bulk.pace.failures = ["QUERY_TIMEOUT: too slow"] * 4
    with pytest.raises(Rejected, match="QUERY_TIMEOUT: too slow"):
        walk(wire)


def test_a_job_without_end_is_given_up_after_bounded_looks_and_longer_and_longer_waits(
    world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "LOOKS_MAX", 5)
    world.deals(3)
    world.bulk.pace.polls = 1_000
    pages: list[BulkPage] = []
    with pytest.raises(Transient, match="do not come to an end"):
        walk(wire, seen=pages)
    waits = [page.wait for page in pages]
    assert waits[:7] == [3.0, 10.0, 20.0, 30.0, 30.0, 30.0, 2.0]
    assert len(pages) == 4 * 6 + bulk.RESTARTS_MAX


def test_a_text_as_long_as_salesforce_allows_is_read(world: World, wire: Wire) -> None:
    world.deal(1, BEGAN, Description="x" * 131_072)
    (one,) = [one for page in walk(wire) for one in page.records]
    assert len(one.record["Description"]) == 131_072


def test_an_aborted_job_begins_the_window_again(world: World, wire: Wire) -> None:
    made = world.deals(30)
    cursor = until(wire, "sides")
    for job in world.bulk.jobs.known.values():
        job.state = "Aborted"
    assert found(walk(wire, cursor)) == made


@pytest.mark.parametrize("stage", ["sides", "records", "deliver"])
def test_jobs_that_have_expired_begin_the_window_again(world: World, wire: Wire, stage: str) -> None:
    made = world.deals(500)
    cursor = until(wire, stage)
    world.now += timedelta(days=8)  # results are kept seven days
    assert sorted(found(walk(wire, cursor))) == sorted(made)


def test_a_lost_locator_begins_the_window_again(world: World, url: str) -> None:
    made = world.deals(300)
    world.bulk.pace.page = 100

    class Forgetful(Wire):
        lost = False

        def call(self, method: str, path: str, **options: Any) -> Reply:
            if "locator" in options.get("params", {}) and not self.lost:
                self.lost = True
                options["params"] = {**options["params"], "locator": "nonsense"}
            return super().call(method, path, **options)

    wire = Forgetful(url)
    assert found(walk(wire)) == made
    assert wire.lost


def test_results_are_asked_for_in_the_version_of_their_job(world: World, wire: Wire) -> None:
    made = world.deals(900)
    cursor = until(wire, "deliver")  # made with 68.0; then the settings change
    pages = walk(wire, cursor, version="67.0")
    assert found(pages) == made
    assert {job.version for job in world.bulk.jobs.known.values()} == {"68.0", "67.0"}


def test_other_fields_in_the_settings_begin_the_window_again(world: World, wire: Wire) -> None:
    made = world.deals(20)
    cursor = until(wire, "deliver")
    more = Sought("Opportunity", {**OPPORTUNITY, "Type": "picklist"})
    pages = walk(wire, cursor, record=more)
    assert found(pages) == made
    assert pages[-1].records[0].record["Type"] is None
    more_related = (*plan().related, Related("people", Sought("Contact", {}), key="AccountId"))
    assert found(walk(wire, cursor, related=more_related)) == made


def test_too_many_lines_make_the_windows_smaller(
    world: World, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SIDE_ROWS_MAX", 450)
    made = world.deals(600)
    pages = walk(wire)
    assert found(pages) == made
    assert max(len(page.records) for page in pages) <= 200
    monkeypatch.setattr(bulk, "SIDE_ROWS_MAX", 100)
    with pytest.raises(Rejected, match="too many"):
        walk(wire)


def test_an_answer_too_large_for_the_door_is_asked_for_in_smaller_pages(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_rows, "ROWS_PER_CALL", (50_000, 50, 10))
    made = world.deals(300)
    wire = Wire(url, bytes_max=25_000)
    keys = plan(window=100)  # the walk of the keys has to pass the same door
    pages = walk(wire, window=keys.window)
    assert found(pages) == made


def test_a_mistake_in_the_query_is_told_at_once(world: World, wire: Wire) -> None:
    world.deals(3)
    with pytest.raises(Rejected, match="Nonsense__c"):
        walk(wire, record=Sought("Opportunity", {"Nonsense__c": "string"}))


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "{}",
        '{"stage":"deliver","version":"68.0","until":"x","total":1,"start":["a",""]}',
        "[1]",
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(wire: Wire, cursor: str) -> None:
    with pytest.raises(Invalid, match="begin it again"):
        backfill_step(wire, VERSION, plan(), cursor)


class Canned:
    """A wire that gives one answer."""

    def __init__(self, body: bytes, **headers: str) -> None:
        self.reply = Reply(200, {name.replace("_", "-"): value for name, value in headers.items()}, body)
        self.count = 0

    def call(self, method: str, path: str, **options: Any) -> Reply:
        self.count += 1
        return self.reply


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'"Id","Other"\n"1","2"\n', "other columns"),
        (b'"Id","Name"\n"1","2"\n"3"\n', "number of columns"),
        (b'"Id","Name"\n"1","cut of', "not CSV"),
        (b'"Id","Name"\n"1","\xff"\n', "not CSV"),
        (b'"Id","Name"\n"1","2"\n', "should have 2 rows"),
    ],
)
def test_results_that_are_damaged_are_not_believed(body: bytes, problem: str) -> None:
    wire = Canned(body, sforce_locator="null", sforce_numberofrecords="2")
    with pytest.raises(Transient, match=problem):
        bulk_rows.fetch(wire, "", "750", ["Id", "Name"], 10)


def test_results_without_end_or_without_measure_are_cut_off() -> None:
    endless = Canned(b'"Id"\n"1"\n', sforce_locator="MTA")
    with pytest.raises(Transient) as caught:
        bulk_rows.fetch(endless, "", "750", ["Id"], 10)
    assert (caught.value.code, endless.count) == ("too_many_rows", 11)
    with pytest.raises(Transient):
        bulk_rows.fetch(Canned(b'"Id"\n', sforce_locator="MTA"), "", "750", ["Id"], 10)
    assert bulk_rows.fetch(Canned(b""), "", "750", ["Id"], 10).rows == []


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("currency", "1.0E7", Decimal("1E+7")),
        ("double", "0.1", Decimal("0.1")),
        ("int", "007", 7),
        ("boolean", "true", True),
        ("date", "2026-01-02", "2026-01-02"),
        ("datetime", "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.000+0000"),
        ("string", " 00042 ", " 00042 "),
        ("string", "", None),
        ("boolean", "", None),
    ],
)
def test_values_get_the_type_of_the_describe(kind: str, text: str, value: Any) -> None:
    typed = bulk_rows.record((text,), ["X"], {"X": kind})["X"]
    assert (typed, type(typed)) == (value, type(value))


@pytest.mark.parametrize(("kind", "text"), [("currency", "ten"), ("int", "1.5"), ("boolean", "1")])
def test_a_value_of_another_type_is_refused_by_name(kind: str, text: str) -> None:
    with pytest.raises(Rejected, match="Amount"):
        bulk_rows.record((text,), ["Amount"], {"Amount": kind})
