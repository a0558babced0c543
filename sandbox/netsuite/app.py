"""The HTTP face of the account: addresses, methods and headers of REST, and the doors beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.netsuite import metadata, suiteql
from sandbox.netsuite.books import Row
from sandbox.netsuite.fields import BY_LOWER, RECORDS, RecordType
from sandbox.netsuite.jobs import ASYNC
from sandbox.netsuite.lists import BY_LOWER as LISTED
from sandbox.netsuite.lists import LISTS
from sandbox.netsuite.login import Call
from sandbox.netsuite.parsing import Parser, Strictness
from sandbox.netsuite.refusals import Refusal, no_record, too_many
from sandbox.netsuite.render import Renderer

if TYPE_CHECKING:
    from sandbox.netsuite.account import NetSuiteSandbox

TOKEN = "/services/rest/auth/oauth2/v1/token"
RECORD = "/services/rest/record/v1/"
SUITEQL = "/services/rest/query/v1/suiteql"
LIMITS = "/services/rest/system/v1/governanceLimits"
SOAP = "/services/NetSuitePort_"
PAGE_MAX = 1000
RESOURCE = "application/vnd.oracle.resource+json"
BATCH_MAX = 100


class Ask(NamedTuple):
    """One request, read completely."""

    method: str
    origin: str
    path: str
    raw_path: str
    raw_query: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body with exact numbers. Raises Refusal where it is not JSON."""
        try:
            return json.loads(self.body or b"{}", parse_float=Decimal)
        except ValueError:
            raise Refusal("Invalid content in the request body.", "INVALID_CONTENT") from None

    @property
    def strict(self) -> Strictness:
        """What is an error: mistyped names by default are not, NetSuite only warns, to nobody."""
        names = self.headers.get("x-netsuite-propertynamevalidation", "Warning").lower()
        values = self.headers.get("x-netsuite-propertyvaluevalidation", "Error").lower()
        return Strictness(names == "error", values == "error")


async def read(request: Request) -> Ask:
    """Take a request in."""
    raw_path = request.scope.get("raw_path", b"").decode("ascii").split("?", 1)[0]
    return Ask(
        request.method,
        f"{request.url.scheme}://{request.headers['host']}",
        unquote(raw_path),
        raw_path,
        request.url.query,
        dict(parse_qsl(request.url.query, keep_blank_values=True)),
        request.headers,
        await request.body(),
    )


class Face:
    """Answers for one account."""

    def __init__(self, account: NetSuiteSandbox) -> None:
        self.account = account

    async def endpoint(self, request: Request) -> Response:
        """The one route of the account."""
        ask = await read(request)
        if ask.path.startswith(SOAP):
            return await run_in_threadpool(self.account.soap.answer, ask.path, ask.body, ask.origin)
        return await run_in_threadpool(self.answer, ask)

    def answer(self, ask: Ask) -> Response:
        """Log in, take a place, serve; every refusal becomes NetSuite's envelope."""
        account = self.account
        try:
            if ask.path == TOKEN and ask.method == "POST":
                with account.kit.lock:
                    status, told = account.login.token(ask.body, ask.origin + TOKEN)
                return JSONResponse(told, status)
            self.admit(ask)
            with account.gate.place(too_many), account.kit.lock:
                return self._serve(ask)
        except Refusal as no:
            return refused(no)

    def admit(self, ask: Ask) -> None:
        """The login. Raises Refusal."""
        authorization = ask.headers.get("authorization", "")
        with self.account.kit.lock:
            self.account.login.admit(Call(ask.method, ask.origin, ask.raw_path, ask.raw_query, authorization))

    def _serve(self, ask: Ask) -> Response:
        if ask.path == LIMITS and ask.method == "GET":
            return self._limits()
        if ask.path == SUITEQL and ask.method == "POST":
            return self._query(ask)
        if ask.path.startswith(ASYNC) and ask.method == "GET":
            rest = ask.path[len(ASYNC) :].strip("/").split("/")
            told = self.account.jobs.get(rest, ask.origin)
            return told if isinstance(told, Response) else _resource(told, "singular")
        return self._records(ask)

    def _records(self, ask: Ask) -> Response:
        """Everything under the record service."""
        if not ask.path.startswith(RECORD):
            raise Refusal("The requested resource does not exist.", "NOT_FOUND", status=404)
        parts = ask.path[len(RECORD) :].strip("/").split("/")
        if parts[0] == "metadata-catalog":
            return self._metadata(ask, parts[1:])
        if parts[0].lower() in LISTED and ask.method == "GET":
            return self._entries(ask, LISTED[parts[0].lower()], parts[1:])
        kind = self._kind(parts[0])
        if ask.headers.get("prefer", "").lower() == "respond-async" and ask.method != "GET":
            return self._later(ask, kind, parts[1:])
        return self._record(ask, kind, parts[1:])

    def _kind(self, told: str) -> RecordType:
        name = BY_LOWER.get(told.lower())
        if name is None:
            raise Refusal(f"Record type '{told}' does not exist.", "INVALID_TYPE", status=404)
        if name in self.account.denied:
            raise Refusal(
                f"Permission Violation: You need a higher permission for {name} to access this page.",
                "INSUFFICIENT_PERMISSION",
                status=403,
            )
        return RECORDS[name]

    def _later(self, ask: Ask, kind: RecordType, rest: list[str]) -> Response:
        """An asynchronous request; the idempotency key counts only here."""
        key = ask.headers.get("x-netsuite-idempotency-key", "")
        self.account.jobs.before(key, ask.origin)
        try:
            told = ask.json()
            batch = told.get("items") if not rest and isinstance(told, dict) else None
            result = self._batch(ask, kind, batch) if batch else self._record(ask, kind, rest)
        except Refusal as no:
            result = refused(no)
        return self.account.jobs.accept(key, result, ask.origin)

    def _batch(self, ask: Ask, kind: RecordType, items: list[Any]) -> Response:
        """Many records of one type; each stands for itself."""
        if not isinstance(items, list) or len(items) > BATCH_MAX:
            raise Refusal(f"A batch holds at most {BATCH_MAX} records.", "INVALID_CONTENT")
        told = []
        for item in items:
            try:
                known = item.get("id") if ask.method == "PATCH" and isinstance(item, dict) else None
                row = self.account.books.find(kind.name, str(known)) if known else None
                made = self._write(ask, kind, row, told=item)
                told.append({"status": 204, "location": made.headers["location"]})
            except Refusal as no:
                told.append(no.body())
        return _resource({"items": told, "count": len(told)}, "collection")

    def _record(self, ask: Ask, kind: RecordType, rest: list[str]) -> Response:
        if ask.method == "GET":
            return self._read(ask, kind, rest)
        match (ask.method, rest):
            case ("POST", []):
                return self._write(ask, kind, None)
            case ("PATCH", [key]):
                return self._write(ask, kind, self.account.books.find(kind.name, key))
            case ("PUT", [key]):
                return self._upsert(ask, kind, key)
            case ("DELETE", [key]):
                self.account.people.delete(kind.name, key, wire=True)
                return Response(status_code=204)
            case ("POST", [key, "!transform", target]):
                return self._transform(ask, kind, key, target)
        raise Refusal(f"Method {ask.method} is not allowed here.", "METHOD_NOT_ALLOWED", status=405)

    def _read(self, ask: Ask, kind: RecordType, rest: list[str]) -> Response:
        if not rest:
            return self._list(ask, kind.name, self.account.books.records[kind.name])
        row = self.account.books.find(kind.name, rest[0])
        renderer = self._renderer(ask)
        if len(rest) == 1:
            expand = ask.query.get("expandSubResources", "").lower() == "true"
            told = renderer.record(row, expand=expand)
            wanted = set(filter(None, ask.query.get("fields", "").split(",")))
            if wanted:
                told = {k: v for k, v in told.items() if k in wanted | {"links", "id"}}
            return _resource(told, "singular")
        if len(rest) == 2 and rest[1] in kind.sublists:
            return _resource(renderer.sublist(row, rest[1]), "collection")
        raise Refusal("The requested resource does not exist.", "NOT_FOUND", status=404)

    def _renderer(self, ask: Ask) -> Renderer:
        return Renderer(self.account.standing, ask.origin)

    def _list(self, ask: Ask, name: str, known: Mapping[str, Any]) -> Response:
        if ask.query.get("q"):
            raise Refusal(
                "Filters are not available in this account; use SuiteQL.", "INVALID_PARAMETER", where="q"
            )
        limit, offset = _paging(ask)
        ids = sorted(known, key=int)
        links = self._renderer(ask).links
        items = [{"links": links(f"{name}/{id}"), "id": id} for id in ids[offset : offset + limit]]
        return _resource(_page(items, len(ids), offset), "collection")

    def _entries(self, ask: Ask, name: str, rest: list[str]) -> Response:
        if not rest:
            return self._list(ask, name, LISTS[name])
        if rest[0] not in LISTS[name]:
            raise no_record(name, rest[0])
        through = self.account.preferences.closed_through
        ends = LISTS[name][rest[0]].get("endDate")
        closed = bool(through and ends and ends <= through)
        return _resource(self._renderer(ask).entry(name, rest[0], closed), "singular")

    def _upsert(self, ask: Ask, kind: RecordType, key: str) -> Response:
        if not key.startswith("eid:") or not key[4:]:
            raise Refusal(
                "An upsert needs an external ID in the URL, such as eid:ABC.", "INVALID_ID", where=key
            )
        known = self.account.books.external.get((kind.name, key[4:]))
        row = self.account.books.records[kind.name][known] if known else None
        return self._write(ask, kind, row, external_id=key[4:])

    def _write(
        self, ask: Ask, kind: RecordType, known: Row | None, external_id: str | None = None, told: Any = None
    ) -> Response:
        if known is None and kind.name == "itemFulfillment":
            raise Refusal("Create an item fulfillment by transforming its order.", "USER_ERROR")
        parser = Parser(self.account.books, kind, ask.strict)
        body = parser.body(ask.json() if told is None else told, replace=ask.query.get("replace", ""))
        row = self.account.rules.write(kind, body, known, external_id)
        return self._written(ask, row, "update" if known else "create")

    def _transform(self, ask: Ask, kind: RecordType, key: str, target_name: str) -> Response:
        target = BY_LOWER.get(target_name.lower(), target_name)
        if target not in RECORDS:
            raise Refusal(
                f"You cannot transform {kind.name} to {target_name}.",
                "INVALID_RCRD_TRANSFRM",
                where=target_name,
            )
        source = self.account.books.find(kind.name, key)
        parser = Parser(self.account.books, RECORDS[target], ask.strict)
        body = parser.body(ask.json(), replace=ask.query.get("replace", ""))
        row = self.account.rules.transform(source, target, body)
        return self._written(ask, row, "create")

    def _written(self, ask: Ask, row: Row, action: str) -> Response:
        self.account.record_effect(action, row)
        href = f"{ask.origin}{RECORD}{row.type}/{row.id}"
        return Response(status_code=204, headers={"location": href})

    def _limits(self) -> Response:
        if not self.account.administrator:
            raise Refusal(
                "Permission Violation: only administrators can use this operation.",
                "INSUFFICIENT_PERMISSION",
                status=403,
            )
        limit = self.account.concurrency
        told = {"accountConcurrencyLimit": limit, "accountUnallocatedConcurrencyLimit": limit}
        return _resource({**told, "integrationLimitType": "accountLimit"}, "singular")

    def _query(self, ask: Ask) -> Response:
        if "transient" not in ask.headers.get("prefer", ""):
            raise Refusal(
                "The required header is missing or has an invalid value. Use Prefer: transient.",
                "INVALID_HEADER",
                where="Prefer",
                part="Header",
            )
        limit, offset = _paging(ask)
        told = ask.json()
        q = str(told.get("q", "")) if isinstance(told, dict) else ""
        found = suiteql.run(self.account.store, q, limit, offset)
        return _resource(_page(found.rows, found.total, offset), "collection")

    def _metadata(self, ask: Ask, rest: list[str]) -> Response:
        if not rest:
            names = [{"name": name} for name in (*RECORDS, *LISTS)]
            return _resource({"items": names}, "collection")
        custom = self.account.books.custom_fields
        name, _, sublist = rest[0].partition("-")
        record = BY_LOWER.get(name.lower())
        if record is None:
            raise no_record("metadata-catalog", rest[0])
        kind, part = RECORDS[record], sublist.removesuffix("Collection").removesuffix("Element")
        if sublist and part not in kind.sublists:
            raise no_record("metadata-catalog", rest[0])
        if "swagger" in ask.headers.get("accept", ""):
            whole = metadata.openapi(kind, custom)
            return Response(json.dumps(whole), media_type="application/swagger+json")
        schema = metadata.lines(kind, part, custom) if sublist else metadata.describe(kind, custom)
        return Response(json.dumps(schema), media_type="application/schema+json")


def refused(no: Refusal) -> Response:
    """A refusal in REST's envelope."""
    headers = dict(no.headers)
    return JSONResponse(no.body(), no.status, headers=headers, media_type=f"{RESOURCE}; type=error")


def _paging(ask: Ask) -> tuple[int, int]:
    limit, offset = ask.query.get("limit", str(PAGE_MAX)), ask.query.get("offset", "0")
    if not limit.isdigit() or not 1 <= int(limit) <= PAGE_MAX:
        raise Refusal(
            f"limit must be a number from 1 to {PAGE_MAX}.",
            "INVALID_PARAMETER",
            where="limit",
            part="QueryParam",
        )
    if not offset.isdigit() or int(offset) % int(limit):
        raise Refusal(
            "offset must be divisible by limit.", "INVALID_PARAMETER", where="offset", part="QueryParam"
        )
    return int(limit), int(offset)


def _page(items: list[dict[str, Any]], total: int, offset: int) -> dict[str, Any]:
    more = offset + len(items) < total
    told: dict[str, Any] = {"links": [], "count": len(items), "hasMore": more, "items": items}
    return {**told, "offset": offset, "totalResults": total}


def _resource(told: Any, type: str) -> Response:
    return Response(json.dumps(told), media_type=f"{RESOURCE}; type={type}")
