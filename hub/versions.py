"""Versions of mappings: drafted, checked, put in force, rolled back, each with a name and a reason."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hub.catalog import Sheet, files, in_force, prepared
from hub.connector import Schema
from hub.engine import Hub
from hub.errors import HubError, Invalid, MappingInvalid
from hub.mapping import (
    Finding,
    MappingDocument,
    Translator,
    check_mapping,
    check_together,
    compile_mapping,
    loads,
    set_version,
)
from hub.model import KINDS
from hub.store import connections, mappings
from hub.store.mappings import Slot
from hub.store.tx import Tx

TEXT_MAX = 200_000  # characters of one mapping
DIRECTIONS = ("in", "out")


class Checked(NamedTuple):
    """What is to be said about a mapping; `document` where it can be read at all."""

    document: MappingDocument | None
    findings: Sequence[Finding]
    notes: Sequence[str]  # what could not be checked, and why

    @property
    def errors(self) -> Sequence[Finding]:
        """The faults that keep it from being put in force; warnings do not."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def sound(self) -> bool:
        """May it be put in force?"""
        return self.document is not None and not self.errors


def slot_of(connection: str, kind: str, direction: str) -> Slot:
    """A slot by its parts. Raises Invalid for a kind or direction there is not."""
    if kind not in KINDS:
        raise Invalid(f"{kind!r} is none of {', '.join(sorted(KINDS))}", field="kind")
    if direction not in DIRECTIONS:
        raise Invalid(f"{direction!r} is neither in nor out", field="direction")
    return Slot(connection, kind, direction)


def sheets(hub: Hub, tx: Tx) -> Mapping[Slot, Sheet]:
    """Every mapping in force at every connection."""
    found: dict[Slot, Sheet] = {}
    for row in connections.every(tx.conn):
        found |= in_force(hub.registry.mappings_dir, tx, row.name, row.connector)
    return found


def sheet(hub: Hub, tx: Tx, slot: Slot) -> Sheet:
    """The mapping in force. Raises Invalid where there is none."""
    row = _connection(tx, slot.connection)
    found = in_force(hub.registry.mappings_dir, tx, slot.connection, row.connector).get(slot)
    if found is None:
        raise Invalid(f"there is no mapping {slot}; save a draft and activate it", field="mapping")
    return found


def _connection(tx: Tx, name: str) -> Any:
    row = connections.one(tx.conn, name)
    if row is None:
        raise Invalid(f"there is no connection called {name!r}", field="connection")
    return row


# -- checking ------------------------------------------------------------------
def check(hub: Hub, slot: Slot, text: str, *, name: str = "", ask: bool = True) -> Checked:
    """Everything that can be said about a text before any record meets it.

    `ask` lets the connector ask its system for the fields that are there.
    """
    if len(text) > TEXT_MAX:
        raise Invalid(f"a mapping is at most {TEXT_MAX} characters long", field="text")
    with hub.store.look() as tx:
        _connection(tx, slot.connection)
        tables = mappings.local_tables(tx.conn, slot.connection)
    try:
        document = loads(text, name=name or str(slot)).with_tables(tables)
    except MappingInvalid as error:
        return Checked(None, error.findings, ())
    if (document.kind, document.direction) != (slot.kind, slot.direction):
        place = document.marks.at("mapping")
        told = f"this is a mapping for {document.kind}.{document.direction}, not for {slot}"
        remedy = "correct the header, or save it where it belongs"
        return Checked(None, [Finding(document.name, *place, told, remedy)], ())
    schema, notes = _schema(hub, slot) if ask else (None, ())
    findings = check_mapping(document, schema)
    checked = Checked(document, findings, notes)
    if not checked.errors:
        compile_mapping(document)
    return checked._replace(findings=[*findings, *_beside_others(hub, slot, document)]) if ask else checked


def _beside_others(hub: Hub, slot: Slot, document: MappingDocument) -> Sequence[Finding]:
    """What is wrong only together with the other mappings in force, and was not wrong before."""
    live = hub.registry.all()
    now = {
        name: [one.document for one in (*at.inbound.values(), *at.outbound.values())]
        for name, at in live.items()
    }
    others = [one for one in now.get(slot.connection, []) if (one.kind, one.direction) != slot[1:]]

    def meets(connection: str, kind: str) -> bool:
        declared = live[connection].manifest.kinds.get(kind) if connection in live else None
        return declared is None or not declared.only_with

    known = {one.message for one in check_together(now, meets)}  # file and line are others in a draft
    found = check_together({**now, slot.connection: [*others, document]}, meets)
    return [one for one in found if one.message not in known]


def _schema(hub: Hub, slot: Slot) -> tuple[Schema | None, Sequence[str]]:
    try:
        connector = hub.registry.get(slot.connection).connector
        return connector.schema(slot.kind), ()
    except HubError as error:
        return None, (f"the fields of {slot.connection} could not be asked for: {error}",)


# -- drafts ----------------------------------------------------------------------
def save_draft(hub: Hub, slot: Slot, text: str, *, by: str, reason: str, draft_id: str = "") -> str:
    """Keep a new draft, or a new text of one; returns its id. It may still have faults: it does nothing.

    Raises Invalid for a draft that is none any more, and for a text that is too long.
    """
    checked = check(hub, slot, text, ask=False)
    with hub.store.begin() as tx:
        if draft_id:
            row = one(tx, draft_id)
            if not mappings.change_draft(
                tx.conn, draft_id, _numbered(checked, text, row.version), author=by, reason=reason
            ):
                raise Invalid(f"version {row.version} is no draft any more: save a new one", field="state")
            number = row.version
        else:
            number = _next_version(hub, tx, slot)
            draft_id = mappings.add_draft(
                tx.conn, slot, number, _numbered(checked, text, number), author=by, reason=reason, now=tx.now
            )
        _note(tx, by, "mapping.draft", f"{slot} v{number}", reason)
    return draft_id


def _numbered(checked: Checked, text: str, number: int) -> str:
    """The text with the number of its version, so that documents remember the right one."""
    return set_version(text, number) if checked.document is not None else text


def _next_version(hub: Hub, tx: Tx, slot: Slot) -> int:
    path = files(hub.registry.mappings_dir, slot.connection, _connection(tx, slot.connection).connector).get(
        slot
    )
    filed = 0
    if path is not None:
        try:
            filed = loads(path.read_text("utf-8"), name=str(path)).version
        except MappingInvalid:
            filed = 0  # a broken file has no say in numbers
    return max(mappings.last_version(tx.conn, slot), filed) + 1


def discard(hub: Hub, draft_id: str, *, by: str) -> None:
    """Throw a draft away. Raises Invalid for anything else: what was in force stays on record."""
    with hub.store.begin() as tx:
        row = one(tx, draft_id)
        if not mappings.discard(tx.conn, draft_id):
            raise Invalid(f"version {row.version} is no draft and stays on record", field="state")
        _note(tx, by, "mapping.discard", f"{mappings.slot(row)} v{row.version}")


# -- in force --------------------------------------------------------------------
def activate(hub: Hub, mapping_id: str, *, by: str, four_eyes: bool) -> None:
    """Put a version in force, at once and as a whole. What is under way ends on the version it began with.

    Raises MappingInvalid where it has faults, Invalid where the author tries to be the second pair of eyes.
    """
    with hub.store.look() as tx:
        row = one(tx, mapping_id)
    if row.state == "active":
        raise Invalid(f"version {row.version} is in force already", field="state")
    if four_eyes and row.state == "draft" and row.author == by:
        raise Invalid(f"{by} wrote this version: another admin has to activate it", field="author")
    slot = mappings.slot(row)
    checked = check(hub, slot, row.text, name=f"{slot} v{row.version}")
    if checked.document is None or checked.errors:
        raise MappingInvalid(checked.errors)
    with hub.store.begin() as tx:
        if one(tx, mapping_id).text != row.text:
            raise Invalid("the draft was changed meanwhile: look at it again", field="text")
        mappings.activate(tx.conn, row, by=by, now=tx.now)
        _adopt_tables(hub, tx, slot, checked.document, by)
        _note(tx, by, "mapping.activate", f"{slot} v{row.version}", row.reason)
    hub.registry.refresh(force=True)


def _adopt_tables(hub: Hub, tx: Tx, slot: Slot, document: MappingDocument, by: str) -> None:
    """Local tables begin with the entries of the text, and are this hub's own from then on."""
    for name in document.local:
        mappings.set_local_table(
            hub.store.database, tx.conn, slot.connection, name, document.tables[name], by=by, now=tx.now,
            keep=True,
        )  # fmt: skip


def roll_back(hub: Hub, slot: Slot, *, by: str) -> str:
    """Back to what was in force before; returns what that is.

    Raises Invalid where nothing was, MappingInvalid where what was has faults by now.
    """
    with hub.store.look() as tx:
        active, back = mappings.in_force(tx.conn, slot), mappings.before(tx.conn, slot)
        if active is None:
            raise Invalid(f"{slot} is the file of mappings/: there is nothing to roll back", field="mapping")
        path = files(
            hub.registry.mappings_dir, slot.connection, _connection(tx, slot.connection).connector
        ).get(slot)
    if back is None and path is None:
        raise Invalid(f"{slot} had no mapping before v{active.version}", field="mapping")
    told = f"v{back.version}" if back is not None else "the file of mappings/"
    text = back.text if back is not None else path.read_text("utf-8") if path is not None else ""
    if errors := check(hub, slot, text, name=f"{slot} {told}", ask=False).errors:
        raise MappingInvalid(errors)
    with hub.store.begin() as tx:
        if getattr(mappings.in_force(tx.conn, slot), "id", "") != active.id:
            raise Invalid("another version was put in force meanwhile: look again", field="mapping")
        if back is not None:
            mappings.activate(tx.conn, back, by=by, now=tx.now)
        else:
            mappings.retire(tx.conn, slot, tx.now)
        _note(tx, by, "mapping.roll_back", str(slot), f"from v{active.version} to {told}")
    hub.registry.refresh(force=True)
    return told


def set_table(hub: Hub, connection: str, name: str, entries: Mapping[str, Any], *, by: str) -> None:
    """Give a local table of a connection its entries. Raises Invalid where no mapping has such a table,
    and MappingInvalid where a mapping in force would not stand with them."""
    with hub.store.look() as tx:
        row = _connection(tx, connection)
        found = in_force(hub.registry.mappings_dir, tx, connection, row.connector)
        before = mappings.local_tables(tx.conn, connection)
    using = [one for one in found.values() if name in loads(one.text, name=one.place).local]
    if not using:
        raise Invalid(f"no mapping of {connection} has a local table {name!r}", field="table")
    for one_sheet in using:
        prepared(one_sheet, {**before, name: entries})
    with hub.store.begin() as tx:
        mappings.set_local_table(hub.store.database, tx.conn, connection, name, entries, by=by, now=tx.now)
        _note(tx, by, "mapping.table", f"{connection}/{name}", f"{len(entries)} entries")
    hub.registry.refresh(force=True)


# -- reading -----------------------------------------------------------------------
def one(tx: Tx, mapping_id: str) -> Any:
    """A version by its id. Raises Invalid."""
    row = mappings.one(tx.conn, mapping_id)
    if row is None:
        raise Invalid(f"there is no version {mapping_id!r} of a mapping", field="id")
    return row


def translator(hub: Hub, slot: Slot, text: str, *, name: str = "") -> Translator:
    """A text compiled for trying it out. Raises MappingInvalid."""
    checked = check(hub, slot, text, name=name, ask=False)
    if checked.document is None:
        raise MappingInvalid(checked.findings)
    return compile_mapping(checked.document)


def current(hub: Hub, slot: Slot) -> Translator | None:
    """What is in force, compiled; None where nothing is."""
    with hub.store.look() as tx:
        try:
            found = sheet(hub, tx, slot)
        except Invalid:
            return None
    return translator(hub, slot, found.text, name=found.place)


def made_by(hub: Hub, tx: Tx, slot: Slot, label: str) -> tuple[Translator, bool]:
    """What once made something, by its label and True; where that is gone, what is in force and False."""
    number = label.rpartition(" v")[2]
    row = mappings.by_version(tx.conn, slot, int(number)) if number.isdigit() else None
    found = sheet(hub, tx, slot)
    text, place = (row.text, f"{slot} v{row.version}") if row is not None else (found.text, found.place)
    tables = mappings.local_tables(tx.conn, slot.connection)
    document = loads(text, name=place).with_tables(tables)
    return compile_mapping(document), document.label == label


def difference(before: str, after: str, names: tuple[str, str] = ("before", "after")) -> Sequence[str]:
    """What changed between two texts, line by line, as `diff -u` shows it."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=3)
    return list(lines)


def _note(tx: Tx, by: str, action: str, subject: str, detail: str = "") -> None:
    tx.trail.audit(at=tx.now, actor=by, action=action, subject=subject, detail=detail)
