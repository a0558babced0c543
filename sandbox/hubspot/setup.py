"""What an admin sets up, and an app at its installation: properties, their groups, and pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sandbox.hubspot import catalog
from sandbox.hubspot.batches import inputs_of
from sandbox.hubspot.objects import Answer, Call
from sandbox.hubspot.portal import UNIQUE_MAX, Portal
from sandbox.hubspot.records import iso
from sandbox.hubspot.refusals import Refused, invalid, not_found, part
from sandbox.hubspot.rules import Restriction
from sandbox.kit import Kit

_GROUPS = {name: f"{one.singular}information".replace("_", "") for name, one in catalog.TYPES.items()}
_GIVEN = ("name", "label", "type", "fieldType", "groupName")
TYPES = frozenset({"bool", "date", "datetime", "enumeration", "number", "phone_number", "string"})


class Definitions:
    """The endpoints under /crm/properties and /crm/pipelines."""

    def __init__(self, portal: Portal, kit: Kit) -> None:
        self.portal = portal
        self.kit = kit
        self.born = portal.now()
        self.groups: dict[str, dict[str, str]] = {
            kind: {name: name.removesuffix("information").capitalize() + " information"}
            for kind, name in _GROUPS.items()
        }
        self.archived: dict[str, dict[str, catalog.Property]] = {kind: {} for kind in catalog.TYPES}

    def properties(self, call: Call) -> Answer:
        """GET /crm/properties/{version}/{type}."""
        gone = call.flag("archived")
        known = self.archived[call.kind] if gone else self.portal.properties[call.kind]
        return Answer(200, {"results": [self._shown(call.kind, one, gone=gone) for one in known.values()]})

    def property(self, call: Call) -> Answer:
        """GET /crm/properties/{version}/{type}/{name}."""
        return Answer(200, self._shown(call.kind, self._known(call)))

    def create_property(self, call: Call) -> Answer:
        """POST /crm/properties/{version}/{type}."""
        one = self._add(call.kind, call.body)
        return Answer(201, self._shown(call.kind, one))

    def update_property(self, call: Call) -> Answer:
        """PATCH /crm/properties/{version}/{type}/{name}: label, group, field type, description, options."""
        one, body = self._known(call), call.body
        options = tuple(str(option["value"]) for option in body.get("options") or ()) or one.options
        changed = replace(
            one,
            label=str(body.get("label") or one.label),
            group=self._group(call.kind, str(body.get("groupName") or one.group or _GROUPS[call.kind])),
            field_type=str(body.get("fieldType") or one.field_type),
            description=str(body.get("description") or one.description),
            options=options,
        )
        self.portal.properties[call.kind][one.name] = changed
        self.kit.effect("update", "property", one.name, type=call.kind, reference="")
        return Answer(200, self._shown(call.kind, changed))

    def archive_property(self, call: Call) -> Answer:
        """DELETE /crm/properties/{version}/{type}/{name}; HubSpot's own cannot be."""
        self._remove(call.kind, self._known(call))
        return Answer(204, None)

    def read_properties(self, call: Call) -> Answer:
        """POST /crm/properties/{version}/{type}/batch/read."""
        names = [str(one["name"]) for one in inputs_of(call, 100)]
        known = self.portal.properties[call.kind]
        found = [self._shown(call.kind, known[name]) for name in names if name in known]
        missing = [name for name in names if name not in known]
        text = "Could not get some properties, they may be deleted or not exist."
        errors = [part(text, "OBJECT_NOT_FOUND", {"name": missing})] if missing else []
        return self._batch(found, errors, 200)

    def create_properties(self, call: Call) -> Answer:
        """POST /crm/properties/{version}/{type}/batch/create: those that cannot be are errors beside."""
        made, errors = [], []
        for given in inputs_of(call, 100):
            try:
                made.append(self._shown(call.kind, self._add(call.kind, given)))
            except Refused as refused:
                context = {"name": [str(given.get("name"))]}
                errors.append(part(refused.body["message"], refused.body["category"], context))
        return self._batch(made, errors, 200 if call.version == "2026-09" else 201)

    def archive_properties(self, call: Call) -> Answer:
        """POST /crm/properties/{version}/{type}/batch/archive."""
        for given in inputs_of(call, 100):
            one = self.portal.properties[call.kind].get(str(given["name"]))
            if one is not None:
                self._remove(call.kind, one)
        return Answer(204, None)

    def _batch(self, results: Sequence[Any], errors: Sequence[Any], done: int) -> Answer:
        now = iso(self.portal.now())
        body = {"status": "COMPLETE", "results": list(results), "startedAt": now, "completedAt": now}
        if not errors:
            return Answer(done, body)
        return Answer(207, {**body, "errors": list(errors), "numErrors": len(errors)})

    def _known(self, call: Call) -> catalog.Property:
        one = self.portal.properties[call.kind].get(call.id)
        if one is None:
            raise not_found()
        return one

    def _add(self, kind: str, given: Any) -> catalog.Property:
        body = given if isinstance(given, dict) else {}
        one = _definition(body)
        if one.name in self.portal.properties[kind]:
            raise Refused(409, f"A property named '{one.name}' already exists.", "OBJECT_ALREADY_EXISTS")
        self._group(kind, one.group)
        mine = [own for own in self.portal.properties[kind].values() if own.unique and not own.own]
        if one.unique and len(mine) >= UNIQUE_MAX:
            raise invalid(f"There can be at most {UNIQUE_MAX} properties with unique values per object type.")
        self.portal.properties[kind][one.name] = one
        self.archived[kind].pop(one.name, None)
        self.kit.effect("create", "property", one.name, type=kind, reference="")
        return one

    def _remove(self, kind: str, one: catalog.Property) -> None:
        if one.own:
            raise invalid(f"{one.name} is defined by HubSpot and cannot be archived")
        self.archived[kind][one.name] = self.portal.properties[kind].pop(one.name)
        self.kit.effect("archive", "property", one.name, type=kind, reference="")

    def _shown(self, kind: str, one: catalog.Property, *, gone: bool = False) -> dict[str, Any]:
        stamps = {} if one.own else {"createdAt": iso(self.born), "updatedAt": iso(self.born)}
        return {**catalog.rendered(one, _GROUPS[kind]), **stamps, "archived": gone}

    def _group(self, kind: str, name: str) -> str:
        if name not in self.groups[kind]:
            raise invalid(f'Property group "{name}" does not exist; groups: {", ".join(self.groups[kind])}')
        return name

    def validations(self, call: Call) -> Answer:
        """GET /crm/property-validations/{version}/{type}: the rules of every property that has some."""
        held = {name: rules for (kind, name), rules in self.portal.restrictions.items() if kind == call.kind}
        shown = [
            {"propertyName": name, "propertyValidationRules": [_rule(one) for one in rules]}
            for name, rules in held.items()
        ]
        return Answer(200, {"results": shown})

    def validation(self, call: Call) -> Answer:
        """GET /crm/property-validations/{version}/{type}/{name}."""
        self._known(call)
        held = self.portal.restrictions.get((call.kind, call.id), ())
        return Answer(200, {"results": [_rule(one) for one in held]})

    def list_groups(self, call: Call) -> Answer:
        """GET /crm/properties/{version}/{type}/groups."""
        shown = [_group(name, label, at) for at, (name, label) in enumerate(self.groups[call.kind].items())]
        return Answer(200, {"results": shown})

    def group(self, call: Call) -> Answer:
        """GET /crm/properties/{version}/{type}/groups/{name}."""
        label = self.groups[call.kind].get(call.id)
        if label is None:
            raise not_found()
        return Answer(200, _group(call.id, label, 0))

    def create_group(self, call: Call) -> Answer:
        """POST /crm/properties/{version}/{type}/groups."""
        name, label = str(call.body["name"]), str(call.body["label"])
        if name in self.groups[call.kind]:
            raise Refused(409, f"A property group named '{name}' already exists.", "OBJECT_ALREADY_EXISTS")
        self.groups[call.kind][name] = label
        self.kit.effect("create", "property group", name, type=call.kind, reference="")
        return Answer(201, _group(name, label, len(self.groups[call.kind]) - 1))

    def pipelines(self, call: Call) -> Answer:
        """GET /crm/pipelines/{version}/{type}: deals and orders have pipelines here."""
        return Answer(200, {"results": [self._pipeline(one, at) for at, one in enumerate(self._lines(call))]})

    def pipeline(self, call: Call) -> Answer:
        """GET /crm/pipelines/{version}/{type}/{pipelineId}."""
        return Answer(200, self._pipeline(*self._line(call)))

    def stages(self, call: Call) -> Answer:
        """GET /crm/pipelines/{version}/{type}/{pipelineId}/stages."""
        return Answer(200, {"results": self._pipeline(*self._line(call))["stages"]})

    def stage(self, call: Call) -> Answer:
        """GET /crm/pipelines/{version}/{type}/{pipelineId}/stages/{stageId}."""
        for one in self._pipeline(*self._line(call))["stages"]:
            if one["id"] == call.named["stage"]:
                return Answer(200, one)
        raise not_found()

    def _lines(self, call: Call) -> Sequence[catalog.Pipeline]:
        held = {"deals": self.portal.pipelines, "orders": self.portal.order_pipelines}
        return held.get(call.kind, ())

    def _line(self, call: Call) -> tuple[catalog.Pipeline, int]:
        for at, one in enumerate(self._lines(call)):
            if one.id == call.id:
                return one, at
        raise not_found()

    def _pipeline(self, one: catalog.Pipeline, at: int) -> dict[str, Any]:
        stages = [self._stage(stage, place) for place, stage in enumerate(one.stages)]
        return {"id": one.id, "label": one.label, "displayOrder": at, "stages": stages, **self._stamps()}

    def _stage(self, one: catalog.Stage, at: int) -> dict[str, Any]:
        probability = {"probability": one.probability} if one.probability else {}
        return {
            "id": one.id,
            "label": one.label,
            "displayOrder": at,
            "metadata": {"isClosed": str(one.closed).lower(), **probability},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            **self._stamps(),
        }

    def _stamps(self) -> dict[str, Any]:
        return {"createdAt": iso(self.born), "updatedAt": iso(self.born), "archived": False}


def _rule(one: Restriction) -> dict[str, Any]:
    return {"ruleType": one.type, "ruleArguments": list(one.arguments), "shouldApplyNormalization": False}


def _group(name: str, label: str, at: int) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": at, "archived": False}


def _definition(body: Any) -> catalog.Property:
    """A property to be. Raises Refused 400 for what is missing or cannot go together."""
    lacking = [key for key in _GIVEN if not body.get(key)]
    if lacking:
        raise invalid(f"Invalid input JSON: {', '.join(lacking)} must be given")
    name, type = str(body["name"]), str(body["type"])
    if type not in TYPES:
        raise invalid(f"{type} is no property type: one of {', '.join(sorted(TYPES))}")
    if name != name.lower() or not name.replace("_", "").isalnum() or name[0].isdigit():
        raise invalid(f"{name} is no property name: lower case letters, digits and _ after a letter")
    unique, options = bool(body.get("hasUniqueValue")), body.get("options") or ()
    if unique and type not in ("string", "number"):
        raise invalid("Only string and number properties can have unique values")
    if type == "enumeration" and not options and not body.get("externalOptions"):
        raise invalid(f"{name}: an enumeration needs options")
    return catalog.Property(
        name=name,
        type=type,
        label=str(body["label"]),
        unique=unique,
        own=False,
        options=tuple(str(option["value"]) for option in options),
        group=str(body["groupName"]),
        field_type=str(body["fieldType"]),
        description=str(body.get("description") or ""),
    )
