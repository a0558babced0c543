"""The state of one simulated org: its schema, its rows, and transactions that commit whole or not at all."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sandbox.kit import Kit
from sandbox.salesforce import ids, soql, writing
from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.standard import standard_objects
from sandbox.salesforce.table import Row, Table

ROWS_MAX = 1_000_000
ORG_ID = ids.made("00D", 7_245)
PERSON, INTEGRATION = ids.made("005", 11), ids.made("005", 12)


class Happened(NamedTuple):
    """One committed change of one record. `row` is what the record is now; nobody changes it later."""

    sobject: str
    id: str
    change: str  # CREATE | UPDATE | DELETE | UNDELETE
    row: Row
    changed: tuple[str, ...]
    at: datetime  # commit, with microseconds
    client: str  # of Sforce-Call-Options
    user: str  # user id
    transaction: str


@dataclass
class Trip:
    """A refusal of single writes to come: also of one record of a collection."""

    code: str
    message: str
    sobject: str = ""  # empty: any
    matching: str = ""  # a text some value sent must contain; empty: any
    times: int = 1  # -1 for ever


@dataclass
class _Open:
    """A transaction under way."""

    id: str
    client: str
    user: str
    undo: list[tuple[str, str, Row | None]] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    effects: list[tuple[str, str, str, str]] = field(default_factory=list)

    def mark(self) -> tuple[int, int, int]:
        """Where a part of it began."""
        return len(self.undo), len(self.happened), len(self.effects)


@dataclass
class Org:
    """One org. Rows hold Python values (Decimal, int, bool, date, aware UTC datetime, str); an absent key
    is null. Every method takes the kit's lock itself.

    `by`: "user" is a person in the browser (sees every field, leaves no effect in the kit), "api" is the
    integration user (field-level security holds, each write is an effect).
    """

    kit: Kit
    now: Callable[[], datetime]
    org_id: str = ORG_ID
    features: set[str] = field(default_factory=set)
    hidden: set[tuple[str, str]] = field(
        default_factory=set
    )  # (object, field) taken from the integration user
    field_security: bool = True  # new custom fields need a permission set before the API sees them
    currency: str = "USD"
    limit: int = 100_000  # calls in any 24 hours
    duplicate_rule: bool = False  # accounts of one name are alerted
    objects: dict[str, SObject] = field(default_factory=standard_objects)
    tables: dict[str, Table] = field(default_factory=dict)
    trips: list[Trip] = field(default_factory=list)
    undone: dict[str, str] = field(default_factory=dict)  # id of a deleted child -> id it went away with
    _listeners: list[Callable[[Happened], None]] = field(default_factory=list)
    _numbers: dict[str, Iterator[int]] = field(default_factory=dict)
    _open: _Open | None = None
    _as_of: datetime | None = None
    _shapes: dict[Any, SObject] = field(default_factory=dict)
    grants: int = 0  # grows with each change of permissions or definitions

    def rows(self, sobject: str) -> Mapping[str, Row]:
        """All rows by 18-character id, deleted ones included. Sparse: a key that is absent is null."""
        return self.table(sobject).rows

    def table(self, sobject: str) -> Table:
        """The rows of one object with their indexes."""
        if sobject not in self.tables:
            self.tables[sobject] = Table(self.objects[sobject].fields.values())
        return self.tables[sobject]

    def shape(self, sobject: str, by: str = "api") -> SObject:
        """The object as this user sees it. Raises Refused NOT_FOUND when there is none."""
        name = self.spelled(sobject)
        key = (name, by == "api", frozenset(self.features), frozenset(self.hidden), self.grants)
        if key not in self._shapes:
            if len(self._shapes) > 500:
                self._shapes.clear()
            whole = self.objects[name].copy()
            whole.fields = {}
            seen = (self._seen(name, one, by) for one in self.objects[name].fields.values())
            whole.add(one for one in seen if one is not None)
            self._shapes[key] = whole
        return self._shapes[key]

    def spelled(self, sobject: str) -> str:
        """The official spelling of an object's name. Raises Refused NOT_FOUND."""
        found = sobject if sobject in self.objects else self._spellings().get(sobject.lower(), "")
        feature = self.objects[found].feature if found else ""
        if not found or (feature and feature not in self.features):
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        return found

    def _spellings(self) -> dict[str, str]:
        return {name.lower(): name for name in self.objects}

    def _seen(self, sobject: str, one: Field, by: str) -> Field | None:
        """The field as this user may use it; None when it is as if absent."""
        if (one.feature and one.feature not in self.features) or (
            by == "api" and (sobject, one.name) in self.hidden
        ):
            return None
        # Required fields carry no field-level security (Metadata API guide, FieldPermissions).
        if by != "api" or not self.field_security or not one.custom or one.required or one.name_field:
            return one
        rights = self._rights(f"{sobject}.{one.name}".lower())
        if "PermissionsRead" not in rights:
            return None
        return one if "PermissionsEdit" in rights else replace(one, createable=False, updateable=False)

    def _rights(self, named: str) -> set[str]:
        """What permission sets of the integration user allow on a custom field."""
        held = {
            row["PermissionSetId"]
            for row in self.rows("PermissionSetAssignment").values()
            if row["AssigneeId"] == INTEGRATION and not row["IsDeleted"]
        }
        return {
            right
            for row in self.rows("FieldPermissions").values()
            if row["ParentId"] in held and not row["IsDeleted"] and row["Field"].lower() == named
            for right in ("PermissionsRead", "PermissionsEdit")
            if row.get(right)
        }

    def define(self, sobject: SObject) -> None:
        """A new object."""
        self.objects[sobject.name] = sobject
        self.grants += 1

    def extend(self, sobject: str, fields: list[Field]) -> None:
        """New fields of an object."""
        self.objects[sobject].add(fields)
        for one in fields:
            self.table(sobject).index(one)
        self.grants += 1

    def insert(
        self,
        sobject: str,
        values: Mapping[str, Any],
        *,
        by: str = "user",
        client: str = "",
        allow_duplicates: bool = False,
    ) -> str:
        """A new row; returns its id. Values as in JSON, or Python's own. Raises Refused."""
        with self.transaction(by, client):
            return writing.insert(self, sobject, values, by, allow_duplicates=allow_duplicates)

    def update(
        self, sobject: str, id: str, values: Mapping[str, Any], *, by: str = "user", client: str = ""
    ) -> None:
        """New values of a row. Raises Refused."""
        with self.transaction(by, client):
            writing.update(self, sobject, id, values, by)

    def delete(self, sobject: str, id: str, *, by: str = "user", client: str = "") -> None:
        """Into the recycle bin, with what goes with it. Raises Refused."""
        with self.transaction(by, client):
            writing.delete(self, sobject, id, by)

    def undelete(self, sobject: str, id: str, *, by: str = "user", client: str = "") -> None:
        """Back from the recycle bin, with what went with it. Raises Refused."""
        with self.transaction(by, client):
            writing.undelete(self, sobject, id, by)

    def purge(self, sobject: str, id: str) -> None:
        """Empty the recycle bin of one record: no query finds it any more."""
        with self.kit.lock:
            name = self.spelled(sobject)
            self.table(name).put(id, None)
            for child in [one for one, root in self.undone.items() if root == id]:
                self.undone.pop(child)
                for table in self.tables.values():
                    if child in table.rows:
                        table.put(child, None)

    def merge(self, sobject: str, master: str, loser: str) -> None:
        """A user merges two accounts or contacts: children move, the loser goes and names the master."""
        with self.transaction("user", ""):
            writing.merge(self, sobject, master, loser)

    def listen(self, callback: Callable[[Happened], None]) -> None:
        """Call this after each committed change, under the lock."""
        self._listeners.append(callback)

    def query(self, text: str, *, all_rows: bool = False) -> list[dict[str, Any]]:
        """The whole result of a SOQL query as the integration user sees it: one dict per record from each
        selected path, as written in the official spelling (`Account.Name`), to its Python value, in the
        order of `columns`. No subqueries. Raises Refused MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE."""
        with self.kit.lock:
            return soql.flat(self, text, all_rows=all_rows)

    def columns(self, text: str) -> list[str]:
        """The selected paths of a query, in order; what a result without rows is headed with."""
        with self.kit.lock:
            return soql.columns(self, text)

    @contextmanager
    def transaction(self, by: str = "user", client: str = "") -> Iterator[None]:
        """All writes in the block, or none. Nested: an inner block that fails takes back its own part."""
        with self.kit.lock:
            outer = self._open is None
            work = self._open = self._open or _Open(
                str(uuid.uuid4()), client, INTEGRATION if by == "api" else PERSON
            )
            mark = work.mark()
            try:
                yield
            except BaseException:
                self._roll_back(work, mark)
                raise
            finally:
                if outer:
                    self._open = None
            if outer:
                self._commit(work)

    def _roll_back(self, work: _Open, mark: tuple[int, int, int]) -> None:
        for sobject, id, old in reversed(work.undo[mark[0] :]):
            self.table(sobject).put(id, old)
        del work.undo[mark[0] :], work.happened[mark[1] :], work.effects[mark[2] :]
        self.grants += 1

    def _commit(self, work: _Open) -> None:
        for action, sobject, id, reference in work.effects:
            self.kit.effect(action, sobject, id, reference=reference, client=work.client)
        for one in _coalesced(work.happened):
            for callback in self._listeners:
                callback(one)

    def put(self, sobject: str, row: Row, change: str) -> None:
        """Store a row inside a transaction and remember what happened. Only `writing` and `rules` call it."""
        if self._open is None:
            raise RuntimeError("a row is put outside of a transaction")
        table = self.table(sobject)
        if len(table.rows) >= ROWS_MAX:
            raise Refused("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
        old = table.put(row["Id"], row)
        self._open.undo.append((sobject, row["Id"], old))
        before = old or {}
        names = [*row, *(name for name in before if name not in row)]
        changed = tuple(name for name in names if row.get(name) != before.get(name))
        work = self._open
        work.happened.append(
            Happened(sobject, row["Id"], change, row, changed, self.at(), work.client, work.user, work.id)
        )
        if sobject in {"FieldPermissions", "PermissionSetAssignment", "PermissionSet"}:
            self.grants += 1

    def effect(self, action: str, sobject: str, id: str, reference: str) -> None:
        """Note a write over the API for the kit; it is recorded when the transaction commits."""
        if self._open is not None:
            self._open.effects.append((action, sobject, id, reference))

    @property
    def user(self) -> str:
        """Who writes in the transaction under way."""
        return self._open.user if self._open else PERSON

    def at(self) -> datetime:
        """Now, or what `stamped` says, in UTC."""
        return (self._as_of or self.now()).astimezone(UTC)

    def stamp(self) -> datetime:
        """What SystemModstamp gets: whole seconds."""
        return self.at().replace(microsecond=0)

    @contextmanager
    def stamped(self, at: datetime) -> Iterator[None]:
        """Writes in the block carry this time. With one in the past they look like the rows of a long
        transaction: visible only now, with a SystemModstamp behind every reader's cursor."""
        with self.kit.lock:
            before, self._as_of = self._as_of, at
            try:
                yield
            finally:
                self._as_of = before

    def forget(self) -> None:
        """Start every series of numbers again, and see definitions afresh."""
        self._numbers.clear()
        self._shapes.clear()
        self.grants += 1

    def number(self, series: str, start: int = 1) -> int:
        """The next number of a series."""
        return next(self._numbers.setdefault(series, itertools.count(start)))

    def trip(
        self, code: str, message: str = "", *, sobject: str = "", matching: str = "", times: int = 1
    ) -> None:
        """Refuse writes over the API to come, one record at a time."""
        with self.kit.lock:
            self.trips.append(Trip(code, message or code.lower().replace("_", " "), sobject, matching, times))


def _coalesced(happened: list[Happened]) -> list[Happened]:
    """One change per record: what follows a create or an update in the same transaction belongs to it."""
    last: dict[tuple[str, str], int] = {}
    kept: list[Happened] = []
    for one in happened:
        at = last.get((one.sobject, one.id))
        if at is not None and one.change == "UPDATE" and kept[at].change in {"CREATE", "UPDATE"}:
            names = tuple(dict.fromkeys((*kept[at].changed, *one.changed)))
            kept[at] = kept[at]._replace(row=one.row, changed=names, at=one.at)
            continue
        last[one.sobject, one.id] = len(kept)
        kept.append(one)
    return kept
