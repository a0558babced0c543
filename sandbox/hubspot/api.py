"""The wire: addresses, dated and legacy, in front of the endpoints, each behind the gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.hubspot.account import Account
from sandbox.hubspot.associations import Associations, far_type
from sandbox.hubspot.batches import Batches
from sandbox.hubspot.catalog import TYPES
from sandbox.hubspot.gate import Gate
from sandbox.hubspot.objects import Answer, Call, Objects, type_of
from sandbox.hubspot.refusals import Refused, invalid, not_allowed, not_found
from sandbox.hubspot.setup import Definitions
from sandbox.kit import Kit

Endpoint = Callable[[Call], Answer]
FarEndpoint = Callable[[Call, str], Answer]
VERSIONS = ("2026-03", "2026-09", "v3", "v4")
BODY_MAX = 10_000_000  # bytes of a request
PAYMENTS = "payments"  # payments are read under this name, and written as commerce_payments
_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Need(NamedTuple):
    """What a caller needs: a right to objects of the type named, or to their definitions, or one scope."""

    right: str = ""
    schema: bool = False
    scope: str = ""
    search: bool = False

    def scopes(self, kind: str) -> Sequence[str]:
        """The scopes of which any is enough."""
        if self.scope:
            return (self.scope,)
        return TYPES[kind].scopes(self.right, schema=self.schema) if kind and self.right else ()


READ, WRITE = Need("read"), Need("write")
SCHEMA_READ, SCHEMA_WRITE = Need("read", schema=True), Need("write", schema=True)


class Row(NamedTuple):
    """One endpoint at one address."""

    path: str
    method: str
    endpoint: Endpoint
    need: Need


@dataclass
class Api:
    """All endpoints behind the gate; the kit's lock is held for each request's whole work."""

    kit: Kit
    gate: Gate
    objects: Objects
    batches: Batches
    associations: Associations
    definitions: Definitions
    account: Account

    def routes(self) -> Sequence[Route]:
        """Dated and legacy addresses of the same endpoints."""
        rows = [*self._objects(), *self._definitions(), *self._links(), *self._account()]
        return [
            *self.gate.oauth.routes(),
            *(self._route(row) for row in rows),
            Route("/{rest:path}", self._nowhere, methods=_ALL),
        ]

    def _objects(self) -> list[Row]:
        o, b = self.objects, self.batches
        table = [
            Row("/batch/read", "POST", b.read, READ),
            Row("/batch/create", "POST", b.create, WRITE),
            Row("/batch/update", "POST", b.update, WRITE),
            Row("/batch/upsert", "POST", b.upsert, WRITE),
            Row("/batch/archive", "POST", b.archive, WRITE),
            Row("/search", "POST", o.search, READ._replace(search=True)),
            Row("/merge", "POST", o.merge, WRITE),
            Row("", "GET", o.page, READ),
            Row("", "POST", o.create, WRITE),
            Row("/{id}", "GET", o.get, READ),
            Row("/{id}", "PATCH", o.update, WRITE),
            Row("/{id}", "DELETE", o.archive, WRITE),
        ]
        return _under(("/crm/objects/{version}/{kind}", "/crm/{version}/objects/{kind}"), table)

    def _definitions(self) -> list[Row]:
        d = self.definitions
        pipelines = [
            Row("", "GET", d.pipelines, SCHEMA_READ),
            Row("/{id}", "GET", d.pipeline, SCHEMA_READ),
            Row("/{id}/stages", "GET", d.stages, SCHEMA_READ),
            Row("/{id}/stages/{stage}", "GET", d.stage, SCHEMA_READ),
        ]
        properties = [
            Row("", "GET", d.properties, SCHEMA_READ),
            Row("", "POST", d.create_property, SCHEMA_WRITE),
            Row("/groups", "GET", d.list_groups, SCHEMA_READ),
            Row("/groups", "POST", d.create_group, SCHEMA_WRITE),
            Row("/groups/{id}", "GET", d.group, SCHEMA_READ),
            Row("/batch/read", "POST", d.read_properties, SCHEMA_READ),
            Row("/batch/create", "POST", d.create_properties, SCHEMA_WRITE),
            Row("/batch/archive", "POST", d.archive_properties, SCHEMA_WRITE),
            Row("/{id}", "GET", d.property, SCHEMA_READ),
            Row("/{id}", "PATCH", d.update_property, SCHEMA_WRITE),
            Row("/{id}", "DELETE", d.archive_property, SCHEMA_WRITE),
        ]
        rules = [Row("", "GET", d.validations, SCHEMA_READ), Row("/{id}", "GET", d.validation, SCHEMA_READ)]
        return [
            *_under(("/crm/property-validations/{version}/{kind}",), rules),
            *_under(("/crm/{version}/property-validations/{kind}",), rules),
            *_under(("/crm/pipelines/{version}/{kind}", "/crm/{version}/pipelines/{kind}"), pipelines),
            *_under(("/crm/properties/{version}/{kind}", "/crm/{version}/properties/{kind}"), properties),
        ]

    def _links(self) -> list[Row]:
        a = self.associations
        between = [
            Row("/batch/read", "POST", _far(a.read), READ),
            Row("/batch/create", "POST", _far(a.create), WRITE),
            Row("/batch/associate/default", "POST", _far(a.create_default), WRITE),
            Row("/batch/archive", "POST", _far(a.archive), WRITE),
            Row("/labels", "GET", _far(a.labels), READ),
        ]
        single = [
            Row("/default/{far}/{far_id}", "PUT", _far(a.put_default), WRITE),
            Row("/{far}", "GET", _far(a.page_of), READ),
            Row("/{far}/{far_id}", "PUT", _far(a.put), WRITE),
            Row("/{far}/{far_id}", "DELETE", _far(a.delete), WRITE),
        ]
        pairs = ("/crm/associations/{version}/{kind}/{far}", "/crm/{version}/associations/{kind}/{far}")
        ones = (
            "/crm/objects/{version}/{kind}/{id}/associations",
            "/crm/{version}/objects/{kind}/{id}/associations",
        )
        return [*_under(pairs, between), *_under(ones, single)]

    def _account(self) -> list[Row]:
        a = self.account
        read, write = Need(scope="settings.currencies.read"), Need(scope="settings.currencies.write")
        owners = Need(scope="crm.objects.owners.read")
        money = [
            Row("/company-currency", "GET", a.company_currency, read),
            Row("/company-currency", "PUT", a.set_company_currency, write),
            Row("/codes", "GET", a.codes, read),
            Row("/exchange-rates", "GET", a.exchange_rates, read),
            Row("/exchange-rates", "POST", a.add_rate, write),
            Row("/exchange-rates/current", "GET", a.current_rates, read),
            Row("/exchange-rates/{id}", "GET", a.exchange_rate, read),
        ]
        people = [
            Row("", "GET", a.list_owners, owners),
            Row("/", "GET", a.list_owners, owners),
            Row("/{id}", "GET", a.owner, owners),
        ]
        own = [
            Row("/details", "GET", a.details, Need()),
            Row("/api-usage/daily", "GET", a.usage, Need()),
            Row("/api-usage/daily/private-apps", "GET", a.usage, Need()),
        ]
        return [
            *_under(("/settings/currencies/{version}", "/settings/{version}/currencies"), money),
            *_under(("/crm/owners/{version}", "/crm/{version}/owners"), people),
            *_under(("/account-info/{version}",), own),
        ]

    def _route(self, row: Row) -> Route:
        async def serve(request: Request) -> Response:
            return await self._answer(request, row)

        return Route(row.path, serve, methods=[row.method])

    async def _nowhere(self, request: Request) -> Response:
        return JSONResponse({"status": "error", "message": "Not found"}, status_code=404)

    async def _answer(self, request: Request, row: Row) -> Response:
        raw = await request.body()
        try:
            with self.kit.lock:
                answer = self._work(request, row, raw)
                headers = {} if row.need.search else self.gate.headers(request)
        except Refused as refused:
            answer, headers = Answer(refused.status, refused.body), {}
            if refused.status not in (401, 404) and not row.need.search:
                headers = self.gate.headers(request)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:  # another shape
            answer = Answer(400, invalid(f"Invalid input JSON: {type(error).__name__} {error}").body)
            headers = {}
        if answer.status == 204:
            return Response(status_code=204, headers=headers)
        return JSONResponse(answer.body, status_code=answer.status, headers=headers)

    def _work(self, request: Request, row: Row, raw: bytes) -> Answer:
        named = request.path_params
        if named["version"] not in VERSIONS:
            raise not_found()
        name = named.get("kind", "")
        if name == PAYMENTS and row.need.right != "read":
            raise not_allowed()
        kind = type_of("commerce_payments" if name == PAYMENTS else name) if name else ""
        self.gate.enter(request, row.need.scopes(kind), search=row.need.search)
        if len(raw) > BODY_MAX:
            raise invalid(f"the request is larger than {BODY_MAX} bytes")
        body: Any = json.loads(raw) if raw else {}
        query = dict(request.query_params)
        for name, value in request.query_params.multi_items():
            if name in ("properties", "associations") and value not in query[name].split(","):
                query[name] += f",{value}"  # clients repeat the name or put commas between
        return row.endpoint(Call(kind, named.get("id", ""), query, body, named["version"], named))


def _under(roots: Sequence[str], table: Sequence[Row]) -> list[Row]:
    return [row._replace(path=root + row.path) for root in roots for row in table]


def _far(endpoint: FarEndpoint) -> Endpoint:
    return lambda call: endpoint(call, far_type(call))
