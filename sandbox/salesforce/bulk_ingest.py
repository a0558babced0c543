"""What an ingest job does with its upload: 200 rows in a transaction, each row alone accepted or refused."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from sandbox.salesforce import writing
from sandbox.salesforce.bulk_jobs import Job
from sandbox.salesforce.bulk_results import Results, uploaded
from sandbox.salesforce.org import Org
from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.schema import SObject

CHUNK = 200
NULL = "#N/A"
RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")


class Done(NamedTuple):
    """What came of one row."""

    id: str
    created: bool
    error: str
    line: list[str]


def run(org: Org, job: Job) -> None:
    """Carry out the upload and file the three results; a job that cannot begin fails as a whole."""
    try:
        lines = list(uploaded(job.upload or b"", job.dialect))
        header = lines.pop(0) if lines else []
        _check_header(org, job, header)
    except (ValueError, Refused) as failed:
        reason = failed.message if isinstance(failed, Refused) else str(failed)
        fail(job, f"InvalidBatch : {reason}")
        return
    done = [one for chunk in _chunks(lines) for one in _written(org, job, header, chunk)]
    # The order of results is not that of the upload (guide, "Get Job Successful Record Results").
    random.Random(len(done)).shuffle(done)
    good, bad = [one for one in done if not one.error], [one for one in done if one.error]
    job.processed, job.failed = len(done), len(bad)
    _file(job, header, good, bad, [])
    job.state, job.upload = "JobComplete", None


def fail(job: Job, reason: str, state: str = "Failed") -> None:
    """End the job before its first row: all of them are unprocessed."""
    try:
        lines = list(uploaded(job.upload or b"", job.dialect))
    except ValueError:
        lines = []
    _file(job, lines[0] if lines else [], [], [], lines[1:])
    job.state, job.error, job.upload = state, reason, None


def _file(job: Job, header: list[str], good: list[Done], bad: list[Done], rest: list[list[str]]) -> None:
    kinds: dict[str, tuple[list[str], Iterator[list[Any]]]] = {
        RESULTS[0]: (["sf__Id", "sf__Created", *header], ([one.id, one.created, *one.line] for one in good)),
        RESULTS[1]: (["sf__Id", "sf__Error", *header], ([one.id, one.error, *one.line] for one in bad)),
        RESULTS[2]: (header, iter(rest)),
    }
    job.results = {name: Results(columns, rows, job.dialect) for name, (columns, rows) in kinds.items()}


def _chunks(lines: list[list[str]]) -> Iterator[list[list[str]]]:
    rows = iter(lines)
    while chunk := list(itertools.islice(rows, CHUNK)):
        yield chunk


def _check_header(org: Org, job: Job, header: list[str]) -> None:
    """Raises Refused where the upload cannot be for this job."""
    shape = org.shape(job.sobject)
    if not header:
        raise Refused("InvalidBatch", "Field name not found : the upload has no header")
    for name in header:
        known = shape.parent(name.split(".")[0]) if "." in name else shape.field(name)
        if known is None:
            raise Refused("InvalidBatch", f"Field name not found : {name}")
    key = {"insert": "", "upsert": job.external}.get(job.operation, "Id")
    if key and key.lower() not in {name.lower() for name in header}:
        raise Refused("InvalidBatch", f"Field name not found : {key} is needed to {job.operation}")


def _written(org: Org, job: Job, header: list[str], chunk: list[list[str]]) -> Iterator[Done]:
    with org.transaction("api", job.client):
        for line in chunk:
            yield _row(org, job, header, line)


def _row(org: Org, job: Job, header: list[str], line: list[str]) -> Done:
    id = ""
    try:
        if len(line) != len(header):
            text = f"The row has {len(line)} fields, the header {len(header)}"
            raise Refused("INVALID_CSV_LINE", text)
        values = _values(header, line)
        id = str(values.get("Id") or "")
        id, created = _write(org, job, values)
        return Done(id, created, "", line)
    except Refused as refused:
        told = f"{refused.code}:{refused.message}:{' '.join([*refused.fields, '--'])}"
        return Done(id, False, told, line)


def _values(header: list[str], line: list[str]) -> dict[str, Any]:
    """A row as a REST body would say it; an empty cell says nothing, #N/A says null."""
    values: dict[str, Any] = {}
    for name, cell in zip(header, line, strict=True):
        value = None if cell == NULL else cell
        if cell == "":
            continue
        relationship, dot, key = name.partition(".")
        if dot:
            values[relationship] = {key: value} if value is not None else None
        else:
            values["Id" if name.lower() == "id" else name] = value
    return values


def _write(org: Org, job: Job, values: dict[str, Any]) -> tuple[str, bool]:
    writer: dict[str, Any] = {"by": "api", "client": job.client}
    if job.operation == "insert":
        return org.insert(job.sobject, values, **writer), True
    if job.operation == "upsert" and job.external.lower() != "id":
        return _upsert(org, job, values, writer)
    id = str(values.pop("Id", None) or "")
    if not id:
        raise Refused("MISSING_ARGUMENT", "Id not specified", ["Id"])
    if job.operation in ("delete", "hardDelete"):
        org.delete(job.sobject, id, **writer)
        if job.operation == "hardDelete":
            org.purge(job.sobject, id)
    else:
        org.update(job.sobject, id, values, **writer)
    return id, False


def _upsert(org: Org, job: Job, values: dict[str, Any], writer: dict[str, Any]) -> tuple[str, bool]:
    shape: SObject = org.shape(job.sobject)
    field = shape.field(job.external)
    key = next((values[name] for name in values if name.lower() == job.external.lower()), None)
    if field is None or key is None:
        raise Refused("MISSING_ARGUMENT", f"{job.external} not specified")
    hits = writing.keyed(org, shape, field, key)
    if len(hits) > 1:
        text = f"{field.name}: more than one record found for external id field: [{', '.join(hits)}]"
        raise Refused("DUPLICATE_EXTERNAL_ID", text, [field.name])
    if not hits:
        return org.insert(job.sobject, values, **writer), True
    rest = {name: value for name, value in values.items() if name.lower() != job.external.lower()}
    org.update(job.sobject, hits[0], rest, **writer)
    return hits[0], False
