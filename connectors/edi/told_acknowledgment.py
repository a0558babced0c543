"""What a partner says of what we sent, as records: 997 and 999, TA1, and the application's own word (824)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.edi.guide import GROUP_CODES
from connectors.edi.purchase_order import Made, Part, SetPlace
from connectors.edi.translate import (
    ELEMENT_CODES,
    GROUP_NOTES,
    RESULTS,
    SEGMENT_CODES,
    SET_CODES,
    TECHNICAL_CODES,
    many,
    one,
    text,
)

FAULTS_MAX = 500  # of one set; more say nothing more
_MESSAGE_LONGEST = 500
# Element 110, by its second letter: accepted, accepted with errors (or changes), rejected.
_APPLIED = {"A": "accepted", "E": "accepted_with_errors", "C": "accepted_with_errors", "R": "rejected"}
_WORST = ("rejected", "partly_accepted", "accepted_with_errors", "accepted")


def functional(tree: Mapping[str, Any], set_id: str, place: SetPlace) -> Made:
    """A 997 or 999: what became of one group of ours and of its sets."""
    head, end = one(tree, "AK1"), one(tree, "AK9")
    status = RESULTS.get(text(end, "result"), "rejected")
    codes = [text(end, name) for name in ("group_error", *(f"group_error_{n}" for n in range(2, 6)))]
    group = {
        "code": text(head, "group_code"),
        "version": text(head, "group_version"),
        "number": text(head, "group_control_number"),
        "status": status,
        "notes": [GROUP_NOTES.get(code, f"code {code}") for code in codes if code],
        "sets": [_set(loop) for loop in many(tree, "sets")],
    }
    record = _record(set_id, text(head, "group_control_number"), status, place)
    return Made(
        "acknowledgment", f"997:{place.interchange}:{place.control_number}", {**record, "groups": [group]}
    )


def _record(level: str, number: str, status: str, place: SetPlace) -> Part:
    return {
        "number": number, "direction": "in", "level": level, "status": status, "groups": [],
        "technical": None, "set": place._asdict(),
    }  # fmt: skip


def _set(loop: Mapping[str, Any]) -> Part:
    head, end = one(loop, "AK2"), one(loop, "AK5") or one(loop, "IK5")
    codes = [text(end, name) for name in ("set_error", *(f"set_error_{n}" for n in range(2, 6)))]
    said = [code for code in codes if code]
    faults = [fault for note in many(loop, "notes") for fault in _faults(note)]
    faults += [_fault(Spot(), code, SET_CODES.get(code, f"code {code}")) for code in said if code != "5"]
    return {
        "set_id": text(head, "set_id"),
        "number": text(head, "set_control_number"),
        "status": RESULTS.get(text(end, "result"), "rejected"),
        "reason": "; ".join(SET_CODES.get(code, f"code {code}") for code in said)[:_MESSAGE_LONGEST],
        "faults": faults[:FAULTS_MAX],
    }


class Spot(NamedTuple):
    """Where a fault is: segment, its position and the element as they were told."""

    segment: str = ""
    position: str = ""
    element: str = ""


def _fault(spot: Spot, code: str, message: str, value: str = "") -> Part:
    told = spot.position
    at = int(told) if told.isascii() and told.isdigit() else 0
    return {
        "segment": spot.segment[:3], "position": at, "element": spot.element[:8], "code": code[:10],
        "message": message[:_MESSAGE_LONGEST] or "no reason is told", "value": value[:99],
    }  # fmt: skip


def _faults(loop: Mapping[str, Any]) -> Iterator[Part]:
    """AK3 with its AK4, IK3 with its IK4."""
    head = one(loop, "AK3") or one(loop, "IK3")
    segment, position, code = (
        text(head, name) for name in ("segment_id", "segment_position", "segment_error")
    )
    inner = [*many(loop, "AK4"), *(one(part, "IK4") or part for part in many(loop, "elements"))]
    if code not in ("", "8") or not inner:
        words = f"{segment}: {SEGMENT_CODES.get(code, f'code {code}' if code else 'in error')}"
        yield _fault(Spot(segment, position), code, words)
    for part in inner:
        place = one(part, "place")
        at = "-".join(
            text(place, name) for name in ("element_position", "component_position") if text(place, name)
        )
        why = text(part, "element_error")
        words = f"{segment}{at.zfill(2)} {ELEMENT_CODES.get(why, f'code {why}')}"
        yield _fault(Spot(segment, position, at), why, words, text(part, "bad_value"))


def technical(elements: Sequence[str], interchange: str, turn: int) -> Made:
    """A TA1: what became of an envelope of ours."""
    values = [*(value.strip() for value in elements), *[""] * 6]
    number, code = values[1], values[5]
    status = RESULTS.get(values[4], "rejected")
    place = SetPlace("", "", "", interchange)
    answer = {
        "number": number[:20], "status": status, "code": code[:6],
        "message": TECHNICAL_CODES.get(code, f"code {code}" if code else ""),
    }  # fmt: skip
    name = f"TA1:{interchange}:{number}" + (f":{turn}" if turn > 1 else "")
    return Made("acknowledgment", name, {**_record("TA1", number[:20], status, place), "technical": answer})


def applied(tree: Mapping[str, Any], place: SetPlace) -> Made:
    """An 824: what the partner's application made of our documents."""
    groups: dict[tuple[str, str], Part] = {}
    for loop in many(tree, "originals"):
        head = one(loop, "OTI")
        key = GROUP_CODES.get(text(head, "set_id"), ""), text(head, "group_control_number")
        version = text(head, "group_version")[:12]
        empty: Part = {
            "code": key[0],
            "number": key[1],
            "version": version,
            "status": "",
            "notes": [],
            "sets": [],
        }
        groups.setdefault(key, empty)["sets"].append(_original(loop, head))
    for group in groups.values():
        group["status"] = worst(entry["status"] for entry in group["sets"])
    status = worst(group["status"] for group in groups.values())
    record = _record("824", text(one(tree, "BGN"), "reference"), status, place)
    external_id = f"824:{place.interchange}:{place.control_number}"
    return Made("acknowledgment", external_id, {**record, "groups": [*groups.values()]})


def _original(loop: Mapping[str, Any], head: Mapping[str, Any]) -> Part:
    code = text(head, "acknowledged")
    return {
        "set_id": text(head, "set_id"),
        "number": text(head, "set_control_number"),
        "reference": text(head, "reference"),
        "status": _APPLIED.get(code[1:2], "rejected"),
        "reason": "",
        "faults": [_told_error(inner) for inner in many(loop, "errors")][:FAULTS_MAX],
    }


def _told_error(loop: Mapping[str, Any]) -> Part:
    head = one(loop, "TED")
    notes = [text(segment, "description") for name in ("NTE", "RED") for segment in many(loop, name)]
    code = text(head, "application_error")
    words = "; ".join(part for part in (text(head, "free_form_message"), *notes) if part) or f"code {code}"
    names = ("segment_id", "segment_position", "element_position", "bad_value")
    segment, position, element, value = (text(head, name) for name in names)
    return _fault(Spot(segment, position, element), code, words, value)


def worst(found: Iterable[str]) -> str:
    """The gravest of some results; accepted where there are none."""
    kept = set(found)
    return next((status for status in _WORST if status in kept), "accepted")
