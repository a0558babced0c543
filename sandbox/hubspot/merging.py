"""Two objects become one, as HubSpot merges them."""

from __future__ import annotations

from sandbox.hubspot import catalog
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import Stored
from sandbox.hubspot.refusals import invalid

MERGEABLE = ("contacts", "companies", "deals")  # the types whose specification has a merge


def merge(portal: Portal, kind: str, primary_id: str, other_id: str, source: str, *, mint: bool) -> Stored:
    """The object that comes of it. Raises Refused where one is missing or both are the same.

    With `mint` the merged object gets an id of its own and both old ids lead to it (changelog, "updated merge
    functionality for contacts and companies"); without, the primary object goes on under its id, as it was
    before. Values and primary companies of the primary object win, the other one fills the gaps.
    Subscribers hear of the merge and of the other object's deletion, not of properties.
    """
    primary, other = portal.get(kind, primary_id), portal.get(kind, other_id)
    if primary.id == other.id:
        raise invalid("Cannot merge an object with itself")
    gained = {name: value for name, value in other.properties.items() if value and not primary.value(name)}
    values = {**primary.properties, **gained}
    gone = [primary, other] if mint else [other]
    ends = [(far, far_id, first) for one in (primary, other) for far, far_id, first in _around(portal, one)]
    for one in gone:
        portal.retire(one, listed=False)
        for far, far_id, _ in _around(portal, one):
            portal.links.part(kind, one.id, far, far_id)
    result = portal.bare(kind, portal.now()) if mint else primary
    _fill(portal, result, values, [primary, other])
    for one in gone:
        portal.merged[kind, one.id] = result.id
    for far, far_id, first in ends:
        # the one with a primary company is whichever of the two is no company
        near = (far, kind, far_id) if kind == "companies" else (kind, far, result.id)
        taken = any(portal.linked(*near).values())
        if (far, far_id) != (kind, result.id):
            portal.links.join(kind, result.id, far, far_id, primary=first and not taken)
    facts = {
        "primaryObjectId": int(primary.id),
        "mergedObjectIds": [int(other.id)],
        "newObjectId": int(result.id),
        "numberOfPropertiesMoved": len(gained),
    }
    portal.tell(primary, "merge", source, facts)
    portal.tell(other, "deletion", source, {"changeFlag": "DELETED"})
    return result


def _around(portal: Portal, one: Stored) -> list[tuple[str, str, bool]]:
    return list(portal.links.around(one.kind, one.id))


def _fill(portal: Portal, result: Stored, values: dict[str, str], parents: list[Stored]) -> None:
    """The merged object's values; its stamps are its own."""
    own = catalog.TYPES[result.kind]
    stamps = ("hs_object_id", own.created, own.changed)
    kept = {name: value for name, value in values.items() if name not in stamps}
    known = [id for one in parents for id in one.value("hs_merged_object_ids").split(";") if id]
    merged = [*known, *(one.id for one in parents if one.id != result.id)]
    portal.put(result, {**kept, "hs_merged_object_ids": ";".join(merged)})
