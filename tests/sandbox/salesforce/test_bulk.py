"""Bulk jobs over HTTP, also driven with the best-known Python client, which nobody here wrote."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from simple_salesforce.bulk2 import SFBulk2Handler
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceOperationError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.kit import build, serve
from sandbox.salesforce.bulk import Pace, routes
from sandbox.salesforce.bulk_jobs import check_query
from sandbox.salesforce.bulk_results import Dialect, Results, uploaded
from sandbox.salesforce.org import Org
from sandbox.salesforce.refusals import invalid_session
from sandbox.salesforce.simulator import SalesforceSandbox
from tests.sandbox.salesforce.orgs import Clock, deal, empty

TOKEN = "00D!bulk"
DEALS = "SELECT Id, Name, Amount, CloseDate, Account.Name, IsDeleted FROM Opportunity"


class World:
    """An org served on a real port, and a client with a session."""

    def __init__(self, base: str, org: Org, clock: Clock, pace: Pace) -> None:
        self.base, self.org, self.clock, self.pace = base, org, clock, pace
        self.http = httpx.Client(
            base_url=f"{base}/services/data/v68.0/jobs",
            headers={"authorization": f"Bearer {TOKEN}", "sforce-call-options": "client=o2chub"},
        )

    def query(self, text: str = DEALS, **more: str) -> str:
        """Create a query job; its id."""
        reply = self.http.post("/query", json={"operation": "query", "query": text, **more})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def finished(self, path: str) -> dict[str, Any]:
        """Poll a job until its end."""
        for _ in range(10):
            job = self.http.get(path).json()
            if job["state"] in ("JobComplete", "Failed", "Aborted"):
                return dict(job)
        raise AssertionError("the job does not end")

    def read(self, text: str = DEALS, **more: str) -> list[dict[str, str]]:
        """The rows of a query in one page."""
        job = self.query(text, **more)
        assert self.finished(f"/query/{job}")["state"] == "JobComplete"
        return rows(self.http.get(f"/query/{job}/results").text)

    def ingest(self, upload: str, **asked: str) -> tuple[str, dict[str, Any]]:
        """Run an ingest job to its end; its id and last description."""
        created = self.http.post("/ingest", json={"object": "Account", "contentType": "CSV", **asked})
        assert created.status_code == 200, created.text
        job = created.json()
        assert job["state"] == "Open"
        put = self.http.put(f"{self.base}/{job['contentUrl']}", content=upload.encode(), headers=CSV)
        assert put.status_code == 201, put.text
        closed = self.http.patch(f"/ingest/{job['id']}", json={"state": "UploadComplete"})
        assert closed.json()["state"] == "UploadComplete"
        return str(job["id"]), self.finished(f"/ingest/{job['id']}")

    def results(self, job: str, kind: str) -> list[dict[str, str]]:
        """One of the three result files of an ingest job."""
        reply = self.http.get(f"/ingest/{job}/{kind}/")
        assert reply.status_code == 200, reply.text
        return rows(reply.text)


CSV = {"content-type": "text/csv"}


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def refusal(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()[0]["errorCode"]


def enter(request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise invalid_session()


class Stage:
    """One server for all tests; what it serves changes with each."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    one = Stage()
    with serve(one) as base:
        yield one, base


@pytest.fixture
def world(stage: tuple[Stage, str]) -> Iterator[World]:
    clock, pace = Clock(), Pace()
    org = empty(clock)
    stage[0].app = build(org.kit, routes(org, enter, pace))
    world = World(stage[1], org, clock, pace)
    with world.http:
        yield world


def test_a_query_job_passes_through_its_states(world: World) -> None:
    deal(world.org)
    created = world.http.post("/query", json={"operation": "query", "query": DEALS}).json()
    assert created["id"].startswith("750")
    assert (created["state"], created["object"], created["apiVersion"]) == (
        "UploadComplete",
        "Opportunity",
        68.0,
    )
    world.pace.polls = 3
    job = world.query()
    states = [world.http.get(f"/query/{job}").json()["state"] for _ in range(4)]
    assert states == ["UploadComplete", "InProgress", "JobComplete", "JobComplete"]
    done = world.http.get(f"/query/{job}").json()
    assert (done["jobType"], done["numberRecordsProcessed"]) == ("V2Query", 1)


def test_results_are_csv_with_parents_as_columns(world: World) -> None:
    account = world.org.insert("Account", {"Name": 'Acme "North", Ltd\nUlm'})
    deal(world.org, "Größe", AccountId=account, Amount="1234567.10")
    deal(world.org, "alone", Amount=None)
    job = world.query()
    world.finished(f"/query/{job}")
    reply = world.http.get(f"/query/{job}/results")
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.headers["sforce-numberofrecords"] == "2"
    assert reply.headers["sforce-locator"] == "null"
    head = reply.text.split("\n", 1)[0]
    assert head == '"Id","Name","Amount","CloseDate","Account.Name","IsDeleted"'
    first, second = rows(reply.text)
    assert (first["Name"], first["Account.Name"]) == ("Größe", 'Acme "North", Ltd\nUlm')
    assert (first["Amount"], first["CloseDate"], first["IsDeleted"]) == ("1234567.1", "2026-12-31", "false")
    assert (second["Amount"], second["Account.Name"]) == ("", "")


def test_pages_follow_the_locator_until_null(world: World) -> None:
    for number in range(25):
        deal(world.org, f"{number:02}")
    job = world.query()
    world.finished(f"/query/{job}")
    found, sizes, locator = [], [], ""
    while locator != "null":
        more = {"locator": locator} if locator else {}
        reply = world.http.get(f"/query/{job}/results", params={"maxRecords": "10", **more})
        locator = reply.headers["sforce-locator"]
        sizes.append(reply.headers["sforce-numberofrecords"])
        found += [row["Name"] for row in rows(reply.text)]
    assert sizes == ["10", "10", "5"]
    assert sorted(found) == [f"{number:02}" for number in range(25)]


def test_a_page_can_be_read_again_by_its_locator_after_a_crash(world: World) -> None:
    for number in range(30):
        deal(world.org, f"{number:02}")
    job = world.query()
    world.finished(f"/query/{job}")
    locator = world.http.get(f"/query/{job}/results?maxRecords=10").headers["sforce-locator"]
    deal(world.org, "later")
    address = f"/query/{job}/results?maxRecords=10&locator={locator}"
    first, again = world.http.get(address), world.http.get(address)
    assert first.content == again.content
    assert len(rows(first.text)) == 10
    bad = world.http.get(f"/query/{job}/results?locator=invented")
    assert refusal(bad) == (400, "INVALID_QUERY_LOCATOR")


def test_pages_can_be_read_in_parallel(world: World) -> None:
    world.pace.page = 4
    for number in range(30):
        deal(world.org, f"{number:02}")
    job = world.query()
    assert refusal(world.http.get(f"/query/{job}/resultPages")) == (400, "INVALIDJOBSTATE")
    world.finished(f"/query/{job}")
    first = world.http.get(f"/query/{job}/resultPages").json()
    second = world.http.get(world.base + first["nextRecordsUrl"]).json()
    assert [(len(one["resultPages"]), one["done"]) for one in (first, second)] == [(5, False), (3, True)]
    addresses = [one["resultUrl"] for one in first["resultPages"] + second["resultPages"]]
    found = [row["Name"] for one in addresses for row in rows(world.http.get(world.base + one).text)]
    assert sorted(found) == [f"{number:02}" for number in range(30)]


def test_an_empty_result_is_a_header(world: World) -> None:
    job = world.query("SELECT Id, Account.Name FROM Opportunity")
    world.finished(f"/query/{job}")
    reply = world.http.get(f"/query/{job}/results")
    assert reply.text == '"Id","Account.Name"\n'
    assert reply.headers["sforce-numberofrecords"] == "0"


def test_results_are_those_of_the_version_that_made_the_job(world: World) -> None:
    job = world.query()
    world.finished(f"/query/{job}")
    reply = world.http.get(f"{world.base}/services/data/v67.0/jobs/query/{job}/results")
    assert reply.status_code == 409
    assert "68.0" in reply.json()[0]["message"]


def test_results_are_not_there_before_the_end(world: World) -> None:
    job = world.query()
    assert refusal(world.http.get(f"/query/{job}/results")) == (400, "INVALIDJOBSTATE")


def test_query_all_finds_the_deleted(world: World) -> None:
    record = deal(world.org)
    world.org.delete("Opportunity", record)
    assert world.read() == []
    assert [row["IsDeleted"] for row in world.read(operation="queryAll")] == ["true"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT Id, (SELECT Id FROM OpportunityLineItems) FROM Opportunity",
        "SELECT COUNT() FROM Opportunity",
        "SELECT COUNT(Id) FROM Opportunity",
        "SELECT StageName FROM Opportunity GROUP BY StageName",
        "SELECT Id FROM Opportunity LIMIT 10 OFFSET 5",
        "SELECT Id, BillingAddress FROM Account",
        "SELECT FIELDS(ALL) FROM Account LIMIT 200",
    ],
)
def test_what_bulk_does_not_do_is_refused(world: World, query: str) -> None:
    reply = world.http.post("/query", json={"operation": "query", "query": query})
    assert refusal(reply) == (400, "FUNCTIONALITY_NOT_ENABLED")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"operation": "query", "query": "SELECT Nonsense FROM Account"}, "INVALID_FIELD"),
        ({"operation": "query", "query": "SELECT Id FROM"}, "MALFORMED_QUERY"),
        ({"operation": "query", "query": ""}, "MALFORMED_QUERY"),
        ({"operation": "steal", "query": "SELECT Id FROM Account"}, "INVALIDJOB"),
        ({"operation": "query", "query": "SELECT Id FROM Account", "columnDelimiter": "DOT"}, "INVALIDJOB"),
        (["query"], "JSON_PARSER_ERROR"),
    ],
)
def test_a_job_that_cannot_be_is_not_created(world: World, asked: Any, code: str) -> None:
    assert refusal(world.http.post("/query", json=asked)) == (400, code)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT Id FROM Account ORDER BY Name",
        "SELECT Id, MailingStreet, Account.BillingCity FROM Contact",
        "SELECT Id, Name FROM Account WHERE Name != 'MAX(1)'",
    ],
)
def test_allowed_forms_are_not_taken_for_forbidden_ones(query: str) -> None:
    assert check_query(empty(), query) is None


def test_jobs_can_be_told_to_fail(world: World) -> None:
    world.pace.failures = ["QUERY_TIMEOUT: Your query request was running for too long"]
    job = world.finished(f"/query/{world.query()}")
    assert (job["state"], job["errorMessage"][:13]) == ("Failed", "QUERY_TIMEOUT")


def test_a_field_taken_away_meanwhile_fails_the_job(world: World) -> None:
    job = world.query()
    world.org.hidden.add(("Opportunity", "Amount"))
    world.org.grants += 1
    done = world.finished(f"/query/{job}")
    assert done["state"] == "Failed"
    assert "Amount" in done["errorMessage"]


def test_rows_may_come_in_any_order(world: World) -> None:
    world.pace.shuffled = True
    for number in range(50):
        deal(world.org, f"{number:02}")
    names = [row["Name"] for row in world.read("SELECT Name FROM Opportunity ORDER BY Name")]
    assert sorted(names) == [f"{number:02}" for number in range(50)] != names


def test_a_job_can_be_aborted_and_deleted(world: World) -> None:
    job = world.query()
    assert refusal(world.http.delete(f"/query/{job}")) == (400, "INVALIDJOBSTATE")
    assert world.http.patch(f"/query/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert refusal(world.http.patch(f"/query/{job}", json={"state": "Aborted"})) == (400, "INVALIDJOBSTATE")
    assert world.http.delete(f"/query/{job}").status_code == 204
    assert refusal(world.http.get(f"/query/{job}")) == (404, "NOT_FOUND")


def test_results_are_kept_seven_days(world: World) -> None:
    job = world.query()
    world.finished(f"/query/{job}")
    world.clock.at += timedelta(days=6, hours=23)
    assert world.http.get(f"/query/{job}/results").status_code == 200
    world.clock.at += timedelta(hours=2)
    assert refusal(world.http.get(f"/query/{job}/results")) == (404, "NOT_FOUND")


def test_jobs_are_listed_by_kind(world: World) -> None:
    job = world.query()
    assert [one["id"] for one in world.http.get("/query").json()["records"]] == [job]
    assert world.http.get("/ingest").json()["records"] == []


def test_calls_without_a_session_are_refused(world: World) -> None:
    reply = httpx.get(f"{world.base}/services/data/v68.0/jobs/query")
    assert refusal(reply) == (401, "INVALID_SESSION_ID")


def test_insert_tells_of_each_row(world: World) -> None:
    upload = "Name,BillingCity,AnnualRevenue\nAcme,Ulm,1200\n,Bonn,1\nBolt,Köln,many\nCoil,,\n"
    job, done = world.ingest(upload, operation="insert")
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (
        "JobComplete",
        4,
        2,
    )
    good = {row["Name"]: row for row in world.results(job, "successfulResults")}
    assert set(good) == {"Acme", "Coil"}
    assert {row["sf__Created"] for row in good.values()} == {"true"}
    stored = world.org.rows("Account")[good["Acme"]["sf__Id"]]
    assert (stored["BillingCity"], int(stored["AnnualRevenue"])) == ("Ulm", 1200)
    bad = {row["BillingCity"]: row for row in world.results(job, "failedResults")}
    assert bad["Bonn"]["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    assert bad["Bonn"]["sf__Error"].endswith(":Name --")
    assert bad["Köln"]["AnnualRevenue"] == "many"
    assert world.results(job, "unprocessedrecords") == []


def test_writes_are_recorded_with_the_client_of_the_job(world: World) -> None:
    world.ingest("Name\nAcme\n", operation="insert")
    assert [(one["action"], one["client"]) for one in world.org.kit.effects] == [("create", "o2chub")]


def test_upsert_creates_and_updates_by_the_external_id(world: World) -> None:
    known = world.org.insert("Account", {"Name": "Acme", "ERP_Id__c": "C-1", "Phone": "1", "Site": "x"})
    upload = "ERP_Id__c,Name,Phone,Site\nC-1,Acme AG,#N/A,\nC-2,Bolt,2,\n,Coil,3,\n"
    job, done = world.ingest(upload, operation="upsert", externalIdFieldName="ERP_Id__c")
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (3, 1)
    good = {row["ERP_Id__c"]: row for row in world.results(job, "successfulResults")}
    assert (good["C-1"]["sf__Created"], good["C-1"]["sf__Id"]) == ("false", known)
    assert good["C-2"]["sf__Created"] == "true"
    row = world.org.rows("Account")[known]
    assert (row["Name"], row.get("Phone"), row["Site"]) == ("Acme AG", None, "x")
    [failed] = world.results(job, "failedResults")
    assert failed["sf__Error"].startswith("MISSING_ARGUMENT:")


def test_parents_are_found_by_their_external_id(world: World) -> None:
    account = world.org.insert("Account", {"Name": "Acme", "ERP_Id__c": "C-1"})
    upload = "Name,StageName,CloseDate,Account.ERP_Id__c\nA,Prospecting,2026-12-31,C-1\n"
    upload += "B,Prospecting,2026-12-31,C-9\n"
    job, _ = world.ingest(upload, operation="insert", object="Opportunity")
    [good] = world.results(job, "successfulResults")
    assert world.org.rows("Opportunity")[good["sf__Id"]]["AccountId"] == account
    [bad] = world.results(job, "failedResults")
    assert "C-9" in bad["sf__Error"]


def test_update_and_delete_go_by_id(world: World) -> None:
    known = world.org.insert("Account", {"Name": "Acme"})
    _, done = world.ingest(f"Id,Name\n{known},Bolt\n", operation="update")
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (1, 0)
    assert world.org.rows("Account")[known]["Name"] == "Bolt"
    _, done = world.ingest(f"Id\n{known}\n0015g00000000ZZ\n", operation="delete")
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (2, 1)
    assert world.org.rows("Account")[known]["IsDeleted"]


@pytest.mark.parametrize("upload", ["Nme\nAcme\n", "", "Name,Foo.Id\nx,y\n"])
def test_an_upload_with_a_wrong_header_fails_as_a_whole(world: World, upload: str) -> None:
    job, done = world.ingest(upload, operation="insert")
    assert done["state"] == "Failed"
    assert done["errorMessage"].startswith("InvalidBatch : Field name not found")
    assert len(world.results(job, "unprocessedrecords")) == upload.count("\n") - bool(upload)
    assert world.org.rows("Account") == {}


def test_an_aborted_job_leaves_every_row_unprocessed(world: World) -> None:
    job = world.http.post("/ingest", json={"object": "Account", "operation": "insert"}).json()["id"]
    world.http.put(f"/ingest/{job}/batches", content=b"Name\nAcme\nBolt\n", headers=CSV)
    world.http.patch(f"/ingest/{job}", json={"state": "Aborted"})
    assert [row["Name"] for row in world.results(job, "unprocessedrecords")] == ["Acme", "Bolt"]
    assert world.org.rows("Account") == {}


def test_a_job_takes_one_upload_of_csv(world: World) -> None:
    job = world.http.post("/ingest", json={"object": "Account", "operation": "insert"}).json()["id"]
    address = f"/ingest/{job}/batches"
    assert (
        world.http.put(address, content=b"{}", headers={"content-type": "application/json"}).status_code
        == 415
    )
    assert world.http.put(address, content=b"Name\nA\n", headers=CSV).status_code == 201
    assert refusal(world.http.put(address, content=b"Name\nB\n", headers=CSV)) == (400, "INVALIDJOBSTATE")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"object": "Nonsense", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Account", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "upsert", "externalIdFieldName": "Phone"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "query"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "insert", "contentType": "XML"}, "INVALIDJOB"),
    ],
)
def test_an_ingest_job_that_cannot_be_is_not_created(world: World, asked: dict[str, str], code: str) -> None:
    assert refusal(world.http.post("/ingest", json=asked)) == (400, code)


def test_other_delimiters_and_line_ends_are_spoken(world: World) -> None:
    upload = "Name;Phone\r\nAcme;1\r\n"
    job, done = world.ingest(upload, operation="insert", columnDelimiter="SEMICOLON", lineEnding="CRLF")
    assert done["numberRecordsFailed"] == 0
    text = world.http.get(f"/ingest/{job}/successfulResults").text
    assert text.startswith('"sf__Id";"sf__Created";"Name";"Phone"\r\n')
    job = world.query("SELECT Name, Phone FROM Account", columnDelimiter="TAB", lineEnding="CRLF")
    world.finished(f"/query/{job}")
    assert world.http.get(f"/query/{job}/results").text == '"Name"\t"Phone"\r\n"Acme"\t"1"\r\n'


def test_line_ends_other_than_said_are_found_out() -> None:
    with pytest.raises(ValueError, match="LineEnding"):
        list(uploaded(b"Name\r\nAcme\r\n", Dialect()))


def test_a_hundred_thousand_rows_take_little_memory() -> None:
    lines = (("0065g00000000AAAAA", f"Deal {number}", "x" * 80) for number in range(100_000))
    tracemalloc.start()
    results = Results(("Id", "Name", "Note"), lines, Dialect())
    page = results.page(None, 2_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    found, locator = 2_000, page.locator
    while locator:
        page = results.page(locator, 25_000)
        found, locator = found + page.rows, page.locator
    results.close()
    assert found == len(results) == 100_000
    assert peak < 4_000_000


def _client(world: World) -> Any:
    return SFBulk2Handler(TOKEN, f"{world.base}/services/data/v68.0/jobs/")


def test_simple_salesforce_reads_in_pages(world: World) -> None:
    for number in range(12):
        deal(world.org, f"Größe {number:02}")
    pages = list(
        _client(world).Opportunity.query("SELECT Id, Name FROM Opportunity", max_records=5, wait=0.01)
    )
    assert [len(rows(page)) for page in pages] == [5, 5, 2]
    assert {row["Name"] for page in pages for row in rows(page)} == {f"Größe {n:02}" for n in range(12)}


@pytest.mark.parametrize("delimiter", ["COMMA", "PIPE"])
def test_simple_salesforce_writes_and_reads_back_results(world: World, delimiter: str) -> None:
    client = _client(world).Account
    records = [{"ERP_Id__c": f"C-{n}", "Name": f"Acme {n}" if n else ""} for n in range(5)]
    options: dict[str, Any] = {"external_id_field": "ERP_Id__c", "wait": 0.01, "column_delimiter": delimiter}
    [told] = client.upsert(records=records, **options)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (5, 1)
    [good, bad, rest] = (
        rows(part, {"COMMA": ",", "PIPE": "|"}[delimiter])
        for part in (
            client.get_successful_records(told["job_id"]),
            client.get_failed_records(told["job_id"]),
            client.get_unprocessed_records(told["job_id"]),
        )
    )
    assert (len(good), len(bad), len(rest)) == (4, 1, 0)
    assert {row["sf__Created"] for row in good} == {"true"}


def test_simple_salesforce_deletes(world: World) -> None:
    ids = [world.org.insert("Account", {"Name": f"Acme {n}"}) for n in range(3)]
    [told] = _client(world).Account.delete(records=[{"Id": one} for one in ids], wait=0.01)
    assert told["numberRecordsFailed"] == 0
    assert all(row["IsDeleted"] for row in world.org.rows("Account").values())


def test_simple_salesforce_reads_from_the_whole_sandbox() -> None:
    place = SalesforceSandbox()
    account = place.add_account("Acme")
    place.add_product("WIDGET")
    place.add_opportunity(account, lines=[("WIDGET", 3, "10.50")])
    with serve(place.app) as base:
        address = f"{base}/services/data/v68.0/jobs/"
        client = SFBulk2Handler(place.access_token, address).OpportunityLineItem
        lines = "SELECT Id, Quantity, UnitPrice, Opportunity.Account.Name FROM OpportunityLineItem"
        [page] = client.query(lines, wait=0.01)
        with pytest.raises(SalesforceExpiredSession):
            list(SFBulk2Handler("stale", address).Account.query("SELECT Id FROM Account", wait=0.01))
    [line] = rows(page)
    assert (line["Quantity"], line["UnitPrice"]) == ("3.0", "10.5")
    assert line["Opportunity.Account.Name"] == "Acme"


def test_simple_salesforce_sees_a_failed_job(world: World) -> None:
    world.pace.failures = ["InternalServerError : too many retries"]
    with pytest.raises(SalesforceOperationError, match="too many retries"):
        list(_client(world).Account.query("SELECT Id FROM Account", wait=0.01))
