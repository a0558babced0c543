"""The CRM object endpoints for one object at a time, the list and the search."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sandbox.hubspot import catalog, merging, search
from sandbox.hubspot.finding import Finder
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import Stored, iso
from sandbox.hubspot.refusals import Refused, invalid, not_found
from sandbox.kit import Kit

LIST_MAX = 100
SOURCE = "INTEGRATION"


class Call(NamedTuple):
    """One request after authentication."""

    kind: str
    id: str
    query: Mapping[str, str]
    body: Any
    version: str = ""
    named: Mapping[str, str] = {}

    def many(self, name: str) -> list[str]:
        """A query parameter of names with commas between them."""
        return [one for one in self.query.get(name, "").split(",") if one]

    def flag(self, name: str) -> bool:
        """A query parameter that is true or false."""
        return self.query.get(name, "").lower() == "true"


class Answer(NamedTuple):
    """A status and the JSON to send, None for an empty body."""

    status: int
    body: Any


class Objects:
    """The endpoints under /crm/objects. Every write over the API is recorded as an effect."""

    def __init__(self, portal: Portal, kit: Kit) -> None:
        self.portal = portal
        self.kit = kit
        self.finder = Finder(portal)
        self.search_lag = timedelta(0)  # how far the search index is behind
        self.merges_mint_ids = True  # False: the primary object keeps its id, as it was until 2025

    def create(self, call: Call) -> Answer:
        """POST /{type}."""
        one = self.made(call.kind, call.body)
        return Answer(201, self.view(one, self.told(call.kind, call.body)))

    def get(self, call: Call) -> Answer:
        """GET /{type}/{id}."""
        archived = call.flag("archived")
        one = self.portal.get(call.kind, call.id, archived=archived, by=call.query.get("idProperty", ""))
        return Answer(200, self.view(one, call.many("properties"), call.many("associations")))

    def update(self, call: Call) -> Answer:
        """PATCH /{type}/{id}: the object is looked up before its new values are judged."""
        one = self.portal.get(call.kind, call.id, by=call.query.get("idProperty", ""))
        return Answer(200, self.view(self.changed(one, call.body), list(call.body["properties"])))

    def archive(self, call: Call) -> Answer:
        """DELETE /{type}/{id}; deleting what is gone is no error."""
        self.gone(call.kind, call.id)
        return Answer(204, None)

    def merge(self, call: Call) -> Answer:
        """POST /{type}/merge, for the types that have it."""
        if call.kind not in merging.MERGEABLE:
            raise not_found()
        ids = (str(call.body["primaryObjectId"]), str(call.body["objectIdToMerge"]))
        mint = self.merges_mint_ids
        one = merging.merge(self.portal, call.kind, ids[0], ids[1], SOURCE, mint=mint)
        self.kit.effect("merge", call.kind, one.id, merged=list(ids), reference=self._reference(one))
        return Answer(200, self.view(one, ["hs_merged_object_ids", *catalog.TYPES[call.kind].defaults]))

    def page(self, call: Call) -> Answer:
        """GET /{type}: forward pages by id."""
        limit = int(call.query.get("limit", "10"))
        if not 1 <= limit <= LIST_MAX:
            raise invalid(f"limit must be between 1 and {LIST_MAX}")
        index = self.portal.indexes[call.kind]
        keys = (index.archived if call.flag("archived") else index.ids).held
        start = bisect_right(keys, int(call.query.get("after") or 0))
        page = [self.portal.objects[call.kind][str(id)] for id in keys[start : start + limit]]
        wanted, linked = call.many("properties"), call.many("associations")
        views = [self.view(one, wanted, linked) for one in page]
        more = start + limit < len(keys)
        return Answer(200, {"results": views, **({"paging": _next(page[-1].id)} if more else {})})

    def search(self, call: Call) -> Answer:
        """POST /{type}/search: only what the index has caught up with, never archived objects."""
        question = search.parse(call.body)
        horizon = self.portal.now() - self.search_lag if self.search_lag else None
        found = self.finder.find(call.kind, question, horizon)
        views = [self.view(one, question.properties) for one in found.page]
        paging = {"paging": _next(found.after)} if found.after else {}
        return Answer(200, {"total": found.total, "results": views, **paging})

    def made(self, kind: str, given: Any) -> Stored:
        """A create, alone or in a batch: with its associations or not at all."""
        values, joined = values_of(given), self.ends_of(kind, given)
        one = self.portal.create(kind, values, SOURCE)
        self.kit.effect("create", kind, one.id, properties=values, reference=self._reference(one))
        for far, far_id, primary in joined:
            self.portal.associate(kind, one.id, far, far_id, primary=primary, source=SOURCE)
        return one

    def told(self, kind: str, given: Any) -> list[str]:
        """The properties that the answer to a create shows."""
        return [*catalog.TYPES[kind].defaults, *given["properties"]]

    def ends_of(self, kind: str, given: Any) -> list[tuple[str, str, bool]]:
        """What a new object is to be associated with. Raises Refused where that is not there."""
        ends = []
        for link in given.get("associations") or ():
            far, primary = far_end(kind, [int(spec["associationTypeId"]) for spec in link["types"]])
            ends.append((far, self.portal.get(far, str(link["to"]["id"])).id, primary))
        return ends

    def changed(self, one: Stored, given: Any) -> Stored:
        """An update, alone or in a batch."""
        values = values_of(given)
        self.portal.update(one, values, SOURCE)
        self.kit.effect("update", one.kind, one.id, properties=values, reference=self._reference(one))
        return one

    def gone(self, kind: str, id: str) -> None:
        """An archive, alone or in a batch."""
        try:
            one = self.portal.get(kind, id)
        except Refused:
            return
        self.kit.effect("archive", kind, one.id, reference=self._reference(one))
        self.portal.archive(one, SOURCE)

    def _reference(self, one: Stored) -> str:
        """The caller's own key of an object: its value of a unique o2c property."""
        known = self.portal.properties[one.kind].values()
        held = (one.value(own.name) for own in known if own.unique and own.name.startswith("o2c_"))
        return next((value for value in held if value), "")

    def view(self, one: Stored, wanted: Sequence[str] = (), linked: Sequence[str] = ()) -> dict[str, Any]:
        """An object as the API shows it: properties asked for (null when empty) and three stamps."""
        known, own = self.portal.properties[one.kind], catalog.TYPES[one.kind]
        names = wanted or own.defaults
        shown = dict.fromkeys([own.created, own.changed, "hs_object_id", *(n for n in names if n in known)])
        values = one.properties
        view = {
            "id": one.id,
            "properties": {name: values.get(name) or None for name in shown},
            "createdAt": iso(one.created_at),
            "updatedAt": iso(one.updated_at),
            "archived": one.archived_at is not None,
        }
        if one.archived_at is not None:
            view["archivedAt"] = iso(one.archived_at)
        if linked:
            view["associations"] = dict(self._associations(one, linked))
        return view

    def _associations(self, one: Stored, linked: Sequence[str]) -> Iterable[tuple[str, Any]]:
        for name in linked:
            far = type_of(name)
            ends = self.portal.linked(one.kind, far, one.id)
            label = f"{catalog.TYPES[one.kind].singular}_to_{catalog.TYPES[far].singular}"
            if ends:
                yield far.replace("_", " "), {"results": [{"id": id, "type": label} for id in ends]}


def _next(after: str) -> dict[str, Any]:
    return {"next": {"after": after}}


def type_of(name: str) -> str:
    """The object type behind a name or a type id. Raises Refused 400."""
    if name.lower() not in catalog.ALIASES:
        raise invalid(f"Unable to infer object type from: {name}")
    return catalog.ALIASES[name.lower()]


def far_end(kind: str, type_ids: Sequence[int]) -> tuple[str, bool]:
    """The other type that association type ids lead to, and whether they say primary. Raises Refused 400."""
    for (near, far), (plain, primary) in catalog.ASSOCIATIONS.items():
        if near == kind and {plain, primary} & set(type_ids):
            return far, primary is not None and primary in type_ids
    raise invalid(f"No association type {list(type_ids)} starts at {kind}")


def values_of(given: Any) -> dict[str, str]:
    """Property values as text. Raises Refused 400."""
    values = given.get("properties") if isinstance(given, dict) else None
    if not isinstance(values, dict):
        raise invalid("Invalid input JSON: properties must be an object")
    # The server takes numbers and booleans too; what it keeps is text.
    plain = {name: "" if value is None else value for name, value in values.items()}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in plain.items()
    }
