"""Trying a mapping on records that were really there, before it does anything: preview and back-test."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from hub import merge
from hub.core import TxLookup, abroad
from hub.engine import Hub
from hub.errors import HubError, Invalid, NotYet, Unmappable
from hub.mapping import Trace, Translator, trace
from hub.model import Document
from hub.present import leaves, present
from hub.store import records, views
from hub.store.mappings import Slot
from hub.store.tx import Tx

LAST_MAX = 10_000
TYPED_MAX = 200_000  # characters of a record that somebody typed
EXAMPLES = 5  # shown per field and per outcome
_CHUNK = 200  # documents presented within one snapshot
_POSITION = re.compile(r"\[\d+\]")
Progress = Callable[[int, int], None]


class Sample(NamedTuple):
    """A record to try a mapping on: what a connector read (in), or a document as it is presented (out)."""

    external_id: str
    document_id: str
    record: Mapping[str, Any]


class Preview(NamedTuple):
    """What a mapping makes of one record, and why."""

    sample: Sample
    trace: Trace
    document: Mapping[str, Any] | None  # incoming: as the hub would keep it; outgoing: what would be sent
    problem: str  # why there is no document although every field has a value


def typed(text: str, what: str) -> Mapping[str, Any]:
    """A record somebody typed: one JSON object, numbers exact. Raises Invalid that says where it breaks."""
    if len(text) > TYPED_MAX:
        raise Invalid(f"the {what} record is over {TYPED_MAX} characters", field=what)
    try:
        found = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        told = f"the {what} record is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise Invalid(told, field=what) from None
    except RecursionError:
        raise Invalid(f"the {what} record is nested too deeply", field=what) from None
    if not isinstance(found, dict):
        raise Invalid(f"the {what} record must be one JSON object: {{ ... }}", field=what)
    return found


def samples(hub: Hub, slot: Slot, last: int) -> Sequence[Sample]:
    """The newest records of a slot, newest first: none where nothing came in or was made yet."""
    last = max(1, min(last, LAST_MAX))
    with hub.store.look() as tx:
        if slot.direction == "in":
            found = records.last(tx.conn, slot.connection, slot.kind, last)
            return [Sample(one.external_id, one.document_id, one.record) for one in found]
        ids = views.newest_ids(tx.conn, slot.kind, last)
    return [
        sample for at in range(0, len(ids), _CHUNK) for sample in _presented(hub, slot, ids[at : at + _CHUNK])
    ]


def _presented(hub: Hub, slot: Slot, ids: Sequence[str]) -> Iterator[Sample]:
    with hub.store.look() as tx:
        tx.documents.prefetch(ids)
        for document_id in ids:
            document = tx.documents.get(document_id)
            if document is not None:
                shown = present(document, tx.reader, abroad(tx, slot.connection))
                yield Sample(_label(document), document_id, shown)


def _label(document: Document) -> str:
    return str(getattr(document, "number", "") or getattr(document, "name", "") or document.id)


def preview(hub: Hub, slot: Slot, translator: Translator, tried: Sequence[Sample]) -> Sequence[Preview]:
    """What the mapping makes of each record. Nothing is stored, nobody is called."""
    with hub.store.look() as tx:
        lookup = TxLookup(tx, slot.connection, outward=slot.direction == "out")
        return [_previewed(slot, translator, sample, lookup) for sample in tried]


def _previewed(slot: Slot, translator: Translator, sample: Sample, lookup: TxLookup) -> Preview:
    seen = trace(translator, sample.record, lookup)
    if seen.failed or not seen.applies:
        return Preview(sample, seen, None, "")
    if slot.direction == "out":
        return Preview(sample, seen, seen.fields, "")
    try:
        document = merge.make(slot.kind, sample.document_id or "new", seen.fields, translator.label)
    except Unmappable as error:
        return Preview(sample, seen, None, str(error))
    return Preview(sample, seen, document.model_dump(mode="json"), "")


# -- back-test --------------------------------------------------------------------
class Outcome(NamedTuple):
    """What a mapping made of a record: translated, ignored, waits, or failed."""

    how: str
    fields: Mapping[str, Any]  # every leaf by its path
    why: str = ""
    document: Document | None = None


class Example(NamedTuple):
    """One field of one record, before and after."""

    external_id: str
    before: Any
    after: Any


@dataclass
class BackTest:
    """What would change if the candidate were in force instead of the version that is."""

    slot: Slot
    current: str  # label; empty where there is none
    candidate: str
    compared: int = 0
    same: int = 0
    different: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # (before, after) -> how many
    fields: Counter[str] = field(default_factory=Counter)  # path without positions -> records
    examples: dict[str, list[Example]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)  # why the candidate refuses what is translated now
    records: list[str] = field(default_factory=list)  # external ids of those that differ
    systems: Counter[str] = field(default_factory=Counter)  # connection -> documents it would be told of
    too_late: Counter[str] = field(default_factory=Counter)  # field -> documents where it is agreed already

    def note(self, path: str, example: Example) -> None:
        """A field of a record differs."""
        shown = self.examples.setdefault(path, [])
        if len(shown) < EXAMPLES:
            shown.append(example)


class Pair(NamedTuple):
    """What is compared: a candidate with what is in force; None where nothing is yet."""

    candidate: Translator
    current: Translator | None


def backtest(
    hub: Hub, slot: Slot, pair: Pair, tried: Sequence[Sample], progress: Progress = lambda done, total: None
) -> BackTest:
    """Run both over the records and compare. Nothing is stored, nobody is called."""
    found = BackTest(slot, pair.current.label if pair.current else "", pair.candidate.label)
    for at in range(0, len(tried), _CHUNK):
        with hub.store.look() as tx:
            tx.documents.prefetch([sample.document_id for sample in tried[at : at + _CHUNK]])
            for sample in tried[at : at + _CHUNK]:
                _compare(hub, tx, found, sample, pair)
        progress(min(at + _CHUNK, len(tried)), len(tried))
    return found


def _compare(hub: Hub, tx: Tx, found: BackTest, sample: Sample, pair: Pair) -> None:
    after = _outcome(tx, found.slot, sample, pair.candidate)
    before = _outcome(tx, found.slot, sample, pair.current) if pair.current else Outcome("nothing", {})
    found.compared += 1
    found.outcomes[before.how, after.how] += 1
    if after.how in ("failed", "waits") and before.how != after.how:
        found.reasons[after.why] += 1
    was, now = before.fields, after.fields
    changed = [path for path in {**was, **now} if was.get(path) != now.get(path)]
    if not changed and before.how == after.how:
        found.same += 1
        return
    found.different += 1
    found.records.append(sample.external_id)
    if {before.how, after.how} <= {"translated", "nothing"}:  # else the reason says more than every field
        # one example per field and record, however many lines it has
        for name, path in {_POSITION.sub("[]", path): path for path in reversed(changed)}.items():
            found.fields[name] += 1
            found.note(name, Example(sample.external_id, was.get(path), now.get(path)))
    if after.how == "translated":
        found.systems.update(_touched(hub, tx, found, (sample, after.document, pair.candidate)))


def _outcome(tx: Tx, slot: Slot, sample: Sample, translator: Translator) -> Outcome:
    lookup = TxLookup(tx, slot.connection, outward=slot.direction == "out")
    try:
        if not translator.applies(sample.record, lookup):
            return Outcome("ignored", {})
        fields = translator.apply(sample.record, lookup)
        document = None
        if slot.direction == "in":
            document = merge.make(slot.kind, sample.document_id or "new", fields, translator.label)
    except NotYet as error:
        return Outcome("waits", {}, str(error))
    except HubError as error:
        return Outcome("failed", {}, str(error))
    return Outcome("translated", dict(leaves(fields)), "", document)


def _touched(hub: Hub, tx: Tx, found: BackTest, made: tuple[Sample, Document | None, Translator]) -> set[str]:
    """Who would hear of it if this record came in again, or was sent again, under the candidate."""
    slot = found.slot
    sample, theirs, candidate = made
    if slot.direction == "out":
        return {slot.connection}
    ours = tx.documents.get(sample.document_id) if sample.document_id else None
    if ours is None or theirs is None:
        return set(hub.hear(f"{slot.kind}.received"))
    merged = merge.merge(ours, theirs, candidate.document.owns)
    found.too_late.update(merged.too_late.keys())
    if not merged.changed:
        return set()
    holding = {row.connection for row in tx.xrefs.of_document(ours.id)} - {slot.connection}
    return {*hub.hear(f"{slot.kind}.changed"), *holding}
