"""Walks the history of an org with bulk query jobs: complete records, few calls, resumable at every step.

Per window of at most 16,000 records (see bulk_windows) there is a job for their lines and one for each
related object, and, when these are complete, one for the records themselves. In this order the result fits
together: a record that is still in its window when the last job runs has not changed since the first one.
Whoever changed in between has left the window; the normal poll brings it.

All state is in the cursor. The window being delivered is kept in memory so that it is not fetched for every
page of it; after a restart it is fetched again. Memory: one window, at most 16,000 records with at most
100,000 lines and as many rows of each related object; with 16,000 and 100,000 lines it measures 50 MB.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.salesforce import bulk_rows
from connectors.salesforce.bulk_rows import Row, Table, Wire
from connectors.salesforce.bulk_windows import STAMP, Position, Window, condition, next_window
from connectors.salesforce.soql import moment, select
from hub.sdk import Conflict, ConnectorError, Invalid, Rejected, Transient

WINDOW = 16_000  # records: eight calls find its end
SIDE_ROWS_MAX = 100_000  # lines, or rows of one related object, of a window
WINDOW_MIN = 200
DELIVERED = 1_000  # records of one step
WAIT_SECONDS = (3.0, 10.0, 20.0, 30.0)  # seconds until a job is looked at again; the last one from then on
LOOKS_MAX = 300  # of one job: over two hours
RESTARTS_MAX = 3  # of one window
RESTART_SECONDS = (2.0, 60.0, 300.0)

_GONE = frozenset({"INVALID_QUERY_LOCATOR", "other_columns", "other_plan"})
_ASKED_WRONG = frozenset({"INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY"})


class Sought(NamedTuple):
    """An object and its fields: name (or parent path, Product2.Name) -> type of its describe."""

    sobject: str
    fields: Mapping[str, str]


class Related(NamedTuple):
    """Rows of another object whose `key` equals the record's `lookup`.

    The account: Id and AccountId. Its contacts: AccountId and AccountId. Contact roles, which are children of
    the record: OpportunityId and Id.
    """

    name: str
    sought: Sought
    key: str = "Id"
    lookup: str = "AccountId"


class Plan(NamedTuple):
    """What a backfill reads, for records last changed at or after `since` and before `until` (UTC).

    `until` counts at the first step only; then it stands in the cursor.
    """

    record: Sought
    lines: Sought
    parent: str  # the lines' lookup to the record, OpportunityId: its path is the name without Id
    since: datetime
    until: datetime
    related: Sequence[Related] = ()
    window: int = WINDOW  # records of one window, at most WINDOW


class Joined(NamedTuple):
    """One complete record, as REST would give its parts. `related`: rows by the name in the plan."""

    record: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    related: Mapping[str, Sequence[Mapping[str, Any]]]


class BulkPage(NamedTuple):
    """One step. `more`: call again with `cursor`, after `wait` seconds. `total`: counted at the start."""

    records: Sequence[Joined]
    cursor: str
    more: bool
    total: int
    wait: float = 0.0


class WindowRows(NamedTuple):
    """The rows of one window as text: records oldest first, the others by the value they are joined on."""

    records: Table
    lines: Mapping[str, Sequence[Row]]
    related: Mapping[str, Mapping[str, Sequence[Row]]]


class Kept:
    """The window being delivered, so that its pages need no calls. A memory, not a state: may be empty."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[str, WindowRows] | None = None

    def get(self, job: str) -> WindowRows | None:
        """The window of this job, where it is the one kept."""
        with self._lock:
            return self._kept[1] if self._kept and self._kept[0] == job else None

    def put(self, job: str, rows: WindowRows | None) -> None:
        """Keep this one and no other; None: keep none."""
        with self._lock:
            self._kept = (job, rows) if rows else None


class _State(BaseModel):
    """The cursor: where the walk stands. `stage`: what the next step does."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    stage: Literal["cut", "sides", "records", "deliver", "done"] = "cut"
    version: str = Field(
        pattern=r"^\d\d\.0$"
    )  # results are only given in the version of their job (else 409)
    until: str
    total: int
    size: int = WINDOW
    start: tuple[str, str]
    window: tuple[str, str, str, str] | None = None
    following: tuple[str, str] | None = None
    jobs: dict[str, str] = {}
    waiting: list[str] = []  # names of jobs not yet complete
    looks: int = 0
    restarts: int = 0
    offset: int = 0

    def with_(self, **changes: Any) -> _State:
        """The same with some fields changed."""
        return self.model_copy(update=changes)


def backfill_step(
    wire: Wire, version: str, plan: Plan, cursor: str | None, kept: Kept | None = None
) -> BulkPage:
    """One bounded step from `cursor` on (None: begin). The same cursor delivers the same records.

    Raises Invalid for a cursor that is not ours, Rejected where a window failed three times, and what the
    wire raises.
    """
    kept = kept or Kept()
    state = _parsed(cursor) if cursor else _begun(wire, version, plan)
    if state.stage == "cut":
        return _cut(wire, version, plan, state)
    if state.stage == "done":
        return BulkPage((), _text(state), False, state.total)
    try:
        if state.stage == "deliver":
            return _deliver(wire, plan, state, kept)
        return _looked(wire, plan, state)
    except (Rejected, Conflict, Transient) as error:
        if error.code == "too_many_rows":
            return _smaller(state, error)
        if not _lost(error) or state.restarts >= RESTARTS_MAX:
            raise
        return _again(state)  # expired jobs (7 days), lost locators: the window begins anew


def joined(plan: Plan, rows: WindowRows, first: int = 0, count: int = DELIVERED) -> list[Joined]:
    """Some of a window's records, oldest first, each with its lines and related rows."""
    columns = rows.records.columns
    id = columns.index("Id")
    lookups = [(one, columns.index(one.lookup)) for one in plan.related]
    typed = partial(bulk_rows.record, columns=columns, types={STAMP: "datetime", **plan.record.fields})
    lines = partial(bulk_rows.record, columns=_columns(plan.lines, plan.parent), types=plan.lines.fields)
    sides = {
        one.name: partial(bulk_rows.record, columns=_columns(one.sought, one.key), types=one.sought.fields)
        for one in plan.related
    }
    return [
        Joined(
            typed(row),
            [lines(line) for line in rows.lines.get(row[id], ())],
            {
                one.name: [sides[one.name](other) for other in rows.related[one.name].get(row[at], ())]
                for one, at in lookups
            },
        )
        for row in rows.records.rows[first : first + count]
    ]


def _begun(wire: Wire, version: str, plan: Plan) -> _State:
    since, until = moment(plan.since), moment(plan.until)
    span = condition(Window(since, before=until))
    answer = _ask(wire, _root(version), select(["COUNT()"], plan.record.sobject, span))
    total = answer.get("totalSize")
    if not isinstance(total, int):
        raise Transient("Salesforce did not count the records", code="bad_answer")
    size = min(max(plan.window, 1), WINDOW)
    return _State(version=version, until=until, total=total, size=size, start=(since, ""))


def _cut(wire: Wire, version: str, plan: Plan, state: _State) -> BulkPage:
    """Find the next window and set its first jobs going."""
    state = state.with_(version=version)
    ask = partial(_ask, wire, _root(version))
    cut = next_window(ask, plan.record.sobject, Position(*state.start), state.until, state.size)
    if cut.window is None:
        return BulkPage((), _text(state.with_(stage="done")), False, state.total)
    jobs = {
        name: bulk_rows.create(wire, _root(version), soql)
        for name, soql in _side_queries(plan, cut.window).items()
    }
    following = tuple(cut.following) if cut.following else None
    state = state.with_(stage="sides", window=tuple(cut.window), following=following)
    state = state.with_(jobs=jobs, waiting=list(jobs), looks=0, offset=0)
    return BulkPage((), _text(state), True, state.total, WAIT_SECONDS[0])


def _side_queries(plan: Plan, window: Window) -> dict[str, str]:
    lines = condition(window, f"{_path(plan.parent)}.{STAMP}", plan.parent)
    queries = {"": select(_columns(plan.lines, plan.parent), plan.lines.sobject, lines)}
    for one in plan.related:
        queries[one.name] = select(
            _columns(one.sought, one.key), one.sought.sobject, _belongs(plan, one, window)
        )
    return queries


def _belongs(plan: Plan, one: Related, window: Window) -> str:
    """The WHERE of a related object: by path for a child of the record, else by a semi-join."""
    if one.lookup == "Id":
        return condition(window, f"{_path(one.key)}.{STAMP}", one.key)
    return f"{one.key} IN ({select([one.lookup], plan.record.sobject, condition(window))})"


def _looked(wire: Wire, plan: Plan, state: _State) -> BulkPage:
    """See how far the jobs are, one after the other, until one is still running."""
    root, waiting = _root(state.version), list(state.waiting)
    while waiting:
        job = bulk_rows.look(wire, root, state.jobs[waiting[0]])
        if job.over:
            return _failed(state, job)
        if job.state != "JobComplete":
            return _still(state.with_(waiting=waiting), state.looks)
        if state.stage == "sides" and job.rows > SIDE_ROWS_MAX:
            raise Transient(f"a job has {job.rows} rows, over {SIDE_ROWS_MAX}", code="too_many_rows")
        waiting.pop(0)
    if state.stage == "records":
        state = state.with_(stage="deliver", waiting=[], looks=0)
        return BulkPage((), _text(state), True, state.total)
    soql = select(
        _columns(plan.record, STAMP, *_lookups(plan)), plan.record.sobject, condition(_window(state))
    )
    jobs = {**state.jobs, "record": bulk_rows.create(wire, root, soql)}
    state = state.with_(stage="records", jobs=jobs, waiting=["record"], looks=0)
    return BulkPage((), _text(state), True, state.total, WAIT_SECONDS[0])


def _still(state: _State, looks: int) -> BulkPage:
    if looks >= LOOKS_MAX:
        if state.restarts >= RESTARTS_MAX:
            told = f"jobs {', '.join(state.jobs.values())} of Salesforce do not come to an end"
            raise Transient(told, code="bulk_job_slow")
        return _again(state)
    wait = WAIT_SECONDS[min(looks + 1, len(WAIT_SECONDS) - 1)]
    return BulkPage((), _text(state.with_(looks=looks + 1)), True, state.total, wait)


def _failed(state: _State, job: bulk_rows.Job) -> BulkPage:
    """Salesforce tries a job 15 times itself, so a second failure is for people."""
    if state.restarts >= RESTARTS_MAX:
        told = f"bulk query job {job.state.lower()}: {job.message or 'no reason given'}"
        raise Rejected(f"{told}; repair it, then begin the backfill again", code="BULK_JOB_FAILED")
    return _again(state)


def _smaller(state: _State, error: ConnectorError) -> BulkPage:
    """A window of half as many records: what belongs to them has to fit into memory."""
    if state.size <= WINDOW_MIN:
        told = f"{state.size} records have too many lines or related rows to join: {error.message}"
        raise Rejected(told, code="too_many_rows")
    halved = max(state.size // 2, WINDOW_MIN)
    return BulkPage((), _text(state.with_(stage="cut", size=halved)), True, state.total)


def _again(state: _State) -> BulkPage:
    """The same window anew: event ids make what was delivered of it already recognisable."""
    again = state.with_(stage="cut", restarts=state.restarts + 1)
    return BulkPage((), _text(again), True, state.total, RESTART_SECONDS[min(state.restarts, 2)])


def _deliver(wire: Wire, plan: Plan, state: _State, kept: Kept) -> BulkPage:
    job = state.jobs["record"]
    rows = kept.get(job)
    if not {one.name for one in plan.related} <= set(state.jobs):
        raise Transient("the jobs were made for other settings", code="other_plan")
    if rows is None:
        rows = _window_rows(wire, plan, state)
        kept.put(job, rows)
    records = joined(plan, rows, state.offset, DELIVERED)
    offset = state.offset + DELIVERED
    if offset < len(rows.records.rows):
        return BulkPage(records, _text(state.with_(offset=offset)), True, state.total)
    more = state.following is not None
    kept.put(job, None)
    start = state.following or state.start
    after = _State(version=state.version, until=state.until, total=state.total, size=state.size, start=start)
    return BulkPage(records, _text(after if more else after.with_(stage="done")), more, state.total)


def _window_rows(wire: Wire, plan: Plan, state: _State) -> WindowRows:
    """Fetch and join one window: records oldest first, lines by their Id, so that a repeat is the same."""
    fetch = partial(bulk_rows.fetch, wire, _root(state.version))
    columns = _columns(plan.record, STAMP, *_lookups(plan))
    found = fetch(state.jobs["record"], columns, 2 * WINDOW)
    stamp, id = columns.index(STAMP), columns.index("Id")
    records = Table(columns, sorted(found.rows, key=lambda row: (row[stamp], row[id])))
    wanted = {row[id] for row in records.rows}
    lines = _by(fetch, state.jobs[""], _columns(plan.lines, plan.parent), plan.parent, wanted)
    related = {}
    for one in plan.related:
        at = columns.index(one.lookup)
        wanted = {row[at] for row in records.rows}
        related[one.name] = _by(fetch, state.jobs[one.name], _columns(one.sought, one.key), one.key, wanted)
    return WindowRows(records, lines, related)


def _by(fetch: Any, job: str, columns: Sequence[str], key: str, wanted: set[str]) -> dict[str, list[Row]]:
    at, id = columns.index(key), columns.index("Id")
    found: dict[str, list[Row]] = {}
    for row in sorted(fetch(job, columns, SIDE_ROWS_MAX).rows, key=lambda row: str(row[id])):
        if row[at] in wanted:
            found.setdefault(row[at], []).append(row)
    return found


def _lost(error: ConnectorError) -> bool:
    """Is what the cursor names no longer there? 400 and 404: job or locator; 409: made in another version."""
    if error.code in _GONE:
        return True
    refused = isinstance(error, Rejected | Conflict) and error.status in (400, 404, 409)
    return refused and error.code not in _ASKED_WRONG


def _columns(sought: Sought, *needed: str) -> list[str]:
    """The fields to select: those sought, and those that joining needs."""
    return list(dict.fromkeys(("Id", *needed, *sought.fields)))


def _lookups(plan: Plan) -> list[str]:
    return [one.lookup for one in plan.related]


def _path(lookup: str) -> str:
    """The relationship of a lookup: OpportunityId -> Opportunity, Deal__c -> Deal__r."""
    return f"{lookup[:-3]}__r" if lookup.endswith("__c") else lookup.removesuffix("Id")


def _window(state: _State) -> Window:
    if state.window is None:
        raise Invalid("the cursor of the backfill names no window; begin it again", field="cursor")
    return Window(*state.window)


def _root(version: str) -> str:
    return f"/services/data/v{version}"


def _ask(wire: Wire, root: str, soql: str) -> Any:
    answer = wire.call("GET", f"{root}/query", params={"q": soql}).json()
    if not isinstance(answer, Mapping):
        raise Transient("the answer of a query is not an object", code="bad_answer")
    return answer


def _text(state: _State) -> str:
    return state.model_dump_json(exclude_defaults=True)


def _parsed(cursor: str) -> _State:
    try:
        state = _State.model_validate_json(cursor)
    except ValidationError:
        told = f"{cursor[:60]!r} is not a cursor of a Salesforce backfill; begin it again"
        raise Invalid(told, field="cursor") from None
    named = {"sides": {""}, "records": {"", "record"}, "deliver": {"", "record"}}.get(state.stage, set())
    if not (named | set(state.waiting)) <= set(state.jobs) or not 0 < state.size <= WINDOW:
        raise Invalid("the cursor of the backfill is incomplete; begin it again", field="cursor")
    return state
