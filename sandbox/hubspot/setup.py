"""The endpoints around objects: associations, pipelines, property definitions and account details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sandbox.hubspot import catalog
from sandbox.hubspot.objects import SOURCE, Answer, Call, far_end
from sandbox.hubspot.portal import Portal, iso
from sandbox.hubspot.refusals import Refused, invalid, not_found, part
from sandbox.kit import Kit

LINKS_MAX = 1000  # inputs of one association batch
_GROUPS = {name: f"{one.singular}information".replace("_", "") for name, one in catalog.TYPES.items()}


class Associations:
    """The endpoints under /crm/associations."""

    def __init__(self, portal: Portal, kit: Kit) -> None:
        self.portal = portal
        self.kit = kit
        self.page = 500  # associations of one object in one answer

    def read(self, call: Call, far: str) -> Answer:
        """POST batch/read: ids without any association are errors beside the results (207)."""
        results, errors = [], []
        for given in _inputs(call):
            id, after = str(given["id"]), int(given.get("after") or 0)
            ends = sorted(self.portal.linked(call.kind, far, id).items(), key=lambda end: int(end[0]))
            if not ends:
                errors.append(self._nothing(call.kind, far, id))
                continue
            chunk = ends[after : after + self.page]
            result: dict[str, Any] = {"from": {"id": id}, "to": [_end(call.kind, far, *end) for end in chunk]}
            if after + self.page < len(ends):
                result["paging"] = {"next": {"after": str(after + self.page)}}
            results.append(result)
        answer = _complete(results, self.portal.now())
        if errors:
            return Answer(207, {**answer, "errors": errors, "numErrors": len(errors)})
        return Answer(200, answer)

    def create(self, call: Call, far: str) -> Answer:
        """POST batch/create: with type ids, which are directional."""
        results = []
        for given in _inputs(call):
            ids = [int(spec["associationTypeId"]) for spec in given["types"]]
            reached, primary = far_end(call.kind, ids)
            if reached != far:
                raise invalid(f"Association type {ids} does not lead from {call.kind} to {far}")
            results.append(self._link(call.kind, far, given, primary=primary))
        return Answer(200, _complete(results, self.portal.now()))

    def create_default(self, call: Call, far: str) -> Answer:
        """POST batch/associate/default: the unlabelled type."""
        results = []
        for given in _inputs(call):
            self._link(call.kind, far, given, primary=False)
            plain, _ = catalog.ASSOCIATIONS[call.kind, far]
            spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": plain}
            results.append({"from": given["from"], "to": given["to"], "associationSpec": spec})
        return Answer(200, _complete(results, self.portal.now()))

    def _link(self, kind: str, far: str, given: Any, *, primary: bool) -> dict[str, Any]:
        id, far_id = str(given["from"]["id"]), str(given["to"]["id"])
        self.portal.associate(kind, id, far, far_id, primary=primary, source=SOURCE)
        self.kit.effect("associate", kind, id, far=far, far_id=far_id)
        return {
            "fromObjectTypeId": catalog.TYPES[kind].type_id,
            "fromObjectId": id,
            "toObjectTypeId": catalog.TYPES[far].type_id,
            "toObjectId": far_id,
            "labels": ["Primary"] if primary else [],
        }

    def _nothing(self, kind: str, far: str, id: str) -> dict[str, Any]:
        near, other = catalog.TYPES[kind].singular, catalog.TYPES[far].singular
        context = {"fromObjectId": [id], "fromObjectType": [near], "toObjectType": [other]}
        text = f"No {other} is associated with {near} {id}."
        return part(text, "OBJECT_NOT_FOUND", context, "crm.associations.NO_ASSOCIATIONS_FOUND")


def _end(kind: str, far: str, id: str, primary: bool) -> dict[str, Any]:
    plain, marked = catalog.ASSOCIATIONS[kind, far]
    types: list[dict[str, Any]] = [{"category": "HUBSPOT_DEFINED", "typeId": plain}]
    if primary and marked is not None:
        types.insert(0, {"category": "HUBSPOT_DEFINED", "typeId": marked, "label": "Primary"})
    return {"toObjectId": id, "associationTypes": types}


def _complete(results: Sequence[Any], at: datetime) -> dict[str, Any]:
    return {"status": "COMPLETE", "results": list(results), "startedAt": iso(at), "completedAt": iso(at)}


def _inputs(call: Call) -> Sequence[Any]:
    inputs = call.body.get("inputs") if isinstance(call.body, dict) else None
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= LINKS_MAX:
        raise invalid(f"inputs must be a list of 1 to {LINKS_MAX}")
    return inputs


class Definitions:
    """Pipelines, properties and the account: what an admin sets up."""

    def __init__(self, portal: Portal, account: Mapping[str, Any]) -> None:
        self.portal = portal
        self.account = account
        self.born = portal.now()

    def pipelines(self, call: Call) -> Answer:
        """GET /crm/pipelines/{version}/{type}: deals have pipelines here."""
        listed = self.portal.pipelines if call.kind == "deals" else []
        return Answer(200, {"results": [self._pipeline(one, at) for at, one in enumerate(listed)]})

    def pipeline(self, call: Call) -> Answer:
        """GET /crm/pipelines/{version}/{type}/{pipelineId}."""
        for at, one in enumerate(self.portal.pipelines if call.kind == "deals" else ()):
            if one.id == call.id:
                return Answer(200, self._pipeline(one, at))
        raise not_found()

    def properties(self, call: Call) -> Answer:
        """GET /crm/properties/{version}/{type}."""
        group = _GROUPS[call.kind]
        known = self.portal.properties[call.kind].values()
        return Answer(200, {"results": [catalog.rendered(one, group) for one in known]})

    def property(self, call: Call) -> Answer:
        """GET /crm/properties/{version}/{type}/{name}."""
        one = self.portal.properties[call.kind].get(call.id)
        if one is None:
            raise not_found()
        return Answer(200, catalog.rendered(one, _GROUPS[call.kind]))

    def create_property(self, call: Call) -> Answer:
        """POST /crm/properties/{version}/{type}."""
        body = call.body if isinstance(call.body, dict) else {}
        lacking = [key for key in ("name", "label", "type", "fieldType", "groupName") if not body.get(key)]
        if lacking:
            raise invalid(f"Invalid input JSON: {', '.join(lacking)} must be given")
        if body["name"] in self.portal.properties[call.kind]:
            raise Refused(409, f"A property named '{body['name']}' already exists.", "OBJECT_ALREADY_EXISTS")
        one = catalog.Property(
            name=str(body["name"]),
            type=str(body["type"]),
            label=str(body["label"]),
            unique=bool(body.get("hasUniqueValue")),
            own=False,
            options=tuple(str(option["value"]) for option in body.get("options") or ()),
        )
        self.portal.properties[call.kind][one.name] = one
        return Answer(201, catalog.rendered(one, _GROUPS[call.kind]))

    def details(self, call: Call) -> Answer:
        """GET /account-info/{version}/details."""
        return Answer(200, self.account)

    def _pipeline(self, one: catalog.Pipeline, at: int) -> dict[str, Any]:
        stages = [self._stage(stage, place) for place, stage in enumerate(one.stages)]
        return {"id": one.id, "label": one.label, "displayOrder": at, "stages": stages, **self._stamps()}

    def _stage(self, one: catalog.Stage, at: int) -> dict[str, Any]:
        return {
            "id": one.id,
            "label": one.label,
            "displayOrder": at,
            "metadata": {"isClosed": str(one.closed).lower(), "probability": one.probability},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            **self._stamps(),
        }

    def _stamps(self) -> dict[str, Any]:
        return {"createdAt": iso(self.born), "updatedAt": iso(self.born), "archived": False}


def account(portal_id: int, currency: str, time_zone: str) -> dict[str, Any]:
    """Account details as the API gives them (`PortalInformationResponse`)."""
    return {
        "portalId": portal_id,
        "accountType": "DEVELOPER_TEST",
        "timeZone": time_zone,
        "companyCurrency": currency,
        "additionalCurrencies": [],
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }
