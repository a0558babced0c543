"""Query jobs of the Bulk API 2.0 and what their CSV says: rows with the types that the REST API would give.

Facts: Bulk API 2.0 guide, "Create a Query Job", "Get Information About a Query Job", "Get Results for a Query
Job". The results of a job are in no order, and an empty value is null: Bulk makes no difference.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Protocol

from hub.sdk import Rejected, Reply, Transient

ROWS_PER_CALL = (50_000, 10_000, 1_000)  # the next smaller where an answer outgrows the door's byte cap
PAGES_MAX = 500

Row = Sequence[str]
_WHOLE = frozenset({"int", "long"})
_NUMBERS = frozenset({"double", "currency", "percent"})


class Wire(Protocol):
    """What jobs need of a client: raises ConnectorError for every answer that is no 2xx."""

    def call(self, method: str, path: str, **options: Any) -> Reply:
        """One call; `params` and `json` as of a Door."""
        ...


class Job(NamedTuple):
    """How far a query job is. `state`: UploadComplete, InProgress, JobComplete, Aborted, Failed."""

    state: str
    rows: int  # 0 while it runs
    message: str

    @property
    def over(self) -> bool:
        """It ended without a result."""
        return self.state in ("Aborted", "Failed")


class Table(NamedTuple):
    """All rows of a job with the names of their columns, as text."""

    columns: Sequence[str]
    rows: Sequence[Row]


def create(wire: Wire, root: str, soql: str) -> str:
    """POST a query job; its id. A job that nobody reads harms nobody, so the call may be repeated."""
    body = {"operation": "query", "query": soql}
    told = wire.call("POST", f"{root}/jobs/query", json=body, idempotent=True).json()
    id = str(told.get("id") or "") if isinstance(told, Mapping) else ""
    if not (id.isascii() and id.isalnum()):
        raise Transient("Salesforce gave no id of the query job", code="bad_answer")
    return id


def look(wire: Wire, root: str, id: str) -> Job:
    """GET how far the job is."""
    told = wire.call("GET", f"{root}/jobs/query/{id}").json()
    if not isinstance(told, Mapping) or not told.get("state"):
        raise Transient("Salesforce does not tell the state of the query job", code="bad_answer")
    rows = told.get("numberRecordsProcessed")
    message = str(told.get("errorMessage") or "")[:500]
    return Job(str(told["state"]), rows if isinstance(rows, int) else 0, message)


def fetch(wire: Wire, root: str, id: str, columns: Sequence[str], most: int) -> Table:
    """GET all results of a finished job. Raises Transient where there are more than `most` rows."""
    path = f"{root}/jobs/query/{id}/results"
    for size in ROWS_PER_CALL[:-1]:
        try:
            return Table(columns, list(_fetched(wire, path, columns, size, most=most)))
        except Transient as error:
            if error.code != "too_large":
                raise
    return Table(columns, list(_fetched(wire, path, columns, ROWS_PER_CALL[-1], most=most)))


def _fetched(wire: Wire, path: str, columns: Sequence[str], size: int, *, most: int) -> Iterator[Row]:
    params = {"maxRecords": str(size)}
    kept: dict[str, str] = {}  # one copy of a text that many rows share: ids, currencies, stages
    count = 0
    for _ in range(PAGES_MAX):
        headers = {"accept": "text/csv"}
        reply = wire.call("GET", path, params=params, headers=headers)
        for row in _rows(reply, columns):
            count += 1
            if count > most:
                raise Transient(f"the job has over {most} rows", code="too_many_rows")
            yield tuple([kept.setdefault(text, text) for text in row])
        locator = reply.headers.get("sforce-locator", "null")
        if locator in ("", "null"):  # the literal text ends it
            return
        params = {"maxRecords": str(size), "locator": locator}
    raise Transient(f"the job has over {PAGES_MAX} pages", code="too_many_rows")


def _rows(reply: Reply, columns: Sequence[str]) -> Iterator[Row]:
    """The rows of one page. Raises Transient for a page with other columns, or cut off."""
    text = io.TextIOWrapper(io.BytesIO(reply.body), encoding="utf-8", newline="")
    reader = csv.reader(text, strict=True)
    count = 0
    try:
        head = next(reader, None)
        if head is not None and [one.lower() for one in head] != [one.lower() for one in columns]:
            raise Transient(
                f"the results have other columns than asked for: {head[:5]}", code="other_columns"
            )
        for row in reader:
            if len(row) != len(columns):
                raise Transient("a row of the results has another number of columns", code="bad_answer")
            count += 1
            yield row
    except (csv.Error, UnicodeDecodeError) as error:
        raise Transient(f"the results are not CSV in UTF-8: {error}", code="bad_answer") from None
    told = reply.headers.get("sforce-numberofrecords", "")
    if told.isdigit() and int(told) != count:
        raise Transient(f"the results should have {told} rows and have {count}", code="bad_answer")


def record(row: Row, columns: Sequence[str], types: Mapping[str, str]) -> dict[str, Any]:
    """A row as the REST API gives the record: typed by the describe, parent paths as nested objects.

    A parent without any value is null. Raises Rejected for a value that is not of the type.
    """
    found: dict[str, Any] = {}
    for name, text in zip(columns, row, strict=True):
        *path, last = name.split(".")
        inner = found
        for step in path:
            inner = inner.setdefault(step, {})
        inner[last] = _typed(name, text, types.get(name, "string"))
    return {name: _or_null(value) for name, value in found.items()}


def _or_null(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _or_null(one) for name, one in value.items()}
    return inner if any(one is not None for one in inner.values()) else None


def _typed(name: str, text: str, kind: str) -> Any:
    """Text of a CSV by the type of a describe. Times end in Z here and in +0000 in REST's answers."""
    if not text:
        return None
    try:
        if kind in _WHOLE:
            return int(text)
        if kind in _NUMBERS:
            return Decimal(text)
    except (ValueError, InvalidOperation):
        raise Rejected(f"{name}: {text[:40]!r} is not a number", code="bad_answer") from None
    if kind == "boolean":
        if text not in ("true", "false"):
            raise Rejected(f"{name}: {text[:40]!r} is neither true nor false", code="bad_answer")
        return text == "true"
    if kind == "datetime" and text.endswith("Z"):
        return text[:-1] + "+0000"
    return text
