"""The wire: one method per NetSuite REST endpoint, records in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from connectors.netsuite import suiteql
from connectors.netsuite.answers import classify
from hub.sdk import Door, Record, Reply, Transient

RECORD = "/services/rest/record/v1"
SUITEQL = "/services/rest/query/v1/suiteql"
LIMITS = "/services/rest/system/v1/governanceLimits"
ROWS_MAX = 1000  # of one SuiteQL page
PAGES_MAX = 100  # of one SuiteQL query: NetSuite gives 100,000 rows at most
_CENTS = Decimal("0.01")
# Without these a mistyped field name is silently ignored and the write still answers 204.
STRICT = {
    "x-netsuite-propertynamevalidation": "Error",
    "x-netsuite-propertyvaluevalidation": "Error",
}


class Rows(NamedTuple):
    """One SuiteQL page. Columns are lower-case texts; a null column is missing from its row."""

    items: Sequence[Mapping[str, Any]]
    more: bool


class Wire(Protocol):
    """What both wires can do, REST and SOAP: records by their names and fields in REST's shape."""

    def get(self, record: str, key: str, *, expand: bool = False) -> Record | None: ...
    def upsert(
        self, record: str, external_id: str, body: Record, *, replace: str = "", idempotent: bool = False
    ) -> None: ...
    def update(self, record: str, id: str, body: Record, *, replace: str = "") -> None: ...
    def create(self, record: str, body: Record) -> None: ...
    def transform(self, source: str, id: str, target: str, body: Record) -> str | None: ...
    def query(self, q: str, *, limit: int = ROWS_MAX, offset: int = 0) -> Rows: ...
    def rows(self, q: str) -> Iterator[Mapping[str, Any]]: ...
    def item_rows(self, skus: Sequence[str], gtins: Sequence[str]) -> Iterator[Mapping[str, Any]]: ...
    def customer_rows(self, one: suiteql.Wanted) -> Sequence[Mapping[str, Any]]: ...


class Client:
    """NetSuite's REST record and query services over one door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def get(self, record: str, key: str, *, expand: bool = False) -> Record | None:
        """One record by internal id or `eid:...`; None where there is none."""
        params = {"expandSubResources": "true"} if expand else None
        reply = self._door.call("GET", f"{RECORD}/{record}/{key}", params=params)
        if reply.status == 404:
            return None
        return tidy(_object(_ok(reply)))

    def probe(self, record: str) -> None:
        """May this role list such records? Raises ConnectorError where not."""
        _ok(self._door.call("GET", f"{RECORD}/{record}", params={"limit": "1"}))

    def upsert(
        self, record: str, external_id: str, body: Record, *, replace: str = "", idempotent: bool = False
    ) -> None:
        """Create or update by external id (PUT eid:, the only upsert of the REST service)."""
        self._send("PUT", f"{RECORD}/{record}/eid:{external_id}", body, replace, idempotent)

    def update(self, record: str, id: str, body: Record, *, replace: str = "") -> None:
        """Change the given fields of a record; repeating it changes nothing more."""
        self._send("PATCH", f"{RECORD}/{record}/{id}", body, replace, idempotent=True)

    def create(self, record: str, body: Record) -> None:
        """Make a record without an external id; the caller looks first whether it is there."""
        self._send("POST", f"{RECORD}/{record}", body)

    def transform(self, source: str, id: str, target: str, body: Record) -> str | None:
        """Make a record from another one; the new internal id where NetSuite told it."""
        reply = self._send("POST", f"{RECORD}/{source}/{id}/!transform/{target}", body)
        told = reply.headers.get("location", "").rstrip("/").rsplit("/", 1)[-1]
        return told or None

    def query(self, q: str, *, limit: int = ROWS_MAX, offset: int = 0) -> Rows:
        """One SuiteQL page. A read, so it may be repeated although it is a POST."""
        reply = self._door.call(
            "POST",
            SUITEQL,
            params={"limit": str(limit), "offset": str(offset)},
            json={"q": q},
            headers={"prefer": "transient"},
            idempotent=True,
        )
        page = _object(_ok(reply))
        found = page.get("items") or ()
        if not isinstance(found, list | tuple) or not all(isinstance(row, Mapping) for row in found):
            raise Transient("NetSuite answered a query with something else than rows", code="bad_json")
        return Rows(found, bool(page.get("hasMore")))

    def rows(self, q: str) -> Iterator[Mapping[str, Any]]:
        """All rows of a query with a unique order, page by page. Raises Transient beyond 100,000."""
        for page in range(PAGES_MAX):
            found = self.query(q, offset=page * ROWS_MAX)
            yield from found.items
            if not found.more:
                return
        raise Transient(f"a query has over {PAGES_MAX * ROWS_MAX} rows", code="too_large")

    def item_rows(self, skus: Sequence[str], gtins: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Items by name or UPC code, 500 at a time."""
        size = suiteql.CHUNK
        for start in range(0, max(len(skus), len(gtins)), size):
            yield from self.rows(suiteql.items(skus[start : start + size], gtins[start : start + size]))

    def customer_rows(self, one: suiteql.Wanted) -> Sequence[Mapping[str, Any]]:
        """Customers that share anything with the one wanted."""
        return self.query(suiteql.customers(one)).items

    def limits(self) -> Record:
        """The account's concurrency; NetSuite shows it to administrators only."""
        return _object(_ok(self._door.call("GET", LIMITS)))

    def metadata(self, record: str) -> Record:
        """The account's own description of a record type, as JSON Schema."""
        accept = {"accept": "application/schema+json"}
        return _object(_ok(self._door.call("GET", f"{RECORD}/metadata-catalog/{record}", headers=accept)))

    def _send(
        self, method: str, path: str, body: Record, replace: str = "", idempotent: bool = False
    ) -> Reply:
        params = {"replace": replace} if replace else None
        return _ok(
            self._door.call(
                method, path, params=params, json=dict(body), headers=STRICT, idempotent=idempotent
            )
        )


def _ok(reply: Reply) -> Reply:
    error = classify(reply)
    if error is not None:
        raise error
    return reply


def tidy(record: Record) -> Record:
    """A record whose doubles read like money: 100.0 is 100.00, exactly the same."""
    return {name: _tidied(value) for name, value in record.items()}


def _tidied(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.quantize(_CENTS) if value.as_tuple().exponent == -1 else value
    if isinstance(value, dict):
        return tidy(value)
    return [_tidied(one) for one in value] if isinstance(value, list) else value


def _object(reply: Reply) -> Record:
    told = reply.json()
    if not isinstance(told, dict):
        raise Transient("NetSuite answered with something else than a record", code="bad_json")
    return told
