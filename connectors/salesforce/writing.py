"""Writes many documents in few calls: fields of the order's own record, mirrors of invoices and payments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from connectors.salesforce.answers import refusal
from connectors.salesforce.auth import same_org as same_id
from connectors.salesforce.client import COLLECTION_MAX, Client
from connectors.salesforce.schema import KEY, MIRRORS
from connectors.salesforce.soql import record_id
from connectors.salesforce.translate import outgoing
from hub.sdk import ConnectorError, Invalid, Record, Rejected, Transient, Write

_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})

Answer = str | ConnectorError


class Entry(NamedTuple):
    """One write as a row of a collections call."""

    at: int  # which write it is
    sobject: str
    key: str  # what must not stand twice in a call: the record's id, or our own
    row: Record
    id: str  # the record's id where we know it


class _Refused(NamedTuple):
    """A call that Salesforce refused as a whole, though perhaps only one of its rows is to blame."""

    error: Rejected


def write_all(client: Client, writes: Sequence[Write], order_object: str) -> list[Answer]:
    """One answer per write, in order. Raises ConnectorError only where every call failed as a whole."""
    answers: dict[int, Answer] = {}
    entries = []
    for at, write in enumerate(writes):
        try:
            entries.append(_entry(at, write, order_object))
        except ConnectorError as error:
            answers[at] = error
    failed: ConnectorError | None = None
    calls = list(_calls(entries))
    for call in calls:
        if failed is not None and _stops(failed):
            answers.update((one.at, failed) for one in call)
            continue
        try:
            answers.update(_written(client, call))
        except ConnectorError as error:
            failed = error
            answers.update((one.at, error) for one in call)
    if failed is not None and all(answer is failed for answer in answers.values()):
        raise failed
    return [answers[at] for at in range(len(writes))]


def _stops(error: ConnectorError) -> bool:
    """No further call would be answered otherwise: logged out, or nothing is left of the day."""
    return not isinstance(error, Rejected) and not (isinstance(error, Transient) and error.sent)


def _entry(at: int, write: Write, order_object: str) -> Entry:
    row = outgoing(write.record)
    if write.kind == "order":
        id = _own(write, order_object)
        return Entry(at, order_object, id, {**row, "Id": id}, id)
    sobject = MIRRORS.get(write.kind)
    if sobject is None:
        text = f"Salesforce takes orders, invoices and payments, not a {write.kind}"
        raise Rejected(text, code="unknown_kind", sent=False)
    # keys are compared without regard to case there, so they must not differ by it here
    return Entry(at, sobject, write.reference.lower(), {**row, KEY: write.reference}, "")


def _own(write: Write, order_object: str) -> str:
    try:
        return record_id(write.external_id or "")
    except Invalid:
        text = (
            f"document {write.reference} has no {order_object} in Salesforce: an order is written to its own"
        )
        raise Rejected(text, code="no_record", sent=False) from None


def _calls(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """At most 200 rows of one object per call; a record that is named twice waits for a later call.

    Salesforce refuses a call that names a record twice. The later write then comes later, so it wins.
    """
    for rows in _grouped(entries, lambda entry: entry.sobject).values():
        rounds: list[list[Entry]] = []
        for same in _grouped(rows, lambda entry: entry.key).values():
            for n, entry in enumerate(same):
                rounds += [[] for _ in range(n + 1 - len(rounds))]
                rounds[n].append(entry)
        for one in rounds:
            rest = iter(one)
            while part := list(islice(rest, COLLECTION_MAX)):
                yield part


def _grouped(entries: Iterable[Entry], key: Callable[[Entry], str]) -> Mapping[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(key(entry), []).append(entry)
    return found


def _written(client: Client, call: Sequence[Entry]) -> dict[int, Answer]:
    """The answers of one call; one that was refused as a whole is cut in halves to find whose fault it is."""
    told = _sent(client, call)
    if not isinstance(told, _Refused):
        return told
    if len(call) == 1:
        return {call[0].at: told.error}
    return _halved(client, call, told.error)


def _halved(client: Client, call: Sequence[Entry], error: Rejected) -> dict[int, Answer]:
    """Where both halves are refused in the same words, the fault is in all rows: they share a mapping."""
    halves = (call[: len(call) // 2], call[len(call) // 2 :])
    told = [_sent(client, half) for half in halves]
    refused = [one.error for one in told if isinstance(one, _Refused)]
    if len(refused) == 2 and len({(one.code, one.message) for one in (error, *refused)}) == 1:
        return {entry.at: error for entry in call}
    answers: dict[int, Answer] = {}
    for half, one in zip(halves, told, strict=True):
        if not isinstance(one, _Refused):
            answers |= one
        elif len(half) == 1:
            answers[half[0].at] = one.error
        else:
            answers |= _halved(client, half, one.error)
    return answers


def _sent(client: Client, call: Sequence[Entry]) -> dict[int, Answer] | _Refused:
    first = call[0]
    rows = [entry.row for entry in call]
    try:
        own = bool(first.id)
        results = client.update(first.sobject, rows) if own else client.upsert(first.sobject, KEY, rows)
    except Rejected as error:
        if error.status in (400, 404):
            return _Refused(error)
        raise
    return {entry.at: _answer(entry, result) for entry, result in zip(call, results, strict=True)}


def _answer(entry: Entry, result: Record) -> Answer:
    """The id of the record, which must be the one that was meant."""
    error = refusal(result)
    if error is not None and not entry.id and error.code == "DUPLICATE_VALUE" and KEY in error.message:
        # An upsert never repeats a key, unless an earlier one whose answer was lost is at it this moment.
        return Transient(f"{error.message}; it comes again as an update", code=error.code, sent=False)
    if error is not None:
        if entry.id and error.code in _GONE:
            error.message = f"{entry.sobject} {entry.id} is no longer in Salesforce: {error.message}"
        return error
    id = str(result.get("id") or "")
    if not id or (entry.id and not same_id(id, entry.id)):
        text = f"Salesforce answered for {id or 'no record'} instead of {entry.id or entry.key}"
        return Rejected(text, code="other_record")
    return record_id(id)


def only(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The id of the only row. Raises Rejected where a reference is there several times."""
    if len(rows) > 1:
        raise Rejected("several records carry our reference; merge them", code="ambiguous", sent=False)
    return record_id(rows[0].get("Id")) if rows else None
