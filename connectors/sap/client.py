"""The wire: OData V2 and V4 calls of SAP's services, records in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from connectors.sap import batch
from connectors.sap.answers import trouble, warnings
from connectors.sap.settings import Settings
from connectors.sap.translate import address, plain, sent_v2, sent_v4
from hub.sdk import Door, Record, Reply, Transient

_ODATA = "/sap/opu/odata/sap"
PARTNERS = f"{_ODATA}/API_BUSINESS_PARTNER"
PRODUCTS = f"{_ODATA}/API_PRODUCT_SRV"
ORDERS = f"{_ODATA}/API_SALES_ORDER_SRV"
ORDERS_V4 = "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001"
DELIVERIES = f"{_ODATA}/API_OUTBOUND_DELIVERY_SRV;v=0002"
BILLING = f"{_ODATA}/API_BILLING_DOCUMENT_SRV"
CUBE = f"{_ODATA}/API_OPLACCTGDOCITEMCUBE_SRV"
PAGES_MAX = 50  # of one question


class Listing(NamedTuple):
    """One page of an answer; `beyond` is what SAP says comes next, as it says it."""

    rows: list[dict[str, Any]]
    beyond: str = ""


class Client:
    """OData over one door. Raises ConnectorError for every answer that is not good."""

    def __init__(self, door: Door, settings: Settings) -> None:
        self.door = door
        self._query = dict(settings.query)

    def get(self, api: str, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """One entity; None where there is none."""
        reply = self._call("GET", api, path, query)
        return None if reply.status == 404 and _is_odata(reply) else _entity(_good(reply))

    def page(self, api: str, path: str, query: Mapping[str, str] | None = None) -> Listing:
        """The first page of a question."""
        return _listing(_good(self._call("GET", api, path, query)))

    def beyond(self, api: str, link: str) -> Listing:
        """The page behind a link of an earlier one, taken literally, on our own host and service only."""
        parts = urlsplit(link)
        told = f"{parts.path}?{parts.query}" if parts.query else parts.path
        place = told if told.startswith("/") else f"{api}/{told}"
        if not place.startswith(f"{api}/"):
            raise Transient("SAP's next page is at another service", code="bad_answer", sent=False)
        reply = self.door.call("GET", place, headers={"accept": "application/json"})
        return _listing(_good(reply))

    def rows(self, api: str, path: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """All rows of a question, at most 50 pages; Transient where there are more."""
        listing = self.page(api, path, query)
        found = listing.rows
        for _ in range(PAGES_MAX):
            if not listing.beyond:
                return found
            listing = self.beyond(api, listing.beyond)
            found += listing.rows
        raise Transient(f"an answer has over {PAGES_MAX} pages", code="too_large", sent=False)

    def create(self, api: str, path: str, body: Record) -> dict[str, Any]:
        """POST an entity with everything inside it; what SAP made of it."""
        reply = _good(self._call("POST", api, path, body=body))
        warnings(reply)
        return _entity(reply)

    def update(self, api: str, path: str, body: Record, etag: str = "") -> None:
        """PATCH the given fields."""
        headers = {"if-match": etag} if etag else {}
        warnings(_good(self._call("PATCH", api, path, body=body, headers=headers)))

    def act(self, api: str, name: str, given: Mapping[str, str], etag: str = "") -> None:
        """Call a function import that changes something, with literals of OData."""
        headers = {"if-match": etag} if etag else {}
        warnings(_good(self._call("POST", api, name, given, headers=headers)))

    def together(self, api: str, operations: Sequence[batch.Change]) -> None:
        """Several changes in one unit of work. Raises what the first refusal stands for."""
        told = [one._replace(body=_sent(api, one.body)) for one in operations]
        for answer in self._batch(api, batch.changes(told), idempotent=False):
            _good(answer)
            warnings(answer)

    def many(self, api: str, questions: Iterable[tuple[str, Mapping[str, str]]]) -> list[Reply]:
        """Many reads of one service, 50 a call; an answer for each, in order, good or not."""
        paths = [address(path, {"$format": "json", **query}) for path, query in questions]
        found: list[Reply] = []
        for start in range(0, len(paths), batch.READS_MAX):
            part = paths[start : start + batch.READS_MAX]
            answers = self._batch(api, batch.reads(part), idempotent=True)
            if len(answers) != len(part):
                raise Transient(f"{len(answers)} answers to {len(part)} reads", code="bad_answer")
            found += answers
        return found

    def entities(
        self, api: str, paths: Sequence[tuple[str, Mapping[str, str]]]
    ) -> list[dict[str, Any] | None]:
        """Many entities of one service: one call for one of them, a batch for more; None: not there."""
        if len(paths) == 1:
            return [self.get(api, *paths[0])]
        replies = self.many(api, paths)
        return [None if one.status == 404 else _entity(_good(one)) for one in replies]

    def listings(
        self, api: str, paths: Sequence[tuple[str, Mapping[str, str]]]
    ) -> Iterator[list[dict[str, Any]]]:
        """The rows of many questions, in order, each followed to its end."""
        if len(paths) == 1:
            yield self.rows(api, *paths[0])
            return
        for reply in self.many(api, paths):
            listing = _listing(_good(reply))
            found = listing.rows
            for _ in range(PAGES_MAX):
                if not listing.beyond:
                    break
                listing = self.beyond(api, listing.beyond)
                found += listing.rows
            else:
                raise Transient(f"an answer has over {PAGES_MAX} pages", code="too_large", sent=False)
            yield found

    def metadata(self, api: str) -> bytes:
        """The service's own description, XML."""
        place = address(f"{api}/$metadata", self._query)
        reply = self.door.call("GET", place, headers={"accept": "application/xml"})
        return _good(reply).body

    def _batch(self, api: str, written: batch.Written, *, idempotent: bool) -> list[Reply]:
        headers = {"content-type": written.content_type, "accept": "multipart/mixed"}
        place = address(f"{api}/$batch", self._query)
        reply = self.door.call("POST", place, content=written.body, headers=headers, idempotent=idempotent)
        return batch.answers(_good(reply))

    def _call(
        self,
        method: str,
        api: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Record | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        told = {"accept": "application/json", **(headers or {})}
        place = address(f"{api}/{path}", {**self._query, **(query or {})})
        json = _sent(api, body) if body is not None else None
        return self.door.call(method, place, json=json, headers=told)


def _sent(api: str, body: Record) -> Any:
    return sent_v4(body) if "/odata4/" in api else sent_v2(body)


def _good(reply: Reply) -> Reply:
    error = trouble(reply)
    if error is not None:
        raise error
    return reply


def _is_odata(reply: Reply) -> bool:
    """A 404 of a service that is not there looks different: it must not be taken for `no such record`."""
    return b'"error"' in reply.body


def _entity(reply: Reply) -> dict[str, Any]:
    told = reply.json()
    inner = told.get("d", told) if isinstance(told, Mapping) else None
    found = plain(inner) if isinstance(inner, Mapping) else None
    if not isinstance(found, dict):
        raise Transient("SAP answered with something else than a record", code="bad_answer")
    return found


def _listing(reply: Reply) -> Listing:
    told = reply.json()
    inner = told.get("d", told) if isinstance(told, Mapping) else None
    if isinstance(inner, list):  # OData 1.0 shape, which some gateways still give
        inner = {"results": inner}
    rows = (inner.get("results", inner.get("value")) if isinstance(inner, Mapping) else None) or []
    if not isinstance(inner, Mapping) or not isinstance(rows, list):
        raise Transient("SAP answered with something else than a list", code="bad_answer")
    beyond = str(inner.get("__next") or inner.get("@odata.nextLink") or "")
    return Listing([one for one in map(plain, rows) if isinstance(one, dict)], beyond)
