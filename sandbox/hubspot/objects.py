"""The CRM object endpoints: create, read, update, archive, batches, list and search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sandbox.hubspot import catalog, search
from sandbox.hubspot.portal import Portal, Stored, iso
from sandbox.hubspot.refusals import Refused, invalid, part
from sandbox.kit import Kit

BATCH_MAX = 100
LIST_MAX = 100
SOURCE = "INTEGRATION"


class Call(NamedTuple):
    """One request after authentication."""

    kind: str
    id: str
    query: Mapping[str, str]
    body: Any

    def many(self, name: str) -> list[str]:
        """A query parameter of names with commas between them."""
        return [one for one in self.query.get(name, "").split(",") if one]


class Answer(NamedTuple):
    """A status and the JSON to send, None for an empty body."""

    status: int
    body: Any


class Objects:
    """The endpoints under /crm/objects. Every write over the API is recorded as an effect."""

    def __init__(self, portal: Portal, kit: Kit) -> None:
        self.portal = portal
        self.kit = kit
        self.search_lag = timedelta(0)  # how far the search index is behind

    def create(self, call: Call) -> Answer:
        """POST /{type}."""
        return Answer(201, self._view(self._create(call.kind, call.body)))

    def get(self, call: Call) -> Answer:
        """GET /{type}/{id}."""
        archived = call.query.get("archived") == "true"
        one = self.portal.get(call.kind, call.id, archived=archived, by=call.query.get("idProperty", ""))
        return Answer(200, self._view(one, call.many("properties"), call.many("associations")))

    def update(self, call: Call) -> Answer:
        """PATCH /{type}/{id}: the object is looked up before its new values are judged."""
        one = self.portal.get(call.kind, call.id, by=call.query.get("idProperty", ""))
        return Answer(200, self._view(self._update(one, call.body), list(call.body["properties"])))

    def archive(self, call: Call) -> Answer:
        """DELETE /{type}/{id}; deleting what is gone is no error."""
        one = self.portal.objects[call.kind].get(call.id)
        if one is not None and one.archived_at is None:
            self.portal.archive(one, SOURCE)
            self.kit.effect("archive", call.kind, call.id)
        return Answer(204, None)

    def list(self, call: Call) -> Answer:
        """GET /{type}: forward pages by id."""
        limit = int(call.query.get("limit", "10"))
        if not 1 <= limit <= LIST_MAX:
            raise invalid(f"limit must be between 1 and {LIST_MAX}")
        archived = call.query.get("archived") == "true"
        after = int(call.query.get("after") or 0)
        held = self.portal.objects[call.kind].values()
        found = [one for one in held if (one.archived_at is not None) == archived and int(one.id) > after]
        page = found[:limit]
        views = [self._view(one, call.many("properties"), call.many("associations")) for one in page]
        paging = {"paging": {"next": {"after": page[-1].id}}} if len(found) > limit else {}
        return Answer(200, {"results": views, **paging})

    def search(self, call: Call) -> Answer:
        """POST /{type}/search: only what the index has caught up with, never archived objects."""
        question = search.parse(call.body)
        horizon = self.portal.now() - self.search_lag
        seen = [one for one in self.portal.alive(call.kind) if one.updated_at <= horizon]
        total, page, after = search.run(question, seen, self.portal.properties[call.kind])
        paging = {"paging": {"next": {"after": after}}} if after else {}
        views = [self._view(one, question.properties) for one in page]
        return Answer(200, {"total": total, "results": views, **paging})

    def batch_read(self, call: Call) -> Answer:
        """POST /{type}/batch/read: missing ids are errors beside the results."""
        by = call.body.get("idProperty") or ""
        archived = call.query.get("archived") == "true"
        wanted = call.body.get("properties") or []

        def one(given: Any) -> Any:
            return self._view(self.portal.get(call.kind, str(given["id"]), archived=archived, by=by), wanted)

        return self._batch(call, one)

    def batch_create(self, call: Call) -> Answer:
        """POST /{type}/batch/create."""
        return self._batch(call, lambda given: self._view(self._create(call.kind, given)), status=201)

    def batch_update(self, call: Call) -> Answer:
        """POST /{type}/batch/update."""

        def one(given: Any) -> Any:
            stored = self.portal.get(call.kind, str(given["id"]), by=given.get("idProperty") or "")
            return self._view(self._update(stored, given), list(given["properties"]))

        return self._batch(call, one)

    def batch_upsert(self, call: Call) -> Answer:
        """POST /{type}/batch/upsert: update by a unique property, or create."""
        keys = [(given.get("idProperty"), given.get("id")) for given in _inputs(call)]
        if len(set(keys)) < len(keys):
            raise invalid("Duplicate IDs found in batch input")
        return self._batch(call, lambda given: self._upsert(call.kind, given))

    def _upsert(self, kind: str, given: Any) -> Any:
        by, id = given.get("idProperty") or "hs_object_id", str(given["id"])
        try:
            one, new = self.portal.get(kind, id, by=by), False
        except Refused as refused:
            if refused.status != 404 or by == "hs_object_id":
                raise
            given = {**given, "properties": {**given["properties"], by: id}}
            one, new = self._create(kind, given), True
        if not new:
            self._update(one, given)
        view = self._view(one)
        kept = {name: value for name, value in view["properties"].items() if value is not None}
        return {**view, "properties": kept, "new": new}

    def _create(self, kind: str, given: Any) -> Stored:
        values = _values(given)
        one = self.portal.create(kind, values, SOURCE)
        self.kit.effect("create", kind, one.id, properties=values)
        for link in given.get("associations") or ():
            ids = [int(spec["associationTypeId"]) for spec in link["types"]]
            far, primary = far_end(kind, ids)
            self.portal.associate(kind, one.id, far, str(link["to"]["id"]), primary=primary, source=SOURCE)
        return one

    def _update(self, one: Stored, given: Any) -> Stored:
        values = _values(given)
        self.portal.update(one, values, SOURCE)
        self.kit.effect("update", one.kind, one.id, properties=values)
        return one

    def _batch(self, call: Call, work: Callable[[Any], Any], status: int = 200) -> Answer:
        started = iso(self.portal.now())
        results, missing = [], []
        for given in _inputs(call):
            try:
                traced = {"objectWriteTraceId": t} if (t := given.get("objectWriteTraceId")) else {}
                results.append({**work(given), **traced})
            except Refused as refused:
                if refused.status != 404:
                    raise
                missing.append(str(given["id"]))
        answer = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": started,
            "completedAt": iso(self.portal.now()),
        }
        if missing:
            singular = catalog.TYPES[call.kind].singular.upper()
            text = f"Could not get some {singular} objects, they may be deleted or not exist."
            errors = [part(text, "OBJECT_NOT_FOUND", {"ids": missing})]
            return Answer(207, {**answer, "errors": errors, "numErrors": len(errors)})
        return Answer(status, answer)

    def _view(self, one: Stored, wanted: Sequence[str] = (), linked: Sequence[str] = ()) -> dict[str, Any]:
        """An object as the API shows it: properties asked for (null when empty) and three stamps."""
        known, own = self.portal.properties[one.kind], catalog.TYPES[one.kind]
        names = wanted or own.defaults
        shown = dict.fromkeys(["createdate", own.changed, "hs_object_id", *(n for n in names if n in known)])
        properties = {name: one.properties.get(name) or None for name in shown}
        view = {
            "id": one.id,
            "properties": properties,
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


def type_of(name: str) -> str:
    """The object type behind a name or a type id. Raises Refused 400."""
    if name not in catalog.ALIASES:
        raise invalid(f"Unable to infer object type from: {name}")
    return catalog.ALIASES[name]


def far_end(kind: str, type_ids: Sequence[int]) -> tuple[str, bool]:
    """The other type that association type ids lead to, and whether they say primary. Raises Refused 400."""
    for (near, far), (plain, primary) in catalog.ASSOCIATIONS.items():
        if near == kind and {plain, primary} & set(type_ids):
            return far, primary is not None and primary in type_ids
    raise invalid(f"No association type {list(type_ids)} starts at {kind}")


def _inputs(call: Call) -> Sequence[Any]:
    inputs = call.body.get("inputs") if isinstance(call.body, dict) else None
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise invalid("Invalid input JSON: inputs must be a list of objects")
    if not 1 <= len(inputs) <= BATCH_MAX:
        raise invalid(f"The number of inputs must be between 1 and {BATCH_MAX}")
    return inputs


def _values(given: Any) -> dict[str, str]:
    values = given.get("properties") if isinstance(given, dict) else None
    if not isinstance(values, dict):
        raise invalid("Invalid input JSON: properties must be an object")
    # The server takes numbers and booleans too; what it keeps is text.
    plain = {name: "" if value is None else value for name, value in values.items()}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in plain.items()
    }
