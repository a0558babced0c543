"""The wire: one method per HubSpot endpoint, records in and out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from connectors.hubspot.answers import batch_trouble, trouble
from connectors.hubspot.translate import DEAL, Link
from hub.sdk import Door, Record, Rejected, Reply, SecretStr, Transient, Unmappable

BATCH_MAX = 100  # inputs of one object batch (docs, "batch" pages)
LINK_ROUNDS = 20  # pages of associations of one object; a page has 500
KEPT = 60.0  # seconds that account and pipelines are remembered: calls are scarce, these hardly ever change
_GONE = (404, "OBJECT_NOT_FOUND")


class Client:
    """HubSpot's CRM API in one dated version. Raises ConnectorError for every answer that is no 2xx."""

    def __init__(self, door: Door, version: str, token: SecretStr) -> None:
        self._door = door
        self._version = version
        self._token = token
        self._known: dict[str, tuple[float, Record]] = {}

    def account_details(self) -> Record:
        """GET account-info details: portal id, company currency, time zone."""
        return self._get(f"/account-info/{self._version}/details", kept=KEPT)

    def any_object(self, kind: str) -> Record:
        """GET a list of at most one object: tells whether objects of this type may be read."""
        return self._get(f"/crm/objects/{self._version}/{kind}", {"limit": "1"})

    def pipelines(self, kind: str, *, fresh: bool = False) -> Sequence[Record]:
        """GET all active pipelines with their stages."""
        return _results(self._get(f"/crm/pipelines/{self._version}/{kind}", kept=0.0 if fresh else KEPT))

    def properties(self, kind: str) -> Sequence[Record]:
        """GET all property definitions of an object type."""
        return _results(self._get(f"/crm/properties/{self._version}/{kind}"))

    def read_many(self, kind: str, ids: Iterable[str], properties: Sequence[str]) -> dict[str, Record]:
        """POST batch/read: the objects that exist, by id. Deleted and unknown ids are not in the answer."""
        found: dict[str, Record] = {}
        for part in _parts(ids):
            body = {
                "inputs": [{"id": id} for id in part],
                "properties": list(properties),
                "propertiesWithHistory": [],
            }
            answer = self._batch(f"/crm/objects/{self._version}/{kind}/batch/read", body)
            found.update((str(one["id"]), one) for one in _results(answer))
        return found

    def links(
        self, source: str, target: str, ids: Iterable[str], rounds: int = LINK_ROUNDS
    ) -> dict[str, list[Link]]:
        """POST associations batch/read: what each object is associated with, following pages.

        `rounds` of 1 reads the first page only. Raises Unmappable for more than 20 pages.
        """
        path = f"/crm/associations/{self._version}/{source}/{target}/batch/read"
        found: dict[str, list[Link]] = {}
        for part in _parts(ids):
            pending: list[Record] = [{"id": id} for id in part]
            for _ in range(rounds):
                if not pending:
                    break
                pending = list(_collect(self._batch(path, {"inputs": pending}), found))
            if pending and rounds > 1:
                over = f"{source} {pending[0]['id']} has more than {rounds} pages of {target}"
                raise Unmappable(DEAL, target, f"{over}; split it in HubSpot")
        return found

    def search(self, kind: str, filters: Sequence[Mapping[str, str]], sort: str, limit: int) -> list[Record]:
        """POST search: the first `limit` (at most 200) objects that meet all filters, ascending by `sort`."""
        body = {
            "filterGroups": [{"filters": [dict(one) for one in filters]}],
            # The documented form; the specification has plain text, which was seen to be ignored
            # (hubspot-api-nodejs issues 14 and 559).
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": list(dict.fromkeys((sort, "hs_lastmodifieddate"))),
            "limit": limit,
        }
        reply = self._call("POST", f"/crm/objects/{self._version}/{kind}/search", json=body, idempotent=True)
        return _results(reply.json())

    def update(self, kind: str, id: str, properties: Mapping[str, str]) -> Record:
        """PATCH an object. Setting the same values again changes nothing, so it may be repeated."""
        answer: Record = self._call(
            "PATCH",
            f"/crm/objects/{self._version}/{kind}/{id}",
            json={"properties": dict(properties)},
            idempotent=True,
        ).json()
        return answer

    def _get(self, path: str, params: Mapping[str, str] | None = None, *, kept: float = 0.0) -> Record:
        until, known = self._known.get(path, (0.0, {}))
        if kept and time.monotonic() < until:
            return known
        answer: Record = self._call("GET", path, params=params).json()
        if isinstance(answer, dict) and not params:
            self._known[path] = (time.monotonic() + KEPT, answer)
        return answer

    def _batch(self, path: str, body: Record) -> Record:
        try:
            answer: Record = self._call("POST", path, json=body, idempotent=True).json()
        except Rejected as error:
            if (error.status, error.code) != _GONE:
                raise
            return {"results": []}  # none of the objects exists; any other 404 is a wrong address
        failed = batch_trouble(answer)
        if failed is not None:
            raise failed
        return answer

    def _call(self, method: str, path: str, **options: Any) -> Reply:
        reply = self._door.call(method, path, **options)
        if not reply.ok:  # a proxy's error page may echo our headers
            reply = replace(reply, body=reply.body.replace(self._token.get_secret_value().encode(), b"***"))
        error = trouble(reply)
        if error is not None:
            raise error
        return reply

    def close(self) -> None:
        """Give the sockets back."""
        self._door.close()


def _results(answer: Record) -> list[Record]:
    found = answer.get("results") if isinstance(answer, Mapping) else None
    if not isinstance(found, list):
        raise Transient("the answer has no list of results", code="bad_answer")
    return found


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(ids))  # two inputs for one object can reject a whole batch
    while part := list(islice(rest, BATCH_MAX)):
        yield part


def _collect(answer: Record, found: dict[str, list[Link]]) -> Iterator[Record]:
    """Add one page of associations to what was found; yields the inputs for the next page."""
    for one in _results(answer):
        source = str(one["from"]["id"])
        types = [(to, to.get("associationTypes") or ()) for to in one["to"]]
        links = [Link(str(to["toObjectId"]), [int(t["typeId"]) for t in labels]) for to, labels in types]
        found.setdefault(source, []).extend(links)
        after = ((one.get("paging") or {}).get("next") or {}).get("after")
        if after:
            yield {"id": source, "after": str(after)}
