"""The HTTP face of the account: addresses, methods, headers, and the limit on calls at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.netsuite import suiteql
from sandbox.netsuite.books import Row
from sandbox.netsuite.fields import BY_LOWER, RECORDS, RecordType
from sandbox.netsuite.login import Call
from sandbox.netsuite.refusals import Refusal, no_record, too_many
from sandbox.netsuite.render import Renderer

if TYPE_CHECKING:
    from sandbox.netsuite.account import NetSuiteSandbox

TOKEN = "/services/rest/auth/oauth2/v1/token"
RECORD = "/services/rest/record/v1/"
SUITEQL = "/services/rest/query/v1/suiteql"
LIMITS = "/services/rest/system/v1/governanceLimits"
PAGE_MAX = 1000
ROWS_MAX = 100_000  # of one query, whatever its paging
RESOURCE = "application/vnd.oracle.resource+json"


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
    def strict(self) -> bool:
        """Is a mistyped field name an error? By default NetSuite only warns, to nobody."""
        return self.headers.get("x-netsuite-propertynamevalidation", "Warning").lower() == "error"


class Face:
    """Answers for one account."""

    def __init__(self, account: NetSuiteSandbox) -> None:
        self.account = account
        self.busy = 0

    async def endpoint(self, request: Request) -> Response:
        """The one route of the account."""
        raw_path = request.scope.get("raw_path", b"").decode("ascii").split("?", 1)[0]
        ask = Ask(
            request.method,
            f"{request.url.scheme}://{request.headers['host']}",
            unquote(raw_path),
            raw_path,
            request.url.query,
            dict(parse_qsl(request.url.query, keep_blank_values=True)),
            request.headers,
            await request.body(),
        )
        return await run_in_threadpool(self.answer, ask)

    def answer(self, ask: Ask) -> Response:
        """Log in, take a slot, serve; every refusal becomes NetSuite's envelope."""
        try:
            if ask.path == TOKEN and ask.method == "POST":
                with self.account.kit.lock:
                    status, told = self.account.login.token(ask.body, ask.origin + TOKEN)
                return JSONResponse(told, status)
            with self.account.kit.lock:
                self.account.login.admit(
                    Call(
                        ask.method,
                        ask.origin,
                        ask.raw_path,
                        ask.raw_query,
                        ask.headers.get("authorization", ""),
                    )
                )
            return self._in_slot(ask)
        except Refusal as no:
            return JSONResponse(no.body(), no.status, media_type=f"{RESOURCE}; type=error")

    def _in_slot(self, ask: Ask) -> Response:
        with self.account.kit.lock:
            if self.busy >= self.account.concurrency:
                raise too_many()
            self.busy += 1
        try:
            if self.account.latency:
                time.sleep(self.account.latency)
            with self.account.kit.lock:
                return self._serve(ask)
        finally:
            with self.account.kit.lock:
                self.busy -= 1

    def _serve(self, ask: Ask) -> Response:
        if ask.headers.get("prefer", "").lower() == "respond-async":
            raise Refusal("Asynchronous requests are not available in this account.", "FEATURE_DISABLED")
        if ask.path == LIMITS and ask.method == "GET":
            return self._limits()
        if ask.path == SUITEQL and ask.method == "POST":
            return self._query(ask)
        if not ask.path.startswith(RECORD):
            raise Refusal("The requested resource does not exist.", "NOT_FOUND", status=404)
        parts = ask.path[len(RECORD) :].strip("/").split("/")
        if parts[0] == "metadata-catalog":
            return self._metadata(ask, parts[1:])
        name = BY_LOWER.get(parts[0].lower())
        if name is None:
            raise Refusal(f"Record type '{parts[0]}' does not exist.", "INVALID_TYPE", status=404)
        if name in self.account.denied:
            raise Refusal(
                f"Permission Violation: You need a higher permission for {name} to access this page.",
                "INSUFFICIENT_PERMISSION",
                status=403,
            )
        return self._record(ask, RECORDS[name], parts[1:])

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
                return self._delete(kind, key)
            case ("POST", [key, "!transform", target]):
                return self._transform(ask, kind, key, target)
        raise Refusal(f"Method {ask.method} is not allowed here.", "METHOD_NOT_ALLOWED", status=405)

    def _read(self, ask: Ask, kind: RecordType, rest: list[str]) -> Response:
        if not rest:
            return self._list(ask, kind)
        row = self.account.books.find(kind.name, rest[0])
        renderer = self._renderer(ask)
        if len(rest) == 1:
            expand = ask.query.get("expandSubResources", "").lower() == "true"
            return _resource(renderer.record(row, expand=expand), "singular")
        if len(rest) == 2 and rest[1] in kind.sublists:
            return _resource(renderer.sublist(row, rest[1]), "collection")
        raise Refusal("The requested resource does not exist.", "NOT_FOUND", status=404)

    def _renderer(self, ask: Ask) -> Renderer:
        return Renderer(self.account.rules, ask.origin)

    def _list(self, ask: Ask, kind: RecordType) -> Response:
        if ask.query.get("q"):
            raise Refusal(
                "Filters are not available in this account; use SuiteQL.", "INVALID_PARAMETER", where="q"
            )
        limit, offset = _paging(ask)
        ids = sorted(self.account.books.records[kind.name], key=int)
        links = self._renderer(ask).links
        items = [{"links": links(f"{kind.name}/{id}"), "id": id} for id in ids[offset : offset + limit]]
        return _resource(_page(items, len(ids), offset), "collection")

    def _upsert(self, ask: Ask, kind: RecordType, key: str) -> Response:
        if not key.startswith("eid:") or not key[4:]:
            raise Refusal(
                "An upsert needs an external ID in the URL, such as eid:ABC.", "INVALID_ID", where=key
            )
        known = self.account.books.external.get((kind.name, key[4:]))
        row = self.account.books.records[kind.name][known] if known else None
        return self._write(ask, kind, row, external_id=key[4:])

    def _write(
        self, ask: Ask, kind: RecordType, known: Row | None, external_id: str | None = None
    ) -> Response:
        if known is None and kind.name == "itemFulfillment":
            raise Refusal("Create an item fulfillment by transforming its order.", "USER_ERROR")
        body = self.account.books.parse(
            kind, ask.json(), replace=ask.query.get("replace", ""), strict=ask.strict
        )
        row = self.account.rules.write(kind, body, known, external_id)
        return self._written(ask, row, "update" if known else "create")

    def _transform(self, ask: Ask, kind: RecordType, key: str, target_name: str) -> Response:
        target = BY_LOWER.get(target_name.lower(), target_name)
        if kind.name != "salesOrder" or target not in ("invoice", "itemFulfillment"):
            raise Refusal(
                f"You cannot transform {kind.name} to {target_name}.",
                "INVALID_RCRD_TRANSFRM",
                where=target_name,
            )
        order = self.account.books.find("salesOrder", key)
        body = self.account.books.parse(
            RECORDS[target], ask.json(), replace=ask.query.get("replace", ""), strict=ask.strict
        )
        row = self.account.rules.transform(order, target, body)
        return self._written(ask, row, "create")

    def _written(self, ask: Ask, row: Row, action: str) -> Response:
        self.account.record_effect(action, row)
        href = f"{ask.origin}{RECORD}{row.type}/{row.id}"
        return Response(status_code=204, headers={"location": href})

    def _delete(self, kind: RecordType, key: str) -> Response:
        row = self.account.books.find(kind.name, key)
        self.account.books.remove(row)
        self.account.record_effect("delete", row)
        return Response(status_code=204)

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
        rows = suiteql.run(self.account.rules, str(told.get("q", "")) if isinstance(told, dict) else "")[
            :ROWS_MAX
        ]
        return _resource(_page(rows[offset : offset + limit], len(rows), offset), "collection")

    def _metadata(self, ask: Ask, rest: list[str]) -> Response:
        if not rest:
            names = [{"name": name} for name in RECORDS]
            return _resource({"items": names}, "collection")
        name = BY_LOWER.get(rest[0].lower())
        if name is None:
            raise no_record("metadata-catalog", rest[0])
        schema = describe(RECORDS[name], self.account.books.custom_fields)
        if "swagger" in ask.headers.get("accept", ""):
            whole = {"openapi": "3.0.1", "paths": {}, "components": {"schemas": {name: schema}}}
            return Response(json.dumps(whole), media_type="application/swagger+json")
        return Response(json.dumps(schema), media_type="application/schema+json")


def describe(kind: RecordType, custom_fields: set[str]) -> dict[str, Any]:
    """A record type as JSON Schema ("Working with JSON Schema Metadata"); sublists are resources apart."""
    types = {
        "number": {"type": "number", "format": "double"},
        "bool": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "datetime": {"type": "string", "format": "date-time"},
    }
    link = "/services/rest/record/v1/metadata-catalog/"
    told: dict[str, Any] = {"id": {"type": "string", "title": "Internal ID", "nullable": True}}
    told["externalId"] = {"type": "string", "title": "External ID", "nullable": True}
    for name, type in kind.body.items():
        plain = type.rstrip("!")
        shape = {"type": "object", "$ref": f"{link}nsResource"} if plain in ("ref", "address") else {}
        told[name] = {"title": name, **(shape or types.get(plain, {"type": "string"})), "nullable": True}
    for name in kind.sublists:
        told[name] = {"type": "object", "$ref": f"{link}{kind.name}-{name}Collection"}
    prefix = "custentity" if kind.sequence == "entity" else "custbody"
    for name in sorted(n for n in custom_fields if n.startswith(prefix)):
        told[name] = {"title": name, "type": "string", "nullable": True, "x-ns-custom-field": True}
    return {
        "type": "object",
        "properties": told,
        "$schema": "http://json-schema.org/draft-06/hyper-schema#",
    }


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
