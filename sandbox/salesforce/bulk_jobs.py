"""Bulk API 2.0 jobs: what they are asked to do, their states, and how they describe themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.salesforce import ids
from sandbox.salesforce.bulk_results import DELIMITERS, ENDINGS, Dialect, Results
from sandbox.salesforce.org import INTEGRATION, Org
from sandbox.salesforce.refusals import Refused

QUERIES = ("query", "queryAll")
INGESTS = ("insert", "update", "upsert", "delete", "hardDelete")
DONE = ("JobComplete", "Failed", "Aborted")
KEPT = timedelta(days=7)  # results of a query job
JOBS_MAX = 10_000  # query jobs in 24 hours (limits of Bulk API 2.0)

_AGGREGATE = re.compile(r"\b(COUNT|COUNT_DISTINCT|SUM|AVG|MIN|MAX|GROUPING)\s*\(", re.IGNORECASE)
_CLAUSE = re.compile(r"\b(GROUP\s+BY|OFFSET\s+\d|TYPEOF)\b", re.IGNORECASE)
_COMPOUND = re.compile(r"\b(\w*Address|FIELDS\s*\(.*?\))\s*(?=,|$)", re.IGNORECASE)


@dataclass
class Job:
    """One job. `polls` is how many looks it takes until it is done."""

    id: str
    operation: str
    sobject: str
    version: str  # "68.0"
    created: datetime
    client: str
    state: str
    delimiter: str = "COMMA"
    ending: str = "LF"
    query: str = ""
    external: str = ""
    polls: int = 0
    changed: datetime | None = None
    upload: bytes | None = None
    error: str = ""
    processed: int = 0
    failed: int = 0
    results: dict[str, Results] = field(default_factory=dict)  # by the last part of their address

    @property
    def dialect(self) -> Dialect:
        """How its CSV is written."""
        return Dialect(DELIMITERS[self.delimiter], ENDINGS[self.ending])

    @property
    def is_query(self) -> bool:
        """Does it read?"""
        return self.operation in QUERIES

    def described(self) -> dict[str, Any]:
        """As GET shows it."""
        return {**self.created_as(), **(self._read() if self.is_query else self._written())}

    def created_as(self) -> dict[str, Any]:
        """As POST answers."""
        facts: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject,
            "createdById": INTEGRATION,
            "createdDate": _stamp(self.created),
            "systemModstamp": _stamp(self.changed or self.created),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "lineEnding": self.ending,
            "columnDelimiter": self.delimiter,
        }
        if self.external:
            facts["externalIdFieldName"] = self.external
        if self.state == "Open":
            facts["contentUrl"] = f"services/data/v{self.version}/jobs/ingest/{self.id}/batches"
        return facts

    def _read(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"jobType": "V2Query", "retries": 0, "totalProcessingTime": 0}
        facts |= {"isPkChunkingSupported": True, "numberRecordsProcessed": self.processed}
        return facts | ({"errorMessage": self.error} if self.error else {})

    def _written(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"jobType": "V2Ingest", "retries": 0, "totalProcessingTime": 0}
        facts |= {"apiActiveProcessingTime": 0, "apexProcessingTime": 0}
        facts |= {"numberRecordsProcessed": self.processed, "numberRecordsFailed": self.failed}
        return facts | ({"errorMessage": self.error} if self.error else {})

    def close(self) -> None:
        """Forget what it holds."""
        for one in self.results.values():
            one.close()
        self.results.clear()
        self.upload = None


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


class Jobs:
    """The org's jobs, by id."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.known: dict[str, Job] = {}

    def create(self, asked: dict[str, Any], *, query: bool, version: str, client: str, polls: int) -> Job:
        """A job as asked for, checked as far as one can without doing it. Raises Refused."""
        self._tidy()
        operation = _choice(asked, "operation", QUERIES if query else INGESTS, "")
        _choice(asked, "contentType", ("CSV",), "CSV")
        job = Job(
            ids.made("750", self.org.number("bulk job")),
            *(operation, str(asked.get("object", "")), version, self.org.now(), client),
            state="UploadComplete" if query else "Open",
            delimiter=_choice(asked, "columnDelimiter", tuple(DELIMITERS), "COMMA"),
            ending=_choice(asked, "lineEnding", tuple(ENDINGS), "LF"),
            query=str(asked.get("query", "")),
            external=str(asked.get("externalIdFieldName", "")),
            polls=polls,
        )
        self.known[job.id] = job
        return job

    def _tidy(self) -> None:
        now = self.org.now()
        for job in [one for one in self.known.values() if one.created < now - KEPT]:
            self.known.pop(job.id).close()
        if sum(one.created > now - timedelta(hours=24) for one in self.known.values()) >= JOBS_MAX:
            raise Refused("EXCEEDEDQUOTA", f"{JOBS_MAX} jobs were created in 24 hours")

    def get(self, id: str, *, query: bool) -> Job:
        """A job by its id of 15 or 18 characters. Raises Refused NOT_FOUND."""
        self._tidy_one(id)
        job = self.known.get(ids.whole(id) or "")
        if job is None or job.is_query != query:
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        return job

    def _tidy_one(self, id: str) -> None:
        job = self.known.get(ids.whole(id) or "")
        if job and job.created < self.org.now() - KEPT:
            self.known.pop(job.id).close()

    def delete(self, job: Job) -> None:
        """Only a job that has come to an end can go. Raises Refused."""
        if job.state not in DONE:
            raise Refused("INVALIDJOBSTATE", f"A job in state {job.state} cannot be deleted")
        self.known.pop(job.id).close()


def _choice(asked: dict[str, Any], name: str, among: tuple[str, ...], default: str) -> str:
    value = str(asked.get(name) or default)
    if value not in among:
        text = f"{name} must be one of {', '.join(among)}" if value else f"Missing required field: {name}"
        raise Refused("INVALIDJOB", text)
    return value


def check_query(org: Org, query: str) -> None:
    """Refuse what Bulk API 2.0 does not do (guide, "SOQL Considerations"), then what no query may be."""
    selected = re.split(r"\bFROM\b", query, maxsplit=1, flags=re.IGNORECASE)[0]
    reason = ""
    if re.search(r"\(\s*SELECT\b", selected, re.IGNORECASE):
        reason = "Nested queries not supported in Bulk Query"
    elif _AGGREGATE.search(selected) or _CLAUSE.search(query):
        reason = "Aggregate queries, GROUP BY, OFFSET and TYPEOF not supported in Bulk Query"
    elif _COMPOUND.search(selected.strip()):
        reason = "Selecting compound data not supported in Bulk Query"
    if reason:
        raise Refused("FUNCTIONALITY_NOT_ENABLED", reason)
    org.columns(query)


def queried(org: Org, query: str) -> str:
    """The object a query is about."""
    found = re.search(r"\bFROM\s+(\w+)", query, re.IGNORECASE)
    return org.spelled(found.group(1)) if found else ""
