"""Cuts the history of an object into windows of a bounded number of records that bulk jobs can ask for.

Windows are ranges of SystemModstamp. Where more records than a window holds share one instant (a data load),
that instant is cut by Id. Boundaries come from walking the keys (2,000 per call), so windows are exact
however unevenly the records lie, and every record is in exactly one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from connectors.salesforce.soql import instant, literal, moment, select
from hub.sdk import Transient

STAMP = "SystemModstamp"
KEYS_MAX = 2_000  # rows of one page of a query
PAST = "~"  # in place of an id: past all records of the instant

Ask = Callable[[str], Any]
"""Runs a query and gives its answer: totalSize, done, records."""


class Position(NamedTuple):
    """Where a window begins: at an instant, behind the record `after` of it (empty: before all of them)."""

    at: str  # SOQL literal, UTC
    after: str = ""


class Window(NamedTuple):
    """From `at` on: before another instant, or, where `before` is empty, at this instant up to an id."""

    at: str
    after: str = ""
    before: str = ""
    upto: str = ""  # empty: all ids of the instant behind `after`


class Cut(NamedTuple):
    """The next window and where the one behind it begins; None: there is none."""

    window: Window | None
    following: Position | None


class _Key(NamedTuple):
    at: str
    id: str


def condition(window: Window, stamp: str = STAMP, id: str = "Id") -> str:
    """The WHERE of a window. For children `stamp` and `id` are paths to the parent's fields."""
    if not window.before:
        upto = f" AND {id} <= {literal(window.upto)}" if window.upto else ""
        after = f" AND {id} > {literal(window.after)}" if window.after else ""
        return f"{stamp} = {window.at}{after}{upto}"
    return f"{stamp} {'>' if window.after == PAST else '>='} {window.at} AND {stamp} < {window.before}"


def next_window(ask: Ask, sobject: str, start: Position, until: str, most: int) -> Cut:
    """A window of at most `most` records from `start` on, and before `until`. Calls: one per 2,000 records.

    Raises Transient for an answer that is not in order.
    """
    tied = start.after not in ("", PAST)
    if tied:
        keys, ended = _keys(ask, sobject, f"{STAMP} = {start.at}", _Key(start.at, start.after), most)
        if not ended:
            return Cut(Window(start.at, start.after, upto=keys[-1].id), Position(start.at, keys[-1].id))
        if keys:
            return Cut(Window(start.at, start.after), Position(start.at, PAST))
        start = Position(start.at, PAST)
    span = condition(Window(start.at, start.after, before=until))
    keys, ended = _keys(ask, sobject, span, None, most)
    if ended:
        return Cut(Window(start.at, start.after, before=until) if keys else None, None)
    first, last = keys[0], keys[-1]
    if first.at == last.at:
        return Cut(Window(first.at, upto=last.id), Position(first.at, last.id))
    # The last instant may go on behind what was read, so the window ends before it.
    return Cut(Window(start.at, start.after, before=last.at), Position(last.at))


def _keys(ask: Ask, sobject: str, span: str, last: _Key | None, most: int) -> tuple[list[_Key], bool]:
    """The first keys of a span in order, at most so many, and whether these are all."""
    found: list[_Key] = []
    while len(found) < most:
        limit = min(KEYS_MAX, most - len(found))
        answer = ask(_keys_query(sobject, span, last, limit))
        keys = [_key(one) for one in _list(answer)]
        instants = [key.at for key in ([last] if last else []) + keys]
        if instants != sorted(instants) or last in keys:  # ids are compared there, by rules of their own
            raise Transient("Salesforce did not sort the answer of a query", code="bad_answer")
        found += keys
        if answer.get("done") is not False and len(keys) < limit:
            return found, True
        if not keys:
            raise Transient("Salesforce gave an empty page that is not the last", code="bad_answer")
        last = keys[-1]
    return found, False


def _keys_query(sobject: str, span: str, last: _Key | None, limit: int) -> str:
    behind = ""
    if last:
        behind = f" AND (({STAMP} = {last.at} AND Id > {literal(last.id)}) OR {STAMP} > {last.at})"
    order = f"ORDER BY {STAMP}, Id LIMIT {limit}"
    return select(("Id", STAMP), sobject, f"{span}{behind} {order}")


def _list(answer: Any) -> list[Any]:
    found = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise Transient("the answer of a query has no records", code="bad_answer")
    return found


def _key(record: Any) -> _Key:
    at = instant(str(record.get(STAMP)))
    if at is None or not record.get("Id"):
        raise Transient("a record of a query has no Id or SystemModstamp", code="bad_answer")
    return _Key(moment(at), str(record["Id"]))
