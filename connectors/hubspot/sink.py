"""Writes back: order progress on the deal, invoices and payments as HubSpot's own objects, notes."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from connectors.hubspot.batches import Answer, Input, carry_out, rounds
from connectors.hubspot.client import Client, parts
from connectors.hubspot.translate import OUT, outgoing, plain_text
from connectors.hubspot.writing import EXTERNAL_ID, Writing
from hub.sdk import ConnectorError, Record, Rejected, Unmappable, Write

# Kinds that become objects of HubSpot's own, found again by our id.
MIRRORED: Mapping[str, str] = {"invoice": "invoices", "payment": "commerce_payments"}
NOTE_MAX = 65_000  # characters; HubSpot takes 65,536
ASSOCIATED_MAX = 100  # ends of one type that one object is associated with
BATCH_MAX = 100


class _Pair(NamedTuple):
    """An association to make, for the write at this place."""

    place: int
    id: str
    far: str
    far_id: str


class Scribe:
    """The writing half. Every write may be repeated: objects are known by their id or by ours."""

    def __init__(self, client: Client, writing: Writing, *, notes: bool) -> None:
        self._client, self._writing, self._notes = client, writing, notes

    def push(self, write: Write) -> str:
        """One write. Raises ConnectorError or Unmappable."""
        if write.kind == "order":
            told = self._progress(write)
        else:
            told = self._mirror_all({0: write}, _mirrored(write))[0]
        if isinstance(told, ConnectorError):
            raise told
        return told

    def _progress(self, write: Write) -> Answer:
        deal = _deal(write)
        try:
            answer = self._writing.update("deals", deal, outgoing(write.record))
        except Rejected as error:
            raise _of_deal(deal, error) from None
        told = _same_deal(deal, answer)
        noted = self._note({0: write}) if isinstance(told, str) and self._notes else {}
        return noted.get(0, told)

    def push_many(self, writes: Sequence[Write]) -> Sequence[Answer]:
        """One answer per write, in order. Raises ConnectorError when the first call of all failed."""
        answers: dict[int, Answer] = {}
        for kind in ("order", *MIRRORED):
            numbered = {n: write for n, write in enumerate(writes) if write.kind == kind}
            try:
                answers |= (
                    self._orders(numbered) if kind == "order" else self._mirror_all(numbered, MIRRORED[kind])
                )
            except ConnectorError as error:
                if not answers:
                    raise
                answers |= {n: error for n in numbered if n not in answers}
        others = {n: _unknown(write) for n, write in enumerate(writes) if n not in answers}
        return [{**answers, **others}[n] for n in range(len(writes))]

    def _orders(self, writes: Mapping[int, Write]) -> Mapping[int, Answer]:
        answers: dict[int, Answer] = {}
        inputs: list[Input] = []
        for n, write in writes.items():
            try:
                deal, properties = _deal(write), outgoing(write.record)
            except (Rejected, Unmappable) as error:
                answers[n] = _refused(error)
                continue
            inputs.append(_input(n, deal, write, {"id": deal, "properties": properties}))
        for part in rounds(inputs):
            answers |= _after(
                answers, part, lambda bodies: self._writing.update_batch("deals", bodies), _said_of_deal
            )
        for n, told in answers.items():
            if isinstance(told, Rejected):
                _of_deal(str(writes[n].external_id), told)
        if self._notes:
            written = {n: write for n, write in writes.items() if isinstance(answers[n], str)}
            answers |= self._note(written)
        return answers

    def _mirror_all(self, writes: Mapping[int, Write], kind: str) -> Mapping[int, Answer]:
        answers: dict[int, Answer] = {}
        inputs: list[Input] = []
        wanted: dict[int, Sequence[tuple[str, str]]] = {}
        for n, write in writes.items():
            try:
                body = {
                    "id": write.reference,
                    "idProperty": EXTERNAL_ID,
                    "properties": outgoing(write.record),
                }
                wanted[n] = list(_ends(write.record))
            except Unmappable as error:
                if len(writes) == 1:
                    raise
                answers[n] = _refused(error)
                continue
            inputs.append(_input(n, write.reference, write, body))
        for part in rounds(inputs):
            answers |= _after(
                answers, part, lambda bodies: self._writing.upsert_batch(kind, bodies), _said_of_mirror
            )
        pairs = [
            _Pair(n, str(answers[n]), far, far_id)
            for n, ends in wanted.items()
            for far, far_id in ends
            if isinstance(answers[n], str)
        ]
        return {**answers, **self._associate(kind, pairs)}

    def _associate(self, kind: str, pairs: Sequence[_Pair]) -> Mapping[int, ConnectorError]:
        """Link what was written to its deal and company; tells what went wrong, by the place of its write."""
        wrong: dict[int, ConnectorError] = {}
        for far in dict.fromkeys(pair.far for pair in pairs):
            wrong |= self._associate_with(kind, far, [pair for pair in pairs if pair.far == far])
        return wrong

    def _associate_with(self, kind: str, far: str, near: Sequence[_Pair]) -> Mapping[int, ConnectorError]:
        try:
            send = partial(self._linked, kind, far, self._association_type(kind, far))
        except Rejected as error:  # that of these writes, not of all
            return {pair.place: error for pair in near}
        inputs = [
            Input(at, (f"{pair.id} {pair.far_id}",), {"from": {"id": pair.id}, "to": {"id": pair.far_id}})
            for at, pair in enumerate(near)
        ]
        told = [pair for part in rounds(inputs) for pair in carry_out(part, send, _said_linked).items()]
        return {near[at].place: one for at, one in told if isinstance(one, ConnectorError)}

    def _linked(self, kind: str, far: str, type_id: int | None, bodies: Sequence[Record]) -> Record:
        """The answer of an association batch in the words of an object batch."""
        answer = self._writing.associate(kind, far, bodies, type_id)
        if answer.get("errors"):
            return {"errors": [{**one, "context": {}} for one in answer["errors"]]}
        ids = [f"{body['from']['id']} {body['to']['id']}" for body in bodies]
        return {"results": [{"id": id} for id in ids]}

    def _association_type(self, kind: str, far: str) -> int | None:
        """None where HubSpot has a type without a label, which needs no id. Ids differ between accounts."""
        try:
            types = self._client.labels(kind, far)
        except Rejected as error:
            if error.status != 404:
                raise
            return None
        if not types:
            raise Rejected(
                f"HubSpot has no association from {kind} to {far}", code="no_association", sent=False
            )
        if any(not one.get("label") for one in types):
            return None
        own = [int(one["typeId"]) for one in types if one.get("category") == "HUBSPOT_DEFINED"]
        return own[0] if own else None

    def _note(self, writes: Mapping[int, Write]) -> Mapping[int, ConnectorError]:
        """One note on the deal for each text that is not there yet, known by a digest of order and text."""
        wanted: dict[str, tuple[int, str, str]] = {}
        for n, write in writes.items():
            for text in _texts(write.record.get("notes")):
                wanted[_note_id(write.reference, text)] = (n, str(write.external_id), text)
        wrong: dict[int, ConnectorError] = {}
        for part in parts(wanted, BATCH_MAX):
            try:
                there = self._writing.read_by("notes", EXTERNAL_ID, part)
                inputs = [
                    Input(at, (id,), self._note_body(id, *wanted[id][1:]))
                    for at, id in enumerate(part)
                    if id not in there
                ]
            except Rejected as error:  # that of the writes with notes, not of all
                wrong |= {wanted[id][0]: error for id in part}
                continue
            told = carry_out(
                inputs,
                lambda bodies: self._writing.create_batch("notes", bodies),
                lambda one, made: str(made["id"]),
            )
            wrong |= {wanted[part[at]][0]: one for at, one in told.items() if isinstance(one, ConnectorError)}
        return wrong

    def _note_body(self, id: str, deal: str, text: str) -> Record:
        types = self._client.labels("notes", "deals")
        own = [int(one["typeId"]) for one in types if one.get("category") == "HUBSPOT_DEFINED"]
        if not own:
            raise Rejected(
                "HubSpot has no association from notes to deals", code="no_association", sent=False
            )
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": own[0]}
        now = plain_text("hs_timestamp", datetime.now(UTC))
        return {
            "properties": {
                EXTERNAL_ID: id,
                "hs_timestamp": now,
                "hs_note_body": html.escape(text[:NOTE_MAX]),
            },
            "associations": [{"to": {"id": deal}, "types": [spec]}],
        }


def _after(
    answers: Mapping[int, Answer], part: Sequence[Input], send: Any, said: Any
) -> Mapping[int, Answer]:
    """A round's answers. Where earlier rounds have some, trouble of this one is the answer of its writes."""
    try:
        return carry_out(part, send, said)
    except ConnectorError as error:
        if not answers:
            raise
        return {one.place: error for one in part}


def _input(place: int, key: str, write: Write, body: Mapping[str, Any]) -> Input:
    trace = write.idempotency_key  # echoed by HubSpot: the only safe way to match errors to inputs
    return Input(place, (key, trace), {**body, "objectWriteTraceId": trace})


def _mirrored(write: Write) -> str:
    if write.kind not in MIRRORED:
        raise _unknown(write)
    return MIRRORED[write.kind]


def _unknown(write: Write) -> Rejected:
    known = ", ".join(("order", *MIRRORED))
    return Rejected(f"HubSpot takes {known}, not a {write.kind}", code="unknown_kind", sent=False)


def _refused(error: Rejected | Unmappable) -> Rejected:
    return error if isinstance(error, Rejected) else Rejected(str(error), code="unmappable", sent=False)


def _deal(write: Write) -> str:
    deal = write.external_id or ""
    if not (deal.isascii() and deal.isdigit()):
        text = f"document {write.reference} has no deal in HubSpot: an order is written to its own deal"
        raise Rejected(text, code="no_deal", sent=False)
    return deal


def _same_deal(deal: str, answer: Record) -> Answer:
    if str(answer.get("id")) == deal:
        return deal
    text = f"HubSpot answered for deal {answer.get('id')} instead of {deal}; were they merged?"
    return Rejected(text, code="other_deal")


def _said_linked(one: Input, result: Record) -> Answer:
    return ""


def _said_of_deal(one: Input, answer: Record) -> Answer:
    return _same_deal(one.names[0], answer)


def _said_of_mirror(one: Input, answer: Record) -> Answer:
    """The id, where HubSpot echoes our own id with it."""
    id, ours = str(answer.get("id") or ""), (answer.get("properties") or {}).get(EXTERNAL_ID)
    if id.isdigit() and ours in (None, one.names[0]):
        return id
    return Rejected(f"HubSpot answered for {ours or id!r} instead of {one.names[0]}", code="other_object")


def _of_deal(deal: str, error: Rejected) -> Rejected:
    if error.status == 404 or error.code == "OBJECT_NOT_FOUND":
        error.message = f"deal {deal} is no longer in HubSpot (deleted or merged): {error.message}"
    return error


def _ends(record: Record) -> Iterable[tuple[str, str]]:
    """What a record is to be associated with, as (object type, id). Raises Unmappable for no id."""
    for far, told in (record.get("associations") or {}).items():
        ids = told if isinstance(told, list | tuple) else [told]
        if len(ids) > ASSOCIATED_MAX:
            raise Unmappable(OUT, f"associations.{far}", f"more than {ASSOCIATED_MAX} ids")
        for id in ids:
            if not (isinstance(id, str) and id.isascii() and id.isdigit()):
                raise Unmappable(OUT, f"associations.{far}", "not the id of a HubSpot object", id)
            yield str(far), id


def _texts(notes: Any) -> Iterable[str]:
    """All texts of a mapping's `notes`: text, or lists of objects with a text, under any name."""
    for told in (notes or {}).values():
        for one in [told] if isinstance(told, str) else told:
            text = one if isinstance(one, str) else str(one.get("text") or "")
            if text:
                yield text


def _note_id(reference: str, text: str) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{reference}:{digest}"
