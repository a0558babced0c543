"""Documents of the hub as interchanges: each is drafted, written and read again, then numbers are drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from connectors.edi import proof
from connectors.edi.acknowledgment_out import acknowledgment
from connectors.edi.guide import GROUP_CODES, release_of
from connectors.edi.header import Marks
from connectors.edi.invoice_out import credit_memo, invoice
from connectors.edi.order_response_out import order_response
from connectors.edi.outgoing import Draft
from connectors.edi.settings import Settings
from connectors.edi.ship_notice import ship_notice
from connectors.edi.write import STANDARD, Group, Interchange, Set, Style, interchange, separators
from hub.sdk import Composed, ConnectorError, Invalid, Record, Rejected, Write

SETS_MAX = 1_000  # of one interchange
_FIRST_OWN = 4010  # before it dates have six digits, which we do not write

Draw = Callable[[str], int]


class _Proven(NamedTuple):
    """A write that can leave, and in which envelope. `draft` makes it anew with drawn numbers."""

    place: int
    write: Write
    draft: Callable[[Callable[[], int]], Draft]
    code: str
    version: str
    marks: Marks


class _Sending(NamedTuple):
    """What all envelopes of one call share. `stamp` is now in the partner's zone."""

    settings: Settings
    draw: Draw
    at: datetime
    stamp: datetime


def compose(
    settings: Settings, writes: Sequence[Write], draw: Draw, at: datetime
) -> tuple[Sequence[Composed], Mapping[int, ConnectorError]]:
    """Envelopes for these writes: one for each kind of group, version and separators, acknowledgments alone.

    What cannot be said, or would not be accepted by ourselves, is Rejected by its place. `at` is UTC.
    """
    sending = _Sending(settings, draw, at, at.astimezone(ZoneInfo(settings.time_zone)))
    refused: dict[int, ConnectorError] = {}
    answers: list[tuple[int, Write]] = []
    proven: list[_Proven] = []
    for place, one in enumerate(writes):
        try:
            if one.kind == "acknowledgment":
                _prove_answer(one, sending)
                answers.append((place, one))
            else:
                proven.append(_prove(place, one, sending))
        except ConnectorError as error:
            refused[place] = error
        except Invalid as error:
            where = f" ({error.field})" if error.field else ""
            refused[place] = Rejected(f"{error}{where}", code="X12", sent=False)
    made = [_answered(place, one, sending) for place, one in answers]
    made += [_enveloped(batch, sending) for batch in _batches(proven)]
    return made, refused


def _drafting(one: Write, sending: _Sending) -> Callable[[Callable[[], int]], Draft]:
    """Which builder makes it. Only an 856 needs serial numbers."""
    settings, record = sending.settings, one.record
    if one.kind == "shipment":
        return partial(ship_notice, settings, record, sending.stamp)
    builders: Mapping[str, Callable[[Settings, Record], Draft]] = {
        "invoice": invoice, "credit_memo": credit_memo, "order_response": order_response,
    }  # fmt: skip
    build = builders.get(one.kind)
    if build is None:
        raise Rejected(f"no X12 set is sent for the kind {one.kind}", sent=False)
    return lambda _: build(settings, record)


def _prove(place: int, one: Write, sending: _Sending) -> _Proven:
    """Drafts a document and reads it as it would leave alone, with numbers that nobody drew."""
    make = _drafting(one, sending)
    draft = make(lambda: 1)
    version = sending.settings.version_of(draft.set_id)
    if (release_of(version) or 0) < _FIRST_OWN:
        raise Rejected(f"we write {draft.set_id} in 004010 and later, not in {version}", sent=False)
    again = make if one.kind == "shipment" else lambda _: draft  # cartons get their numbers last
    found = _Proven(place, one, again, GROUP_CODES[draft.set_id], version, STANDARD)
    alone = _interchange(found, [draft], sending, 1, 1)
    style = sending.settings.style
    found = found._replace(marks=separators(alone, style))
    echoed = frozenset(proof.values_of(one.record.get("theirs")))
    proof.prove(interchange(alone, _style(found.marks, style)), echoed)
    return found


def _style(marks: Marks, style: Style) -> Style:
    """The style with separators that are decided."""
    return style._replace(marks=marks, others=False)


def _batches(proven: Sequence[_Proven]) -> Iterator[Sequence[_Proven]]:
    """What goes into one envelope, in the order of the writes."""
    by_envelope: dict[tuple[str, str, Marks], list[_Proven]] = {}
    for one in proven:
        by_envelope.setdefault((one.code, one.version, one.marks), []).append(one)
    for members in by_envelope.values():
        for at in range(0, len(members), SETS_MAX):
            yield members[at : at + SETS_MAX]


def _interchange(
    one: _Proven, drafts: Sequence[Draft], sending: _Sending, number: int, group: int
) -> Interchange:
    settings = sending.settings
    us, partner = settings.us, settings.partner
    sets = [Set(draft.set_id, f"{turn:04d}", draft.segments) for turn, draft in enumerate(drafts, 1)]
    return Interchange(
        us, partner, number, sending.stamp,
        [Group(one.code, us.code, partner.code, group, one.version, sets)],
        version=envelope_version(one.version), usage=settings.usage,
    )  # fmt: skip


def envelope_version(version: str) -> str:
    """ISA12 of a GS08: 00401 for 004010VICS."""
    return version[:5]


def _enveloped(batch: Sequence[_Proven], sending: _Sending) -> Composed:
    """Draws the numbers of one envelope and writes it."""
    settings, first = sending.settings, batch[0]
    number, group = sending.draw("isa"), sending.draw("gs")
    drafts = [one.draft(partial(sending.draw, "sscc")) for one in batch]
    made = _interchange(first, drafts, sending, number, group)
    documents = [(draft.reference, one.write.reference) for draft, one in zip(drafts, batch, strict=True)]
    until = sending.at + timedelta(hours=settings.acknowledge_hours) if settings.wants_997 else None
    text = interchange(made, _style(first.marks, settings.style))
    fields = _fields(made, text, documents) | {"acknowledge_by": until}
    numbers = [f"{number:09d}/{group}/{turn:04d}" for turn in range(1, len(batch) + 1)]
    return Composed(fields, {one.place: external for one, external in zip(batch, numbers, strict=True)})


def _fields(made: Interchange, text: str, documents: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Fields of the interchange document. Raises Rejected where we would not read what we wrote."""
    proof.sound(text)
    told = iter(documents)
    groups = [
        {
            "code": group.code, "version": group.version, "number": str(group.control_number),
            "status": "sent",
            "sets": [_set(one, *next(told, ("", ""))) for one in group.sets],
        }
        for group in made.groups
    ]  # fmt: skip
    return {
        "number": f"{made.control_number:09d}", "direction": "out", "partner": "",
        "sender": f"{made.sender.qualifier}/{made.sender.id}",
        "receiver": f"{made.receiver.qualifier}/{made.receiver.id}", "is_test": made.usage == "T",
        "groups": groups, "digest": hashlib.sha256(text.encode("latin-1")).hexdigest(), "body": text,
    }  # fmt: skip


def _set(one: Set, reference: str, document: str) -> dict[str, Any]:
    return {
        "set_id": one.id, "number": one.control_number, "reference": reference, "document": document,
        "status": "sent",
    }  # fmt: skip


def _prove_answer(one: Write, sending: _Sending) -> None:
    undrawn = count(1)
    made = acknowledgment(one.record, sending.stamp, lambda _: next(undrawn))
    proof.prove(_written(made, sending))


def _written(made: Interchange, sending: _Sending) -> str:
    return interchange(made, sending.settings.style)


def _answered(place: int, one: Write, sending: _Sending) -> Composed:
    """An acknowledgment leaves alone: it goes to whoever sent what it answers."""
    made = acknowledgment(one.record, sending.stamp, sending.draw)
    sets = [each for group in made.groups for each in group.sets]
    documents = [(each.segments[0][2], one.reference) for each in sets]
    fields = _fields(made, _written(made, sending), [(str(number), ours) for number, ours in documents])
    number = f"{made.control_number:09d}"
    external = f"{number}/{made.groups[0].control_number}/0001" if made.groups else number
    return Composed(fields | {"acknowledge_by": None, "answers": one.reference}, {place: external})
