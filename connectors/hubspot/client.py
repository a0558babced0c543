"""What is read from HubSpot: one method per endpoint, records in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from connectors.hubspot.translate import Link
from connectors.hubspot.wire import KEPT, LONG_KEPT, Wire
from hub.sdk import AuthFailed, RateLimited, Record, Rejected, Transient

BATCH_MAX = 100  # inputs of one object batch (docs, "batch" pages)
LINKS_MAX = 1_000  # inputs of one batch read of associations
LINK_ROUNDS = 20  # pages of associations of one object; a page has 500
SEARCH_MAX = 200  # results of one page of a search
VALUES_MAX = 100  # values of one IN filter
OWNER_PAGES = 20  # of 500 owners

Filters = Sequence[Mapping[str, object]]


class Found(NamedTuple):
    """One page of a search, and how many objects meet its filters in all."""

    results: Sequence[Record]
    total: int


class Links(NamedTuple):
    """Associations by the near end's id; `over`: ids that have more of them than are read."""

    found: Mapping[str, Sequence[Link]]
    over: frozenset[str] = frozenset()


class Client:
    """HubSpot's CRM API in one dated version. Raises ConnectorError for every answer that is no 2xx."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def account_details(self) -> Record:
        """GET account-info details: portal id, currencies, time zone."""
        details = self.wire.get(f"/account-info/{self.wire.version}/details", kept=KEPT)
        self.wire.in_zone(details.get("timeZone"))
        return details

    def any_object(self, kind: str) -> Record:
        """GET a list of at most one object: tells whether objects of this type may be read."""
        return self.wire.get(self._objects(kind), {"limit": "1"})

    def archived(self, kind: str, after: str) -> tuple[Sequence[Record], str]:
        """GET a page of 100 deleted objects by id, and where the next page begins; empty: there is none."""
        params = {"limit": "100", "archived": "true", **({"after": after} if after else {})}
        answer = self.wire.get(self._objects(kind), params)
        return objects(answer), _after(answer)

    def pipelines(self, kind: str, *, fresh: bool = False) -> Sequence[Record]:
        """GET all active pipelines with their stages."""
        path = f"/crm/pipelines/{self.wire.version}/{kind}"
        if fresh:
            self.wire.forget(path)
        found = results(self.wire.get(path, kept=KEPT))
        stages = [stage for one in found for stage in one.get("stages") or ()]
        if not all(isinstance(one, Mapping) and one.get("id") for one in (*found, *stages)):
            self.wire.forget(path)
            raise Transient("a pipeline or stage of the answer has no id", code="bad_answer")
        return found

    def properties(self, kind: str) -> Sequence[Record]:
        """GET all property definitions of an object type."""
        return results(self.wire.get(f"/crm/properties/{self.wire.version}/{kind}"))

    def validations(self, type_id: str) -> Sequence[Record]:
        """GET the rules an account has set for property values, such as a longest text."""
        return results(self.wire.get(f"/crm/property-validations/{self.wire.version}/{type_id}"))

    def owners(self) -> Mapping[str, Record]:
        """GET the people who may own records, by id; nobody where the scope for it is missing.

        Remembered for ten minutes, at most 10,000.
        """
        path = f"/crm/owners/{self.wire.version}"
        pages: list[Sequence[Record]]
        try:
            pages = list(self._owner_pages(path))
        except (AuthFailed, Rejected) as error:
            if error.status not in (403, 404):
                raise
            pages = []
            self.wire.keep(f"{path}?limit=500", {"results": pages}, LONG_KEPT)
        return {str(one.get("id")): one for page in pages for one in page}

    def _owner_pages(self, path: str) -> Iterator[Sequence[Record]]:
        after = ""
        for _ in range(OWNER_PAGES):
            answer = self.wire.get(f"{path}?limit=500{f'&after={after}' if after else ''}", kept=LONG_KEPT)
            yield results(answer)
            after = _after(answer)
            if not after.isalnum():  # it goes into an address
                return

    def read_many(self, kind: str, ids: Iterable[str], properties: Sequence[str]) -> dict[str, Record]:
        """POST batch/read: the objects that exist, by id. Deleted and unknown ids are not in the answer.

        HubSpot may answer for a merged object with the one that took its place, under that one's id.
        """
        found: dict[str, Record] = {}
        for part in parts(ids, BATCH_MAX):
            body = {
                "inputs": [{"id": id} for id in part],
                "properties": list(properties),
                "propertiesWithHistory": [],
            }
            answer = self.wire.batch_read(f"{self._objects(kind)}/batch/read", body)
            found.update((str(one["id"]), one) for one in objects(answer))
        return found

    def look_up(self, kind: str, ids: Iterable[str], properties: Sequence[str]) -> dict[str, Record]:
        """The same by search, 200 a call: half the calls, but as of some minutes ago.

        What the index does not show is read. So is the rest when searches are limited just now.
        """
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Record] = {}
        try:
            for part in parts(wanted, 2 * VALUES_MAX):
                groups = [[_among(values)] for values in parts(part, VALUES_MAX)]
                page = self.search(kind, groups, "hs_object_id", SEARCH_MAX, properties)
                found.update((str(one["id"]), one) for one in page.results)
        except RateLimited as error:
            if error.code != "SECONDLY":
                raise
        missed = [id for id in wanted if id not in found]
        return {**found, **self.read_many(kind, missed, properties)}

    def links(self, source: str, target: str, ids: Iterable[str], rounds: int = LINK_ROUNDS) -> Links:
        """POST associations batch/read: what each object is associated with, following pages.

        `rounds` of 1 reads the first page only, which is then enough.
        """
        path = f"/crm/associations/{self.wire.version}/{source}/{target}/batch/read"
        found: dict[str, list[Link]] = {}
        over: set[str] = set()
        for part in parts(ids, LINKS_MAX):
            pending: list[Record] = [{"id": id} for id in part]
            for _ in range(rounds):
                if not pending:
                    break
                pending = list(_collect(self.wire.batch_read(path, {"inputs": pending}), found))
            over.update(str(one["id"]) for one in pending if rounds > 1)
        return Links(found, frozenset(over))

    def search(
        self, kind: str, groups: Sequence[Filters], sort: str, limit: int, properties: Sequence[str] = ()
    ) -> Found:
        """POST search: the first `limit` (at most 200) objects that meet one of the groups, ascending."""
        body = {
            "filterGroups": [{"filters": [dict(one) for one in filters]} for filters in groups],
            # The documented form; the specification has plain text, which was seen to be ignored
            # (hubspot-api-nodejs issues 14 and 559).
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": list(dict.fromkeys((sort, "hs_lastmodifieddate", *properties))),
            "limit": limit,
        }
        answer = self.wire.post(f"{self._objects(kind)}/search", body)
        total = answer.get("total")
        return Found(objects(answer), total if isinstance(total, int) else 0)

    def labels(self, source: str, target: str) -> Sequence[Record]:
        """GET the association types from one object type to another."""
        path = f"/crm/associations/{self.wire.version}/{source}/{target}/labels"
        found = results(self.wire.get(path, kept=LONG_KEPT))
        if not all(isinstance(one.get("typeId"), int) for one in found):
            self.wire.forget(path)
            raise Transient("an association type of the answer has no id", code="bad_answer")
        return found

    def _objects(self, kind: str) -> str:
        return f"/crm/objects/{self.wire.version}/{kind}"


def results(answer: Record) -> list[Record]:
    """The list an answer consists of. Raises Transient where there is none."""
    found = answer.get("results") if isinstance(answer, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise Transient("the answer has no list of results", code="bad_answer")
    return found


def objects(answer: Record) -> list[Record]:
    """The results of an answer about objects. Raises Transient where one has no id or no properties."""
    found = results(answer)
    for one in found:
        id = str(one.get("id"))
        if not (id.isascii() and id.isdigit()) or not isinstance(one.get("properties"), Mapping):
            raise Transient("an object of the answer has no id or no properties", code="bad_answer")
    return found


def parts(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    """Ids in parts, each id once: two inputs for one object can reject a whole batch."""
    rest = iter(dict.fromkeys(ids))
    while part := list(islice(rest, size)):
        yield part


def _among(ids: Sequence[str]) -> Mapping[str, object]:
    return {"propertyName": "hs_object_id", "operator": "IN", "values": list(ids)}


def _after(answer: Record) -> str:
    paging = answer.get("paging")
    beyond = paging.get("next") if isinstance(paging, Mapping) else None
    return str(beyond.get("after") or "") if isinstance(beyond, Mapping) else ""


def _collect(answer: Record, found: dict[str, list[Link]]) -> Iterator[Record]:
    """Add one page of associations to what was found; yields the inputs for the next page.

    Raises Transient for associations without ids.
    """
    for one in results(answer):
        try:
            source = str(one["from"]["id"])
            links = [_link(to) for to in one["to"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Transient("an association of the answer has no ids", code="bad_answer") from None
        found.setdefault(source, []).extend(links)
        after = _after(one)
        if after:
            yield {"id": source, "after": after}


def _link(to: Record) -> Link:
    return Link(str(int(to["toObjectId"])), [int(one["typeId"]) for one in to.get("associationTypes") or ()])
