"""The account's state: objects with text properties, their associations, and what a change sets off."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox.hubspot import catalog, rules
from sandbox.hubspot.links import Links
from sandbox.hubspot.records import Index, Stored, iso, moment
from sandbox.hubspot.refusals import conflict, incomplete, invalid, invalid_properties, not_found

OBJECTS_MAX = 1_000_000
FIRST_ID = 18_500_000_001
UNIQUE_MAX = 10  # properties with unique values per object type, of an admin's making


@dataclass(frozen=True, slots=True)
class Happening:
    """Something a webhook subscription may be about."""

    event: str  # deal.creation, deal.propertyChange ...
    at: datetime
    object_id: str
    source: str
    facts: Mapping[str, object]
    type_id: str = ""


@dataclass
class Portal:
    """A HubSpot account. Whoever uses it holds the simulator's lock."""

    now: Callable[[], datetime]
    announce: Callable[[Happening], None]
    properties: dict[str, dict[str, catalog.Property]]
    pipelines: list[catalog.Pipeline] = field(default_factory=catalog.pipelines)
    order_pipelines: list[catalog.Pipeline] = field(default_factory=catalog.order_pipelines)
    objects: dict[str, dict[str, Stored]] = field(
        default_factory=lambda: {kind: {} for kind in catalog.TYPES}
    )
    indexes: dict[str, Index] = field(default_factory=lambda: {kind: Index() for kind in catalog.TYPES})
    links: Links = field(default_factory=Links)
    restrictions: dict[tuple[str, str], list[rules.Restriction]] = field(default_factory=dict)
    merged: dict[tuple[str, str], str] = field(default_factory=dict)  # an id that was merged -> where to
    _holders: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(FIRST_ID))

    def get(self, kind: str, id: str, *, archived: bool = False, by: str = "") -> Stored:
        """An object by id, or by the value of a unique property. Raises Refused 404.

        An id that was merged leads to the object that came of it (changelog, "updated merge functionality").
        """
        found = self._by_value(kind, by, id) if by else self._by_id(kind, id)
        if found is None or (found.archived_at is not None) != archived:
            raise not_found()
        return found

    def _by_id(self, kind: str, id: str) -> Stored | None:
        for _ in range(100):
            if (kind, id) not in self.merged:
                break
            id = self.merged[kind, id]
        return self.objects[kind].get(id)

    def _by_value(self, kind: str, name: str, value: str) -> Stored | None:
        if name == "hs_object_id":
            return self._by_id(kind, value)
        if not self._definition(kind, name).unique:
            raise invalid(f"{name} is not a unique identifier property")
        holder = self.holders(kind, name).get(rules.comparable(name, value))
        return self.objects[kind][holder] if holder else None

    def _definition(self, kind: str, name: str) -> catalog.Property:
        try:
            return self.properties[kind][name]
        except KeyError:
            text = f'Property "{name}" does not exist'
            raise invalid_properties([(name, "PROPERTY_DOESNT_EXIST", text)]) from None

    def holders(self, kind: str, name: str) -> dict[str, str]:
        """Who has which value of a unique property."""
        if (kind, name) not in self._holders:
            held = ((one.value(name), one.id) for one in self.alive(kind))
            self._holders[kind, name] = {rules.comparable(name, value): id for value, id in held if value}
        return self._holders[kind, name]

    def alive(self, kind: str) -> Iterable[Stored]:
        """Objects that are not archived."""
        return (one for one in self.objects[kind].values() if one.archived_at is None)

    def create(self, kind: str, values: Mapping[str, str], source: str) -> Stored:
        """A new object. Raises Refused for values HubSpot would not take."""
        values = self.judged(kind, values)
        at = self.now()
        one = self.bare(kind, at)
        self._write(one, values, at)
        self.tell(one, "creation", source, {"changeFlag": "CREATED"})
        return one

    def bare(self, kind: str, at: datetime) -> Stored:
        """An object without values yet."""
        if len(self.objects[kind]) >= OBJECTS_MAX:
            raise invalid(f"over {OBJECTS_MAX} {kind}")
        one = Stored(str(next(self.ids)), kind, at, at)
        one.opened().update({"hs_object_id": one.id, catalog.TYPES[kind].created: iso(at)})
        self.objects[kind][one.id] = one
        self.indexes[kind].enter(one)
        return one

    def judged(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        """The values of an object to be, with defaults. Raises Refused for those HubSpot would not take."""
        own = catalog.TYPES[kind]
        lacking = [name for name in own.required if not values.get(name)]
        if lacking:
            raise incomplete(own.singular, lacking)
        defaults = {"pipeline": "default"} if kind == "deals" and "dealstage" in values else {}
        if kind == "invoices":
            defaults = {"hs_invoice_status": "draft", "hs_invoice_billable": "true"}
        wanted = {**defaults, **values}
        self.judge(kind, wanted, None)
        return wanted

    def update(self, one: Stored, values: Mapping[str, str], source: str) -> Stored:
        """New property values; only those that differ are told, but any write counts as a change."""
        self.judge(one.kind, values, one)
        before = dict(one.properties)
        self._write(one, values, self.now())
        for name, value in one.properties.items():
            if value != before.get(name, "") and name != catalog.TYPES[one.kind].changed:
                self.tell(one, "propertyChange", source, {"propertyName": name, "propertyValue": value})
        return one

    def archive(self, one: Stored, source: str) -> None:
        """Delete: the object is gone from reads and searches and loses its associations."""
        self.retire(one)
        for far, far_id, _ in self.links.around(one.kind, one.id):
            self.links.part(one.kind, one.id, far, far_id)
        self.tell(one, "deletion", source, {"changeFlag": "DELETED"})

    def retire(self, one: Stored, *, listed: bool = True) -> None:
        """Out of every index; its unique values are free again."""
        self.indexes[one.kind].leave(one, listed=listed)
        self._hold(one, {})
        one.archived_at = one.updated_at = self.now()

    def restore(self, one: Stored, source: str) -> None:
        """Take a deletion back; associations do not return."""
        one.archived_at, one.updated_at = None, self.now()
        self.indexes[one.kind].enter(one)
        self._hold(one, one.properties)
        self.tell(one, "restore", source, {})

    def associate(self, kind: str, id: str, far: str, far_id: str, *, primary: bool, source: str) -> None:
        """Link two objects, both ways. A new primary company takes the place of the old."""
        id, far_id = self.get(kind, id).id, self.get(far, far_id).id
        self.links.join(kind, id, far, far_id, primary=primary)
        for near, near_id, other, other_id in ((kind, id, far, far_id), (far, far_id, kind, id)):
            self._tell_link(near, near_id, other, other_id, source, primary=primary, removed=False)
        self._settle(kind, id, far, far_id)

    def dissociate(self, kind: str, id: str, far: str, far_id: str, source: str) -> bool:
        """Undo a link; False where there was none."""
        primary = self.linked(kind, far, id).get(far_id, False)
        if not self.links.part(kind, id, far, far_id):
            return False
        for near, near_id, other, other_id in ((kind, id, far, far_id), (far, far_id, kind, id)):
            self._tell_link(near, near_id, other, other_id, source, primary=primary, removed=True)
        self._settle(kind, id, far, far_id)
        return True

    def linked(self, kind: str, far: str, id: str) -> Mapping[str, bool]:
        """Ids at the far end, and whether each is the primary one."""
        return self.links.linked(kind, far, id)

    def tell(self, one: Stored, event: str, source: str, facts: Mapping[str, object]) -> None:
        """Something happened to an object."""
        own = catalog.TYPES[one.kind]
        self.announce(Happening(f"{own.singular}.{event}", self.now(), one.id, source, facts, own.type_id))

    def _tell_link(
        self, near: str, near_id: str, far: str, far_id: str, source: str, *, primary: bool, removed: bool
    ) -> None:
        names = [catalog.TYPES[end].singular for end in (near, far)]
        facts = {
            "associationType": "_TO_".join(names).upper(),
            "fromObjectId": int(near_id),
            "toObjectId": int(far_id),
            "associationRemoved": removed,
            "isPrimaryAssociation": primary,
        }
        self.tell(self.objects[near][near_id], "associationChange", source, facts)

    def put(self, one: Stored, values: Mapping[str, str]) -> None:
        """Set values without judging or telling: what HubSpot itself does in a merge."""
        self._write(one, values, self.now())

    def _write(self, one: Stored, values: Mapping[str, str], at: datetime) -> None:
        held = one.opened()
        self._hold(one, values, only=values.keys())
        held.update(values)
        born = moment(values.get(catalog.TYPES[one.kind].created, ""))
        if born is not None:
            self.indexes[one.kind].backdate(one, born)
        if one.kind == "deals":
            self._close(held, at)
        if one.kind == "line_items":
            held["amount"] = rules.net_price(held)
        if one.kind == "commerce_payments":
            spent = rules.number(held, "hs_fees_amount") + rules.number(held, "hs_refunds_amount")
            held["hs_net_amount"] = rules.plain(rules.number(held, "hs_initial_amount") - spent)
        self._changed(one, at)
        for invoice in self._invoices_of(one.kind, one.id):
            self._bill(invoice)

    def _changed(self, one: Stored, at: datetime) -> None:
        self.indexes[one.kind].touch(one, at)
        one.updated_at = at
        one.opened()[catalog.TYPES[one.kind].changed] = iso(at)

    def _hold(self, one: Stored, values: Mapping[str, str], only: Iterable[str] | None = None) -> None:
        """Keep the books of unique values: what the object had is free, what it gets is taken."""
        known = self.properties[one.kind]
        named = set(known if only is None else only) & {name for name, own in known.items() if own.unique}
        for name in named:
            held = self.holders(one.kind, name)
            if held.get(old := rules.comparable(name, one.value(name))) == one.id:
                del held[old]
            if value := values.get(name):
                held[rules.comparable(name, value)] = one.id

    def _close(self, deal: dict[str, str], at: datetime) -> None:
        """HubSpot derives both verdicts from the stage and dates a deal that is closed without a date."""
        stage = self.stage(deal.get("pipeline", ""), deal.get("dealstage", ""))
        closed = stage is not None and stage.closed
        won = closed and stage is not None and stage.probability == "1.0"
        deal["hs_is_closed"] = str(closed).lower()
        deal["hs_is_closed_won"] = str(won).lower()
        if closed and not deal.get("closedate"):
            deal["closedate"] = iso(at)

    def _invoices_of(self, kind: str, id: str) -> list[Stored]:
        if kind == "invoices":
            return [self.objects[kind][id]]
        if kind not in ("line_items", "commerce_payments"):
            return []
        return [self.objects["invoices"][far] for far in self.links.linked(kind, "invoices", id)]

    def _settle(self, kind: str, id: str, far: str, far_id: str) -> None:
        """A line or a payment joined or left an invoice: its amounts follow."""
        if {kind, far} & {"invoices"} and {kind, far} & {"line_items", "commerce_payments"}:
            invoice = self.objects["invoices"][id if kind == "invoices" else far_id]
            self._bill(invoice)
            self._changed(invoice, self.now())

    def _bill(self, invoice: Stored) -> None:
        """The amounts of an invoice are those of its lines and payments; nobody else can set them."""

        def total(kind: str, name: str) -> Decimal:
            ends = (self.objects[kind][id].properties for id in self.linked("invoices", kind, invoice.id))
            counted = (one for one in ends if one.get("hs_latest_status", "succeeded") == "succeeded")
            return sum((rules.number(one, name) for one in counted), Decimal(0))

        billed, paid = total("line_items", "amount"), total("commerce_payments", "hs_initial_amount")
        amounts = {"hs_amount_billed": billed, "hs_amount_paid": paid, "hs_balance_due": billed - paid}
        invoice.opened().update({name: rules.plain(amount) for name, amount in amounts.items()})

    def stage(self, pipeline: str, stage: str) -> catalog.Stage | None:
        """A stage of an active pipeline."""
        owner = next((one for one in self.pipelines if one.id == pipeline), None)
        return next((one for one in owner.stages if one.id == stage), None) if owner else None

    def judge(self, kind: str, values: Mapping[str, str], before: Stored | None) -> None:
        """Raises Refused for values HubSpot would not take, all of them at once."""
        problems = [
            (name, *problem)
            for name, value in values.items()
            if (problem := self._problem(kind, name, value))
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

    def _problem(self, kind: str, name: str, value: str) -> tuple[str, str] | None:
        found = rules.problem(self.properties[kind].get(name), name, value)
        return found or rules.restricted(name, value, self.restrictions.get((kind, name), ()))

    def _unique(self, kind: str, values: Mapping[str, str], before: Stored | None) -> None:
        for name, value in values.items():
            if not value or not self.properties[kind][name].unique:
                continue
            holder = self.holders(kind, name).get(rules.comparable(name, value))
            if holder is None or (before is not None and holder == before.id):
                continue
            if kind == "contacts" and name == "email":
                raise conflict("contact", holder)
            text = f"{value} is not unique: object {holder} already has that value"
            raise invalid_properties([(name, "CONFLICTING_UNIQUE_VALUE", text)])
