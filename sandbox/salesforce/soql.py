"""Runs a parsed query over the org's rows, by an index where one fits, and renders its records."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.soql_filter import Bounds, Filter
from sandbox.salesforce.soql_parse import Path, Query, fault, parse
from sandbox.salesforce.table import Row, folded

if TYPE_CHECKING:
    from sandbox.salesforce.org import Org

SUBQUERIES_MAX = 20
HOPS_MAX = 5
_HINT = "Please reference your WSDL or the describe call for the appropriate names."


class Way(NamedTuple):
    """A resolved path: parents on the way as (reference field, object), then the field."""

    parents: tuple[tuple[Field, SObject], ...]
    field: Field

    @property
    def spelled(self) -> str:
        """Official spelling."""
        return ".".join((*(one.relationship for one, _ in self.parents), self.field.name))


class Child(NamedTuple):
    """A resolved subquery: its name in the record, and the field that points back."""

    name: str
    field: Field
    plan: Plan


class Plan:
    """A query made ready for one org; `rows` runs it."""

    def __init__(self, org: Org, query: Query, shape: SObject, *, all_rows: bool, depth: int = 0) -> None:
        self.org, self.query, self.shape, self.all_rows = org, query, shape, all_rows
        if len(query.children) > SUBQUERIES_MAX:
            raise Refused("MALFORMED_QUERY", f"a maximum of {SUBQUERIES_MAX} subqueries is allowed")
        self.ways = self._selected()
        self.children = [self._child(one) for one in query.children] if depth == 0 else []
        self.filter = Filter(self, query.where) if query.where is not None else None
        self.order = [(self.way(one.path), one.descending, one.nulls_last) for one in query.order]
        self.names = [way.field.name for way in self.ways if not way.parents]
        self.above = _grouped([way for way in self.ways if way.parents])

    def _selected(self) -> list[Way]:
        found: dict[str, Way] = {}
        for path in self.query.fields:
            ways = self._all(path) if path.names[0] == "FIELDS" else [self.way(path)]
            for way in ways:
                if way.spelled in found:
                    raise Refused("INVALID_FIELD", f"duplicate field selected: {way.spelled}")
                found[way.spelled] = way
        return list(found.values())

    def _all(self, path: Path) -> list[Way]:
        group = path.names[1]
        if group not in ("ALL", "STANDARD", "CUSTOM"):
            raise fault(self.query.text, path.at, f"unexpected token: '{group}'")
        if group != "STANDARD" and (self.query.limit is None or self.query.limit > 200):
            text = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise Refused("MALFORMED_QUERY", text)
        fits = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}[group]
        return [Way((), one) for one in self.shape.fields.values() if one.custom in fits]

    def way(self, path: Path) -> Way:
        """Resolve a path. Raises Refused INVALID_FIELD."""
        names = list(path.names)
        own = {self.query.alias.lower(), self.query.sobject.text.lower()}
        if len(names) > 1 and names[0].lower() in own and self.shape.parent(names[0]) is None:
            names.pop(0)
        at, parents = self.shape, []
        if len(names) > HOPS_MAX + 1:
            raise Refused("INVALID_FIELD", f"Relationship paths may have at most {HOPS_MAX} levels")
        for name in names[:-1]:
            field = at.parent(name)
            if field is None or field.refers_to[0] not in self.org.objects:
                text = (
                    f"Didn't understand relationship '{name}' in field path. If you are attempting to use a"
                )
                text += (
                    " custom relationship, be sure to append the '__r' after the custom relationship name. "
                )
                raise fault(self.query.text, path.at, text + _HINT, "INVALID_FIELD")
            at = self.org.shape(field.refers_to[0])
            parents.append((field, at))
        found = at.field(names[-1])
        if found is None:
            text = (
                f"No such column '{names[-1]}' on entity '{at.name}'. If you are attempting to use a custom"
            )
            text += " field, be sure to append the '__c' after the custom field name. "
            raise fault(self.query.text, path.at, text + _HINT, "INVALID_FIELD")
        return Way(tuple(parents), found)

    def value_of(self, way: Way) -> Callable[[Row], Any]:
        """Reads a resolved path from a row of the queried object."""
        name = way.field.name
        if not way.parents:
            return lambda row: row.get(name)
        hops = [(field.name, self.org.rows(shape.name)) for field, shape in way.parents]

        def read(row: Row) -> Any:
            at: Row | None = row
            for key, rows in hops:
                at = rows.get(at.get(key) or "") if at is not None else None
            return at.get(name) if at is not None else None

        return read

    def _child(self, query: Query) -> Child:
        wanted = query.sobject.text.lower()
        for name, one in self.org.objects.items():
            for field in one.fields.values():
                if self.shape.name in field.refers_to and field.children and field.children.lower() == wanted:
                    shape = self.org.shape(name)
                    if shape.field(field.name):
                        plan = Plan(self.org, query, shape, all_rows=self.all_rows, depth=1)
                        return Child(field.children, field, plan)
        text = f"Didn't understand relationship '{query.sobject.text}' in FROM part of query call. If you are"
        text += " attempting to use a custom relationship, be sure to append the '__r' after the custom"
        raise fault(query.text, query.sobject.at, f"{text} relationship name. {_HINT}", "INVALID_TYPE")

    def rows(self, among: Iterable[str] | None = None) -> list[Row]:
        """The result's rows, in order."""
        sorted_already, found = self._candidates(among)
        kept = self._kept(found)
        stop = None if self.query.limit is None else self.query.offset + self.query.limit
        if sorted_already or not self.order:
            chosen: list[Row] = []
            for row in kept:
                if stop is not None and len(chosen) >= stop:
                    break
                chosen.append(row)
        else:
            chosen = self._sorted(list(kept))[:stop]
        return chosen[self.query.offset :]

    def _kept(self, rows: Iterable[Row]) -> Iterator[Row]:
        test = self.filter.test if self.filter else None
        for row in rows:
            if (self.all_rows or not row["IsDeleted"]) and (test is None or test(row)):
                yield row

    def _candidates(self, among: Iterable[str] | None) -> tuple[bool, Iterable[Row]]:
        table = self.org.table(self.shape.name)
        ids = among if among is not None else self.filter.ids(table) if self.filter else None
        if ids is not None:
            return False, (table.rows[one] for one in ids if one in table.rows)
        bounds = self.filter.bounds() if self.filter else Bounds(None, None)
        spelled = [(way.spelled, descending) for way, descending, _ in self.order]
        ordered = spelled in ([("SystemModstamp", False), ("Id", False)], [("SystemModstamp", False)])
        if ordered or bounds.low is not None:
            return ordered, self._by_stamp(bounds)
        return False, list(table.rows.values())

    def _by_stamp(self, bounds: Bounds) -> Iterator[Row]:
        table = self.org.table(self.shape.name)
        start = 0 if bounds.low is None else bisect_left(table.stamps, (bounds.low, ""))
        for at in range(start, len(table.stamps)):
            stamp, id = table.stamps[at]
            if bounds.high is not None and stamp > bounds.high:
                return
            yield table.rows[id]

    def _sorted(self, rows: list[Row]) -> list[Row]:
        for way, descending, nulls_last in reversed(self.order):
            read, is_id = self.value_of(way), way.field.type in ("id", "reference")
            empty = [row for row in rows if read(row) is None]
            full = [row for row in rows if read(row) is not None]
            full.sort(key=lambda row: read(row) if is_id else folded(read(row)), reverse=descending)
            rows = full + empty if nulls_last else empty + full
        return rows

    def record(self, row: Row, root: str) -> dict[str, Any]:
        """One record as REST shows it. `root` is /services/data/vXX.X."""
        found: dict[str, Any] = {"attributes": attributes(self.shape.name, row["Id"], root)}
        for name in self.names:
            found[name] = row.get(name)
        for branch in self.above:
            found[branch.name] = self._parent(branch, row, root)
        for child in self.children:
            found[child.name] = self._nested(child, row, root)
        return found

    def _parent(self, branch: Branch, row: Row, root: str) -> dict[str, Any] | None:
        above = self.org.rows(branch.shape.name).get(row.get(branch.key) or "")
        if above is None:
            return None
        found: dict[str, Any] = {"attributes": attributes(branch.shape.name, above["Id"], root)}
        found.update((name, above.get(name)) for name in branch.names)
        found.update((one.name, self._parent(one, above, root)) for one in branch.above)
        return found

    def _nested(self, child: Child, row: Row, root: str) -> dict[str, Any] | None:
        held = self.org.table(child.plan.shape.name).holding(child.field.name, row["Id"])
        rows = child.plan.rows(held)
        if not rows:
            return None
        records = [child.plan.record(one, root) for one in rows]
        return {"totalSize": len(records), "done": True, "records": records}


class Branch(NamedTuple):
    """Fields selected from one parent, and from its own parents."""

    name: str
    key: str
    shape: SObject
    names: list[str]
    above: list[Branch]


def _grouped(ways: list[Way]) -> list[Branch]:
    groups: dict[str, list[Way]] = {}
    for way in ways:
        groups.setdefault(way.parents[0][0].relationship, []).append(way)
    found = []
    for name, members in groups.items():
        field, shape = members[0].parents[0]
        rest = [Way(way.parents[1:], way.field) for way in members]
        names = [way.field.name for way in rest if not way.parents]
        found.append(Branch(name, field.name, shape, names, _grouped([w for w in rest if w.parents])))
    return found


def attributes(sobject: str, id: str, root: str) -> dict[str, Any]:
    """What says of which type a record is and where it lives."""
    return {"type": sobject, "url": f"{root}/sobjects/{sobject}/{id}"}


def planned(org: Org, text: str, *, all_rows: bool = False) -> Plan:
    """A query made ready. Raises Refused."""
    query = parse(text)
    return Plan(org, query, shape_of(org, query), all_rows=all_rows)


def shape_of(org: Org, query: Query) -> SObject:
    """The object queried. Raises Refused INVALID_TYPE."""
    try:
        return org.shape(query.sobject.text)
    except Refused:
        text = f"sObject type '{query.sobject.text}' is not supported. If you are attempting to use a custom"
        text += " object, be sure to append the '__c' after the entity name. "
        raise fault(query.text, query.sobject.at, text + _HINT, "INVALID_TYPE") from None


def flat(org: Org, text: str, *, all_rows: bool) -> list[dict[str, Any]]:
    """The whole result as one flat dict per record."""
    plan = _plain(org, text, all_rows=all_rows)
    reads = [(way.spelled, plan.value_of(way)) for way in plan.ways]
    return [{name: read(row) for name, read in reads} for row in plan.rows()]


def columns(org: Org, text: str) -> list[str]:
    """The selected paths."""
    return [way.spelled for way in _plain(org, text, all_rows=False).ways]


def _plain(org: Org, text: str, *, all_rows: bool) -> Plan:
    plan = planned(org, text, all_rows=all_rows)
    if plan.children or plan.query.counted:
        raise Refused("MALFORMED_QUERY", "nested queries and aggregates are not supported here")
    return plan
