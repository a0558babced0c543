"""Mappings: which are in force and since when, what each one does field by field, and their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from starlette.responses import RedirectResponse, Response

from hub import versions
from hub.api.access import Role
from hub.api.actions import Missing
from hub.api.connecting import describe_connector
from hub.catalog import Sheet
from hub.errors import HubError, Invalid
from hub.model import KINDS
from hub.replaying import replay
from hub.settling import describe
from hub.store import connections, figures, mappings, records
from hub.store.mappings import Slot
from hub.store.tx import Tx
from hub.ui import explained
from hub.ui.pages import trials
from hub.ui.visit import Visit, get, post
from hub.versions import Checked

ENTRIES_MAX = 20_000
OLDER_MAX = 200  # records that are looked at for an earlier version's label
_SLOT = "/mappings/{connection}/{kind}/{direction}"
_SKELETON = """# What this mapping is for.
mapping: {header}
version: 1
fields:
  # <field of the target>: {{ from: <field of the source> }}
"""


class Listed(NamedTuple):
    """A row of the list: a mapping in force, or a place that has only drafts so far."""

    slot: Slot
    title: str
    version: str
    since: datetime | None
    by: str
    faults: int
    drafts: int
    state: str  # of the connection


def path_of(slot: Slot) -> str:
    """The address of a mapping's page."""
    return f"/mappings/{slot.connection}/{slot.kind}/{slot.direction}"


def slot_of(tx: Tx, visit: Visit) -> Slot:
    """The slot that the address names. Raises Missing where there can be none."""
    slot = Slot(visit.params["connection"], visit.params["kind"], visit.params["direction"])
    if slot.kind not in KINDS or slot.direction not in versions.DIRECTIONS:
        raise Missing("There is no such mapping.")
    if connections.one(tx.conn, slot.connection) is None:
        raise Missing("There is no such connection.")
    return slot


def title_of(row: Any) -> str:
    """What the connector of a connection is called."""
    try:
        return describe_connector(row.connector).title.partition(" (")[0]
    except HubError:
        return str(row.connector)  # a connection outlives an uninstalled connector


def sheet_of(visit: Visit, tx: Tx, slot: Slot) -> Sheet | None:
    """What is in force, if anything is."""
    try:
        return versions.sheet(visit.hub, tx, slot)
    except Invalid:
        return None


# -- the list ------------------------------------------------------------------
def every(visit: Visit) -> Response:
    """All mappings in force, and where a first draft waits."""
    asked = [visit.asked(name) for name in ("connection", "kind", "direction")]
    if all(asked):
        return RedirectResponse(path_of(Slot(*asked)), 303)
    with visit.hub.store.look() as tx:
        found = versions.sheets(visit.hub, tx)
        rows = {row.name: row for row in connections.every(tx.conn)}
        active = {sheet.version_id: mappings.one(tx.conn, sheet.version_id) for sheet in found.values()}
        drafts = [mappings.slot(row) for row in mappings.drafts(tx.conn)]
    slots = [slot for slot in sorted({*found, *drafts}) if slot.connection in rows]
    listed = [
        _listed(visit, slot, found.get(slot), rows[slot.connection])._replace(drafts=drafts.count(slot))
        for slot in slots
    ]
    listed = [_dated(one, found.get(one.slot), active) for one in listed]
    return visit.show("mappings.html", listed=listed, names=sorted(rows), kinds=list(KINDS))


def _listed(visit: Visit, slot: Slot, sheet: Sheet | None, row: Any) -> Listed:
    checked = versions.check(visit.hub, slot, sheet.text, ask=False) if sheet is not None else None
    title = _title(slot, row, checked)
    if checked is None:
        return Listed(slot, title, "", None, "", 0, 0, row.state)
    number = f"v{checked.document.version}" if checked.document is not None else ""
    return Listed(slot, title, number, None, "", len(checked.errors), 0, row.state)


def _dated(one: Listed, sheet: Sheet | None, active: Mapping[str, Any]) -> Listed:
    row = active.get(sheet.version_id) if sheet is not None else None
    if row is None:
        return one
    return one._replace(since=row.activated_at, by=row.activated_by or "", version=f"v{row.version}")


# -- one mapping ---------------------------------------------------------------
def mapping(visit: Visit, *, status: int = 200, told: str = "") -> Response:
    """The mapping in force: as a table, its tables, its text, its versions."""
    with visit.hub.store.look() as tx:
        slot = slot_of(tx, visit)
        row = connections.one(tx.conn, slot.connection)
        sheet = sheet_of(visit, tx, slot)
        listed = mappings.versions(tx.conn, slot)
        older = _older(tx, slot, visit)
        now = tx.now
    checked = versions.check(visit.hub, slot, sheet.text, ask=False) if sheet is not None else None
    document = checked.document if checked is not None else None
    return visit.show(
        "mapping.html", status=status, told=told, slot=slot, sheet=sheet, checked=checked, document=document,
        connection=row, here=path_of(slot), versions=listed, now=now, older=older,
        title=_title(slot, row, checked), active=next((one for one in listed if one.state == "active"), None),
        rows=explained.rows(document) if document else (),
        tables=explained.tables(document) if document else (),
        samples=trials.offered(visit, slot) if document else (), chosen="", table=visit.field("table"),
        typed=trials.entered(visit, "entries"), preview=None, problem="", names={},
    )  # fmt: skip


def _title(slot: Slot, row: Any, checked: Checked | None) -> str:
    title = title_of(row)
    if checked is not None and checked.document is not None:
        return explained.sides(checked.document.mapping, row.connector, title)
    return f"{title} → {slot.kind}" if slot.direction == "in" else f"{slot.kind} → {title}"


def _older(tx: Tx, slot: Slot, visit: Visit) -> Sequence[tuple[str, str, str]]:
    """(id, number, version) of documents that another version than the one in force has made."""
    live = visit.hub.registry.all().get(slot.connection)
    current = live.inbound.get(slot.kind) if live is not None and slot.direction == "in" else None
    if current is None:
        return ()
    kept = records.last(tx.conn, slot.connection, slot.kind, OLDER_MAX)
    found = {
        one.document_id: one.translated_by
        for one in kept
        if one.document_id and one.translated_by and one.translated_by != current.label
    }
    names = figures.labels(tx.conn, list(found))
    return [(key, names[key][1] or slot.kind, label) for key, label in found.items() if key in names]


def tried(visit: Visit) -> Response:
    """What the mapping in force makes of one record."""
    with visit.hub.store.look() as tx:
        slot = slot_of(tx, visit)
        sheet = sheet_of(visit, tx, slot)
    if sheet is None:
        raise Missing("There is no mapping in force here.")
    chosen = visit.asked("record", 300)
    found = trials.preview(visit, slot, (sheet.text, sheet.place), chosen)
    shown = found._asdict()
    if visit.partial:
        return visit.show("_preview.html", **shown)
    return visit.show(
        "mapping_tried.html", slot=slot, here=path_of(slot), chosen=chosen,
        samples=trials.offered(visit, slot), **shown,
    )  # fmt: skip


# -- changing -------------------------------------------------------------------
def begin(visit: Visit) -> Response:
    """A new draft: of what is in force, of an earlier version, or of nothing."""
    with visit.hub.store.look() as tx:
        slot = slot_of(tx, visit)
        sheet = sheet_of(visit, tx, slot)
        row: Any = mappings.one(tx.conn, visit.field("version"))
        connector = connections.one(tx.conn, slot.connection)
    text = row.text if row is not None else sheet.text if sheet is not None else _skeleton(slot, connector)
    try:
        draft_id = versions.save_draft(visit.hub, slot, text, by=visit.who.name, reason="")
    except HubError as error:
        return mapping(visit, status=422, told=describe(error))
    return visit.go(f"/mappings/versions/{draft_id}", "A new draft. It does nothing until it is activated.")


def _skeleton(slot: Slot, row: Any) -> str:
    there = f"{row.connector}.record"
    header = f"{there} -> {slot.kind}" if slot.direction == "in" else f"{slot.kind} -> {there}"
    return _SKELETON.format(header=header)


def roll_back(visit: Visit) -> Response:
    """Back to what was in force before."""
    with visit.hub.store.look() as tx:
        slot = slot_of(tx, visit)
    try:
        back = versions.roll_back(visit.hub, slot, by=visit.who.name)
    except HubError as error:
        return mapping(visit, status=422, told=describe(error))
    return visit.go(path_of(slot), f"Rolled back: {back} is in force.")


def set_table(visit: Visit) -> Response:
    """New entries for a table that belongs to this hub."""
    with visit.hub.store.look() as tx:
        slot = slot_of(tx, visit)
        stored = mappings.local_tables(tx.conn, slot.connection)
        sheet = sheet_of(visit, tx, slot)
    name = visit.field("table")
    try:
        checked = versions.check(visit.hub, slot, sheet.text, ask=False) if sheet is not None else None
        written = checked.document.tables if checked is not None and checked.document is not None else {}
        before = stored.get(name) or written.get(name) or {}
        entries = _entries(trials.entered(visit, "entries"), before)
        versions.set_table(visit.hub, slot.connection, name, entries, by=visit.who.name)
    except HubError as error:
        return mapping(visit, status=422, told=describe(error))
    return visit.go(f"{path_of(slot)}#tables", f"{name}: {len(entries)} entries are in force.")


def _entries(text: str, before: Mapping[str, Any]) -> Mapping[str, Any]:
    """`left = right` or two columns of a spreadsheet, one entry per line. Raises Invalid."""
    found: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        left, mark, right = line.partition("\t") if "\t" in line else line.partition(" = ")
        key, value = left.strip(), right.strip()
        if not mark or not key or not value:
            raise Invalid(f"line {number}: write it as `name = value`, or paste two columns", field="entries")
        if key in found:
            raise Invalid(f"line {number}: {key!r} is there twice", field="entries")
        found[key] = _typed(value, before.get(key))
    if not 0 < len(found) <= ENTRIES_MAX:
        raise Invalid(f"a table has 1 to {ENTRIES_MAX} entries", field="entries")
    return found


def _typed(value: str, before: Any) -> Any:
    """An entry that nobody changed stays the number or yes/no it was."""
    return before if before is not None and str(before) == value else value


def again(visit: Visit) -> Response:
    """Ticked documents go through the version in force once more."""
    with visit.hub.store.look() as tx:
        slot = slot_of(tx, visit)
    ticked = [one for one in visit.form.getlist("document") if isinstance(one, str)][:OLDER_MAX]
    if not ticked:
        return mapping(visit, status=422, told="tick at least one document")
    done, unknown = replay(visit.hub, slot, ticked, by=visit.who.name)
    lost = f" Of {len(unknown)} the delivery is gone." if unknown else ""
    return visit.go(path_of(slot), f"{done} documents go through the mapping once more.{lost}")


PLACES = (
    get("/mappings", every),
    get(_SLOT, mapping),
    get(_SLOT + "/preview", tried),
    post(_SLOT + "/drafts", begin, Role.ADMIN),
    post(_SLOT + "/rollback", roll_back, Role.ADMIN),
    post(_SLOT + "/tables", set_table, Role.ADMIN),
    post(_SLOT + "/replay", again, Role.OPERATOR),
)
