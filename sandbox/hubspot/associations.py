"""The association endpoints: reading, linking and parting objects, alone and in batches, and the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.hubspot import catalog
from sandbox.hubspot.batches import inputs_of
from sandbox.hubspot.objects import SOURCE, Answer, Call, far_end, type_of
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import iso
from sandbox.hubspot.refusals import invalid, part
from sandbox.kit import Kit

READ_MAX = 1000  # inputs of one batch read
WRITE_MAX = 2000  # inputs of other batches
LIST_MAX = 500
DEFINED = "HUBSPOT_DEFINED"


class Associations:
    """The endpoints under /crm/associations, and those of one object under /crm/objects."""

    def __init__(self, portal: Portal, kit: Kit) -> None:
        self.portal = portal
        self.kit = kit
        self.page = 500  # associations of one object in one answer

    def read(self, call: Call, far: str) -> Answer:
        """POST batch/read: ids without any association are errors beside the results (207)."""
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for given in inputs_of(call, READ_MAX):
            id, after = str(given["id"]), int(given.get("after") or 0)
            ends = self._ends(call.kind, far, id)
            if not ends:
                errors.append(self._nothing(call.kind, far, id))
                continue
            chunk = ends[after : after + self.page]
            shown = _old_end if call.version == "v3" else _end
            to = [shown(call.kind, far, *end) for end in chunk]
            result: dict[str, Any] = {"from": {"id": id}, "to": to}
            if after + self.page < len(ends):
                result["paging"] = {"next": {"after": str(after + self.page)}}
            results.append(result)
        answer = self._complete(results)
        if errors:
            return Answer(207, {**answer, "errors": errors, "numErrors": len(errors)})
        return Answer(200, answer)

    def page_of(self, call: Call, far: str) -> Answer:
        """GET /crm/{v4 or a date}/objects/{type}/{id}/associations/{type}: pages of one object's links."""
        limit, after = int(call.query.get("limit") or LIST_MAX), int(call.query.get("after") or 0)
        if not 1 <= limit <= LIST_MAX:
            raise invalid(f"limit must be between 1 and {LIST_MAX}")
        ends = self._ends(call.kind, far, self.portal.get(call.kind, call.id).id)
        page = [_end(call.kind, far, *end) for end in ends[after : after + limit]]
        more = {"paging": {"next": {"after": str(after + limit)}}} if after + limit < len(ends) else {}
        return Answer(200, {"results": page, **more})

    def _ends(self, kind: str, far: str, id: str) -> list[tuple[str, bool]]:
        _ids_between(kind, far)
        id = self.portal.merged.get((kind, id), id)
        return sorted(self.portal.linked(kind, far, id).items(), key=lambda end: int(end[0]))

    def create(self, call: Call, far: str) -> Answer:
        """POST batch/create: with type ids, which are directional. Nothing is done where one is wrong."""
        inputs = inputs_of(call, WRITE_MAX)
        marks = [self._mark(call.kind, far, given["types"]) for given in inputs]
        self._present(call.kind, far, inputs)
        results = [
            self._link(call.kind, far, *_between(given), primary=mark)
            for given, mark in zip(inputs, marks, strict=True)
        ]
        return Answer(201 if call.version in ("v3", "v4") else 200, self._complete(results))

    def create_default(self, call: Call, far: str) -> Answer:
        """POST batch/associate/default: the unlabelled type."""
        inputs = inputs_of(call, WRITE_MAX)
        self._present(call.kind, far, inputs)
        results = [one for given in inputs for one in self._default(call.kind, far, *_between(given))]
        return Answer(200, self._complete(results))

    def archive(self, call: Call, far: str) -> Answer:
        """POST batch/archive: parts each object from all that are named; parting strangers is no error."""
        for given in inputs_of(call, WRITE_MAX):
            ends = given["to"] if isinstance(given["to"], list) else [given["to"]]
            for end in ends:
                self._part(call.kind, str(given["from"]["id"]), far, str(end["id"]))
        return Answer(204, None) if call.version in ("v3", "v4") else Answer(200, self._complete([]))

    def put_default(self, call: Call, far: str) -> Answer:
        """PUT /crm/objects/{version}/{type}/{id}/associations/default/{type}/{id}."""
        return Answer(200, self._complete(self._default(call.kind, far, call.id, call.named["far_id"])))

    def put(self, call: Call, far: str) -> Answer:
        """PUT /crm/objects/{version}/{type}/{id}/associations/{type}/{id}: with type ids."""
        primary = self._mark(call.kind, far, call.body)
        return Answer(201, self._link(call.kind, far, call.id, call.named["far_id"], primary=primary))

    def delete(self, call: Call, far: str) -> Answer:
        """DELETE of the same address: all associations between the two."""
        self._part(call.kind, call.id, far, call.named["far_id"])
        return Answer(204, None)

    def labels(self, call: Call, far: str) -> Answer:
        """GET /crm/associations/{version}/{type}/{type}/labels: the ids that lead this way."""
        plain, primary = _ids_between(call.kind, far)
        found: list[dict[str, Any]] = [{"category": DEFINED, "typeId": plain}]
        if primary is not None:
            found.insert(0, {"category": DEFINED, "typeId": primary, "label": "Primary"})
        return Answer(200, {"results": found})

    def _mark(self, kind: str, far: str, types: Sequence[Any]) -> bool:
        """Do these type ids say primary? Raises Refused 400 for ids that lead elsewhere."""
        ids = [int(spec["associationTypeId"]) for spec in types]
        reached, primary = far_end(kind, ids)
        if reached != far or not set(ids) <= set(_ids_between(kind, far)):
            raise invalid(f"Association type {ids} does not lead from {kind} to {far}")
        return primary

    def _present(self, kind: str, far: str, inputs: Sequence[Any]) -> None:
        """Raises Refused 404 before anything is linked."""
        _ids_between(kind, far)
        for given in inputs:
            id, far_id = _between(given)
            self.portal.get(kind, id)
            self.portal.get(far, far_id)

    def _default(self, kind: str, far: str, id: str, far_id: str) -> Iterator[dict[str, Any]]:
        """Links, and tells both directions as HubSpot does."""
        self._link(kind, far, id, far_id, primary=False)
        for near, near_id, other, other_id in ((kind, id, far, far_id), (far, far_id, kind, id)):
            plain, _ = catalog.ASSOCIATIONS[near, other]
            spec = {"associationCategory": DEFINED, "associationTypeId": plain}
            yield {"from": {"id": near_id}, "to": {"id": other_id}, "associationSpec": spec}

    def _link(self, kind: str, far: str, id: str, far_id: str, *, primary: bool) -> dict[str, Any]:
        self.portal.associate(kind, id, far, far_id, primary=primary, source=SOURCE)
        self.kit.effect("associate", kind, id, far=far, far_id=far_id, reference="")
        return {
            "fromObjectTypeId": catalog.TYPES[kind].type_id,
            "fromObjectId": id,
            "toObjectTypeId": catalog.TYPES[far].type_id,
            "toObjectId": far_id,
            "labels": ["Primary"] if primary else [],
        }

    def _part(self, kind: str, id: str, far: str, far_id: str) -> None:
        if self.portal.dissociate(kind, id, far, far_id, SOURCE):
            self.kit.effect("dissociate", kind, id, far=far, far_id=far_id, reference="")

    def _nothing(self, kind: str, far: str, id: str) -> dict[str, Any]:
        near, other = catalog.TYPES[kind].singular, catalog.TYPES[far].singular
        context = {"fromObjectId": [id], "fromObjectType": [near], "toObjectType": [other]}
        text = f"No {other} is associated with {near} {id}."
        return part(text, "OBJECT_NOT_FOUND", context, "crm.associations.NO_ASSOCIATIONS_FOUND")

    def _complete(self, results: Iterator[Any] | Sequence[Any]) -> dict[str, Any]:
        now = iso(self.portal.now())
        return {"status": "COMPLETE", "results": list(results), "startedAt": now, "completedAt": now}


def far_type(call: Call) -> str:
    """The object type at the far end of an association's address. Raises Refused 400."""
    return type_of(call.named["far"])


def _ids_between(kind: str, far: str) -> tuple[int, int | None]:
    """The association type ids that lead one way. Raises Refused 400 where there are none."""
    found = catalog.ASSOCIATIONS.get((kind, far))
    if found is None:
        raise invalid(f"No association type leads from {kind} to {far}")
    return found


def _between(given: Any) -> tuple[str, str]:
    return str(given["from"]["id"]), str(given["to"]["id"])


def _old_end(kind: str, far: str, id: str, primary: bool) -> dict[str, Any]:
    """One association as v3 shows it: without labels."""
    return {"id": id, "type": f"{catalog.TYPES[kind].singular}_to_{catalog.TYPES[far].singular}"}


def _end(kind: str, far: str, id: str, primary: bool) -> dict[str, Any]:
    plain, marked = catalog.ASSOCIATIONS[kind, far]
    types: list[dict[str, Any]] = [{"category": DEFINED, "typeId": plain}]
    if primary and marked is not None:
        types.insert(0, {"category": DEFINED, "typeId": marked, "label": "Primary"})
    return {"toObjectId": id, "associationTypes": types}
