"""The account's state: objects with text properties, their associations, and what a change sets off."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from sandbox.hubspot import catalog
from sandbox.hubspot.refusals import conflict, invalid, invalid_properties, not_found

OBJECTS_MAX = 200_000


def iso(moment: datetime) -> str:
    """An instant as HubSpot writes it: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Stored:
    """One CRM object. All property values are text, as on the wire."""

    id: str
    kind: str
    created_at: datetime
    updated_at: datetime
    properties: dict[str, str] = field(default_factory=dict)
    archived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something a webhook subscription may be about."""

    event: str  # deal.creation, deal.propertyChange ...
    at: datetime
    object_id: str
    source: str
    facts: Mapping[str, object]


@dataclass
class Portal:
    """A HubSpot account. Whoever uses it holds the simulator's lock."""

    now: Callable[[], datetime]
    announce: Callable[[Happening], None]
    properties: dict[str, dict[str, catalog.Property]]
    pipelines: list[catalog.Pipeline] = field(default_factory=catalog.pipelines)
    objects: dict[str, dict[str, Stored]] = field(
        default_factory=lambda: {kind: {} for kind in catalog.TYPES}
    )
    links: dict[tuple[str, str], dict[str, dict[str, bool]]] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(18_500_000_001))

    def get(self, kind: str, id: str, *, archived: bool = False, by: str = "") -> Stored:
        """An object by id, or by the value of a unique property. Raises Refused 404."""
        found = self._by_value(kind, by, id) if by else self.objects[kind].get(id)
        if found is None or (found.archived_at is not None) != archived:
            raise not_found()
        return found

    def _by_value(self, kind: str, name: str, value: str) -> Stored | None:
        if name != "hs_object_id" and not self._definition(kind, name).unique:
            raise invalid(f"{name} is not a unique identifier property")
        if name == "hs_object_id":
            return self.objects[kind].get(value)
        return next((one for one in self.alive(kind) if one.properties.get(name) == value), None)

    def _definition(self, kind: str, name: str) -> catalog.Property:
        try:
            return self.properties[kind][name]
        except KeyError:
            text = f'Property "{name}" does not exist'
            raise invalid_properties([(name, "PROPERTY_DOESNT_EXIST", text)]) from None

    def alive(self, kind: str) -> Iterable[Stored]:
        """Objects that are not archived."""
        return (one for one in self.objects[kind].values() if one.archived_at is None)

    def create(self, kind: str, values: Mapping[str, str], source: str) -> Stored:
        """A new object. Raises Refused for values HubSpot would not take."""
        if len(self.objects[kind]) >= OBJECTS_MAX:
            raise invalid(f"over {OBJECTS_MAX} {kind}")
        defaults = {"pipeline": "default"} if kind == "deals" and "dealstage" in values else {}
        values = {**defaults, **values}
        self._validate(kind, values, None)
        at = self.now()
        one = Stored(str(next(self._ids)), kind, at, at)
        self.objects[kind][one.id] = one
        one.properties |= {"hs_object_id": one.id, "createdate": iso(at)}
        self._write(one, values, at)
        self._tell(one, "creation", source, {"changeFlag": "CREATED"})
        return one

    def update(self, one: Stored, values: Mapping[str, str], source: str) -> Stored:
        """New property values; only those that differ are told, but any write counts as a change."""
        self._validate(one.kind, values, one)
        before = dict(one.properties)
        self._write(one, values, self.now())
        for name, value in one.properties.items():
            if value != before.get(name, "") and name != catalog.TYPES[one.kind].changed:
                self._tell(one, "propertyChange", source, {"propertyName": name, "propertyValue": value})
        return one

    def archive(self, one: Stored, source: str) -> None:
        """Delete: the object is gone from reads and searches and loses its associations."""
        one.archived_at = one.updated_at = self.now()
        for ends in self.links.values():
            ends.pop(one.id, None)
            for far in ends.values():
                far.pop(one.id, None)
        self._tell(one, "deletion", source, {"changeFlag": "DELETED"})

    def restore(self, one: Stored, source: str) -> None:
        """Take a deletion back; associations do not return."""
        one.archived_at, one.updated_at = None, self.now()
        self._tell(one, "restore", source, {})

    def associate(self, kind: str, id: str, far: str, far_id: str, *, primary: bool, source: str) -> None:
        """Link two objects, both ways. A new primary one takes the place of the old."""
        for end, end_id in ((kind, id), (far, far_id)):
            self.get(end, end_id)
        for one, one_id, other, other_id in ((kind, id, far, far_id), (far, far_id, kind, id)):
            ends = self.links.setdefault((one, other), {}).setdefault(one_id, {})
            if primary and one != "companies":
                ends.update(dict.fromkeys(ends, False))
            ends[other_id] = primary or ends.get(other_id, False)
            names = [catalog.TYPES[end].singular for end in (one, other)]
            facts = {
                "associationType": "_TO_".join(names).upper(),
                "fromObjectId": int(one_id),
                "toObjectId": int(other_id),
                "associationRemoved": False,
                "isPrimaryAssociation": primary,
            }
            self._tell(self.objects[one][one_id], "associationChange", source, facts)

    def linked(self, kind: str, far: str, id: str) -> Mapping[str, bool]:
        """Ids at the far end, and whether each is the primary one."""
        ends = self.links.get((kind, far), {}).get(id, {})
        if kind != "companies":
            return ends
        back = self.links.get((far, kind), {})  # a company is primary for a deal, not the other way round
        return {far_id: back.get(far_id, {}).get(id, False) for far_id in ends}

    def _tell(self, one: Stored, event: str, source: str, facts: Mapping[str, object]) -> None:
        name = f"{catalog.TYPES[one.kind].singular}.{event}"
        self.announce(Happening(name, self.now(), one.id, source, facts))

    def _write(self, one: Stored, values: Mapping[str, str], at: datetime) -> None:
        one.properties.update(values)
        if one.kind == "deals":
            self._close(one, at)
        if one.kind == "line_items":
            one.properties["amount"] = net_price(one.properties)
        one.updated_at = at
        one.properties[catalog.TYPES[one.kind].changed] = iso(at)

    def _close(self, deal: Stored, at: datetime) -> None:
        """HubSpot derives both verdicts from the stage and dates a deal that is closed without a date."""
        stage = self.stage(deal.properties.get("pipeline", ""), deal.properties.get("dealstage", ""))
        closed = stage is not None and stage.closed
        won = closed and stage is not None and stage.probability == "1.0"
        deal.properties["hs_is_closed"] = str(closed).lower()
        deal.properties["hs_is_closed_won"] = str(won).lower()
        if closed and not deal.properties.get("closedate"):
            deal.properties["closedate"] = iso(at)

    def stage(self, pipeline: str, stage: str) -> catalog.Stage | None:
        """A stage of an active pipeline."""
        owner = next((one for one in self.pipelines if one.id == pipeline), None)
        return next((one for one in owner.stages if one.id == stage), None) if owner else None

    def _validate(self, kind: str, values: Mapping[str, str], before: Stored | None) -> None:
        problems = [
            (name, *problem)
            for name, value in values.items()
            if (problem := _problem(self.properties[kind].get(name), name, value))
        ]
        merged = {**(before.properties if before else {}), **values}
        if kind == "deals" and {"dealstage", "pipeline"} & values.keys() and merged.get("dealstage"):
            stage, pipeline = merged["dealstage"], merged.get("pipeline", "")
            if self.stage(pipeline, stage) is None:
                text = f"{stage} was not one of the allowed options of pipeline {pipeline}"
                problems.append(("dealstage", "INVALID_OPTION", text))
        if problems:
            raise invalid_properties(problems)
        self._unique(kind, values, before)

    def _unique(self, kind: str, values: Mapping[str, str], before: Stored | None) -> None:
        for name, value in values.items():
            if not value or not self.properties[kind][name].unique:
                continue
            holder = self._by_value(kind, name, value)
            if holder is None or (before is not None and holder.id == before.id):
                continue
            if kind == "contacts" and name == "email":
                raise conflict("contact", holder.id)
            text = f"{value} is not unique: object {holder.id} already has that value"
            raise invalid_properties([(name, "CONFLICTING_UNIQUE_VALUE", text)])


def net_price(properties: Mapping[str, str]) -> str:
    """A line item's calculated amount: quantity times price after discount."""

    def number(name: str) -> Decimal:
        return Decimal(properties.get(name) or "0")

    each = number("price") * (1 - number("hs_discount_percentage") / 100) - number("discount")
    return format((each * number("quantity")).normalize(), "f")


def _problem(one: catalog.Property | None, name: str, value: str) -> tuple[str, str] | None:
    """Code and message of what is wrong with a value, None if nothing is."""
    if one is None:
        return "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
    if one.read_only:
        return "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set'
    wrong = {
        "number": ("INVALID_DOUBLE", f"{value} was not a valid double.", _is_number),
        "date": ("INVALID_DATE", f"{value} was not a valid date.", moment),
        "datetime": ("INVALID_DATE", f"{value} was not a valid date.", moment),
        "bool": ("INVALID_BOOLEAN", f"{value} was not a valid boolean.", ("true", "false").__contains__),
        "enumeration": (
            "INVALID_OPTION",
            f"{value} was not one of the allowed options",
            one.options.__contains__,
        ),
    }
    code, message, fits = wrong.get(one.type, ("", "", bool))
    return None if value == "" or fits(value) else (code, message)


def _is_number(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def moment(value: str) -> datetime | None:
    """An instant or a date as HubSpot accepts it: milliseconds since 1970, or ISO 8601."""
    try:
        if value.lstrip("-").isdigit():
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        found = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
