"""Bulk API 2.0: query jobs and ingest jobs over HTTP, worked on while they are polled."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce import bulk_ingest, soql
from sandbox.salesforce.bulk_jobs import DONE, Job, Jobs, check_query, queried
from sandbox.salesforce.bulk_results import Results
from sandbox.salesforce.org import Org
from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.values import dumped, loaded

UPLOAD_MAX = 150_000_000  # bytes of CSV (limits of Bulk API 2.0)
BODY_MAX = 1_000_000
_ROOT = "/services/data/v{version}/jobs"

Enter = Callable[[Request], Any]


@dataclass
class Pace:
    """How the simulator works on jobs; a test may change it at any time."""

    polls: int = 2  # looks at a job until it is done: first UploadComplete, then InProgress, then the end
    page: int = 50_000  # most rows of a results page
    shuffled: bool = False  # rows of a query in any order, as they come from chunks worked on in parallel
    failures: list[str] = field(default_factory=list)  # each fails one job to come, with this errorMessage


class Bulk:
    """The jobs of one org. `enter` checks session and limits of a request and raises Refused."""

    def __init__(self, org: Org, enter: Enter, pace: Pace | None = None) -> None:
        self.org, self.enter, self.pace = org, enter, pace or Pace()
        self.jobs = Jobs(org)

    def routes(self) -> list[Route]:
        """Where jobs live."""
        table: list[tuple[str, str, Callable[..., Response]]] = [
            ("POST", "/query", self._create_query),
            ("GET", "/query", self._list_query),
            ("GET", "/query/{id}", self._look_query),
            ("PATCH", "/query/{id}", self._abort_query),
            ("DELETE", "/query/{id}", self._delete_query),
            ("GET", "/query/{id}/results", self._query_results),
            ("GET", "/query/{id}/resultPages", self._result_pages),
            ("POST", "/ingest", self._create_ingest),
            ("GET", "/ingest", self._list_ingest),
            ("GET", "/ingest/{id}", self._look_ingest),
            ("PATCH", "/ingest/{id}", self._close_ingest),
            ("DELETE", "/ingest/{id}", self._delete_ingest),
            ("PUT", "/ingest/{id}/batches", self._upload),
            ("GET", "/ingest/{id}/{kind:path}", self._ingest_results),
        ]
        return [Route(_ROOT + path, self._answering(answer), methods=[verb]) for verb, path, answer in table]

    def _answering(self, answer: Callable[..., Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            most = UPLOAD_MAX if request.method == "PUT" else BODY_MAX
            body = await _taken_in(request, most)
            return await run_in_threadpool(self._locked, answer, request, body)

        return endpoint

    def _locked(self, answer: Callable[..., Response], request: Request, body: bytes | None) -> Response:
        with self.org.kit.lock:
            try:
                self.enter(request)
                if body is None:
                    raise Refused("CLIENT_ERROR", "The request is too large", status=413)
                return answer(request, body)
            except Refused as refused:
                return _json([refused.entry()], refused.status)

    def _create_query(self, request: Request, body: bytes) -> Response:
        asked = _object(body)
        query = str(asked.get("query") or "")
        check_query(self.org, query)
        asked["object"] = queried(self.org, query)
        return _json(self._create(request, asked, query=True).created_as())

    def _create_ingest(self, request: Request, body: bytes) -> Response:
        asked = _object(body)
        name = str(asked.get("object") or "")
        try:
            asked["object"] = self.org.spelled(name)
        except Refused:
            raise Refused("INVALIDENTITY", f"{name} is not a supported entity") from None
        if asked.get("operation") == "upsert":
            self._check_key(asked)
        return _json(self._create(request, asked, query=False).created_as())

    def _check_key(self, asked: dict[str, Any]) -> None:
        name = str(asked.get("externalIdFieldName") or "")
        known = self.org.shape(str(asked["object"])).field(name)
        if known is None or not (known.external or known.id_lookup or known.name == "Id"):
            text = f"externalIdFieldName '{name}' is no external id of {asked['object']}"
            raise Refused("INVALIDJOB", text)

    def _create(self, request: Request, asked: dict[str, Any], *, query: bool) -> Job:
        version, client = request.path_params["version"], _client(request)
        return self.jobs.create(asked, query=query, version=version, client=client, polls=self.pace.polls)

    def _list_query(self, request: Request, _: bytes) -> Response:
        return self._list(query=True)

    def _list_ingest(self, request: Request, _: bytes) -> Response:
        return self._list(query=False)

    def _list(self, *, query: bool) -> Response:
        jobs = [one.described() for one in self.jobs.known.values() if one.is_query == query]
        return _json({"done": True, "records": jobs[-1000:], "nextRecordsUrl": None})

    def _look_query(self, request: Request, _: bytes) -> Response:
        return self._look(self.jobs.get(request.path_params["id"], query=True))

    def _look_ingest(self, request: Request, _: bytes) -> Response:
        return self._look(self.jobs.get(request.path_params["id"], query=False))

    def _look(self, job: Job) -> Response:
        if job.state in ("UploadComplete", "InProgress"):
            job.polls -= 1
            job.changed = self.org.now()
            if job.polls <= 0:
                self._work(job)
            elif job.polls == 1:
                job.state = "InProgress"
        return _json(job.described())

    def _work(self, job: Job) -> None:
        """Do what the job is for."""
        if self.pace.failures:
            reason = self.pace.failures.pop(0)
            if job.is_query:
                job.state, job.error = "Failed", reason
            else:
                bulk_ingest.fail(job, reason)
        elif job.is_query:
            self._read(job)
        else:
            bulk_ingest.run(self.org, job)

    def _read(self, job: Job) -> None:
        try:
            plan = soql.planned(self.org, job.query, all_rows=job.operation == "queryAll")
            rows = plan.rows()
        except Refused as refused:
            job.state, job.error = "Failed", f"{refused.code}: {refused.message}"
            return
        if self.pace.shuffled:
            random.Random(len(rows)).shuffle(rows)
        reads = [plan.value_of(way) for way in plan.ways]
        # The org's own rows are read one at a time: no second copy of the result is ever in memory.
        lines = ([read(row) for read in reads] for row in rows)
        job.results["results"] = Results([way.spelled for way in plan.ways], lines, job.dialect)
        job.state, job.processed = "JobComplete", len(job.results["results"])

    def _abort_query(self, request: Request, body: bytes) -> Response:
        job = self.jobs.get(request.path_params["id"], query=True)
        if _object(body).get("state") != "Aborted":
            raise Refused("INVALIDJOB", "state must be Aborted")
        if job.state in DONE:
            raise Refused("INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
        job.state, job.changed = "Aborted", self.org.now()
        return _json(job.created_as())

    def _close_ingest(self, request: Request, body: bytes) -> Response:
        job = self.jobs.get(request.path_params["id"], query=False)
        wanted = _object(body).get("state")
        if wanted not in ("UploadComplete", "Aborted"):
            raise Refused("INVALIDJOB", "state must be UploadComplete or Aborted")
        if job.state in DONE or (wanted == "UploadComplete" and job.state != "Open"):
            verb = "Closing" if wanted == "UploadComplete" else "Aborting"
            raise Refused("INVALIDJOBSTATE", f"{verb} already {job.state} Job not allowed")
        job.changed = self.org.now()
        if wanted == "Aborted":
            bulk_ingest.fail(job, "", "Aborted")
        else:
            job.state = "UploadComplete"
        return _json(job.created_as())

    def _upload(self, request: Request, body: bytes) -> Response:
        job = self.jobs.get(request.path_params["id"], query=False)
        if job.state != "Open" or job.upload is not None:
            raise Refused("INVALIDJOBSTATE", "A job takes one upload while it is Open")
        if not request.headers.get("content-type", "").startswith("text/csv"):
            raise Refused("INVALIDJOB", "Content-Type must be text/csv", status=415)
        job.upload = body
        return Response(status_code=201)

    def _delete_query(self, request: Request, _: bytes) -> Response:
        self.jobs.delete(self.jobs.get(request.path_params["id"], query=True))
        return Response(status_code=204)

    def _delete_ingest(self, request: Request, _: bytes) -> Response:
        self.jobs.delete(self.jobs.get(request.path_params["id"], query=False))
        return Response(status_code=204)

    def _readable(self, request: Request) -> Job:
        """The query job of a call for results. Raises Refused."""
        job = self.jobs.get(request.path_params["id"], query=True)
        if request.path_params["version"] != job.version:
            text = f"The job was created by API version {job.version}; get its results by the same version"
            raise Refused("API_ERROR", text, status=409)
        if job.state != "JobComplete":
            raise Refused("INVALIDJOBSTATE", f"The job is {job.state}, not JobComplete")
        return job

    def _result_pages(self, request: Request, _: bytes) -> Response:
        """Addresses of up to five pages, to be read in parallel (guide, "Get Parallel Results")."""
        job = self._readable(request)
        try:
            found = job.results["results"].locators(request.query_params.get("locator"), self.pace.page, 5)
        except ValueError:
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator") from None
        root = f"/services/data/v{job.version}/jobs/query/{job.id}"
        pages = [{"resultUrl": f"{root}/results?locator={one}"} for one in found[:5]]
        after = f"{root}/resultPages?locator={found[5]}" if len(found) > 5 else None
        return _json({"resultPages": pages, "nextRecordsUrl": after, "done": after is None})

    def _query_results(self, request: Request, _: bytes) -> Response:
        job = self._readable(request)
        most = _number(request.query_params.get("maxRecords", str(self.pace.page)))
        return self._page(request, job.results["results"], min(most, self.pace.page))

    def _ingest_results(self, request: Request, _: bytes) -> Response:
        job = self.jobs.get(request.path_params["id"], query=False)
        asked = request.path_params["kind"].rstrip("/").lower()
        kind = next((one for one in bulk_ingest.RESULTS if one.lower() == asked), None)
        if kind is None:
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        if job.state not in DONE:
            raise Refused("INVALIDJOBSTATE", f"The job is {job.state}, not JobComplete")
        return self._page(request, job.results[kind], len(job.results[kind]) + 1)

    def _page(self, request: Request, results: Results, most: int) -> Response:
        try:
            page = results.page(request.query_params.get("locator"), most)
        except ValueError:
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator") from None
        headers = {"Sforce-Locator": page.locator or "null", "Sforce-NumberOfRecords": str(page.rows)}
        body = page.body
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        return Response(body, headers=headers, media_type="text/csv; charset=utf-8")


def passed(_: Request) -> None:
    """No check: something in front of the routes makes it."""


def routes(org: Org, enter: Enter = passed, pace: Pace | None = None) -> list[Route]:
    """The routes under /services/data/vXX.X/jobs."""
    return Bulk(org, enter, pace).routes()


def _object(body: bytes) -> dict[str, Any]:
    asked = loaded(body)
    if not isinstance(asked, dict):
        raise Refused("JSON_PARSER_ERROR", "An object is expected at [line:1, column:1]")
    return asked


def _number(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise Refused("API_ERROR", f"maxRecords must be a number above 0, not {text}")
    return int(text)


def _client(request: Request) -> str:
    options = request.headers.get("sforce-call-options", "")
    found = re.search(r"client=([^,\s]+)", options)
    return found.group(1) if found else ""


def _json(body: Any, status: int = 200) -> Response:
    return Response(dumped(body), status, media_type="application/json")


async def _taken_in(request: Request, most: int) -> bytes | None:
    """The whole body; None once it is over the limit."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)
